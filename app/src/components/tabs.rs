//! Tabs are links: the address says which one is open, and a reload opens it again.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::paths::with_query;

/// One tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its value in the address; the first tab is what an address without one means.
    pub key: &'static str,
    /// What it says.
    pub label: &'static str,
    /// A count or a word behind the label.
    pub note: String,
}

/// The tab that the address names, or the first.
pub fn open_tab(tabs: &[Tab], named: Option<String>) -> &'static str {
    let first = tabs.first().map_or("", |tab| tab.key);
    named
        .and_then(|n| tabs.iter().find(|tab| tab.key == n))
        .map_or(first, |tab| tab.key)
}

/// A row of tabs over the query parameter `tab`.
#[component]
pub fn Tabs(
    /// What the row is of.
    label: &'static str,
    /// The tabs.
    tabs: Vec<Tab>,
    /// The key of the open one.
    #[prop(into)]
    open: Signal<&'static str>,
) -> impl IntoView {
    let location = use_location();
    let links = tabs
        .into_iter()
        .enumerate()
        .map(|(at, tab)| {
            let location = location.clone();
            let value = if at == 0 { "" } else { tab.key };
            let href = move || {
                with_query(&location.pathname.get(), &location.search.get(), "tab", value)
            };
            let note = (!tab.note.is_empty())
                .then(|| view! { " " <span class="count">{tab.note.clone()}</span> });
            view! {
                <a href=href data-noscroll="" aria-current=move || (open.get() == tab.key).then_some("page")>
                    {tab.label}
                    {note}
                </a>
            }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_tab_opens_the_first() {
        let tabs = ["status", "leases"].map(|key| Tab {
            key,
            label: key,
            note: String::new(),
        });
        assert_eq!(open_tab(&tabs, Some("leases".into())), "leases");
        assert_eq!(open_tab(&tabs, Some("nonsense".into())), "status");
        assert_eq!(open_tab(&tabs, None), "status");
        assert_eq!(open_tab(&[], None), "");
    }
}
