//! What is known of one file: verdict, strip and tabs. The same on the Inspect page and for a stored snapshot.

mod auth;
mod contents;
mod leases;
mod members;
mod status_tab;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use requorum_shared::etcd::storage::inspection::{FileKind, Inspection, Trust};

use crate::components::findings::{Findings, ReportCount};
use crate::components::strip::PageStrip;
use crate::components::tabs::{Tab, Tabs, open_tab};
use crate::components::verdict::VerdictParts;
use crate::format;
use crate::paths::with_query;
use crate::strip::Strip;

/// `etcd 3.6 · revision 1 200 007 · 600 000 keys · 1.54 GiB · prod.db`, as far as known.
pub fn summary(inspection: &Inspection) -> String {
    let mut parts = Vec::new();
    let written_by = inspection
        .contents
        .as_ref()
        .and_then(|c| c.written_by.clone());
    parts.push(match (inspection.file.kind, written_by) {
        (_, Some(version)) => format!("etcd {version}"),
        (kind, None) => kind_words(kind).into(),
    });
    match inspection.start_revision() {
        Some(revision) => parts.push(format!("revision {}", format::signed(revision))),
        None if inspection.contents.is_some() => parts.push("revision unknown".into()),
        None => {}
    }
    if let Some(status) = &inspection.status {
        parts.push(format::count(status.total_key, "key", "keys"));
    }
    parts.push(format::bytes(inspection.file.size));
    parts.push(format::visible(&inspection.file.name));
    parts.join(" · ")
}

/// What a file is, for people.
pub fn kind_words(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Snapshot => "etcd snapshot",
        FileKind::DatabaseCopy => "copy of member/snap/db",
        FileKind::OtherBbolt => "bbolt database without etcd's buckets",
        FileKind::BigEndian => "bbolt database of a big-endian machine",
        FileKind::Unknown => "no file of etcd",
    }
}

/// Verdict, strip and tabs of one file.
#[component]
pub fn InspectionView(
    /// What is known of it.
    inspection: Arc<Inspection>,
    /// Its picture.
    strip: Strip,
    /// Copies the whole document.
    #[prop(into)]
    on_copy_json: Callback<()>,
) -> impl IntoView {
    let query = use_query_map();
    let location = use_location();
    let tabs = tabs(&inspection);
    let open = Memo::new({
        let tabs = tabs.clone();
        move |_| open_tab(&tabs, query.with(|q| q.get("tab")))
    });
    let findings = Signal::derive(move || {
        with_query(
            &location.pathname.get(),
            &location.search.get(),
            "tab",
            "findings",
        )
    });
    // A file that is nothing of etcd's has no pages and no tabs: the verdict says all.
    let readable = inspection.status.is_some() || inspection.contents.is_some() || strip.pages > 0;
    let rest = if readable {
        let body = {
            let inspection = inspection.clone();
            move || match open.get() {
                "members" => members::members(&inspection).into_any(),
                "findings" => findings_tab(&inspection).into_any(),
                "contents" => contents::contents(&inspection).into_any(),
                "leases" => leases::leases(&inspection).into_any(),
                "auth" => auth::auth(&inspection).into_any(),
                "alarms" => members::alarms(&inspection).into_any(),
                _ => status_tab::status(&inspection, on_copy_json).into_any(),
            }
        };
        view! {
            <section class="section">
                <h2>"The file, page by page"</h2>
                <PageStrip strip />
            </section>
            <section class="section">
                <Tabs label="Parts of this file" tabs open />
                <div class="stack tab-body">{body}</div>
            </section>
        }
        .into_any()
    } else {
        view! { <section class="section"><h2>"Findings"</h2>{findings_tab(&inspection)}</section> }
            .into_any()
    };
    view! {
        <VerdictParts verdict=inspection.verdict.clone() findings />
        {advice(&inspection)}
        {rest}
    }
}

/// What stands for a number that the file does not tell.
fn unknown() -> String {
    "unknown".into()
}

/// The same in a sentence, with the reason.
pub(super) fn unreadable(bucket: &str) -> String {
    format!("unknown (bucket {bucket} cannot be read)")
}

fn tabs(inspection: &Inspection) -> Vec<Tab> {
    let tab = |key, label, note: String| Tab { key, label, note };
    let number = |n: usize| format::number(n as u64);
    let mut tabs = vec![tab("status", "Status", String::new())];
    let contents = inspection.contents.as_ref();
    if let Some(contents) = contents {
        let members = contents.members.as_ref();
        let note = members.map_or_else(unknown, |members| number(members.len()));
        tabs.push(tab("members", "Members", note));
    }
    tabs.push(tab(
        "findings",
        "Findings",
        number(inspection.report.findings.len()),
    ));
    if let Some(contents) = contents {
        tabs.push(tab("contents", "Contents", String::new()));
        tabs.push(tab(
            "leases",
            "Leases",
            contents.lease_count.map_or_else(unknown, format::number),
        ));
        tabs.push(tab(
            "auth",
            "Auth",
            match contents.auth.enabled {
                Some(true) => "on".into(),
                Some(false) => "off".into(),
                None => unknown(),
            },
        ));
        let alarms = contents.alarms.as_ref();
        let note = alarms.map_or_else(unknown, |alarms| number(alarms.len()));
        tabs.push(tab("alarms", "Alarms", note));
    }
    tabs
}

/// What to do, once for the whole file.
fn advice(inspection: &Inspection) -> impl IntoView + use<> {
    let advice = inspection.verdict.advice.clone();
    let class = match inspection.trust() {
        Trust::None | Trust::Broken => "notice fail",
        Trust::Unproven | Trust::Whole => "notice warning",
    };
    (!advice.is_empty()).then(|| {
        view! {
            <div class=class>
                <p><strong>"What to do"</strong></p>
                <p>{advice}</p>
            </div>
        }
    })
}

fn findings_tab(inspection: &Inspection) -> impl IntoView + use<> {
    view! {
        <ReportCount report=inspection.report.clone() />
        <Findings
            findings=inspection.report.findings.clone()
            none="Nothing to report: every check that could be made passed."
        />
    }
}
