//! Everything in a file but the keys: members, versions, leases, alarms, users, compaction marks (spec 2).
//!
//! What cannot be decoded is left out and reported; nothing here fails.

use serde::Deserialize;

use crate::bbolt::{Database, ErrorKind};
use crate::finding::{Finding, Report};

use super::auth::{Administrators, UserFacts};
use super::hashkv::Marks;
use super::inspection::{
    AlarmFacts, BucketFacts, ConfState, Contents, Downgrade, LeaseFacts, MAX_LISTED, MemberFacts,
};
use super::keys;
use super::mvcc::Walk;
use super::schema::{self, Fields, Revision, Wire, is_semver};

/// Leases whose ids are read, to find keys that are attached to none of them.
const MAX_LEASES: usize = 1_000_000;

/// What the small buckets hold, and what is odd about it.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) contents: Contents,
    pub(super) report: Report,
    /// Ids of all leases; absent when there are too many or some could not be read.
    pub(super) lease_ids: Option<Vec<i64>>,
    pub(super) marks: Option<Marks>,
    /// Whether bucket `meta` is there.
    pub(super) has_meta: bool,
}

/// Reads the small buckets.
pub(super) fn read(database: &Database<'_>, walk: &Walk) -> Read {
    let mut read = Read::default();
    read.buckets(walk);
    let bucket = |name: &[u8]| Pairs::read(database, walk, name);
    read.meta(&bucket(schema::META));
    read.members(&bucket(schema::MEMBERS), &bucket(schema::MEMBERS_REMOVED));
    read.cluster(&bucket(schema::CLUSTER));
    read.alarms(&bucket(schema::ALARM));
    read.auth(&bucket(schema::AUTH));
    read.users(&bucket(schema::AUTH_USERS));
    read.roles(&bucket(schema::AUTH_ROLES));
    read.leases(database, walk);
    read.contents.written_by = read.written_by();
    read
}

/// The pairs of a small bucket.
struct Pairs {
    name: &'static str,
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    present: bool,
    /// Whether what is not in `pairs` is not in the file either.
    complete: bool,
}

impl Pairs {
    fn read(database: &Database<'_>, walk: &Walk, name: &[u8]) -> Self {
        // The walk has named what is damaged; here it is only left out.
        let known = walk.tree.bucket(name);
        let bucket = known.and_then(|_| database.bucket(name).ok().flatten());
        Self {
            name: label(name),
            present: known.is_some(),
            pairs: bucket.map(|bucket| bucket.salvage().0).unwrap_or_default(),
            complete: walk.tree.is_known(name),
        }
    }

    /// What follows from a value's absence; nothing where it may be on a page that cannot be read.
    fn or_unknown<T>(&self, found: Option<T>, absent: T) -> Option<T> {
        found.or_else(|| self.complete.then_some(absent))
    }

    /// A list, unless it is empty because nothing could be read.
    fn list<T>(&self, list: Vec<T>) -> Option<Vec<T>> {
        (self.complete || !list.is_empty()).then_some(list)
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let found = self.pairs.iter().find(|(k, _)| k == key)?;
        Some(&found.1)
    }
}

fn label(name: &[u8]) -> &'static str {
    match name {
        schema::META => "meta",
        schema::MEMBERS => "members",
        schema::MEMBERS_REMOVED => "members_removed",
        schema::CLUSTER => "cluster",
        schema::ALARM => "alarm",
        schema::AUTH => "auth",
        schema::AUTH_USERS => "authUsers",
        schema::AUTH_ROLES => "authRoles",
        _ => "other",
    }
}

/// Bytes as text, with escapes for what is none.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}

fn u64_be(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// Whether a message can be decoded as etcd does: every field that it knows in its own wire type, which stand in
/// `wire_types` from field 1 on.
fn decodes(bytes: &[u8], wire_types: &[u8]) -> bool {
    Fields::new(bytes).all(|field| {
        let Ok((number, wire)) = field else {
            return false;
        };
        let index = usize::try_from(number.wrapping_sub(1)).unwrap_or(usize::MAX);
        matches!(
            (wire_types.get(index), wire),
            (None | Some(0), Wire::Varint(_))
                | (None | Some(2), Wire::Bytes(_))
                | (None, Wire::Fixed)
        )
    })
}

/// `3.6` of `3.6.0`.
fn minor(version: &str) -> Option<String> {
    let mut parts = version.split('.');
    Some(format!("{}.{}", parts.next()?, parts.next()?))
}

/// The id in a key of `members`: lowercase hexadecimal, not padded.
fn member_id(key: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(key).ok()?, 16).ok()
}

