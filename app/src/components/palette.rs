//! The palette: pages, things and acts by name or id, opened by Ctrl-K or its button.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::components::dialog::Dialog;
use crate::format::{Zone, short_id};
use crate::theme::Theme;

/// What kind of thing an entry is: the palette shows them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Pages of the console.
    Pages,
    /// What is done at once.
    Actions,
    /// Clusters by name.
    Clusters,
    /// Plans.
    Plans,
    /// Jobs.
    Jobs,
    /// Stored files.
    Files,
    /// Accounts.
    People,
    /// Sections of the settings.
    Settings,
}

impl Group {
    /// Its heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pages => "Pages",
            Self::Actions => "Actions",
            Self::Clusters => "Clusters",
            Self::Plans => "Plans",
            Self::Jobs => "Jobs",
            Self::Files => "Files",
            Self::People => "People",
            Self::Settings => "Settings",
        }
    }
}

/// What an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Go {
    /// Goes to this address.
    To(String),
    /// Does this.
    Do(Act),
}

/// What the frame does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Shows the keys.
    Keys,
    /// Signs out.
    SignOut,
    /// Takes this theme.
    Theme(Theme),
    /// Shows times in this zone.
    Zone(Zone),
}

/// Something the palette finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub label: String,
    /// What kind of thing it is.
    pub group: Group,
    /// Its ids, separated by spaces: it is found by the beginning of each. The first is shown.
    pub ids: String,
    /// What it does.
    pub go: Go,
}

impl Entry {
    /// An entry that goes to `path`.
    pub fn to(group: Group, label: impl Into<String>, path: String) -> Self {
        Self {
            label: label.into(),
            group,
            ids: String::new(),
            go: Go::To(path),
        }
    }

    /// An act of the frame.
    pub fn act(label: &str, act: Act) -> Self {
        Self {
            label: label.into(),
            group: Group::Actions,
            ids: String::new(),
            go: Go::Do(act),
        }
    }

    /// The same, found by these ids too.
    pub fn with_ids(self, ids: String) -> Self {
        Self { ids, ..self }
    }

    fn is_meant_by(&self, word: &str) -> bool {
        self.label.to_lowercase().contains(word)
            || self.group.label().to_lowercase().contains(word)
            || self.ids.split(' ').any(|id| id.starts_with(word))
    }
}

/// How many entries of a group are shown.
const SHOWN: usize = 8;

/// What was found, by group, and how many more a group has.
pub type Found = Vec<(Group, Vec<Entry>, usize)>;

/// The entries that every word of `typed` is about, by group; those whose name begins with it come first.
pub fn matching(entries: &[Entry], typed: &str) -> Found {
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut found: Vec<&Entry> = Vec::new();
    for entry in entries {
        let known = || {
            found
                .iter()
                .any(|other| other.go == entry.go && other.label == entry.label)
        };
        if words.iter().all(|word| entry.is_meant_by(word)) && !known() {
            found.push(entry);
        }
    }
    found.sort_by_key(|entry| (entry.group, !entry.label.to_lowercase().starts_with(&typed)));
    let groups = found.chunk_by(|a, b| a.group == b.group);
    groups
        .map(|of| {
            let shown: Vec<Entry> = of
                .iter()
                .take(SHOWN)
                .map(|entry| (*entry).clone())
                .collect();
            (of[0].group, shown, of.len().saturating_sub(SHOWN))
        })
        .collect()
}

