//! The membership table.

use leptos::prelude::*;
use requorum_shared::finding::{Finding, Severity};

use super::context::FormContext;
use super::form::paste::{self, Pasted};
use super::form::{MemberRow, RestoreForm};
use crate::focus::focus;
use crate::format;
use crate::plan_form::is_about;

/// Lines of what was left out that are shown; a log file has thousands.
const LEFT_OUT_SHOWN: usize = 5;

/// Names and peer URLs, rows added and removed, or all pasted at once.
#[component]
pub fn Members(
    /// What is typed, and what is found about it.
    context: FormContext,
) -> impl IntoView {
    let form = context.form;
    let keys =
        Memo::new(move |_| form.with(|f| f.members.iter().map(|m| m.key).collect::<Vec<_>>()));
    let all_error = Memo::new(move |_| {
        context.report.with(|report| {
            let blocks = |f: &&Finding| of_all(f) && f.severity == Severity::Blocking;
            let found = report.findings.iter().find(blocks);
            found.map(|f| f.what.clone()).unwrap_or_default()
        })
    });
    view! {
        <fieldset class="panel">
            <legend>"Members of the new cluster"</legend>
            {context.drifted("members")}
            <table class="members-editor">
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Peer URLs"</th><th><span class="visually-hidden">"Remove"</span></th></tr></thead>
                <tbody>
                    <For each=move || keys.get() key=|key| *key children=move |key| row(context, key) />
                </tbody>
            </table>
            <p class="field-error" hidden=move || all_error.with(String::is_empty)>{all_error}</p>
            {paste_panel(form)}
            {context.near("add-member", of_all)}
        </fieldset>
    }
}

/// Whether a finding is about the members together, and about no row.
fn of_all(finding: &Finding) -> bool {
    finding.field.as_deref() == Some("members")
}

/// The buttons below the rows, and the text that all of them are pasted from.
fn paste_panel(form: RwSignal<RestoreForm>) -> impl IntoView {
    let pasting = RwSignal::new(false);
    let text = RwSignal::new(String::new());
    let before = RwSignal::new(None::<Vec<MemberRow>>);
    let read = Memo::new(move |_| {
        let text = text.get();
        (!text.trim().is_empty()).then(|| paste::read(&text))
    });
    let error = Memo::new(move |_| match read.get() {
        Some(Err(error)) => error,
        _ => String::new(),
    });
    let open = move |_| {
        // What was pasted stays; at first the text is what is in the rows, to be edited there.
        if text.with_untracked(|text| text.trim().is_empty()) {
            text.set(form.with_untracked(RestoreForm::initial_cluster));
        }
        pasting.update(|open| *open = !*open);
    };
    let take = Callback::new(move |()| {
        if let Some(Ok(pasted)) = read.get_untracked() {
            let rows = form.try_update(|f| f.replace_members(&pasted));
            before.set(rows);
            pasting.set(false);
            request_animation_frame(|| focus("undo-members"));
        }
    });
    let undo = move |_| {
        if let Some(rows) = before.get_untracked() {
            form.update(|f| f.put_back(rows));
        }
        before.set(None);
        request_animation_frame(|| focus("paste-members"));
    };
    let there = Memo::new(move |_| form.with(|f| f.members.len()));
    let preview = move || match read.get() {
        Some(Ok(pasted)) => preview(&pasted, there.get(), take).into_any(),
        _ => ().into_any(),
    };
    view! {
        <div class="acts">
            <button id="add-member" type="button" class="button small" on:click=move |_| form.update(RestoreForm::add_member)>"Add a member"</button>
            <button id="paste-members" type="button" class="button small" aria-expanded=move || pasting.get().to_string() on:click=open>
                "Paste members"
            </button>
        </div>
        <p class="small" role="status" hidden=move || before.with(Option::is_none)>
            {move || format!("Replaced {}. ", format::count(before.with(|rows| rows.as_ref().map_or(0, Vec::len)) as u64, "member", "members"))}
            <button id="undo-members" type="button" class="button small" on:click=undo>"Undo"</button>
        </p>
        {move || pasting.get().then(|| view! {
            <div class="field">
                <label for="initial-cluster">"name=URL pairs, ETCD_INITIAL_CLUSTER=…, or the output of etcdctl member list"</label>
                <textarea
                    id="initial-cluster" class="mono-input" rows="4" spellcheck="false" autocapitalize="none"
                    aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                    aria-describedby="initial-cluster-error"
                    prop:value=text
                    on:input=move |ev| text.set(event_target_value(&ev))
                ></textarea>
                <p class="field-error" id="initial-cluster-error" hidden=move || error.with(String::is_empty)>{error}</p>
                {preview}
            </div>
        })}
    }
}

