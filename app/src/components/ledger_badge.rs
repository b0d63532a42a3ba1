//! The ledger in the frame: a badge in the corner of every page, and a loud word where it does not hold.

use leptos::prelude::*;

use crate::ledger::explanations;
use crate::ledger::state::Badge;
use crate::paths;
use crate::worker::ledger::protocol::Wrong;

/// When this browser last verified the ledger; nothing for strangers.
#[component]
pub fn LedgerBadge(
    /// What it says.
    #[prop(into)]
    badge: Signal<Option<Badge>>,
) -> impl IntoView {
    move || {
        badge.get().map(|Badge { class, text }| {
            view! {
                <footer class="corner">
                    <a class=format!("status pill {class}") href=paths::ledger_verification() title="What this browser knows of the ledger.">
                        {text}
                    </a>
                </footer>
            }
        })
    }
}

/// What does not hold, and why nothing can be done.
#[component]
pub fn LedgerAlarm(
    /// What does not hold.
    #[prop(into)]
    wrong: Signal<Option<Wrong>>,
    /// Why nothing can be written; empty when all is well.
    #[prop(into)]
    trouble: Signal<String>,
) -> impl IntoView {
    let alarm = move || {
        wrong.get().map(|wrong| {
            let todo = explanations::of(&wrong.code).map(|meaning| view! { <p>{meaning.todo}</p> });
            view! {
                <div class="notice fail" role="alert">
                    <p><strong>"Do not trust this console's ledger. "</strong>{wrong.words}</p>
                    {todo}
                    <p><a href=paths::ledger_verification()>"What this browser remembers"</a></p>
                </div>
            }
        })
    };
    // A damaged ledger is said above.
    let halted = move || {
        let trouble = trouble.get();
        (!trouble.is_empty() && wrong.with(Option::is_none)).then(|| {
            view! {
                <div class="notice warning" role="alert">
                    <p><strong>"Read-only for now. "</strong>"Every act is recorded in the ledger first, and "{trouble}"."</p>
                    <p>"Check the server's disk and database; the console resumes as soon as the ledger can be written."</p>
                </div>
            }
        })
    };
    view! { <div class="alarms">{alarm}{halted}</div> }
}
