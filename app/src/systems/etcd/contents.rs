//! Buckets, meta, compaction and versions.

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::Inspection;

use super::unreadable;
use crate::components::bytes::Bytes;
use crate::components::properties::Properties;
use crate::format;

pub(super) fn contents(inspection: &Inspection) -> impl IntoView + use<> {
    let contents = inspection.details.contents.clone().unwrap_or_default();
    let lost = |bucket: &str| contents.unreadable.iter().any(|name| name == bucket);
    let (meta_lost, cluster_lost) = (lost("meta"), lost("cluster"));
    let absent_from = |bucket: &'static str, lost: bool| match lost {
        true => unreadable(bucket),
        false => "not recorded".to_owned(),
    };
    let in_meta = || absent_from("meta", meta_lost);
    let in_cluster = || absent_from("cluster", cluster_lost);
    let current_lost = if meta_lost { "meta" } else { "key" };
    let downgrade = match contents.downgrade {
        Some(downgrade) if downgrade.enabled => format!("enabled, to {}", downgrade.target_version),
        Some(_) => "not enabled".into(),
        None => in_cluster(),
    };
    let compacted = match contents.compact_revision {
        Some(-1) => "never".to_owned(),
        Some(revision) => format!("at revision {}", format::signed(revision)),
        None => unreadable("meta"),
    };
    let rows = vec![
        (
            "Current revision",
            contents
                .current_revision
                .map_or_else(|| unreadable(current_lost), format::signed)
                .into_any(),
        ),
        ("Compacted", compacted.into_any()),
        (
            "Compaction pending",
            contents
                .scheduled_compact_revision
                .map_or_else(
                    || match meta_lost {
                        true => unreadable("meta"),
                        false => "no".to_owned(),
                    },
                    |rev| format!("to revision {}", format::signed(rev)),
                )
                .into_any(),
        ),
        (
            "Revisions kept",
            contents
                .revisions
                .map_or_else(|| unreadable("key"), format::number)
                .into_any(),
        ),
        (
            "Tombstones among them",
            contents
                .tombstones
                .map_or_else(|| unreadable("key"), format::number)
                .into_any(),
        ),
        (
            "Free pages",
            match contents.free_bytes {
                Some(bytes) => view! { <Bytes n=bytes /> }.into_any(),
                None => "unknown (some pages could not be read)".into_any(),
            },
        ),
        (
            "Written by etcd",
            contents.written_by.unwrap_or_else(in_meta).into_any(),
        ),
        (
            "Storage version",
            contents.storage_version.unwrap_or_else(in_meta).into_any(),
        ),
        (
            "Cluster version",
            contents
                .cluster_version
                .unwrap_or_else(in_cluster)
                .into_any(),
        ),
        ("Downgrade", downgrade.into_any()),
        (
            "Consistent index",
            contents
                .consistent_index
                .map_or_else(in_meta, format::number)
                .into_any(),
        ),
        (
            "Term",
            contents
                .term
                .map_or_else(in_meta, format::number)
                .into_any(),
        ),
    ];
    let buckets = contents
        .buckets
        .into_iter()
        .map(|bucket| {
            let pairs = bucket.pairs.map_or_else(|| "unknown".to_owned(), format::number);
            let bytes = match bucket.bytes {
                Some(bytes) => view! { <Bytes n=bytes /> }.into_any(),
                None => "unknown".into_any(),
            };
            view! {
                <tr>
                    <th scope="row" data-label="Bucket" class="mono">{format::visible(&bucket.name)}</th>
                    <td data-label="Pairs" class="number">{pairs}</td>
                    <td data-label="Bytes" class="number">{bytes}</td>
                    <td data-label="Stored">{if !bucket.complete { "partly unreadable" } else if bucket.inline { "inline" } else { "own pages" }}</td>
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
