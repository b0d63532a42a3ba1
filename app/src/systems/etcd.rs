//! etcd: the tabs of its databases, and which of several files is the best.

mod auth;
mod changes;
mod contents;
mod keys;
mod leases;
mod member_figure;
mod members;
pub(super) mod rank;
pub mod restore;
mod status;

use std::sync::Arc;

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::{DatabaseDetails, FileKind, Inspection};

use crate::components::inspection::InspectionTab;
use crate::components::tabs::Tab;
use crate::format;

pub(super) use changes::changes;

/// What an etcd database came as.
fn kind_words(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Snapshot => "etcd snapshot",
        FileKind::DatabaseCopy => "copy of member/snap/db",
        FileKind::OtherBbolt => "bbolt database without etcd's buckets",
        FileKind::BigEndian => "bbolt database from a big-endian machine",
        // Cut off, or translated.
        FileKind::Unknown => "etcd database that cannot be read",
    }
}

/// The newest time that is in a database, by the clock of its writer, in milliseconds since 1970. None where it tells no
/// time.
pub(super) fn written_ms(details: &DatabaseDetails) -> Option<i64> {
    let keys = details.contents.as_ref()?.keys.as_ref()?;
    let seconds = keys.kubernetes.as_ref()?.last_lease_renewal?;
    Some(seconds.saturating_mul(1000))
}

/// The tabs of a database; none where nothing of it could be read.
pub(super) fn tabs(inspection: Inspection, on_copy_json: Callback<()>) -> Vec<InspectionTab> {
    let inspection = Arc::new(inspection);
    let tab = |key, label, note: String, body: fn(&Inspection) -> AnyView| {
        let inspection = inspection.clone();
        InspectionTab {
            tab: Tab { key, label, note },
            body: ViewFn::from(move || body(&inspection)),
        }
    };
    let status = {
        let inspection = inspection.clone();
        InspectionTab {
            tab: Tab {
                key: "status",
                label: "Status",
                note: String::new(),
            },
            body: ViewFn::from(move || status::status(&inspection, on_copy_json)),
        }
    };
    let Some(contents) = &inspection.details.contents else {
        return vec![status];
    };
    let number = |n: usize| format::number(n as u64);
    let members = contents.members.as_ref();
    let alarms = contents.alarms.as_ref();
    let auth = match contents.auth.enabled {
        Some(true) => "on".into(),
        Some(false) => "off".into(),
        None => unknown(),
    };
    let live = inspection.details.status.as_ref();
    vec![
        status,
        tab(
            "keys",
            "Keys",
            live.map_or_else(unknown, |status| format::number(status.total_key)),
            |inspection| keys::keys(inspection).into_any(),
        ),
        tab(
            "members",
            "Members",
            members.map_or_else(unknown, |members| number(members.len())),
            |inspection| members::members(inspection).into_any(),
        ),
        tab("contents", "Contents", String::new(), |inspection| {
            contents::contents(inspection).into_any()
        }),
        tab(
            "leases",
            "Leases",
            contents.lease_count.map_or_else(unknown, format::number),
            |inspection| leases::leases(inspection).into_any(),
        ),
        tab("auth", "Auth", auth, |inspection| {
            auth::auth(inspection).into_any()
        }),
        tab(
            "alarms",
            "Alarms",
            alarms.map_or_else(unknown, |alarms| number(alarms.len())),
            |inspection| members::alarms(inspection).into_any(),
        ),
    ]
}

/// What stands for a number that the file does not tell.
fn unknown() -> String {
    "unknown".into()
}

/// The same in a sentence, with the reason.
fn unreadable(bucket: &str) -> String {
    format!("unknown (bucket {bucket} cannot be read)")
}
