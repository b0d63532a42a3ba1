//! What had to be true, and what was seen.

use leptos::prelude::*;
use requorum_shared::finding::{Check, Outcome};

use crate::components::status::{self, Status};
use crate::format;

/// `30 pass, 1 is not checked.`
pub fn summary(checks: &[Check]) -> String {
    let count = |outcome| checks.iter().filter(|c| c.outcome == outcome).count() as u64;
    let mut parts = Vec::new();
    match count(Outcome::Fail) {
        0 => {}
        n => parts.push(format::count(n, "fails", "fail")),
    }
    parts.push(format::count(count(Outcome::Pass), "passes", "pass"));
    match count(Outcome::NotChecked) {
        0 => {}
        n => parts.push(format::count(n, "is not checked", "are not checked")),
    }
    format!("{}.", parts.join(", "))
}

/// A table of checks: what fails first, then what nobody looked at.
#[component]
pub fn Checks(
    /// The checks.
    checks: Vec<Check>,
) -> impl IntoView {
    let mut checks = checks;
    checks.sort_by_key(|check| match check.outcome {
        Outcome::Fail => 0,
        Outcome::NotChecked => 1,
        Outcome::Pass => 2,
    });
    let summary = summary(&checks);
    let rows = checks
        .into_iter()
        .map(|check| {
            view! {
                <tr>
                    <th scope="row" data-label="Check">{check.name}</th>
                    <td data-label="Outcome"><Status is=status::outcome(check.outcome) /></td>
                    <td data-label="Evidence">{check.evidence}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p>{summary}</p>
        <div class="table-wrap">
            <table class="table checks">
                <thead>
                    <tr><th scope="col">"Check"</th><th scope="col">"Outcome"</th><th scope="col">"Evidence"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_looked_at_is_never_counted_as_passed() {
        let check = |outcome| Check::new("x", outcome, "");
        let some = [
            check(Outcome::Pass),
            check(Outcome::NotChecked),
            check(Outcome::Pass),
        ];
        assert_eq!(
            summary(&some).replace('\u{202f}', " "),
            "2 pass, 1 is not checked."
        );
        assert_eq!(summary(&[check(Outcome::Fail)]), "1 fails, 0 pass.");
    }
}