/// What was read of the text, before it takes the place of the rows.
fn preview(pasted: &Pasted, there: usize, take: Callback<()>) -> impl IntoView + use<> {
    let count = pasted.members.len() as u64;
    let rows = pasted.members.iter().map(|member| {
        let name = match member.name.as_str() {
            "" => view! { <span class="muted">"no name"</span> }.into_any(),
            name => format::visible(name).into_any(),
        };
        let urls = match member.urls.is_empty() {
            true => view! { <span class="muted">"no URL"</span> }.into_any(),
            false => format::visible(&member.urls.join(", ")).into_any(),
        };
        view! { <tr><th scope="row">{name}</th><td>{urls}</td></tr> }
    });
    let more = pasted.left_out.len().saturating_sub(LEFT_OUT_SHOWN);
    let left_out = pasted.left_out.iter().take(LEFT_OUT_SHOWN);
    let left_out = left_out
        .map(|line| view! { <li>{format::visible(line)}</li> })
        .collect_view();
    let left_out = (!pasted.left_out.is_empty()).then(|| view! {
        <p class="small">"Left out:"</p>
        <ul class="small left-out">{left_out}{(more > 0).then(|| view! { <li>{format!("and {} more", format::number(more as u64))}</li> })}</ul>
    });
    view! {
        <table class="pasted">
            <caption class="visually-hidden">"Members in the text"</caption>
            <thead><tr><th scope="col">"Name"</th><th scope="col">"Peer URLs"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
        {left_out}
        <div class="acts">
            <button type="button" class="button small" on:click=move |_| take.run(())>
                {match count { 1 => "Use this member".to_owned(), n => format!("Use these {} members", format::number(n)) }}
            </button>
            <span class="small muted">{format!("Replaces the {} above.", format::count(there as u64, "member", "members"))}</span>
        </div>
    }
}

fn row(context: FormContext, key: u32) -> impl IntoView {
    let form = context.form;
    let read = move |of: fn(&MemberRow) -> &String| {
        form.with(|f| {
            f.members
                .iter()
                .find(|m| m.key == key)
                .map(|m| of(m).clone())
                .unwrap_or_default()
        })
    };
    let write = move |set: &dyn Fn(&mut MemberRow)| {
        form.update(|f| {
            if let Some(row) = f.members.iter_mut().find(|m| m.key == key) {
                set(row);
            }
        });
    };
    let name = Memo::new(move |_| read(|m| &m.name));
    let urls = Memo::new(move |_| read(|m| &m.urls));
    let place = Memo::new(move |_| form.with(|f| f.members.iter().position(|m| m.key == key)));
    let number = move || place.get().map_or(0, |place| place + 1);
    // A row that is on its way out has no place, and no field.
    let field = move |part: &str| match place.get() {
        Some(place) => format!("members[{place}]{part}"),
        None => "members[]".to_owned(),
    };
    let name_error = context.error(move || field(".name"));
    let url_error = context.error(move || field(".peer_urls"));
    let (name_id, url_id) = (
        format!("member-{key}-name-error"),
        format!("member-{key}-url-error"),
    );
    view! {
        <tr>
            <td>
                <input
                    type="text" class="mono-input" spellcheck="false" autocapitalize="none" autocomplete="off"
                    aria-label=move || format!("Name of member {}", number())
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
                    aria-label=move || format!("Peer URLs of member {}", number())
                    aria-invalid=move || (!url_error.with(String::is_empty)).then_some("true")
                    aria-describedby=url_id.clone()
                    prop:value=urls
                    on:input=move |ev| { let value = event_target_value(&ev); write(&move |m| m.urls = value.clone()) }
                />
                <p class="field-error" id=url_id hidden=move || url_error.with(String::is_empty)>{url_error}</p>
                {context.near("add-member", move |finding| is_about(finding, &field("")))}
            </td>
            <td>
                <button
                    type="button" class="button small"
                    aria-label=move || format!("Remove member {} {}", number(), name.get())
                    disabled=move || form.with(|f| f.members.len() == 1)
                    on:click=move |_| form.update(|f| f.remove_member(key))
                >
                    "Remove"
                </button>
            </td>
        </tr>
    }
}
