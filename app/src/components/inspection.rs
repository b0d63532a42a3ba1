//! What is known of one file: verdict, page map and tabs. The same on the Inspect page and for a stored file, and for
//! every kind: what only one kind has comes in as tabs.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use requorum_shared::inspection::{Labelled, Trust};
use requorum_shared::kinds::Inspection;
use requorum_shared::value::Value;

use crate::components::document::Sections;
use crate::components::findings::{Findings, ReportCount};
use crate::components::page_map::PageMap;
use crate::components::tabs::{Tab, Tabs, open_tab};
use crate::components::verdict::VerdictParts;
use crate::format;
use crate::page_map::PageMapView;
use crate::paths::with_query;

/// `etcd 3.6 · revision 1 200 007 · 600 000 keys · 1.54 GiB · prod.db`, as far as known.
pub fn summary(inspection: &Inspection) -> String {
    let mut parts: Vec<String> = inspection.headline.iter().map(labelled).collect();
    let is_text =
        |labelled: &Labelled| matches!(labelled.value, Some(Value::Text(_) | Value::Version(_)));
    if !inspection.headline.iter().any(is_text) {
        parts.insert(0, without_article(&inspection.label).to_owned());
    }
    let is_size = |labelled: &Labelled| matches!(labelled.value, Some(Value::Bytes(_)));
    if !inspection.headline.iter().any(is_size) {
        parts.push(format::bytes(inspection.file.size));
    }
    if let Some(packed) = &inspection.unpacked_from {
        parts.push(format!("unpacked from {}", packed.kind));
    }
    parts.push(format::visible(&inspection.file.name));
    parts.join(" · ")
}

/// A value of the headline with its name: `revision 339`, `201 keys`.
fn labelled(labelled: &Labelled) -> String {
    let label = &labelled.label;
    let lower = label.to_lowercase();
    let Some(value) = &labelled.value else {
        return format!("{lower} unknown");
    };
    match value {
        Value::Text(text) | Value::Word(text) | Value::Version(text) => {
            format!("{label} {}", format::visible(text))
        }
        Value::Id(id) | Value::Sha256(id) => format!("{lower} {}", format::visible(id)),
        Value::Revision(n) => format!("{lower} {}", format::signed(*n)),
        Value::Index(n) => format!("{lower} {}", format::number(*n)),
        Value::Count(n) => format!(
            "{} {}",
            format::number(*n),
            labelled.noun(*n).to_lowercase()
        ),
        Value::Bytes(n) => format::bytes(*n),
        Value::Seconds(_) => format!("{lower} {value}"),
        Value::Flag(_) => format!("{lower}: {value}"),
    }
}

fn without_article(label: &str) -> &str {
    ["a ", "an ", "the "]
        .into_iter()
        .find_map(|article| label.strip_prefix(article))
        .unwrap_or(label)
}

/// A tab that only one kind of file has.
#[derive(Clone)]
pub struct InspectionTab {
    /// What it says, and its name in the address.
    pub tab: Tab,
    /// What it shows.
    pub body: ViewFn,
}

/// Verdict, map and tabs of one file.
#[component]
pub fn InspectionView(
    /// What is known of it.
    inspection: Arc<Inspection>,
    /// Its picture.
    map: PageMapView,
    /// What only its kind shows.
    #[prop(name = "tabs")]
    own: Vec<InspectionTab>,
    /// Copies the whole document.
    #[prop(into)]
    on_copy_json: Callback<()>,
) -> impl IntoView {
    let query = use_query_map();
    let location = use_location();
    let own = match own.is_empty() && !inspection.sections.is_empty() {
        true => vec![contents(&inspection, on_copy_json)],
        false => own,
    };
    let findings = Signal::derive(move || {
        with_query(
            &location.pathname.get(),
            &location.search.get(),
            "tab",
            FINDINGS,
        )
    });
    let has_pages = map.pages > 0;
    let page_map = has_pages.then(|| {
        view! {
            <section class="section">
                <h2>"The file, page by page"</h2>
                <PageMap map />
            </section>
        }
    });
    // Of a file that is only recognised, the verdict says all.
    let rest = if own.is_empty() {
        view! { <section class="section"><h2>"Findings"</h2>{findings_tab(&inspection)}</section> }
            .into_any()
    } else {
        let mut tabs: Vec<Tab> = own.iter().map(|own| own.tab.clone()).collect();
        tabs.insert(tabs.len().min(BEFORE_FINDINGS), findings_of(&inspection));
        let open = Memo::new({
            let tabs = tabs.clone();
            move |_| open_tab(&tabs, query.with(|q| q.get("tab")))
        });
        let body = {
            let inspection = inspection.clone();
            move || match own.iter().find(|own| own.tab.key == open.get()) {
                Some(own) => own.body.run(),
                None => findings_tab(&inspection).into_any(),
            }
        };
        view! {
            <section class="section">
                <Tabs label="Parts of this file" tabs open />
                <div class="stack tab-body">{body}</div>
            </section>
        }
        .into_any()
    };
    view! {
        <VerdictParts verdict=inspection.verdict.clone() findings />
        {advice(&inspection)}
        {page_map}
        {rest}
    }
}

/// The name of the tab of findings.
const FINDINGS: &str = "findings";
/// How many tabs come before that of the findings.
const BEFORE_FINDINGS: usize = 2;

fn findings_of(inspection: &Inspection) -> Tab {
    Tab {
        key: FINDINGS,
        label: "Findings",
        note: format::number(inspection.report.findings.len() as u64),
    }
}

/// What every kind has to read.
fn contents(inspection: &Arc<Inspection>, on_copy_json: Callback<()>) -> InspectionTab {
    let inspection = inspection.clone();
    InspectionTab {
        tab: Tab {
            key: "contents",
            label: "Contents",
            note: String::new(),
        },
        body: ViewFn::from(move || {
            view! {
                <Sections sections=inspection.sections.clone() />
                <div class="acts">
                    <button type="button" class="button small" on:click=move |_| on_copy_json.run(())>
                        "Copy as JSON"
                    </button>
                </div>
            }
        }),
    }
}

/// What to do, once for the whole file.
fn advice(inspection: &Inspection) -> impl IntoView + use<> {
    let advice = inspection.verdict.advice.clone();
    let class = match inspection.trust() {
        Trust::Unknown | Trust::Damaged => "notice fail",
        Trust::Unproven | Trust::Verified => "notice warning",
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
            none="No findings: every check that could be made passed."
        />
    }
}
