//! What this browser knows of the ledger: the checkpoint that it remembers, the current one, the proof between them,
//! the key, and what it would mean if one of them did not hold.

use leptos::prelude::*;

use crate::components::button::CopyButton;
use crate::components::command::Command;
use crate::components::dialog::Dialog;
use crate::components::hash::Id;
use crate::components::page_header::PageHeader;
use crate::components::properties::Properties;
use crate::components::status::Status;
use crate::components::time::Time;
use crate::format;
use crate::ledger::explanations;
use crate::ledger::memory::{Alarm, Known, Memory};
use crate::ledger::state::{LedgerStatus, Reading, State};
use crate::ledger::watch::LedgerWatch;
use crate::paths;
use crate::worker::ledger::protocol::{Point, Whole};

/// The badge's page.
#[component]
pub fn Verification() -> impl IntoView {
    let watch = LedgerWatch::expect();
    watch.attend();
    let (state, memory) = (watch.state(), watch.memory());
    let sentence =
        Signal::derive(move || memory.with(|memory| state.with(|state| sentence(state, memory))));
    let crumbs = vec![("Ledger".to_owned(), paths::ledger())];
    let again = move || {
        view! { <button type="button" class="button" on:click=move |_| watch.look()>"Check now"</button> }
    };
    let checkpoints = move || memory.with(|memory| state.with(|state| checkpoints(state, memory)));
    let alarms = Memo::new(move |_| memory.with(|memory| memory.alarms.clone()));
    view! {
        <div class="page">
            <PageHeader crumbs sentence below=move || view! { <p role="status">{move || state.with(below)}</p> } acts=again />
            {move || alarms_view(watch, alarms.get())}
            <section class="section"><h2>"Checkpoints"</h2>{checkpoints}</section>
            <Everything />
            <Key />
            {failures()}
        </div>
    }
}

fn sentence(state: &State, memory: &Memory) -> String {
    match &state.status {
        _ if state.wrong().is_some() => "Do not trust this ledger.".into(),
        LedgerStatus::Verified { at_ms, now, .. } => format!(
            "Ledger verified: {}, by this browser at {}.",
            format::count(now.size, "entry", "entries"),
            format::minute_zoned(*at_ms)
        ),
        LedgerStatus::First { at_ms, .. } => format!(
            "This browser first saw this ledger at {}, and remembers it.",
            format::minute_zoned(*at_ms)
        ),
        _ => format!("The ledger was {}.", state.checked(memory)),
    }
}

fn below(state: &State) -> String {
    match &state.status {
        _ if state.wrong().is_some() => state.wrong().map_or(String::new(), |w| w.words.clone()),
        LedgerStatus::Verified { before, now, .. } => match (state.proof, before == now) {
            (_, true) => "Nothing was added since the last check; its signature is valid.".into(),
            (Some(hashes), _) => format!(
                "Its signature is valid, and {} from the {} remembered entries to the current {}.",
                format::count(hashes as u64, "hash leads", "hashes lead"),
                format::number(before.size),
                format::number(now.size)
            ),
            (None, _) => "Its signature is valid.".into(),
        },
        LedgerStatus::First { .. } => {
            "Its signature is valid. Nothing was remembered to compare it with: compare the key below with a colleague's.".into()
        }
        LedgerStatus::Unreached { why } => why.clone(),
        LedgerStatus::Unasked | LedgerStatus::Wrong(_) => "Asking the server.".into(),
    }
}

