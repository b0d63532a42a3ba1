//! Leases.

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::Inspection;

use super::unreadable;
use crate::components::hash::Id;
use crate::format;

/// How many are drawn; the JSON lists more.
const SHOWN: usize = 500;

pub(super) fn leases(inspection: &Inspection) -> impl IntoView + use<> {
    let contents = inspection.details.contents.as_ref();
    let count = contents.and_then(|c| c.lease_count);
    let unknown = count
        .is_none()
        .then(|| view! { <p>{format!("Leases: {}.", unreadable("lease"))}</p> });
    if count == Some(0) {
        return view! { <p class="muted">"No leases."</p> }.into_any();
    }
    let shown: Vec<_> = contents
        .and_then(|c| c.leases.as_ref())
        .map(|leases| leases.iter().take(SHOWN).cloned().collect())
        .unwrap_or_default();
    let hidden = count.unwrap_or_default().saturating_sub(shown.len() as u64);
    let seconds = |s: i64| format::duration(s as f64 * 1000.0);
    let rows = shown
        .into_iter()
        .map(|lease| {
            let remaining = if lease.remaining_ttl == 0 {
                "not checkpointed".to_owned()
            } else {
                seconds(lease.remaining_ttl)
            };
            view! {
                <tr>
                    <th scope="row" data-label="ID"><Id value=lease.id /></th>
                    <td data-label="Granted" class="number">{seconds(lease.ttl)}</td>
                    <td data-label="Remaining" class="number">{remaining}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        {unknown}
        <p class="muted">"After a restore every lease runs from its beginning, or from its last checkpoint."</p>
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Lease ID"</th><th scope="col" class="number">"Granted for"</th>
                        <th scope="col" class="number">"Left at the last checkpoint"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {(hidden > 0).then(|| view! { <p class="muted">{format!("And {} more.", format::number(hidden))}</p> })}
    }
    .into_any()
}
