//! The numbers of `etcdutl snapshot status`, both ways of counting, and HashKV.

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::number::hash_kv;

use super::kind_words;
use crate::components::bytes::Bytes;
use crate::components::command::Command;
use crate::components::hash::Id;
use crate::components::properties::Properties;
use crate::format;

pub(super) fn status(inspection: &Inspection, on_copy_json: Callback<()>) -> impl IntoView + use<> {
    let numbers = match &inspection.details.status {
        Some(status) => {
            let version = if status.version.is_empty() { "not recorded".into() } else { status.version.clone() };
            let rows = vec![
                ("Hash", view! { <span class="mono">{format::crc(status.hash)}</span> }.into_any()),
                ("Revision (newest in bucket key)", format::signed(status.revision).into_any()),
                ("A restored cluster starts at", inspection.start_revision().map_or_else(|| "unknown".to_owned(), format::signed).into_any()),
                ("Total keys (etcdutl 3.6+: live keys)", format::number(status.total_key).into_any()),
                ("Total keys (etcdutl 3.4/3.5: all buckets)", format::number(status.total_key_35).into_any()),
                ("Total size", view! { <Bytes n=status.total_size /> }.into_any()),
                ("Storage version", version.into_any()),
            ];
            view! { <Properties rows big=true /> }.into_any()
        }
        None => view! { <p class="muted">"The keys could not be read, so there are no status numbers."</p> }.into_any(),
    };
    let (file, details) = (&inspection.file, &inspection.details);
    let hash_kv = match &inspection.details.hash_kv {
        Some(kv) => {
            let compacted = if kv.compact_revision < 0 {
                "never compacted".to_owned()
            } else {
                format!("compacted at {}", format::signed(kv.compact_revision))
            };
            view! {
                <span class="mono nowrap">{hash_kv(kv.hash)}</span>
                {format!(" at revision {}, {compacted}", format::signed(kv.hash_revision))}
            }
            .into_any()
        }
        None => view! { <span class="muted">"not computed"</span> }.into_any(),
    };
    let or_unknown = |n: u64| {
        if n == 0 {
            "unknown".to_owned()
        } else {
            format::number(n)
        }
    };
    let page_size = if details.page_size == 0 {
        "unknown".to_owned()
    } else {
        format::bytes(u64::from(details.page_size))
    };
    let facts = vec![
        ("HashKV", hash_kv),
        ("File", kind_words(details.kind).into_any()),
        ("File size", view! { <Bytes n=file.size /> }.into_any()),
        (
            "SHA-256 of the file",
            view! { <Id value=file.sha256.clone() /> }.into_any(),
        ),
        ("Page size", page_size.into_any()),
        (
            "Pages allocated",
            or_unknown(details.high_water_mark).into_any(),
        ),
        ("Transaction", or_unknown(details.txid).into_any()),
    ];
    let command = format!(
        "etcdutl snapshot status {} -w json",
        format::shell_word(&file.name)
    );
    view! {
        {numbers}
        <Properties rows=facts />
        <Command label="Equivalent etcdutl command" text=Signal::derive(move || command.clone()) />
        <div class="acts">
            <button type="button" class="button small" on:click=move |_| on_copy_json.run(())>
                "Copy as JSON"
            </button>
        </div>
    }
}