fn checkpoints(state: &State, memory: &Memory) -> impl IntoView + use<> {
    let known = memory.current().cloned();
    let row = |name: &'static str, point: Option<&Point>, when: AnyView, status| {
        let (size, root) = match point {
            Some(point) => (
                format::number(point.size),
                view! { <Id value=point.root.clone() /> }.into_any(),
            ),
            None => ("–".to_owned(), "–".into_any()),
        };
        view! {
            <tr>
                <th scope="row" data-label="Checkpoint">{name}</th>
                <td data-label="Entries" class="number">{size}</td>
                <td data-label="Root">{root}</td>
                <td data-label="When">{when}</td>
                <td data-label="Verdict"><Status is=status /></td>
            </tr>
        }
    };
    let (before, now, status) = match &state.status {
        _ if state.wrong().is_some() => (None, None, ("fail", "verification failed")),
        LedgerStatus::Verified { before, now, .. } => (
            Some(before.clone()),
            Some(now.clone()),
            ("pass", "consistent"),
        ),
        LedgerStatus::First { now, .. } => (None, Some(now.clone()), ("not-checked", "first seen")),
        _ => (None, None, ("not-checked", "not checked")),
    };
    let before = before.or_else(|| known.as_ref().map(|known| known.point.clone()));
    let when = |ms: Option<i64>| match ms {
        Some(ms) => view! { <Time ms /> }.into_any(),
        None => "–".into_any(),
    };
    let verified = known.as_ref().map(|known| known.verified_ms);
    let seen = if known.is_some() {
        ("pass", "remembered")
    } else {
        ("not-checked", "none")
    };
    let now_when = match &state.status {
        LedgerStatus::Verified { at_ms, .. } | LedgerStatus::First { at_ms, .. } => Some(*at_ms),
        _ => None,
    };
    let note = state.note.clone();
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Checkpoint"</th><th scope="col" class="number">"Entries"</th><th scope="col">"Root"</th>
                        <th scope="col">"When"</th><th scope="col">"Verdict"</th>
                    </tr>
                </thead>
                <tbody>
                    {row("Remembered", before.as_ref(), when(verified), seen)}
                    {row("Current", now.as_ref(), when(now_when), status)}
                </tbody>
            </table>
        </div>
        {(!note.is_empty()).then(|| view! { <Command label="Signed checkpoint (C2SP signed note)" text=note /> })}
    }
}

/// Reading all entries.
#[component]
fn Everything() -> impl IntoView {
    let watch = LedgerWatch::expect();
    let state = watch.state();
    let under = Memo::new(move |_| state.with(|s| matches!(s.reading, Reading::Under { .. })));
    let status = move || {
        state.with(|state| match &state.reading {
            Reading::Whole(whole) if Some(&whole.point) == state.point() => {
                view! { <Status is=("pass", "all entries verified") /> }.into_any()
            }
            reading if reading.wrong().is_some() => {
                view! { <Status is=("fail", "entries do not match") /> }.into_any()
            }
            _ => view! { <Status is=("not-checked", "not checked") /> }.into_any(),
        })
    };
    let words = move || state.with(|state| reading_words(&state.reading));
    let bar = move || {
        state.with(|state| match state.reading {
            Reading::Under { read, size, .. } => Some(view! {
                <progress aria-label="Reading the ledger" max=size.max(1).to_string() value=read.to_string()></progress>
            }),
            _ => None,
        })
    };
    let act = move || {
        match under.get() {
        true => view! { <button type="button" class="button" on:click=move |_| watch.stop()>"Stop reading"</button> }.into_any(),
        false => view! {
            <button type="button" class="button" disabled=move || state.with(|s| s.note.is_empty()) on:click=move |_| watch.read_all()>
                "Verify everything"
            </button>
        }
        .into_any(),
    }
    };
    let facts = move || {
        state.with(|state| match &state.reading {
            Reading::Whole(whole) => Some(facts(whole)),
            _ => None,
        })
    };
    view! {
        <section class="section">
            <h2>"Every entry"</h2>
            <p class="muted">
                "The proof between two checkpoints shows that nothing was removed or inserted between them. Reading every entry also shows that each still has the text that was written."
            </p>
            <div class="acts">{act}{status}</div>
            <div class="meter">{bar}<p class="meter-line" role="status">{words}</p></div>
            {facts}
        </section>
    }
}

fn reading_words(reading: &Reading) -> String {
    match reading {
        Reading::Not => "Not read yet.".into(),
        Reading::Under {
            read,
            size,
            since_ms,
            ..
        } => {
            let seconds = (js_sys::Date::now() - since_ms) / 1000.0;
            let rate = if seconds > 0.2 {
                format!(
                    " · {} per second",
                    format::number((*read as f64 / seconds) as u64)
                )
            } else {
                String::new()
            };
            format!(
                "{} of {} entries, {} %{rate}",
                format::number(*read),
                format::number(*size),
                format::percent(*read, *size)
            )
        }
        Reading::Whole(whole) => format!(
            "{} read and verified in {}, {}.",
            format::count(whole.fresh, "entry", "entries"),
            format::duration(whole.took_ms as f64),
            format::bytes(whole.bytes)
        ),
        Reading::Wrong(wrong) => wrong.words.clone(),
        Reading::Stopped { why } => format!("Stopped before the end. {why}"),
    }
}

