//! The left column: everything that can be chosen.

use leptos::prelude::*;
use requorum_shared::etcd::recovery::restore::bump::WHEN_UNKNOWN;
use requorum_shared::etcd::recovery::restore::{TargetVersion, need_bytes};

use super::context::FormContext;
use super::form::RestoreForm;
use super::form::carried::{Choice, nothing_to_clean};
use super::members::Members;
use crate::components::space::Space;
use crate::format;
use crate::plan_form::RootChoice;

/// The form.
#[component]
pub fn Editor(
    /// What is typed, and what is found about it.
    context: FormContext,
) -> impl IntoView {
    view! {
        <form class="stack" novalidate aria-label="What to restore" on:submit=|ev| ev.prevent_default()>
            <Members context />
            {identity(context)}
            {revision(context)}
            {version(context)}
            {carried(context)}
            {target(context)}
        </form>
    }
}

/// An input's error, tied to it by its id.
fn field_error(id: &'static str, error: Memo<String>) -> impl IntoView {
    view! { <p class="field-error" id=id hidden=move || error.with(String::is_empty)>{error}</p> }
}

fn identity(context: FormContext) -> impl IntoView {
    let form = context.form;
    let error = context.error(|| "token".into());
    view! {
        <fieldset class="panel">
            <legend>"Token"</legend>
            {context.drifted("token")}
            <div class="field">
                <label for="token">"Initial-cluster token (use a new one for each restore)"</label>
                <input
                    id="token" type="text" class="mono-input" spellcheck="false" autocapitalize="none" autocomplete="off"
                    aria-describedby="token-hint token-error"
                    aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                    prop:value=move || form.with(|f| f.token.clone())
                    on:input=move |ev| form.update(|f| f.token = event_target_value(&ev))
                />
                <p class="hint" id="token-hint">"Part of the cluster's and the members' ids: old members that come back are refused."</p>
                {field_error("token-error", error)}
            </div>
            {context.near_fields("token", &["token"])}
        </fieldset>
    }
}

