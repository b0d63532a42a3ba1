//! The left column: everything that can be chosen.

use std::sync::Arc;

use leptos::prelude::*;
use requorum_shared::etcd::recovery::restore::TargetVersion;
use requorum_shared::etcd::recovery::restore::bump::WHEN_UNKNOWN;
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::finding::{Outcome, Report};
use requorum_shared::inspection::PartName;

use super::members::Members;
use crate::format;
use crate::forms::etcd_restore::{RestoreForm, RootChoice};

/// The form.
#[component]
pub fn Editor(
    /// What is typed.
    form: RwSignal<RestoreForm>,
    /// The snapshot.
    inspection: Arc<Inspection>,
    /// Where the server may place the result.
    roots: Vec<RootChoice>,
    /// The report, for errors beside the fields.
    #[prop(into)]
    report: Signal<Report>,
) -> impl IntoView {
    view! {
        <form class="stack" novalidate aria-label="What to restore" on:submit=|ev| ev.prevent_default()>
            <Members form report />
            {identity(form, report)}
            {revision(form, inspection.clone(), report)}
            {versions(form, &inspection)}
            {target(form, roots, report)}
        </form>
    }
}

/// What blocks in this part of the request.
fn error_of(report: Signal<Report>, field: &'static str) -> Memo<String> {
    Memo::new(move |_| {
        report.with(|report| {
            let found = report.blocking_in(field);
            found
                .map(|finding| finding.what.clone())
                .unwrap_or_default()
        })
    })
}

fn identity(form: RwSignal<RestoreForm>, report: Signal<Report>) -> impl IntoView {
    let error = error_of(report, "token");
    view! {
        <fieldset class="panel">
            <legend>"Token"</legend>
            <div class="field">
                <label for="token">"Initial-cluster token, a new one for each restore"</label>
                <input
                    id="token" type="text" class="mono-input" spellcheck="false" autocapitalize="none" autocomplete="off"
                    aria-describedby="token-error"
                    aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                    prop:value=move || form.with(|f| f.token.clone())
                    on:input=move |ev| form.update(|f| f.token = event_target_value(&ev))
                />
                <p class="hint">"It goes into the cluster's and the members' ids: old members that come back are refused."</p>
                <p class="field-error" id="token-error" hidden=move || error.with(String::is_empty)>{error}</p>
            </div>
        </fieldset>
    }
}

fn revision(
    form: RwSignal<RestoreForm>,
    inspection: Arc<Inspection>,
    report: Signal<Report>,
) -> impl IntoView {
    let error = error_of(report, "bump_revision");
    let off = move || form.with(|f| !f.bump_on);
    let ends = match inspection.start_revision() {
        Some(revision) => format!(
            "The snapshot ends at revision {}.",
            format::signed(revision)
        ),
        None => "At which revision the snapshot ends is unknown.".to_owned(),
    };
    let suggestion = Memo::new(move |_| form.with(|f| f.suggestion(&inspection)));
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
            let text = format!(
                "{} = {} that were seen beyond the snapshot + {} margin.",
                format::number(s.bump), format::number(s.floor), format::number(s.margin)
            );
            view! {
                <p class="small">{text}</p>
                <div class="acts">
                    <button type="button" class="button small" on:click=use_it>{format!("Raise by {}", format::number(s.bump))}</button>
                </div>
            }
        })
    };
    view! {
        <fieldset class="panel">
            <legend>"Revision"</legend>
            <div class="choice">
                <input id="bump-on" type="checkbox" prop:checked=move || !off() on:change=move |ev| form.update(|f| f.bump_on = event_target_checked(&ev)) />
                <label for="bump-on">"Raise the revision, so that none is ever given out twice"</label>
            </div>
            <div class="field">
                <label for="bump">"Raise by"</label>
                <input
                    id="bump" type="text" inputmode="numeric" class="mono-input" autocomplete="off"
                    disabled=off
                    aria-describedby="bump-error"
                    aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                    prop:value=move || form.with(|f| f.bump.clone())
                    on:input=move |ev| form.update(|f| f.bump = event_target_value(&ev))
                />
                <p class="field-error" id="bump-error" hidden=move || error.with(String::is_empty)>{error}</p>
            </div>
            <div class="choice">
                <input id="mark" type="checkbox" disabled=off prop:checked=move || form.with(|f| f.bump_on && f.mark_compacted)
                    on:change=move |ev| form.update(|f| f.mark_compacted = event_target_checked(&ev)) />
                <label for="mark">"Mark older revisions compacted"</label>
                <p class="hint">"Watches at an old revision are told that it is gone, instead of missing changes silently."</p>
            </div>
            <details>
                <summary>"Why, and by how much?"</summary>
                <div class="stack">
                    <p class="small">
                        {format!(
                            "{ends} The old cluster went on writing after it: clients, above all \
                             Kubernetes, have seen later revisions and trust them to grow. The new cluster must start beyond \
                             all of them. When nobody knows how far the old one came, upstream recommends {}.",
                            format::number(WHEN_UNKNOWN)
                        )}
                    </p>
                    <div class="field">
                        <label for="seen">"Newest revision that was seen served, if somebody knows"</label>
                        <input id="seen" type="text" inputmode="numeric" class="mono-input" autocomplete="off"
                            prop:value=move || form.with(|f| f.seen.clone())
                            on:input=move |ev| form.update(|f| f.seen = event_target_value(&ev)) />
                        <p class="hint">"From metrics (etcd_debugging_mvcc_current_revision), logs, or a client's last answer."</p>
                    </div>
                    {computed}
                </div>
            </details>
        </fieldset>
    }
}

