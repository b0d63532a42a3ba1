//! Which columns a list shows: a button, and a panel with a box for each column that may be hidden.

use leptos::prelude::*;

use crate::columns::Columns;
use crate::components::popover::Popover;

const ID: &str = "columns";

/// The button and its panel. A narrow screen shows rows as cards, which have no columns to choose.
#[component]
pub fn ColumnChoice(
    /// The choice for this list.
    columns: Columns,
) -> impl IntoView {
    let boxes = columns.optional().iter().map(move |(name, label)| {
        view! {
            <label class="choice">
                <input
                    type="checkbox"
                    prop:checked=move || columns.shows(name)
                    on:change=move |ev| columns.show(name, event_target_checked(&ev))
                />
                <span>{*label}</span>
            </label>
        }
    });
    view! {
        <div class="column-choice wide-only">
            <button type="button" class="button" popovertarget=ID>"Columns"</button>
            <Popover id=ID label="Columns" at_button=true>{boxes.collect_view()}</Popover>
        </div>
    }
}
