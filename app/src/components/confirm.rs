//! The last question before something that cannot be taken back: what will be gone, and, where it matters, its name
//! to be typed.

use leptos::prelude::*;

use crate::components::dialog::Dialog;

/// The dialog. It closes when the act begins; how that ends is told on the page.
#[component]
pub fn Confirm(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What is about to be done: `Revoke nightly`.
    #[prop(into)]
    title: String,
    /// What must be typed first; empty where nothing must.
    #[prop(optional, into)]
    name: String,
    /// The button that does it.
    #[prop(into)]
    act: String,
    /// The button that does not.
    #[prop(into)]
    keep: String,
    /// Does it.
    #[prop(into)]
    on_act: Callback<()>,
    /// What depends on it.
    children: ChildrenFn,
) -> impl IntoView {
    let (label, children) = (title.clone(), StoredValue::new(children));
    let texts = StoredValue::new((title, name, act, keep));
    view! {
        <Dialog open label>
            {
                let (title, name, act, keep) = texts.get_value();
                let typed = RwSignal::new(String::new());
                let wanted = name.clone();
                let ready = Memo::new(move |_| typed.with(|typed| typed.trim() == wanted));
                view! {
                    <form on:submit=move |ev| {
                        ev.prevent_default();
                        if ready.get_untracked() {
                            open.set(false);
                            on_act.run(());
                        }
                    }>
                        <h2>{title}</h2>
                        {children.with_value(|children| children())}
                        {(!name.is_empty()).then(|| view! {
                            <div class="field">
                                <label for="confirm-name">"Type " <strong>{name}</strong> " to confirm"</label>
                                <input
                                    id="confirm-name" type="text" autocomplete="off" spellcheck="false" autocapitalize="none"
                                    prop:value=typed on:input=move |ev| typed.set(event_target_value(&ev))
                                />
                            </div>
                        })}
                        <div class="dialog-acts">
                            <button type="button" class="button" on:click=move |_| open.set(false)>{keep}</button>
                            <button type="submit" class="button danger" disabled=move || !ready.get()>{act}</button>
                        </div>
                    </form>
                }
            }
        </Dialog>
    }
}
