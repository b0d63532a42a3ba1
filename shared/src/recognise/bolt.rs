//! bbolt databases of other programs, told by their buckets.

use super::{Recognised, State, quoted};
use crate::bbolt::Database;
use crate::etcd::storage::schema;

/// Buckets that are named; the rest is counted.
const SHOWN: usize = 8;

/// Names the owner of a database that both meta pages describe and that has no bucket of etcd.
pub(super) fn recognise(database: &Database<'_>) -> Option<Recognised> {
    // With one meta page lost, what is missing may be missing from the older state only.
    if database.metas().slots.iter().any(Result::is_err) {
        return None;
    }
    let (buckets, errors) = database.buckets();
    if !errors.is_empty() {
        return None;
    }
    let names: Vec<&[u8]> = buckets.iter().map(|(name, _)| name.as_slice()).collect();
    let of_etcd = [schema::KEY, schema::META, schema::MEMBERS, schema::AUTH];
    if names.iter().any(|name| of_etcd.contains(name)) {
        return None;
    }
    let label = "a bbolt database of another program";
    let inside = match names.as_slice() {
        [] => "It has no buckets.".to_owned(),
        [_] => format!("Its one bucket is {}.", list(&names)),
        _ => format!("Its buckets are {}.", list(&names)),
    };
    Some(Recognised::new("bbolt", label, State::Complete).inside(inside))
}

fn list(names: &[&[u8]]) -> String {
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| quoted(name)).collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    match shown.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
