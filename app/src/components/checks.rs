//! What had to be true, and what was seen.

use leptos::prelude::*;
use requorum_shared::finding::Check;

use crate::components::status::{self, Status};

/// A table of checks.
#[component]
pub fn Checks(
    /// The checks.
    checks: Vec<Check>,
) -> impl IntoView {
    let rows = checks
        .into_iter()
        .map(|check| {
            view! {
                <tr>
                    <th scope="row" data-label="Must be true">{check.name}</th>
                    <td data-label="Outcome"><Status is=status::outcome(check.outcome) /></td>
                    <td data-label="Seen">{check.evidence}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr><th scope="col">"Must be true"</th><th scope="col">"Outcome"</th><th scope="col">"What was seen"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
