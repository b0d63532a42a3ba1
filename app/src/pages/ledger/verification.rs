//! What this browser knows of the ledger: the checkpoint that it remembers, the current one, the proof between them,
//! the key, and what it would mean if one of them did not hold.

use leptos::prelude::*;

use crate::components::button::CopyButton;
use crate::components::command::Command;
use crate::components::dialog::Dialog;
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::components::properties::Properties;
use crate::components::status::Status;
use crate::components::time::Time;
use crate::format;
use crate::ledger::meaning;
use crate::ledger::memory::{Alarm, Known, Memory};
use crate::ledger::state::{Reading, Standing, State, minute};
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
            <Lead crumbs sentence below=move || view! { <p role="status">{move || state.with(below)}</p> } acts=again />
            {move || alarms_view(watch, alarms.get())}
            <section class="section"><h2>"Checkpoints"</h2>{checkpoints}</section>
            <Everything />
            <Key />
            {failures()}
        </div>
    }
}

fn sentence(state: &State, memory: &Memory) -> String {
    match &state.standing {
        _ if state.wrong().is_some() => "Do not trust this ledger.".into(),
        Standing::Verified { at_ms, now, .. } => format!(
            "The ledger of {} holds; this browser verified it at {}.",
            format::count(now.size, "entry", "entries"),
            minute(*at_ms)
        ),
        Standing::First { at_ms, .. } => format!(
            "This browser saw this ledger for the first time at {}, and remembers it.",
            minute(*at_ms)
        ),
        _ => format!("The ledger was {}.", state.checked(memory)),
    }
}

fn below(state: &State) -> String {
    match &state.standing {
        _ if state.wrong().is_some() => state.wrong().map_or(String::new(), |w| w.words.clone()),
        Standing::Verified { before, now, .. } => match (state.proof, before == now) {
            (_, true) => "Nothing was written since it was last looked at; its signature holds.".into(),
            (Some(hashes), _) => format!(
                "Its signature holds, and {} from the {} remembered entries to the {} of now.",
                format::count(hashes as u64, "hash leads", "hashes lead"),
                format::number(before.size),
                format::number(now.size)
            ),
            (None, _) => "Its signature holds.".into(),
        },
        Standing::First { .. } => {
            "Its signature holds. Nothing was remembered to hold it against: compare the key below with a colleague's.".into()
        }
        Standing::Unreached { why } => why.clone(),
        Standing::Unasked | Standing::Wrong(_) => "The server is being asked.".into(),
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
    let (before, now, status) = match &state.standing {
        _ if state.wrong().is_some() => (None, None, ("fail", "does not hold")),
        Standing::Verified { before, now, .. } => (
            Some(before.clone()),
            Some(now.clone()),
            ("pass", "goes on from it"),
        ),
        Standing::First { now, .. } => (None, Some(now.clone()), ("not-checked", "first seen")),
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
    let now_when = match &state.standing {
        Standing::Verified { at_ms, .. } | Standing::First { at_ms, .. } => Some(*at_ms),
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
        {(!note.is_empty()).then(|| view! { <Command label="The signed checkpoint, as any client of transparency logs reads it" text=note /> })}
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
                view! { <Status is=("pass", "all entries add up") /> }.into_any()
            }
            reading if reading.wrong().is_some() => {
                view! { <Status is=("fail", "entries do not add up") /> }.into_any()
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
                "The proof between two checkpoints shows that nothing was taken away or put in between. Reading every entry shows besides that each is still the text that was written."
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
        Reading::Stopped { why } => format!("Not read to the end. {why}"),
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
                "Checkpoints are believed by this key. A browser believes the first one that it sees at an address; compare it once with a colleague's page, or with what "
                <code>"requorum audit verify"</code> " says on the server."
            </p>
            <pre class="canonical" tabindex="0">{move || if believed.get().is_empty() { "None yet.".to_owned() } else { believed.get() }}</pre>
            <div class="acts"><CopyButton label="Copy key" text=believed /></div>
            <p class="small muted">{first}</p>
            {move || is_other().then(|| view! {
                <div class="notice fail">
                    <p><strong>"The server shows another key now:"</strong></p>
                    <p class="mono">{shown}</p>
                    <div class="acts">
                        <button type="button" class="button danger" on:click=move |_| asking.set(true)>"Believe the new key"</button>
                    </div>
                </div>
            })}
            <Dialog open=asking label="Believe the new key">
                <h2>"Believe another key from now on?"</h2>
                <p>"Do it only if whoever keeps this console told you that it was set up anew, and you compared the key with theirs by another way than this page."</p>
                <p class="mono breakable">{shown}</p>
                <p>"What was seen under the old key is kept, and counts again if that ledger comes back."</p>
                <div class="dialog-acts">
                    <button type="button" class="button" autofocus on:click=move |_| asking.set(false)>"Keep the old key"</button>
                    <button type="button" class="button danger" on:click=move |_| { asking.set(false); watch.believe() }>"Believe the new key"</button>
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
            <h2>"What did not hold"</h2>
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
    let items = meaning::ALL
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
            <h2>"What it means when something does not hold"</h2>
            <p class="muted">"A server that does not answer is none of these: then the badge says since when nothing was checked."</p>
            <ul class="findings">{items}</ul>
        </section>
    }
}
