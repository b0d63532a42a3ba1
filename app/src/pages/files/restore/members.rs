//! The membership table.

use leptos::prelude::*;
use requorum_shared::finding::Report;

use crate::forms::etcd_restore::RestoreForm;

/// Names and peer URLs, rows added and removed, or all pasted at once.
#[component]
pub fn Members(
    /// The form.
    form: RwSignal<RestoreForm>,
    /// The report, for errors beside the fields.
    #[prop(into)]
    report: Signal<Report>,
) -> impl IntoView {
    let keys =
        Memo::new(move |_| form.with(|f| f.members.iter().map(|m| m.key).collect::<Vec<_>>()));
    let pasting = RwSignal::new(false);
    let pasted = RwSignal::new(String::new());
    let paste_error = RwSignal::new(String::new());
    let take = move |_| {
        let mut result = Ok(());
        form.update(|f| result = f.paste(&pasted.get_untracked()));
        match result {
            Ok(()) => {
                pasting.set(false);
                paste_error.set(String::new());
            }
            Err(error) => paste_error.set(error),
        }
    };
    let begin_paste = move |_| {
        pasted.set(form.with_untracked(RestoreForm::initial_cluster));
        pasting.update(|open| *open = !*open);
    };
    view! {
        <fieldset class="panel">
            <legend>"Members of the new cluster"</legend>
            <table class="members-editor">
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Peer URL, or several"</th><th><span class="visually-hidden">"Remove"</span></th></tr></thead>
                <tbody>
                    <For each=move || keys.get() key=|key| *key children=move |key| row(form, report, key) />
                </tbody>
            </table>
            <div class="acts">
                <button type="button" class="button small" on:click=move |_| form.update(RestoreForm::add_member)>"Add a member"</button>
                <button type="button" class="button small" aria-expanded=move || pasting.get().to_string() on:click=begin_paste>
                    "Paste initial-cluster"
                </button>
            </div>
            {move || pasting.get().then(|| view! {
                <div class="field">
                    <label for="initial-cluster">"name=URL, separated by commas; replaces all rows"</label>
                    <textarea
                        id="initial-cluster" class="mono-input" rows="3" spellcheck="false"
                        aria-invalid=move || (!paste_error.with(String::is_empty)).then_some("true")
                        aria-describedby="initial-cluster-error"
                        prop:value=pasted
                        on:input=move |ev| pasted.set(event_target_value(&ev))
                    ></textarea>
                    <p class="field-error" id="initial-cluster-error" hidden=move || paste_error.with(String::is_empty)>{paste_error}</p>
                    <div class="acts"><button type="button" class="button small" on:click=take>"Take these members"</button></div>
                </div>
            })}
        </fieldset>
    }
}

fn row(form: RwSignal<RestoreForm>, report: Signal<Report>, key: u32) -> impl IntoView {
    let read = move |of: fn(&crate::forms::etcd_restore::MemberRow) -> &String| {
        form.with(|f| {
            f.members
                .iter()
                .find(|m| m.key == key)
                .map(|m| of(m).clone())
                .unwrap_or_default()
        })
    };
    let write = move |set: &dyn Fn(&mut crate::forms::etcd_restore::MemberRow)| {
        form.update(|f| {
            if let Some(row) = f.members.iter_mut().find(|m| m.key == key) {
                set(row);
            }
        });
    };
    let name = Memo::new(move |_| read(|m| &m.name));
    let urls = Memo::new(move |_| read(|m| &m.urls));
    let number = Memo::new(move |_| {
        form.with(|f| {
            f.members
                .iter()
                .position(|m| m.key == key)
                .map_or(0, |at| at + 1)
        })
    });
    let wrong = move |part: &'static str| {
        Memo::new(move |_| {
            let field = format!("members[{}].{part}", number.get().saturating_sub(1));
            report.with(|report| {
                let found = report.blocking_in(&field);
                found
                    .map(|finding| finding.what.clone())
                    .unwrap_or_default()
            })
        })
    };
    let name_error = wrong("name");
    let url_error = wrong("peer_urls");
    let (name_id, url_id) = (
        format!("member-{key}-name-error"),
        format!("member-{key}-url-error"),
    );
    view! {
        <tr>
            <td>
                <input
                    type="text" class="mono-input" spellcheck="false" autocapitalize="none" autocomplete="off"
                    aria-label=move || format!("Name of member {}", number.get())
                    aria-invalid=move || (!name_error.with(String::is_empty)).then_some("true")
                    aria-describedby=name_id.clone()
                    prop:value=name
                    on:input=move |ev| { let value = event_target_value(&ev); write(&move |m| m.name = value.clone()) }
                />
                <p class="field-error" id=name_id hidden=move || name_error.with(String::is_empty)>{name_error}</p>
            </td>
            <td>
                <input
                    type="text" class="mono-input" spellcheck="false" autocapitalize="none" autocomplete="off"
                    inputmode="url" placeholder="https://10.0.0.1:2380"
                    aria-label=move || format!("Peer URLs of member {}", number.get())
                    aria-invalid=move || (!url_error.with(String::is_empty)).then_some("true")
                    aria-describedby=url_id.clone()
                    prop:value=urls
                    on:input=move |ev| { let value = event_target_value(&ev); write(&move |m| m.urls = value.clone()) }
                />
                <p class="field-error" id=url_id hidden=move || url_error.with(String::is_empty)>{url_error}</p>
            </td>
            <td>
                <button
                    type="button" class="button small"
                    aria-label=move || format!("Remove member {} {}", number.get(), name.get())
                    disabled=move || form.with(|f| f.members.len() == 1)
                    on:click=move |_| form.update(|f| f.remove_member(key))
                >
                    "Remove"
                </button>
            </td>
        </tr>
    }
}
