//! Buckets, meta, compaction and versions.

use leptos::prelude::*;
use requorum_shared::etcd::inspection::Inspection;

use crate::components::bytes::Bytes;
use crate::components::properties::Properties;
use crate::format;

pub(super) fn contents(inspection: &Inspection) -> impl IntoView + use<> {
    let contents = inspection.contents.clone().unwrap_or_default();
    let absent = || "not recorded".to_owned();
    let downgrade = match contents.downgrade {
        Some(downgrade) if downgrade.enabled => format!("enabled, to {}", downgrade.target_version),
        Some(_) => "not enabled".into(),
        None => absent(),
    };
    let compacted = if contents.compact_revision < 0 {
        "never".to_owned()
    } else {
        format!("at revision {}", format::signed(contents.compact_revision))
    };
    let rows = vec![
        (
            "Current revision",
            format::signed(contents.current_revision).into_any(),
        ),
        ("Compacted", compacted.into_any()),
        (
            "Compaction pending",
            contents
                .scheduled_compact_revision
                .map_or_else(
                    || "no".to_owned(),
                    |rev| format!("to revision {}", format::signed(rev)),
                )
                .into_any(),
        ),
        (
            "Revisions kept",
            format::number(contents.revisions).into_any(),
        ),
        (
            "Tombstones among them",
            format::number(contents.tombstones).into_any(),
        ),
        (
            "Free pages",
            view! { <Bytes n=contents.free_bytes /> }.into_any(),
        ),
        (
            "Written by etcd",
            contents.written_by.unwrap_or_else(absent).into_any(),
        ),
        (
            "Storage version",
            contents.storage_version.unwrap_or_else(absent).into_any(),
        ),
        (
            "Cluster version",
            contents.cluster_version.unwrap_or_else(absent).into_any(),
        ),
        ("Downgrade", downgrade.into_any()),
        (
            "Consistent index",
            contents
                .consistent_index
                .map_or_else(absent, format::number)
                .into_any(),
        ),
        (
            "Term",
            contents.term.map_or_else(absent, format::number).into_any(),
        ),
    ];
    let buckets = contents
        .buckets
        .into_iter()
        .map(|bucket| {
            view! {
                <tr>
                    <th scope="row" data-label="Bucket" class="mono">{bucket.name}</th>
                    <td data-label="Pairs" class="number">{format::number(bucket.pairs)}</td>
                    <td data-label="Bytes" class="number"><Bytes n=bucket.bytes /></td>
                    <td data-label="Stored">{if bucket.inline { "inline in its parent's page" } else { "own pages" }}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Properties rows />
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Bucket"</th><th scope="col" class="number">"Pairs"</th>
                        <th scope="col" class="number">"Keys and values"</th><th scope="col">"Stored"</th>
                    </tr>
                </thead>
                <tbody>{buckets}</tbody>
            </table>
        </div>
    }
}
