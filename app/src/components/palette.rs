//! The palette: pages and acts by name, opened by Ctrl-K.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::components::dialog::Dialog;

/// Something the palette can go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub label: String,
    /// What kind of thing it is.
    pub kind: &'static str,
    /// Its address.
    pub path: String,
}

/// The entries whose label holds every word of `typed`, in order; those that begin with it come first.
pub fn matching(entries: &[Entry], typed: &str) -> Vec<Entry> {
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut found: Vec<&Entry> = entries
        .iter()
        .filter(|entry| {
            let text = format!("{} {}", entry.label.to_lowercase(), entry.kind);
            words.iter().all(|word| text.contains(word))
        })
        .collect();
    found.sort_by_key(|entry| !entry.label.to_lowercase().starts_with(&typed));
    found.into_iter().cloned().collect()
}

/// The palette's dialog.
#[component]
pub fn Palette(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Where it can go.
    #[prop(into)]
    entries: Signal<Vec<Entry>>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let found = Memo::new(move |_| entries.with(|entries| matching(entries, &typed.get())));
    Effect::new(move |_| {
        if open.get() {
            typed.set(String::new());
            chosen.set(0);
        }
    });
    let navigate = use_navigate();
    let go = StoredValue::new(move |entry: Entry| {
        open.set(false);
        navigate(&entry.path, Default::default());
    });
    let on_key = move |ev: web_sys::KeyboardEvent| {
        let last = found.with_untracked(Vec::len).saturating_sub(1);
        match ev.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1).min(last)),
            "ArrowUp" => chosen.update(|at| *at = at.saturating_sub(1)),
            "Enter" => {
                if let Some(entry) =
                    found.with_untracked(|f| f.get(chosen.get_untracked()).cloned())
                {
                    go.with_value(|go| go(entry));
                }
            }
            _ => return,
        }
        ev.prevent_default();
    };
    let rows = move || {
        found
            .get()
            .into_iter()
            .enumerate()
            .map(|(at, entry)| {
                let (label, kind) = (entry.label.clone(), entry.kind);
                view! {
                    <li
                        id=format!("palette-{at}")
                        role="option"
                        aria-selected=move || (chosen.get() == at).to_string()
                        on:click=move |_| go.with_value(|go| go(entry.clone()))
                    >
                        <span>{label}</span>
                        <small>{kind}</small>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <Dialog open label="Go to" class="palette">
            <input
                type="text"
                autofocus
                role="combobox"
                aria-label="Go to a page, a file, a plan or a job"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || format!("palette-{}", chosen.get())
                placeholder="Go to"
                prop:value=typed
                on:input=move |ev| { typed.set(event_target_value(&ev)); chosen.set(0) }
                on:keydown=on_key
            />
            <ul id="palette-list" role="listbox" aria-label="Places">{rows}</ul>
            <p class="small muted" role="status">
                {move || found.with(Vec::is_empty).then_some("Nothing has this name.")}
            </p>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_occur_and_beginnings_come_first() {
        let entry = |label: &str, kind| Entry {
            label: label.into(),
            kind,
            path: "/".into(),
        };
        let entries = [
            entry("Plan of a restore", "plan"),
            entry("Snapshots", "page"),
            entry("restore.db", "file"),
        ];
        let labels = |typed| {
            matching(&entries, typed)
                .into_iter()
                .map(|e| e.label)
                .collect::<Vec<_>>()
        };
        assert_eq!(labels("restore"), ["restore.db", "Plan of a restore"]);
        assert_eq!(labels("restore plan"), ["Plan of a restore"]);
        assert_eq!(labels("").len(), 3);
        assert!(labels("zzz").is_empty());
    }
}