/// The palette's dialog.
#[component]
pub fn Palette(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Where it can go.
    #[prop(into)]
    entries: Signal<Vec<Entry>>,
    /// What is typed.
    typed: RwSignal<String>,
    /// Does what the frame does.
    #[prop(into)]
    on_act: Callback<Act>,
) -> impl IntoView {
    let chosen = RwSignal::new(0_usize);
    let found = Memo::new(move |_| entries.with(|entries| matching(entries, &typed.get())));
    Effect::new(move |_| {
        if open.get() {
            typed.set(String::new());
            chosen.set(0);
        }
    });
    let navigate = use_navigate();
    let go = StoredValue::new(move |go: Go| {
        open.set(false);
        match go {
            Go::To(path) => navigate(&path, Default::default()),
            Go::Do(act) => on_act.run(act),
        }
    });
    let count = move || found.with(|found| found.iter().map(|(_, of, _)| of.len()).sum::<usize>());
    let on_key = move |ev: web_sys::KeyboardEvent| {
        let last = untrack(count).saturating_sub(1);
        match ev.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1).min(last)),
            "ArrowUp" => chosen.update(|at| *at = at.saturating_sub(1)),
            "Enter" => {
                let at = chosen.get_untracked();
                let entry = found.with_untracked(|found| {
                    found
                        .iter()
                        .flat_map(|(_, of, _)| of)
                        .nth(at)
                        .map(|entry| entry.go.clone())
                });
                if let Some(entry) = entry {
                    go.with_value(|go| go(entry));
                }
            }
            _ => return,
        }
        ev.prevent_default();
        show(chosen.get_untracked());
    };
    let groups = move || {
        let mut at = 0;
        let groups = found.get().into_iter().map(|(group, of, more)| {
            let id = format!("palette-{}", group.label().to_lowercase());
            let labelled = id.clone();
            let options = of.into_iter().map(|entry| {
                let mine = at;
                at += 1;
                let id = entry.ids.split(' ').next().map(short_id).unwrap_or_default();
                view! {
                    <div
                        id=format!("palette-{mine}")
                        class="option"
                        role="option"
                        aria-selected=move || (chosen.get() == mine).to_string()
                        on:click=move |_| go.with_value(|go| go(entry.go.clone()))
                    >
                        <span>{entry.label.clone()}</span>
                        <span class="small mono muted">{id}</span>
                    </div>
                }
            });
            let options = options.collect_view();
            let more = (more > 0).then(|| view! { <p class="small muted" role="presentation">{format!("{more} more: type to narrow")}</p> });
            view! {
                <div role="group" aria-labelledby=labelled>
                    <p class="small muted" id=id role="presentation">{group.label()}</p>
                    {options}
                    {more}
                </div>
            }
        });
        groups.collect_view()
    };
    view! {
        <Dialog open label="Go to" class="palette">
            <input
                type="text"
                autofocus
                role="combobox"
                aria-label="Search pages, ids, people, clusters and actions"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || (count() > 0).then(|| format!("palette-{}", chosen.get()))
                placeholder="Search pages, ids, people, clusters, actions"
                autocomplete="off"
                spellcheck="false"
                prop:value=typed
                on:input=move |ev| { typed.set(event_target_value(&ev)); chosen.set(0) }
                on:keydown=on_key
            />
            <div id="palette-list" class="palette-list" role="listbox" aria-label="Results">{groups}</div>
            <p class="small muted" role="status">
                {move || (count() == 0).then_some("No results")}
            </p>
        </Dialog>
    }
}

/// What is chosen is in view.
fn show(at: usize) {
    if let Some(option) = document().get_element_by_id(&format!("palette-{at}")) {
        option.scroll_into_view_with_bool(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(entries: &[Entry], typed: &str) -> Vec<String> {
        let found = matching(entries, typed).into_iter();
        found
            .flat_map(|(_, of, _)| of)
            .map(|entry| entry.label)
            .collect()
    }

    #[test]
    fn every_word_must_fit_and_beginnings_come_first_in_their_group() {
        let entry = |label: &str, group| Entry::to(group, label, format!("/{label}"));
        let entries = [
            entry("old restore.db", Group::Files),
            entry("restore.db", Group::Files),
            entry("Restore of prod", Group::Plans),
            entry("Files", Group::Pages),
        ];
        assert_eq!(
            labels(&entries, "restore"),
            ["Restore of prod", "restore.db", "old restore.db"]
        );
        assert_eq!(labels(&entries, "restore plans"), ["Restore of prod"]);
        assert_eq!(labels(&entries, "").len(), 4);
        assert!(labels(&entries, "zzz").is_empty());
    }

    #[test]
    fn ids_are_found_by_their_beginning_alone() {
        let of = |id: &str| {
            Entry::to(
                Group::Plans,
                format!("Plan {}", id.len()),
                format!("/plans/{id}"),
            )
            .with_ids(format!("{id} feed{id}"))
        };
        let entries = [of("22cee"), of("9f31a2")];
        assert_eq!(labels(&entries, "22ce"), ["Plan 5"]);
        assert_eq!(labels(&entries, "FEED9"), ["Plan 6"]);
        assert!(labels(&entries, "cee").is_empty());
    }

    #[test]
    fn a_group_shows_the_first_few_and_how_many_more() {
        let of = |n: usize| Entry::to(Group::Jobs, format!("job {n}"), format!("/jobs/{n}"));
        let many: Vec<Entry> = (0..200).map(of).collect();
        let found = matching(&many, "job");
        assert_eq!(
            (found.len(), found[0].1.len(), found[0].2),
            (1, SHOWN, 200 - SHOWN)
        );
        // What the list and the server's search both have is shown once.
        assert_eq!(matching(&[of(1), of(1)], "")[0].1.len(), 1);
    }
}