#[derive(Deserialize)]
struct MemberJson {
    id: u64,
    #[serde(default, rename = "peerURLs")]
    peer_urls: Option<Vec<String>>,
    #[serde(default, rename = "isLearner")]
    learner: bool,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "clientURLs")]
    client_urls: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ConfStateJson {
    #[serde(default)]
    voters: Option<Vec<u64>>,
    #[serde(default)]
    learners: Option<Vec<u64>>,
}

#[derive(Deserialize)]
struct DowngradeJson {
    #[serde(default, rename = "target-version")]
    target_version: String,
    #[serde(default)]
    enabled: bool,
}

impl Read {
    fn odd(&mut self, bucket: &str, code: &str, what: String, why: &str) {
        let finding = Finding::warning(code, format!("bucket {bucket}"), what);
        self.report.push(finding.because(why));
    }

    fn buckets(&mut self, walk: &Walk) {
        let facts = walk.tree.buckets.iter().map(|bucket| BucketFacts {
            name: text(&bucket.name),
            pairs: bucket.complete.then_some(bucket.pairs),
            bytes: bucket.complete.then_some(bucket.bytes),
            inline: bucket.inline,
            complete: bucket.complete,
        });
        self.contents.buckets = facts.collect();
        let unreadable = schema::BUCKETS
            .iter()
            .filter(|name| !walk.tree.is_known(name));
        self.contents.unreadable = unreadable.map(|name| text(name)).collect();
        let page_size = walk.tree.meta.map_or(0, |meta| u64::from(meta.page_size));
        self.contents.free_bytes = walk.tree.free().map(|pages| pages * page_size);
        self.contents.revisions = walk.keys.map(|keys| keys.revisions);
        self.contents.tombstones = walk.keys.map(|keys| keys.tombstones);
        let folders = walk.folders.as_ref();
        let folders = folders.filter(|folders| walk.keys.is_some() || !folders.is_empty());
        self.contents.keys = folders.map(|folders| {
            let (complete, merged) = (walk.keys.is_some(), walk.folders_merged());
            keys::facts(folders, complete, merged, walk.renewed())
        });
    }

    fn meta(&mut self, meta: &Pairs) {
        self.has_meta = meta.present;
        for (key, to_term) in [(schema::CONSISTENT_INDEX, false), (schema::TERM, true)] {
            let Some(value) = meta.get(key) else { continue };
            let number = u64_be(value);
            if number.is_none() {
                let (key, len) = (text(key), value.len());
                let what = format!("meta/{key} has {len} bytes instead of 8.");
                let why = "A server would crash on it; a restore rewrites it.";
                self.odd(meta.name, "meta-bucket.length", what, why);
            }
            if to_term {
                self.contents.term = number;
            } else {
                self.contents.consistent_index = number;
            }
        }
        let mut readable = true;
        let mut mark = |key| {
            let Some(value) = meta.get(key) else {
                readable &= meta.complete;
                return -1;
            };
            let revision = Revision::parse(value);
            if revision.is_none() {
                let what = format!("meta/{} is not a revision.", text(key));
                let why = "Which revisions are compacted is unknown.";
                self.odd(meta.name, "meta-bucket.compact-mark", what, why);
                readable = false;
            }
            revision.map_or(-1, |revision| revision.main)
        };
        let marks = Marks {
            finished: mark(schema::FINISHED_COMPACT_REV),
            scheduled: mark(schema::SCHEDULED_COMPACT_REV),
        };
        if readable {
            self.contents.compact_revision = Some(marks.finished);
            self.contents.scheduled_compact_revision =
                (marks.scheduled > marks.finished).then_some(marks.scheduled);
            self.marks = Some(marks);
        }
        if let Some(value) = meta.get(schema::CONF_STATE) {
            match serde_json::from_slice::<ConfStateJson>(value) {
                Ok(json) => {
                    let hex = |ids: Option<Vec<u64>>| {
                        let ids = ids.unwrap_or_default();
                        ids.iter().map(|id| format!("{id:x}")).collect()
                    };
                    self.contents.conf_state = Some(ConfState {
                        voters: hex(json.voters),
                        learners: hex(json.learners),
                    });
                }
                Err(error) => {
                    let what = format!("meta/confState is not valid JSON: {error}.");
                    let why =
                        "Servers of 3.4.31 and later 3.4 crash on it; 3.5 to 3.7 do not read it.";
                    self.odd(meta.name, "meta-bucket.conf-state", what, why);
                }
            }
        }
        if let Some(value) = meta.get(schema::STORAGE_VERSION) {
            self.contents.storage_version = Some(text(value));
            if !is_semver(value) {
                let what = format!("meta/storageVersion is `{}`, not a version.", text(value));
                let why = "Servers of 3.6 and later refuse to start from it.";
                self.odd(meta.name, "meta-bucket.storage-version", what, why);
            }
        }
    }

