//! One entry: its text, and its way to the checkpoint, computed in this browser.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{LedgerEntry, ListPlansRequest};
use requorum_shared::ledger::entry::{Entry, act};

use super::acts::ClockBack;
use crate::client::grpc;
use crate::components::button::CopyButton;
use crate::components::command::Command;
use crate::components::hash::Id;
use crate::components::load::load_page;
use crate::components::page_header::PageHeader;
use crate::components::proof_path::ProofPath;
use crate::components::properties::Properties;
use crate::components::status::Status;
use crate::components::time::Time;
use crate::entry_filter::Filter;
use crate::failure::{Failure, Kind};
use crate::format;
use crate::ledger::rows::{Row, outcome};

use crate::ledger::watch::{LedgerWatch, Proven};
use crate::paths;

/// What the page shows.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    proven: Proven,
    /// The entry that closes it.
    closing: Option<Entry>,
    /// The id of the plan whose hash it names.
    plan: Option<String>,
}

/// An entry's page.
#[component]
pub fn LedgerEntryPage() -> impl IntoView {
    let watch = LedgerWatch::expect();
    watch.attend();
    let params = use_params_map();
    let index = Memo::new(move |_| params.with(|p| p.get("index")?.parse::<u64>().ok()));
    let found = LocalResource::new(move || find(watch, index.get()));
    let show = move |found| show(watch, index.get_untracked().unwrap_or_default(), found);
    view! { <div class="page">{load_page(found, crumbs(), show)}</div> }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Ledger".to_owned(), paths::ledger())]
}

async fn find(watch: LedgerWatch, index: Option<u64>) -> Result<Found, Failure> {
    let index = index.ok_or_else(|| {
        Failure::new(
            Kind::NotFound,
            "Ledger entries have numbers; this is not one.",
        )
    })?;
    let proven = watch.prove(index).await?;
    let entry = serde_json::from_slice::<Entry>(&proven.listed.canonical).ok();
    // What closes it, and its plan's page, are asked for besides: without them the page is whole all the same.
    let closing = match &entry {
        Some(entry) if entry.closes.is_none() && entry.outcome.is_none() => closing(index).await,
        _ => None,
    };
    let plan = match entry.and_then(|entry| entry.plan) {
        Some(hash) => plan(&hash).await,
        None => None,
    };
    Ok(Found {
        proven,
        closing,
        plan,
    })
}

async fn closing(index: u64) -> Option<Entry> {
    let request = Filter::default().request(Some(index + 1), 1);
    let list = grpc::call(request).await.ok()?;
    let row = Row::read(list.entries.first()?)?;
    row.closing.filter(|_| row.entry.index == index)
}

async fn plan(hash: &str) -> Option<String> {
    let this = ListPlansRequest {
        hash: hash.to_owned(),
        ..ListPlansRequest::default()
    };
    let plan = grpc::call(this).await.ok()?.plans.pop()?;
    Some(plan.id)
}

fn show(watch: LedgerWatch, index: u64, found: Found) -> impl IntoView {
    let text = text_of(&found.proven.listed);
    let entry = serde_json::from_str::<Entry>(&text).ok();
    let sentence = match &entry {
        Some(entry) => sentence(entry, found.closing.as_ref()),
        None => format!("Entry {index} cannot be read."),
    };
    let details = entry
        .as_ref()
        .map(|entry| details(entry, found.closing.as_ref(), found.plan.as_deref()));
    let proof = found.proven.proof.clone();
    let leaf = proof.leaf.clone();
    view! {
        <PageHeader crumbs=crumbs() sentence below=move || view! { <p>{format!("Entry {}", format::number(index))}</p> } />
        {details}
        <section class="section">
            <h2>"Inclusion"</h2>
            {verdicts(watch, &found.proven)}
        </section>
        <section class="section">
            <h2>"Inclusion proof"</h2>
            <p class="muted">"Two neighbours are hashed into one, level by level. The last is the root, which the checkpoint signs."</p>
            <ProofPath index proof />
        </section>
        <section class="section">
            <h2>"Canonical text, exactly as hashed"</h2>
            <pre class="canonical" tabindex="0">{text.clone()}</pre>
            <div class="acts"><CopyButton label="Copy text" text=text /></div>
            <p class="small muted">"Leaf hash (SHA-256 of a zero byte and the text): " <Id value=leaf /></p>
            <Command label="Verify the ledger on the server" text="requorum audit verify --data-dir DIR".to_owned() />
        </section>
    }
}

/// The bytes as text. What is no text is shown with marks in it, and does not hash to its leaf.
fn text_of(listed: &LedgerEntry) -> String {
    String::from_utf8_lossy(&listed.canonical).into_owned()
}

/// `ada: approve a plan, done.`
fn sentence(entry: &Entry, closing: Option<&Entry>) -> String {
    let who = if entry.who.is_empty() {
        "Anonymous"
    } else {
        &entry.who
    };
    let (_, word) = outcome(entry, closing);
    let end = match (entry.closes, word) {
        (Some(_), word) => format!("ended: {word}"),
        (None, "open") => "not ended yet".into(),
        (None, word) => word.into(),
    };
    format!("{who}: {}, {end}.", act::phrase(&entry.act))
}

