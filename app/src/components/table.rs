//! Moving through tables by arrows, and sorting by a press on a heading.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::paths::narrowed;

/// Arrow keys move between the first links of a table's rows; give this to the `tbody`'s `on:keydown`.
pub fn arrows(ev: web_sys::KeyboardEvent) {
    let step: isize = match ev.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    let Some(body) = ev
        .current_target()
        .and_then(|t| t.dyn_into::<Element>().ok())
    else {
        return;
    };
    let Ok(links) = body.query_selector_all("tr > :first-child a, tr > :first-child button") else {
        return;
    };
    let active = document().active_element();
    let links: Vec<HtmlElement> = (0..links.length())
        .filter_map(|i| links.get(i)?.dyn_into().ok())
        .collect();
    let here = links
        .iter()
        .position(|link| active.as_ref().is_some_and(|a| a.is_same_node(Some(link))));
    let next = match here {
        Some(here) => here.saturating_add_signed(step),
        None => 0,
    };
    if let Some(link) = links.get(next) {
        ev.prevent_default();
        let _ = link.focus();
    }
}

/// A text of a row that must not make it higher: cut where it is too long, whole on hover.
#[component]
pub fn Clipped(
    /// The text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    if text.is_empty() {
        return view! { <span class="muted">"–"</span> }.into_any();
    }
    view! { <span class="clip" title=text.clone()>{text.clone()}</span> }.into_any()
}

/// A heading that sorts: the address keeps by what, and which way.
#[component]
pub fn SortHeading(
    /// The column's key in the address.
    key: &'static str,
    /// What it says.
    label: &'static str,
    /// By what the table is sorted now.
    #[prop(into)]
    sort: Signal<Sort>,
    /// Whether it is a column of numbers.
    #[prop(optional)]
    number: bool,
) -> impl IntoView {
    let location = use_location();
    let navigate = leptos_router::hooks::use_navigate();
    let on_click = move |_| {
        let next = sort.get_untracked().toggled(key);
        let to = narrowed(
            &location.pathname.get_untracked(),
            &location.search.get_untracked(),
            "sort",
            &next.word(),
        );
        navigate(
            &to,
            leptos_router::NavigateOptions {
                scroll: false,
                replace: true,
                ..Default::default()
            },
        );
    };
    let direction = move || {
        let sort = sort.get();
        (sort.key == key).then_some(if sort.descending {
            "descending"
        } else {
            "ascending"
        })
    };
    view! {
        <th scope="col" class=if number { "number" } else { "" } aria-sort=direction>
            <button type="button" class="sort" on:click=on_click>{label}</button>
        </th>
    }
}

/// By which column, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The column's key.
    pub key: String,
    /// Greatest first.
    pub descending: bool,
}

impl Sort {
    /// Reads `key` or `-key` of the address; `default` where there is none.
    pub fn parse(word: Option<&str>, default: &str) -> Self {
        let word = word.filter(|w| !w.is_empty()).unwrap_or(default);
        match word.strip_prefix('-') {
            Some(key) => Self {
                key: key.to_owned(),
                descending: true,
            },
            None => Self {
                key: word.to_owned(),
                descending: false,
            },
        }
    }

    /// What the address holds for it.
    pub fn word(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.key)
    }

    /// After a press on the heading of `key`.
    pub fn toggled(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            descending: self.key == key && !self.descending,
        }
    }

    /// An ordering turned round when descending.
    pub fn apply(&self, ordering: std::cmp::Ordering) -> std::cmp::Ordering {
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_press_turns_the_order_round() {
        let sort = Sort::parse(None, "-stored");
        assert_eq!((sort.key.as_str(), sort.descending), ("stored", true));
        let by_name = sort.toggled("name");
        assert_eq!(by_name.word(), "name");
        assert_eq!(by_name.toggled("name").word(), "-name");
        assert_eq!(by_name.toggled("name").toggled("name").word(), "name");
        assert_eq!(Sort::parse(Some("-size"), "name").word(), "-size");
    }
}