fn versions(form: RwSignal<RestoreForm>, inspection: &Inspection) -> impl IntoView + use<> {
    let contents = inspection.details.contents.clone().unwrap_or_default();
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
    let no_trailer = inspection.verdict.outcome(PartName::Bytes) != Outcome::Pass;
    let fallback = inspection.report.find("meta.fallback").is_some();
    let alarms = contents.alarms.as_ref().map(Vec::len);
    view! {
        <fieldset class="panel">
            <legend>"Which etcd will run it"</legend>
            <div class="choices" role="radiogroup" aria-label="Version of etcd">{radios.collect_view()}</div>
        </fieldset>
        <fieldset class="panel">
            <legend>"What the file brings along"</legend>
            {tick(form, "clear-alarms", "Clear active alarms",
                match alarms {
                    None => "Unknown: bucket alarm cannot be read.".into(),
                    Some(0) => "No alarm is in the file.".into(),
                    Some(alarms) => format!("{alarms} in the file; NOSPACE refuses writes until it is cleared."),
                },
                alarms != Some(0), |f| f.clean_up.alarms, |f, on| f.clean_up.alarms = on)}
            {tick(form, "auth-off", "Turn authentication off",
                match (contents.auth.enabled, &contents.auth.problem) {
                    (Some(true), Some(problem)) => problem.what(),
                    (Some(true), None) => "It is on in the file; clients need the passwords of that time.".into(),
                    (Some(false), _) => "It is off in the file.".into(),
                    (None, _) => "Unknown: bucket auth cannot be read.".into(),
                },
                contents.auth.enabled != Some(false), |f| f.clean_up.auth, |f, on| f.clean_up.auth = on)}
            {tick(form, "drop-downgrade", "Delete the downgrade state",
                match &contents.downgrade {
                    Some(d) if d.enabled => format!("A downgrade to {} is under way in the file.", d.target_version),
                    _ => "No downgrade is under way in the file.".into(),
                },
                contents.downgrade.as_ref().is_some_and(|d| d.enabled), |f| f.clean_up.downgrade, |f, on| f.clean_up.downgrade = on)}
            {tick(form, "lower-versions", "Lower the recorded versions to the etcd that will run it",
                format!("Recorded: storage {}, cluster {}.",
                    contents.storage_version.as_deref().unwrap_or("none"), contents.cluster_version.as_deref().unwrap_or("none")),
                contents.storage_version.is_some() || contents.cluster_version.is_some(),
                |f| f.clean_up.versions, |f, on| f.clean_up.versions = on)}
            {tick(form, "skip-hash", "Accept the file without its SHA-256 trailer",
                if no_trailer { "The trailer did not prove this file; see its verdict.".into() } else { "Not needed: the trailer agrees.".into() },
                no_trailer, |f| f.skip_hash_check, |f, on| f.skip_hash_check = on)}
            {tick(form, "older-meta", "Accept the file without its newest meta page",
                match fallback {
                    true => "What the last commit wrote, or more, is not in the result; see the file's findings.".into(),
                    false => "Not needed: the newest meta page can be used.".into(),
                },
                fallback, |f| f.accept_older_meta, |f, on| f.accept_older_meta = on)}
        </fieldset>
    }
}

/// A tick box; where it has nothing to act on it is disabled and says why, unless it is ticked already.
fn tick(
    form: RwSignal<RestoreForm>,
    id: &'static str,
    label: &'static str,
    hint: String,
    useful: bool,
    read: fn(&RestoreForm) -> bool,
    write: fn(&mut RestoreForm, bool),
) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    view! {
        <div class="choice">
            <input
                id=id type="checkbox" aria-describedby=hint_id.clone()
                disabled=move || !useful && form.with(|f| !read(f))
                prop:checked=move || form.with(read)
                on:change=move |ev| form.update(|f| write(f, event_target_checked(&ev)))
            />
            <label for=id>{label}</label>
            <p class="hint" id=hint_id>{hint}</p>
        </div>
    }
}

fn target(
    form: RwSignal<RestoreForm>,
    roots: Vec<RootChoice>,
    report: Signal<Report>,
) -> impl IntoView {
    let error = error_of(report, "target");
    let has_roots = !roots.is_empty();
    let download = move || form.with(|f| f.download);
    let options = roots
        .into_iter()
        .map(|root| {
            let label = format!("{}: {} ({} free)", root.name, root.path, format::bytes(root.free_bytes));
            let name = root.name.clone();
            view! { <option value=root.name selected=move || form.with(|f| f.root == name)>{label}</option> }
        })
        .collect_view();
    view! {
        <fieldset class="panel">
            <legend>"Where the result goes"</legend>
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
            <div class="stack" hidden=download>
                <div class="field">
                    <label for="root">"Below"</label>
                    <select id="root" on:change=move |ev| form.update(|f| f.root = event_target_value(&ev))>{options}</select>
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
                    <p class="field-error" id="path-error" hidden=move || error.with(String::is_empty)>{error}</p>
                </div>
            </div>
        </fieldset>
    }
}
