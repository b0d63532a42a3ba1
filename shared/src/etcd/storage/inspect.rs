//! From a [`Scan`] to the document about a file: verdict, status, contents, findings.

mod advice;
mod loss;
mod summary;
mod verdict;

use crate::bbolt::scan::{Visitor, merged};
use crate::bbolt::{Database, ErrorKind};
use crate::finding::{Finding, Report, Severity};
use crate::inspection::{FORMAT, FileFacts, Kind, PageMap, PartName, Recognised, State, Verdict};
use crate::source::Source;

use super::contents::{self, Read};
use super::hashkv;
use super::inspection::{
    DatabaseDetails, ETCD_DB, ETCD_SNAPSHOT, FileKind, HashKv, Inspection, MAX_SCANNED_HASH_KV,
    Status,
};
use super::lint::{Seen, lint};
use super::lost;
use super::mvcc::{Oddity, Walk};
use super::scan::ScanWith;
use super::schema::{self, is_semver};
use super::trailer::{Digests, Trailer};

pub(in crate::etcd) use summary::members;

/// Asks whether a recovery could rewrite a file that is sound so far; what it would stumble over.
pub type Trial = fn(&Database<'_>) -> Option<Finding>;

/// Looks at a file that was scanned. `source` is the same file, for the few small buckets that are read at
/// random; `recognised` is what it was found to be before it was scanned. [`crate::etcd::inspect`] has a `trial` and
/// is what to call, unless the file is to be read only.
pub fn inspect<W: Visitor>(
    scan: ScanWith<W>,
    name: &str,
    source: &dyn Source,
    recognised: Option<Recognised>,
    trial: Trial,
) -> Inspection {
    let digests = scan.digests().copied();
    let walk = scan.walk(source);
    inspect_walk(walk, digests, name, source, recognised, trial)
}

fn inspect_walk(
    mut walk: Walk,
    digests: Option<Digests>,
    name: &str,
    source: &dyn Source,
    recognised: Option<Recognised>,
    trial: Trial,
) -> Inspection {
    let database = Database::open(source).ok();
    let mut content = Report::default();
    let read = database.as_ref().map(|database| {
        let mut read = contents::read(database, &walk);
        let report = std::mem::take(&mut read.report);
        content
            .findings
            .extend(report.findings.into_iter().map(unmendable));
        let seen = Seen {
            database,
            walk: &walk,
            read: &read,
            name,
        };
        lint(&seen, &mut content);
        finish_contents(&mut read, &walk);
        read
    });
    let hash_kv = match (&database, &read) {
        (Some(database), Some(read)) => head_hash_kv(database, &walk, read, &mut content),
        _ => None,
    };
    if let Some(database) = &database
        && !walk.tree.findings.blocks()
        && !content.blocks()
    {
        content.findings.extend(trial(database));
    }
    let kind = kind(&walk, source.size(), digests.as_ref());
    let file = FileFacts {
        name: name.to_owned(),
        size: source.size(),
        sha256: digests.map(|d| hex::encode(d.whole)).unwrap_or_default(),
    };
    let mut details = DatabaseDetails {
        kind,
        page_size: walk.tree.meta.map_or(0, |meta| meta.page_size),
        high_water_mark: walk.tree.meta.map_or(0, |meta| meta.hwm),
        txid: walk.tree.meta.map_or(0, |meta| meta.txid),
        status: None,
        hash_kv: None,
        contents: None,
    };
    content.findings = merged(std::mem::take(&mut content.findings), |_| 0);
    let recognised = recognised.or_else(|| cut_off(&walk, source.size(), name));
    let mut bytes = verdict::checksum(digests.as_ref(), &walk, kind);
    let mut structure = verdict::structure(&mut walk);
    let mut content = verdict::content(content, kind, &walk);
    let mut sentence = verdict::sentence(&details, &walk, &bytes, &structure, &content);
    if let Some(recognised) = &recognised {
        (bytes, structure, content) = verdict::recognised(recognised, [bytes, structure, content]);
        sentence.clone_from(&recognised.sentence);
    }
    // What is in a file that was translated or is another program's means nothing.
    let useless = recognised
        .as_ref()
        .is_some_and(|found| found.kind() != ETCD_DB || found.state == State::Damaged);
    if !useless {
        details.status = status(&walk, read.as_ref()).filter(|_| kind != FileKind::OtherBbolt);
        details.hash_kv = hash_kv;
        details.contents = read
            .filter(|_| !walk.tree.buckets.is_empty())
            .map(|read| read.contents);
    }
    let mut report = Report::default();
    let parts = [
        (PartName::Checksum, bytes),
        (PartName::Structure, structure),
        (PartName::Content, content),
    ];
    let parts = parts.map(|(name, judged)| {
        let (part, findings) = judged.part(name);
        report.findings.extend(findings.findings);
        part
    });
    let (of_kind, label) = named(kind, recognised.as_ref());
    let mut inspection = Inspection {
        format: FORMAT.to_owned(),
        kind: of_kind,
        label,
        headline: summary::headline(&file, &details),
        sections: summary::sections(&details),
        file,
        unpacked_from: None,
        recognised,
        verdict: Verdict {
            sentence,
            advice: String::new(),
            judged: matches!(kind, FileKind::Snapshot | FileKind::DatabaseCopy),
            parts: parts.into(),
        },
        report,
        page_map: PageMap {
            page_size: details.page_size,
            runs: walk.tree.pages,
            stretch: walk.tree.stretch,
            leaf_bytes: walk.tree.leaf_bytes,
        }
        .or_none(),
        details,
    };
    advice::advise(&mut inspection);
    inspection
}

/// The kind of a file, and what it is for people.
fn named(kind: FileKind, recognised: Option<&Recognised>) -> (Kind, String) {
    let (of_kind, label) = match kind {
        FileKind::Snapshot => (ETCD_SNAPSHOT, "an etcd snapshot"),
        FileKind::DatabaseCopy => (ETCD_DB, "a copy of an etcd member's database"),
        FileKind::OtherBbolt => (Kind::BBOLT, "a bbolt database without etcd's buckets"),
        FileKind::BigEndian => (Kind::BBOLT, "a bbolt database of a big-endian machine"),
        FileKind::Unknown => (Kind::UNKNOWN, "a file in an unknown format"),
    };
    match recognised {
        None => (of_kind, label.to_owned()),
        // It has its last page, or its trailer.
        Some(found) if found.kind() == ETCD_DB && kind != FileKind::Unknown => {
            (of_kind, found.label.clone())
        }
        Some(found) => (found.kind(), found.label.clone()),
    }
}

/// Servers crash on some of what the small buckets hold. Most of that a restore writes anew or takes out; with the
/// rest the file cannot be restored.
fn unmendable(mut finding: Finding) -> Finding {
    const NO_CLEAN_UP: [&str; 5] = [
        "auth.revision",
        "auth.role",
        "auth.user",
        "lease.undecodable",
        "meta-bucket.compact-mark",
    ];
    if NO_CLEAN_UP.contains(&finding.code.as_str()) {
        finding.severity = Severity::Blocking;
        finding.todo = "Use another snapshot, or another member's database.".to_owned();
    }
    finding
}

/// A file that ends before pages that its tree needs.
fn cut_off(walk: &Walk, size: u64, name: &str) -> Option<Recognised> {
    let declared = walk.tree.meta?.logical_size();
    let lost = walk.tree.findings.blocks() && walk.tree.findings.has("file.truncated");
    (size < declared && lost).then(|| lost::cut_off(size, declared, name))
}

fn finish_contents(read: &mut Read, walk: &Walk) {
    let known = read.marks.zip(walk.keys);
    read.contents.current_revision = known.map(|(marks, keys)| marks.current(keys.revision));
}

/// The numbers of `etcdutl snapshot status` for a scanned file, without the rest of an inspection.
///
/// `None` where there are none: a database without a bucket `key` is not etcd's.
pub fn status_of(walk: &Walk, source: &dyn Source) -> Option<Status> {
    if kind(walk, source.size(), None) == FileKind::OtherBbolt {
        return None;
    }
    let database = Database::open(source).ok()?;
    let meta = database.bucket(schema::META).ok().flatten();
    let version = meta.and_then(|meta| meta.get(schema::STORAGE_VERSION).ok().flatten());
    numbers(walk, version.as_deref().unwrap_or_default())
}

fn status(walk: &Walk, read: Option<&Read>) -> Option<Status> {
    let version = read.and_then(|read| read.contents.storage_version.as_deref());
    numbers(walk, version.unwrap_or_default().as_bytes())
}

fn numbers(walk: &Walk, version: &[u8]) -> Option<Status> {
    let seen = walk.key_space?;
    let version = std::str::from_utf8(version).ok();
    Some(Status {
        hash: seen.hash,
        revision: seen.revision,
        total_key: seen.live_keys,
        total_key_35: seen.pairs,
        total_size: walk.tree.meta?.logical_size(),
        version: version
            .filter(|version| is_semver(version.as_bytes()))
            .unwrap_or_default()
            .to_owned(),
    })
}

fn kind(walk: &Walk, size: u64, digests: Option<&Digests>) -> FileKind {
    if let Some(error) = &walk.tree.error {
        return match error.kind() {
            ErrorKind::BigEndian => FileKind::BigEndian,
            _ => FileKind::Unknown,
        };
    }
    let has = |name: &[u8]| walk.tree.buckets.iter().any(|bucket| bucket.name == name);
    // A damaged root may hide the buckets: that it was no snapshot is only said of a sound file.
    if !has(schema::KEY) && walk.key_space.is_some() {
        return FileKind::OtherBbolt;
    }
    // What is around a database says nothing about it; a digest that agrees does.
    let start = digests
        .and_then(|digests| digests.image)
        .map_or(0, |image| image.start);
    let sealed = digests.is_some_and(|digests| matches!(digests.trailer(), Trailer::Within { .. }));
    if !sealed && size.saturating_sub(start).is_multiple_of(512) {
        FileKind::DatabaseCopy
    } else {
        FileKind::Snapshot
    }
}

/// HashKV of the newest revision: from the scan where it follows from it, else by reading a small bucket.
fn head_hash_kv(
    database: &Database<'_>,
    walk: &Walk,
    read: &Read,
    report: &mut Report,
) -> Option<HashKv> {
    let keys = walk.tree.buckets.iter().find(|b| b.name == schema::KEY)?;
    let marks = read.marks?;
    let seen = walk.key_space?;
    let undecodable = [Oddity::RevisionKey, Oddity::Undecodable];
    if undecodable
        .iter()
        .any(|oddity| walk.seen(*oddity).is_some())
    {
        // The lint has said so.
        return None;
    }
    if let Some(hash) = walk.head_hash_kv(marks.compact(), database) {
        return Some(HashKv {
            hash,
            hash_revision: marks.current(seen.revision),
            compact_revision: marks.compact(),
        });
    }
    if keys.bytes > MAX_SCANNED_HASH_KV {
        let what = "HashKV was not computed: it does not follow from one pass over this file.";
        report.push(
            Finding::note("hashkv.not-computed", "bucket key", what)
                .todo("Run requorum snapshot hashkv on it."),
        );
        return None;
    }
    match hashkv::hash_kv(database, 0) {
        Ok(hash) => Some(hash),
        Err(error) => {
            let what = format!("HashKV could not be computed: {error}.");
            report.push(Finding::note("hashkv.failed", "bucket key", what));
            None
        }
    }
}
