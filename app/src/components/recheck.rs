//! What this browser makes of a plan, beside what the server says of it.

use leptos::prelude::*;
use requorum_shared::finding::{Report, Severity};
use requorum_shared::replan::Difference;

use crate::components::hash::Id;
use crate::components::status::Status;
use crate::format;

/// A report in a few words: `0 blocking, 2 warnings`.
pub fn brief(report: &Report) -> String {
    format!(
        "{} blocking, {}",
        format::number(report.count(Severity::Blocking) as u64),
        format::count(
            report.count(Severity::Warning) as u64,
            "warning",
            "warnings"
        ),
    )
}

/// Both sides of an honest plan, one below the other.
#[component]
pub fn BothSides(
    /// The plan's hash, the same on both sides.
    hash: String,
    /// What the check says here.
    here: Report,
    /// What the server says.
    told: Report,
    /// How many steps came out here, and were sealed.
    steps: usize,
    /// What is said of the snapshot on both sides, and how they compare.
    #[prop(into)]
    snapshot: Signal<(String, String, (&'static str, &'static str))>,
) -> impl IntoView {
    const SAME: (&str, &str) = ("pass", "same");
    let steps = format::count(steps as u64, "step", "steps");
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr><th scope="col">"What"</th><th scope="col">"This browser"</th><th scope="col">"The server"</th><th scope="col">"Compared"</th></tr>
                </thead>
                <tbody>
                    <tr>
                        <th scope="row" data-label="What">"Hash"</th>
                        <td data-label="This browser"><Id value=hash.clone() /></td>
                        <td data-label="The server"><Id value=hash /></td>
                        <td data-label="Compared"><Status is=SAME /></td>
                    </tr>
                    <tr>
                        <th scope="row" data-label="What">"Check of the facts, now"</th>
                        <td data-label="This browser">{brief(&here)}</td>
                        <td data-label="The server">{brief(&told)}</td>
                        <td data-label="Compared"><Status is=SAME /></td>
                    </tr>
                    <tr>
                        <th scope="row" data-label="What">"Plan recomputed from them"</th>
                        <td data-label="This browser">{steps.clone()}</td>
                        <td data-label="The server">{steps}</td>
                        <td data-label="Compared"><Status is=SAME /></td>
                    </tr>
                    <tr>
                        <th scope="row" data-label="What">"Snapshot"</th>
                        <td data-label="This browser">{move || snapshot.get().0}</td>
                        <td data-label="The server">{move || snapshot.get().1}</td>
                        <td data-label="Compared">{move || view! { <Status is=snapshot.get().2 /> }}</td>
                    </tr>
                </tbody>
            </table>
        </div>
    }
}

/// All that is not the same, each with both sides.
#[component]
pub fn Differences(
    /// What differs.
    differences: Vec<Difference>,
    /// Whose word differs from this browser's.
    #[prop(default = "The server")]
    told: &'static str,
) -> impl IntoView {
    let shown = |side: Option<String>| side.unwrap_or_else(|| "nothing".to_owned());
    let rows = differences
        .into_iter()
        .map(|difference| {
            view! {
                <tr>
                    <th scope="row" data-label="What">{difference.what}</th>
                    <td data-label="This browser" class="wrap">{shown(difference.here)}</td>
                    <td data-label=told class="wrap">{shown(difference.told)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr><th scope="col">"What"</th><th scope="col">"This browser"</th><th scope="col">{told}</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::finding::Finding;

    use super::*;

    #[test]
    fn a_report_in_a_few_words() {
        let mut report = Report::default();
        assert_eq!(brief(&report), "0 blocking, 0 warnings");
        report.push(Finding::warning("a", "a", "a"));
        report.push(Finding::note("b", "b", "b"));
        assert_eq!(brief(&report), "0 blocking, 1 warning");
    }
}
