//! What is known of one file: verdict, strip and tabs. The same on the Inspect page and for a stored snapshot.

mod auth;
mod contents;
mod leases;
mod members;
mod status_tab;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use requorum_shared::etcd::inspection::{FileKind, Inspection};

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
    if let Some(status) = &inspection.status {
        parts.push(format!("revision {}", format::signed(status.revision)));
        parts.push(format::count(status.total_key, "key", "keys"));
    }
    parts.push(format::bytes(inspection.file.size));
    parts.push(inspection.file.name.clone());
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
        {rest}
    }
}

fn tabs(inspection: &Inspection) -> Vec<Tab> {
    let tab = |key, label, note: String| Tab { key, label, note };
    let number = |n: usize| format::number(n as u64);
    let mut tabs = vec![tab("status", "Status", String::new())];
    let contents = inspection.contents.as_ref();
    if let Some(contents) = contents {
        tabs.push(tab("members", "Members", number(contents.members.len())));
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
            format::number(contents.lease_count),
        ));
        tabs.push(tab(
            "auth",
            "Auth",
            if contents.auth.enabled { "on" } else { "off" }.into(),
        ));
        tabs.push(tab("alarms", "Alarms", number(contents.alarms.len())));
    }
    tabs
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