    /// The minor version that the schema tells of (spec 2.3).
    fn written_by(&self) -> Option<String> {
        if !self.has_meta {
            return None;
        }
        let contents = &self.contents;
        match (&contents.storage_version, contents.term) {
            (Some(version), _) if is_semver(version.as_bytes()) => minor(version),
            (_, Some(_)) => Some("3.5".to_owned()),
            (_, None) if contents.consistent_index.is_some() => Some("3.4".to_owned()),
            // Nothing has been applied yet.
            _ => minor(contents.cluster_version.as_deref()?),
        }
    }

    fn members(&mut self, members: &Pairs, removed: &Pairs) {
        let mut listed = Vec::new();
        for (key, value) in &members.pairs {
            let id = member_id(key);
            if id.is_none() {
                let what = format!("Key `{}` is not a member id.", text(key));
                let why = "Servers crash on it; a restore replaces all members.";
                self.odd(members.name, "members.key", what, why);
            }
            match serde_json::from_slice::<MemberJson>(value) {
                Ok(json) => {
                    if id.is_some_and(|id| id != json.id) {
                        let what = format!("Member {} calls itself {:x}.", text(key), json.id);
                        let why = "Which of the two ids it has is unknown.";
                        self.odd(members.name, "members.id", what, why);
                    }
                    if listed.len() < MAX_LISTED {
                        listed.push(MemberFacts {
                            id: format!("{:x}", id.unwrap_or(json.id)),
                            name: json.name,
                            peer_urls: json.peer_urls.unwrap_or_default(),
                            client_urls: json.client_urls.unwrap_or_default(),
                            learner: json.learner,
                        });
                    }
                }
                Err(error) => {
                    let what = format!("Member {} is not valid JSON: {error}.", text(key));
                    let why = "Servers crash on it; a restore replaces all members.";
                    self.odd(members.name, "members.json", what, why);
                }
            }
        }
        self.contents.members = members.list(listed);
        let former = removed.pairs.iter().take(MAX_LISTED);
        self.contents.removed_members = removed.list(former.map(|(key, _)| text(key)).collect());
    }

    fn cluster(&mut self, cluster: &Pairs) {
        self.contents.cluster_version = cluster.get(schema::CLUSTER_VERSION).map(text);
        let Some(value) = cluster.get(schema::DOWNGRADE) else {
            return;
        };
        match serde_json::from_slice::<DowngradeJson>(value) {
            Ok(json) => {
                self.contents.downgrade = Some(Downgrade {
                    enabled: json.enabled,
                    target_version: json.target_version,
                });
            }
            Err(error) => {
                let what = format!("cluster/downgrade is not valid JSON: {error}.");
                let why = "Servers crash on it.";
                self.odd(cluster.name, "cluster.downgrade", what, why);
            }
        }
    }

    fn alarms(&mut self, alarms: &Pairs) {
        let mut listed = Vec::new();
        for (key, _) in &alarms.pairs {
            let (mut member, mut kind) = (0, 0);
            for field in Fields::new(key) {
                match field {
                    Ok((1, Wire::Varint(id))) => member = id,
                    Ok((2, Wire::Varint(alarm))) => kind = alarm,
                    _ => {}
                }
            }
            if !decodes(key, &[0, 0]) {
                let what = format!("Key `{}` is not an alarm.", key.escape_ascii());
                self.odd(alarms.name, "alarm.key", what, "Servers crash on it.");
                continue;
            }
            let alarm = match kind {
                1 => "NOSPACE".to_owned(),
                2 => "CORRUPT".to_owned(),
                other => other.to_string(),
            };
            if listed.len() < MAX_LISTED {
                listed.push(AlarmFacts {
                    member_id: format!("{member:x}"),
                    alarm,
                });
            }
        }
        self.contents.alarms = alarms.list(listed);
    }

