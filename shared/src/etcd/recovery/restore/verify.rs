//! What must be true of a restored member's files, read again from where they lie (spec 4.11).

use super::cluster::{Cluster, Member};
use super::wal::TERM;
use super::{RestoreRequest, TargetVersion, checks as name, member_json};
use crate::bbolt::bucket::Pair;
use crate::bbolt::{self, Database};
use crate::finding::{Check, Outcome};
use crate::source::Source;

/// Opens a restored database and checks what its server will rely on.
pub fn database(source: &dyn Source, cluster: &Cluster, request: &RestoreRequest) -> Vec<Check> {
    match look(source, cluster, request) {
        Ok(checks) => checks,
        Err(error) => vec![Check::new(
            name::OPENS,
            Outcome::Fail,
            format!("It does not: {error}."),
        )],
    }
}

fn look(
    source: &dyn Source,
    cluster: &Cluster,
    request: &RestoreRequest,
) -> Result<Vec<Check>, bbolt::Error> {
    let database = Database::open(source)?;
    let pairs = |name: &[u8]| -> Result<Vec<Pair>, bbolt::Error> {
        match database.bucket(name)? {
            Some(bucket) => bucket.pairs(),
            None => Ok(Vec::new()),
        }
    };
    let meta = pairs(b"meta")?;
    let number = |key: &str| {
        let value = &meta.iter().find(|pair| pair.0 == key.as_bytes())?.1;
        Some(u64::from_be_bytes(value.as_slice().try_into().ok()?))
    };
    let count = cluster.members().len() as u64;
    let mut checks = vec![
        Check::new(name::OPENS, Outcome::Pass, "Its meta pages are valid."),
        equal(
            name::CONSISTENT_INDEX,
            number("consistent_index"),
            Some(count),
        ),
    ];
    let without_term = request.target_version == TargetVersion::V3_4 && request.clean_up.versions;
    checks.push(equal(
        name::TERM,
        number("term"),
        (!without_term).then_some(TERM),
    ));
    let mut expected: Vec<Pair> = cluster.members().iter().map(entry).collect();
    expected.sort();
    let members = pairs(b"members")?;
    checks.push(Check::new(
        name::MEMBERS_BUCKET,
        outcome(members == expected),
        format!("It has {} entries.", members.len()),
    ));
    let removed = pairs(b"members_removed")?.len();
    checks.push(equal(name::REMOVED_BUCKET, Some(removed as u64), Some(0)));
    Ok(checks)
}

fn entry(member: &Member) -> Pair {
    (
        member.id.to_string().into_bytes(),
        member_json::member(member).into_bytes(),
    )
}

fn outcome(holds: bool) -> Outcome {
    if holds { Outcome::Pass } else { Outcome::Fail }
}

fn equal(name: &str, seen: Option<u64>, wanted: Option<u64>) -> Check {
    let words = |value: Option<u64>| value.map_or("absent".to_owned(), |value| value.to_string());
    Check::new(
        name,
        outcome(seen == wanted),
        format!("It is {}; it must be {}.", words(seen), words(wanted)),
    )
}