fn details(entry: &Entry, closing: Option<&Entry>, plan: Option<&str>) -> impl IntoView + use<> {
    let ends = match (entry.closes, closing) {
        (Some(opened), _) => link("closes entry", opened).into_any(),
        (None, Some(closing)) => view! {
            {link("closed by entry", closing.index)} " at " <Time ms=closing.at_ms />
        }
        .into_any(),
        (None, None) if entry.outcome.is_some() => "act and outcome in one entry".into_any(),
        (None, None) => "not closed yet".into_any(),
    };
    let reason = closing.map_or(&entry.reason, |closing| &closing.reason);
    let time = view! {
        <Time ms=entry.at_ms />
        {entry.clock_back_ms.map(|ms| view! { " " <ClockBack ms /> })}
    };
    let or_dash = |text: Option<&str>| text.filter(|t| !t.is_empty()).unwrap_or("–").to_owned();
    let plan = match (&entry.plan, plan) {
        (Some(_), Some(id)) => view! { <a href=paths::plan(id)>"its plan"</a> }.into_any(),
        (Some(hash), None) => view! { <Id value=hash.clone() /> }.into_any(),
        (None, _) => "–".into_any(),
    };
    let job = match &entry.job {
        Some(job) => view! { <a href=paths::job(job)>"its job"</a> }.into_any(),
        None => "–".into_any(),
    };
    let rows = vec![
        (
            "Outcome",
            view! { <Status is=outcome(entry, closing) /> }.into_any(),
        ),
        ("When", time.into_any()),
        ("Who", or_dash(Some(&entry.who)).into_any()),
        ("Account id", or_dash(entry.who_id.as_deref()).into_any()),
        ("From", or_dash(Some(&entry.from)).into_any()),
        ("Subject", or_dash(Some(&entry.subject)).into_any()),
        ("Why", or_dash(Some(reason)).into_any()),
        ("Cluster", or_dash(entry.cluster.as_deref()).into_any()),
        ("Plan", plan),
        ("Job", job),
        ("Completed by", ends),
    ];
    view! { <Properties rows /> }
}

fn link(words: &'static str, index: u64) -> impl IntoView {
    view! { <a href=paths::ledger_entry(index)>{format!("{words} {}", format::number(index))}</a> }
}

/// What was checked of it, each by itself.
fn verdicts(watch: LedgerWatch, proven: &Proven) -> impl IntoView + use<> {
    let proof = &proven.proof;
    let path = match (&proof.wrong, &proof.point) {
        (None, Some(point)) => (
            "pass",
            format!(
                "Its text hashes to its leaf, and {} from there to the root of {} entries.",
                format::count(proof.steps.len() as u64, "hash leads", "hashes lead"),
                format::number(point.size)
            ),
        ),
        (Some(wrong), _) => ("fail", wrong.words.clone()),
        (None, None) => ("not-checked", "No checkpoint to compare it with.".into()),
    };
    let signed = match (&proof.point, &proof.wrong) {
        (Some(_), _) => (
            "pass",
            "That checkpoint is signed with the key that this browser trusts.".to_owned(),
        ),
        (None, Some(wrong)) => ("fail", wrong.words.clone()),
        (None, None) => ("not-checked", "No checkpoint.".into()),
    };
    let verified = proven.verified;
    let remembered = move || {
        let state = watch.state().get();
        match state.wrong() {
            Some(wrong) => ("fail", wrong.words.clone()),
            None if verified => {
                let at = watch
                    .memory()
                    .with(|m| m.current().map_or(0, |known| known.verified_ms));
                let at = format::minute_zoned(at);
                (
                    "pass",
                    format!(
                        "This browser verified that checkpoint at {at}: it is consistent with what was seen earlier."
                    ),
                )
            }
            None => (
                "not-checked",
                "This browser could not compare that checkpoint with the one it remembers.".into(),
            ),
        }
    };
    let item = |(class, words): (&'static str, String)| {
        let word = match class {
            "not-checked" => "not checked",
            other => other,
        };
        view! { <li class="verdict-line"><Status is=(class, word) /><p>{words}</p></li> }
    };
    view! {
        <ul class="stack">
            {item(path)}
            {item(signed)}
            {move || item(remembered())}
        </ul>
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::ledger::entry::{Draft, Outcome, Place};

    use super::*;

    #[test]
    fn an_entry_is_a_sentence() {
        let place = |index| Place {
            index,
            at_ms: 0,
            previous_ms: None,
        };
        let draft = Draft {
            who: "ada".into(),
            who_id: None,
            act: act::PLAN_APPROVE.into(),
            ..Draft::default()
        };
        let opened = Entry::opened(place(3), &draft);
        let closed = Entry::closed(place(4), &draft, 3, Outcome::Done, "");
        assert_eq!(
            sentence(&opened, None),
            "ada: approve a plan, not ended yet."
        );
        assert_eq!(
            sentence(&opened, Some(&closed)),
            "ada: approve a plan, done."
        );
        assert_eq!(sentence(&closed, None), "ada: approve a plan, ended: done.");
        let noted = Entry::noted(
            place(5),
            &Draft {
                who: String::new(),
                who_id: None,
                ..draft
            },
            Outcome::Refused,
            "x",
        );
        assert_eq!(
            sentence(&noted, None),
            "Anonymous: approve a plan, refused."
        );
    }
}