fn facts(whole: &Whole) -> impl IntoView + use<> {
    let rows = vec![
        ("Entries", format::number(whole.point.size).into_any()),
        ("Acts still open", format::number(whole.open).into_any()),
        (
            "Acts with unknown outcome",
            format::number(whole.unknown).into_any(),
        ),
        (
            "Clock set back",
            format::count(whole.clock_back, "time", "times").into_any(),
        ),
    ];
    view! { <Properties rows /> }
}

/// The key, and how it came to be believed.
#[component]
fn Key() -> impl IntoView {
    let watch = LedgerWatch::expect();
    let (state, memory) = (watch.state(), watch.memory());
    let asking = RwSignal::new(false);
    let shown = Memo::new(move |_| state.with(|state| state.key.clone()));
    let believed = Memo::new(move |_| memory.with(|memory| memory.key.clone()));
    let is_other = move || {
        !believed.get().is_empty() && !shown.get().is_empty() && believed.get() != shown.get()
    };
    let first = move || memory.with(|memory| memory.current().map(seen_first));
    view! {
        <section class="section">
            <h2>"Key"</h2>
            <p class="muted">
                "This key verifies checkpoints. A browser trusts the first key it sees at an address; compare it once with a colleague's page, or with what "
                <code>"requorum audit verify"</code> " prints on the server."
            </p>
            <pre class="canonical" tabindex="0">{move || if believed.get().is_empty() { "None yet.".to_owned() } else { believed.get() }}</pre>
            <div class="acts"><CopyButton label="Copy key" text=believed /></div>
            <p class="small muted">{first}</p>
            {move || is_other().then(|| view! {
                <div class="notice fail">
                    <p><strong>"The server now shows a different key:"</strong></p>
                    <p class="mono">{shown}</p>
                    <div class="acts">
                        <button type="button" class="button danger" on:click=move |_| asking.set(true)>"Trust the new key"</button>
                    </div>
                </div>
            })}
            <Dialog open=asking label="Trust the new key">
                <h2>"Trust a different key from now on?"</h2>
                <p>"Do this only if the console's administrator told you that it was set up again, and you compared the key with theirs through a channel other than this page."</p>
                <p class="mono breakable">{shown}</p>
                <p>"What was seen under the old key is kept, and counts again if that ledger returns."</p>
                <div class="dialog-acts">
                    <button type="button" class="button" autofocus on:click=move |_| asking.set(false)>"Keep the old key"</button>
                    <button type="button" class="button danger" on:click=move |_| { asking.set(false); watch.believe() }>"Trust the new key"</button>
                </div>
            </Dialog>
        </section>
    }
}

fn seen_first(known: &Known) -> impl IntoView + use<> {
    let entries = format::count(known.first_size, "entry", "entries");
    let place = window().location().origin().unwrap_or_default();
    view! { "First seen by this browser " <Time ms=known.first_ms /> {format!(" at {place}, when the ledger had {entries}.")} }
}

/// Each time that something did not hold.
fn alarms_view(watch: LedgerWatch, alarms: Vec<Alarm>) -> impl IntoView {
    if alarms.is_empty() {
        return ().into_any();
    }
    let open = alarms.iter().any(|alarm| !alarm.noted);
    let items = alarms
        .into_iter()
        .rev()
        .map(|alarm| {
            let status = if alarm.noted { ("note", "seen by you") } else { ("fail", "did not hold") };
            view! {
                <li class="verdict-line"><Status is=status /><p><Time ms=alarm.at_ms /> ": " {alarm.words}</p></li>
            }
        })
        .collect_view();
    view! {
        <section class="section">
            <h2>"What failed"</h2>
            <ul class="stack">{items}</ul>
            {open.then(|| view! {
                <div class="acts">
                    <button type="button" class="button" on:click=move |_| watch.note_alarms()>"I have seen this"</button>
                    <p class="why-not">"Copy it first: it is kept in this browser only."</p>
                </div>
            })}
        </section>
    }
    .into_any()
}

/// What each failure would mean.
fn failures() -> impl IntoView {
    let items = explanations::ALL
        .iter()
        .map(|meaning| {
            view! {
                <li class="finding">
                    <p><strong>{meaning.name}</strong></p>
                    <p>{meaning.means}</p>
                    <p class="todo">{meaning.todo}</p>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="section">
            <h2>"What a failure means"</h2>
            <p class="muted">"A server that does not answer is none of these: then the badge says since when nothing was checked."</p>
            <ul class="findings">{items}</ul>
        </section>
    }
}