    fn auth(&mut self, auth: &Pairs) {
        let enabled = auth.get(schema::AUTH_ENABLED).map(|value| value == [1]);
        self.contents.auth.enabled = auth.or_unknown(enabled, false);
        let stored = auth.get(schema::AUTH_REVISION);
        let revision = stored.and_then(u64_be);
        if let Some(stored) = stored.filter(|_| revision.is_none()) {
            let len = stored.len();
            let what = format!("auth/authRevision has {len} bytes instead of 8.");
            self.odd(auth.name, "auth.revision", what, "Servers crash on it.");
        }
        self.contents.auth.revision = auth.or_unknown(revision, 0);
    }

    fn users(&mut self, users: &Pairs) {
        let mut listed = Vec::new();
        let mut administrators = Administrators::default();
        for (key, value) in &users.pairs {
            let mut user = UserFacts {
                name: text(key),
                roles: Vec::new(),
                has_password: false,
            };
            for field in Fields::new(value) {
                match field {
                    Ok((2, Wire::Bytes(password))) => user.has_password = !password.is_empty(),
                    Ok((3, Wire::Bytes(role))) => user.roles.push(text(role)),
                    _ => {}
                }
            }
            if !decodes(value, &[2, 2, 2, 2]) {
                let what = format!("User `{}` cannot be decoded.", user.name);
                self.odd(users.name, "auth.user", what, "Servers crash on it.");
            }
            administrators.add(&user);
            if listed.len() < MAX_LISTED {
                listed.push(user);
            }
        }
        if users.complete && self.contents.auth.enabled == Some(true) {
            self.contents.auth.problem = administrators.problem();
        }
        self.contents.auth.users = users.list(listed);
    }

    fn roles(&mut self, roles: &Pairs) {
        for (key, value) in &roles.pairs {
            let permission = |field| match field {
                Ok((2, Wire::Bytes(permission))) => decodes(permission, &[0, 2, 2]),
                _ => true,
            };
            if !decodes(value, &[2, 2]) || !Fields::new(value).all(permission) {
                let what = format!("Role `{}` cannot be decoded.", text(key));
                self.odd(roles.name, "auth.role", what, "Servers crash on it.");
            }
        }
        let names = roles.pairs.iter().take(MAX_LISTED);
        self.contents.auth.roles = roles.list(names.map(|(key, _)| text(key)).collect());
    }

    fn leases(&mut self, database: &Database<'_>, walk: &Walk) {
        let Some(summary) = walk.tree.bucket(schema::LEASE) else {
            if walk.tree.is_known(schema::LEASE) {
                self.lease_ids = Some(Vec::new());
                self.contents.leases = Some(Vec::new());
                self.contents.lease_count = Some(0);
            }
            return;
        };
        self.contents.lease_count = summary.complete.then_some(summary.pairs);
        let Ok(Some(bucket)) = database.bucket(schema::LEASE) else {
            return;
        };
        let mut listed = Vec::new();
        let (mut ids, mut whole) = (Vec::new(), true);
        let mut cursor = bucket.cursor();
        loop {
            let entry = match cursor.next() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) => {
                    whole = false;
                    // Without progress the loop would not end: a page that cannot be read at all.
                    if matches!(error.kind(), ErrorKind::Read(_)) {
                        break;
                    }
                    continue;
                }
            };
            let mut lease = LeaseFacts {
                id: String::new(),
                ttl: 0,
                remaining_ttl: 0,
            };
            let value = entry.value.to_vec().unwrap_or_default();
            for field in Fields::new(&value) {
                match field {
                    Ok((2, Wire::Varint(ttl))) => lease.ttl = ttl.cast_signed(),
                    Ok((3, Wire::Varint(ttl))) => lease.remaining_ttl = ttl.cast_signed(),
                    _ => {}
                }
            }
            let sound = decodes(&value, &[0, 0, 0]);
            let Some(id) = u64_be(entry.key).filter(|_| sound) else {
                let what = format!("Lease `{}` cannot be decoded.", entry.key.escape_ascii());
                self.odd("lease", "lease.undecodable", what, "Servers crash on it.");
                whole = false;
                if self.report.findings.len() > 1000 {
                    break;
                }
                continue;
            };
            lease.id = format!("{id:x}");
            if listed.len() < MAX_LISTED {
                listed.push(lease);
            }
            ids.push(id.cast_signed());
            if ids.len() >= MAX_LEASES {
                whole = false;
                break;
            }
        }
        ids.sort_unstable();
        self.contents.leases = (summary.complete || !listed.is_empty()).then_some(listed);
        self.lease_ids = (whole && summary.complete).then_some(ids);
    }
}