fn revision(context: FormContext) -> impl IntoView {
    let form = context.form;
    let error = context.error(|| "bump_revision".into());
    let off = move || form.with(|f| !f.bump_on);
    let inspection = context.inspection();
    let ends = match inspection.start_revision() {
        Some(revision) => format!(
            "The snapshot ends at revision {}.",
            format::signed(revision)
        ),
        None => "The revision at the end of the snapshot is unknown.".to_owned(),
    };
    let suggestion = {
        let inspection = inspection.clone();
        Memo::new(move |_| form.with(|f| f.suggestion(&inspection)))
    };
    let start = Memo::new(move |_| form.with(|f| f.start_revision(&inspection)));
    let use_it = move |_| {
        if let Some(suggestion) = suggestion.get_untracked() {
            form.update(|f| {
                f.bump_on = true;
                f.bump = suggestion.bump.to_string();
            });
        }
    };
    let computed = move || {
        suggestion.get().map(|s| {
            let (bump, floor) = (format::number(s.bump), format::number(s.floor));
            let margin = format::number(s.margin);
            let text = match s.grown {
                Some(grown) => format!(
                    "{bump} = {floor} to reach the observed revision + {} for writes since then + {margin} margin.",
                    format::number(grown)
                ),
                None => format!(
                    "{bump} = {floor} to reach the observed revision + {margin} margin. Writes since then are not \
                     included."
                ),
            };
            let used = move || form.with(|f| f.bump_on && f.bump == s.bump.to_string());
            view! {
                <p class="small">{text}</p>
                <div class="acts" hidden=used>
                    <button type="button" class="button small" on:click=use_it>{format!("Bump by {}", format::number(s.bump))}</button>
                </div>
            }
        })
    };
    let result = move || {
        match start.get() {
        Some(revision) => view! { "The new cluster starts at revision " <strong>{format::signed(revision)}</strong> "." }.into_any(),
        None => view! { "The revision at which the new cluster starts is unknown." }.into_any(),
    }
    };
    view! {
        <fieldset class="panel">
            <legend>"Revision"</legend>
            <div class="choice">
                <input id="bump-on" type="checkbox" prop:checked=move || !off() on:change=move |ev| form.update(|f| f.bump_on = event_target_checked(&ev)) />
                <label for="bump-on">"Bump revision (prevents reuse of revisions clients have already seen)"</label>
            </div>
            <div class="pair">
                <div class="field">
                    <label for="bump">"Bump by"</label>
                    <input
                        id="bump" type="text" inputmode="numeric" class="mono-input" autocomplete="off"
                        disabled=off
                        aria-describedby="bump-error bump-result"
                        aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                        prop:value=move || form.with(|f| f.bump.clone())
                        on:input=move |ev| form.update(|f| f.bump = event_target_value(&ev))
                    />
                    {field_error("bump-error", error)}
                </div>
                <div class="field">
                    <label for="seen">"Highest revision observed on the old cluster (optional)"</label>
                    <input id="seen" type="text" inputmode="numeric" class="mono-input" autocomplete="off"
                        aria-describedby="seen-hint"
                        prop:value=move || form.with(|f| f.seen.clone())
                        on:input=move |ev| form.update(|f| f.seen = event_target_value(&ev)) />
                    <p class="hint" id="seen-hint">"From the metric etcd_debugging_mvcc_current_revision, from logs, or from a client's last answer."</p>
                </div>
            </div>
            <div class="pair">
                <div class="field">
                    <label for="seen-rate">"Writes per hour (optional)"</label>
                    <input id="seen-rate" type="text" inputmode="numeric" class="mono-input" autocomplete="off"
                        aria-describedby="seen-rate-hint"
                        prop:value=move || form.with(|f| f.rate.clone())
                        on:input=move |ev| form.update(|f| f.rate = event_target_value(&ev)) />
                    <p class="hint" id="seen-rate-hint">"How much the revision grew per hour before that."</p>
                </div>
                <div class="field">
                    <label for="seen-unobserved">"Time unobserved after that (optional)"</label>
                    <input id="seen-unobserved" type="text" class="mono-input" autocomplete="off"
                        aria-describedby="seen-unobserved-hint"
                        prop:value=move || form.with(|f| f.unobserved.clone())
                        on:input=move |ev| form.update(|f| f.unobserved = event_target_value(&ev)) />
                    <p class="hint" id="seen-unobserved-hint">"In minutes, or with a unit: 90s, 15m, 2h. How long the old cluster may have gone on writing."</p>
                </div>
            </div>
            {computed}
            <div class="choice">
                <input id="mark" type="checkbox" disabled=off aria-describedby="mark-hint" prop:checked=move || form.with(|f| f.bump_on && f.mark_compacted)
                    on:change=move |ev| form.update(|f| f.mark_compacted = event_target_checked(&ev)) />
                <label for="mark">"Mark old revisions compacted"</label>
                <p class="hint" id="mark-hint">"Watches that resume at an old revision get an error instead of missing changes silently."</p>
            </div>
            <p class="start-revision" id="bump-result" role="status">{result} " " <span class="muted">{ends}</span></p>
            <details>
                <summary>"Why bump, and by how much?"</summary>
                <p class="small">
                    {format!(
                        "After the snapshot, the old cluster kept writing. Clients, above all Kubernetes, have seen later \
                         revisions and rely on them to grow, so the new cluster must start beyond all of them. If the last \
                         revision is unknown, upstream recommends {}.",
                        format::number(WHEN_UNKNOWN)
                    )}
                </p>
            </details>
            {context.near_fields("bump", &["bump_revision", "mark_compacted", "last_seen"])}
        </fieldset>
    }
}

fn version(context: FormContext) -> impl IntoView {
    let form = context.form;
    let radios = TargetVersion::ALL.map(|version| {
        let id = format!("version-{version}");
        view! {
            <span class="inline-field">
                <input
                    type="radio" name="version" id=id.clone()
                    prop:checked=move || form.with(|f| f.target_version == version)
                    on:change=move |_| form.update(|f| f.target_version = version)
                />
                <label for=id>{version.to_string()}</label>
            </span>
        }
    });
    view! {
        <fieldset class="panel">
            <legend>"Target etcd version"</legend>
            {context.drifted("target_version")}
            <div class="choices" role="radiogroup" aria-label="Target etcd version">{radios.collect_view()}</div>
            {context.near_fields("version-3.6", &["target_version"])}
        </fieldset>
    }
}

