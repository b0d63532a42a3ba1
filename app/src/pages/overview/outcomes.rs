//! What became of one's own plans in the last days: told until it is dismissed in this browser, or a week old.

use leptos::prelude::*;
use requorum_shared::api::v1::OutcomeItem;

use crate::components::status::Status;
use crate::components::time::Ago;
use crate::outcome_text::{path, words};

/// Where this browser keeps what was dismissed.
const KEY: &str = "requorum.dismissed";
/// How much of it: more than the server tells at once.
const MOST: usize = 100;

/// What the server tells, as a section; nothing where that is nothing.
pub(super) fn outcomes(items: Vec<OutcomeItem>) -> impl IntoView {
    let dismissed = RwSignal::new(remembered());
    let items = StoredValue::new(items);
    let left = Memo::new(move |_| {
        dismissed.with(|dismissed| {
            items.with_value(|items| {
                let items = items.iter().filter(|item| !dismissed.contains(&key(item)));
                items.cloned().collect::<Vec<_>>()
            })
        })
    });
    let dismiss = Callback::new(move |key: String| {
        dismissed.update(|dismissed| {
            dismissed.insert(0, key);
            dismissed.truncate(MOST);
            remember(dismissed);
        });
    });
    let row = move |item: OutcomeItem| {
        let (is, words) = words(&item);
        let to = path(&item);
        let (this, label) = (key(&item), format!("Dismiss {}", item.name));
        view! {
            <li class="line">
                <a class="line-name" href=to>{item.name}</a>
                <Status is />
                <span class="line-words">{words}</span>
                <span class="muted small"><Ago ms=item.at_ms /></span>
                <button type="button" class="button small" aria-label=label on:click=move |_| dismiss.run(this.clone())>"Dismiss"</button>
            </li>
        }
    };
    move || {
        let left = left.get();
        (!left.is_empty()).then(|| {
            view! {
                <section class="section">
                    <h2>"Your plans"</h2>
                    <ul class="line-list">{left.into_iter().map(row).collect_view()}</ul>
                </section>
            }
        })
    }
}

/// What became of one plan at one time: told once more when something else becomes of it.
fn key(item: &OutcomeItem) -> String {
    format!("{} {}", item.plan_id, item.at_ms)
}

fn remembered() -> Vec<String> {
    let storage = window().local_storage().ok().flatten();
    let text = storage.and_then(|storage| storage.get_item(KEY).ok().flatten());
    text.map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default()
}

fn remember(dismissed: &[String]) {
    // A browser that keeps nothing tells it again.
    if let Some(storage) = window().local_storage().ok().flatten() {
        let _ = storage.set_item(KEY, &dismissed.join("\n"));
    }
}
