//! Findings, worst first, and how many of each there are.

use leptos::prelude::*;
use requorum_shared::finding::{Finding, Report, Severity};

use crate::components::status::{self, Status};
use crate::format;

/// How many findings are drawn at once; a badly damaged file has thousands.
const SHOWN: usize = 200;

/// `0 blocking   2 warnings   3 notes`.
#[component]
pub fn ReportCount(
    /// The report.
    report: Report,
) -> impl IntoView {
    let item = |severity: Severity, one: &'static str, many: &'static str| {
        let n = report.count(severity);
        let label = if n == 1 { one } else { many };
        let class = if n == 0 {
            "muted"
        } else {
            status::severity(severity).0
        };
        view! { <span class=if n == 0 { class.to_owned() } else { format!("status {class}") }>{format!("{} {label}", format::number(n as u64))}</span> }
    };
    view! {
        <p class="report-count tabular">
            {item(Severity::Blocking, "blocking", "blocking")} {item(Severity::Warning, "warning", "warnings")} {item(Severity::Note, "note", "notes")}
        </p>
    }
}

/// All findings, worst first, each with its place, its reason and what to do.
#[component]
pub fn Findings(
    /// The findings.
    findings: Vec<Finding>,
    /// What to say when there is none.
    #[prop(into)]
    none: String,
    /// Buttons that resolve a finding, shown with it.
    #[prop(optional)]
    acts: Option<Callback<Finding, AnyView>>,
) -> impl IntoView {
    if findings.is_empty() {
        return view! { <p class="muted">{none}</p> }.into_any();
    }
    let mut findings = findings;
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let hidden = findings.len().saturating_sub(SHOWN);
    findings.truncate(SHOWN);
    let items = findings
        .into_iter()
        .map(|finding| one(finding, acts))
        .collect_view();
    let more = (hidden > 0).then(|| {
        view! { <p class="muted">{format!("And {} more; the JSON has them all.", format::number(hidden as u64))}</p> }
    });
    view! { <ul class="findings">{items}</ul> {more} }.into_any()
}

fn one(finding: Finding, acts: Option<Callback<Finding, AnyView>>) -> impl IntoView {
    let acts = acts.map(|acts| acts.run(finding.clone()));
    let (class, _) = status::severity(finding.severity);
    let place = finding.place.map(|place| {
        let mut words = Vec::new();
        if let Some(page) = place.page {
            words.push(format!("page {}", format::number(page)));
        }
        if let Some(offset) = place.offset {
            words.push(format!("offset {} (0x{offset:x})", format::number(offset)));
        }
        view! { <small class="muted">{words.join(", ")}</small> }
    });
    let text = |class: &'static str, text: String| {
        (!text.is_empty()).then(|| view! { <p class=class>{format::visible(&text)}</p> })
    };
    view! {
        <li class=format!("finding {class}")>
            <div class="finding-head">
                <Status is=status::severity(finding.severity) />
                <strong>{format::visible(&finding.subject)}</strong>
                <code>{finding.code}</code>
                {place}
            </div>
            <p>{format::visible(&finding.what)}</p>
            {text("why", finding.why)}
            {text("todo", finding.todo)}
            {acts}
        </li>
    }
}