/// The choices about what the snapshot carries over: those that apply, and a line about the rest.
fn carried(context: FormContext) -> impl IntoView {
    let form = context.form;
    let inspection = context.inspection();
    // A choice that was made stays to be seen, whether or not it applies.
    let shown = {
        let inspection = inspection.clone();
        Memo::new(move |_| {
            form.with(|form| {
                let is_shown = |choice: &Choice| {
                    choice.read(form) || choice.applies(&inspection, form.target_version).applies
                };
                Choice::ALL
                    .into_iter()
                    .filter(is_shown)
                    .map(|c| c.id())
                    .collect::<Vec<_>>()
            })
        })
    };
    let rest = {
        let inspection = inspection.clone();
        Memo::new(move |_| {
            let target = form.with(|form| form.target_version);
            nothing_to_clean(&inspection, target, shown.with(Vec::len))
        })
    };
    let ticks = Choice::ALL.map(|choice| {
        let inspection = inspection.clone();
        let reason = Memo::new(move |_| {
            let known = choice.applies(&inspection, form.with(|form| form.target_version));
            match known.applies {
                true => known.reason,
                false => format!("Not needed: {}.", known.reason),
            }
        });
        let hint_id = format!("{}-hint", choice.id());
        view! {
            <div class="choice" hidden=move || shown.with(|shown| !shown.contains(&choice.id()))>
                <input
                    id=choice.id() type="checkbox" aria-describedby=hint_id.clone()
                    prop:checked=move || form.with(|form| choice.read(form))
                    on:change=move |ev| form.update(|form: &mut RestoreForm| choice.write(form, event_target_checked(&ev)))
                />
                <label for=choice.id()>{choice.label()}</label>
                <p class="hint" id=hint_id>{reason}</p>
            </div>
        }
    });
    view! {
        <fieldset class="panel">
            <legend>"Carried over from the snapshot"</legend>
            {context.drifted("snapshot")}
            {context.drifted("clean_up")}
            {ticks.collect_view()}
            {move || rest.get().map(|rest| view! { <p class="small muted">{rest}</p> })}
            {context.near_fields("clear-alarms", &["clean_up", "skip_hash_check", "accept_older_meta"])}
        </fieldset>
    }
}

/// What is free in a root, as far as that is known.
fn free(root: &RootChoice) -> String {
    match root.free_bytes {
        Some(free) => format!("{} free", format::bytes(free)),
        None => "free space unknown".to_owned(),
    }
}

fn target(context: FormContext) -> impl IntoView {
    let form = context.form;
    let error = context.error(|| "target".into());
    let roots = context.roots();
    let has_roots = !roots.is_empty();
    let download = move || form.with(|f| f.download);
    let space = {
        let (inspection, roots) = (context.inspection(), roots.clone());
        Memo::new(move |_| {
            form.with(|form| {
                let observation = form.observation(&inspection, &roots);
                let (request, _) = form.request(&inspection.file.sha256);
                let free = observation.target.free_bytes;
                (need_bytes(&request, &observation), free)
            })
        })
    };
    // One from an earlier plan that is not offered any more is named, and not passed over in silence.
    let names: Vec<_> = roots.iter().map(|root| root.name.clone()).collect();
    let gone = Memo::new(move |_| {
        let root = form.with(|f| f.root.clone());
        (!root.is_empty() && !names.contains(&root)).then_some(root)
    });
    let options = roots
        .into_iter()
        .map(|root| {
            let label = format!("{}: {} ({})", root.name, root.path, free(&root));
            let name = root.name.clone();
            view! { <option value=root.name selected=move || form.with(|f| f.root == name)>{label}</option> }
        })
        .collect_view();
    view! {
        <fieldset class="panel">
            <legend>"Destination"</legend>
            {context.drifted("target")}
            <div class="choices">
                <span class="inline-field">
                    <input type="radio" name="to" id="to-folder" disabled=!has_roots prop:checked=move || !download() on:change=move |_| form.update(|f| f.download = false) />
                    <label for="to-folder">"A folder on the server"</label>
                </span>
                <span class="inline-field">
                    <input type="radio" name="to" id="to-download" prop:checked=download on:change=move |_| form.update(|f| f.download = true) />
                    <label for="to-download">"A download per member"</label>
                </span>
            </div>
            {(!has_roots).then(|| view! { <p class="small muted">"The server offers no restore root for this cluster."</p> })}
            <div class="stack" hidden=download>
                <div class="field">
                    <label for="root">"Restore root"</label>
                    <select id="root" on:change=move |ev| form.update(|f| f.root = event_target_value(&ev))>
                        {move || gone.get().map(|root| view! { <option value=root.clone() selected=true>{format!("{root} (not available)")}</option> })}
                        {options}
                    </select>
                </div>
                <div class="field">
                    <label for="path">"Folder, one sub-folder per member"</label>
                    <input
                        id="path" type="text" class="mono-input" spellcheck="false" autocapitalize="none" autocomplete="off"
                        aria-describedby="path-error"
                        aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                        prop:value=move || form.with(|f| f.path.clone())
                        on:input=move |ev| form.update(|f| f.path = event_target_value(&ev))
                    />
                    {field_error("path-error", error)}
                </div>
            </div>
            {move || {
                let (need, free) = space.get();
                view! { <Space need free /> }
            }}
            {context.near_fields("path", &["target"])}
        </fieldset>
    }
}
