//! The restore of an etcd cluster: the form that its plans are made with.

pub mod context;
pub mod editor;
pub mod form;
pub mod members;

use std::sync::Arc;

use leptos::prelude::*;
use requorum_shared::etcd::recovery::restore::{
    NativeSource, RestoreRequest, Target, native_lines,
};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::recovery::{Observation, Request};

use self::context::FormContext;
use self::form::{RestoreForm, fresh_token};
use super::written_ms;
use crate::components::loss::{Loss, Until};
use crate::failure::{Failure, Kind};
use crate::format;
use crate::plan_form::{Fields, Given, PlanForm, REPORT, drifted, kept};

/// What a plan of a restore says of the file and the destination, as the subjects of its facts.
const SUBJECTS: &[&str] = &["target", "snapshot", "cluster"];

/// The form, filled in for the snapshot that is given.
///
/// # Errors
/// When the file is not a snapshot.
pub fn plan_form(given: Given) -> Result<PlanForm, Failure> {
    let Given {
        files,
        roots,
        earlier,
        drift,
        key,
    } = given;
    let file = files.into_iter().next();
    let uploaded_ms = file.as_ref().and_then(|file| file.uploaded_ms);
    let inspection = file.map(|file| file.inspection);
    let what = inspection.as_ref().map_or_else(
        || "No file was chosen".to_owned(),
        |inspection| format!("This is {}", inspection.label),
    );
    let inspection = inspection.and_then(requorum_shared::kinds::Inspection::into_etcd);
    let inspection = Arc::new(inspection.ok_or_else(|| Failure {
        next: "Choose an etcd snapshot in the list of files.".into(),
        ..Failure::new(
            Kind::Other,
            format!("{what}; an etcd snapshot is needed here."),
        )
    })?);
    let earlier = earlier.map(|Request::EtcdRestore(request)| RestoreForm::of(&request));
    let form = kept(&key, || {
        let suggested = || RestoreForm::suggested(&inspection, &roots, &token());
        earlier.clone().unwrap_or_else(suggested)
    });
    let typed = {
        let id = inspection.file.sha256.clone();
        Memo::new(move |_| form.with(|form| form.request(&id).0))
    };
    let unchanged = {
        let id = inspection.file.sha256.clone();
        let before = earlier.map(|form| form.request(&id).0);
        Memo::new(move |_| {
            before
                .as_ref()
                .is_none_or(|before| typed.with(|now| now == before))
        })
    };
    let here = {
        let (inspection, roots) = (inspection.clone(), roots.clone());
        Memo::new(move |_| form.with(|form| form.here(&inspection, &roots)))
    };
    let seen = {
        let (inspection, roots) = (inspection.clone(), roots.clone());
        Memo::new(move |_| {
            Observation::EtcdRestore(form.with(|form| form.observation(&inspection, &roots)))
        })
    };
    let known = Loss {
        revision: inspection.start_revision(),
        written_ms: written_ms(&inspection.details),
        uploaded_ms,
        seen: None,
        until_ms: 0,
        until: Until::Now,
    };
    let loss = Callback::new(move |now_ms| Loss {
        until_ms: now_ms,
        seen: typed.with(|typed| typed.last_seen.map(|seen| seen.revision)),
        ..known
    });
    let commands = {
        let inspection = inspection.clone();
        let source = NativeSource::from(&*inspection);
        Signal::derive(move || typed.with(|typed| commands(typed, &inspection, &source)))
    };
    Ok(PlanForm {
        sentence: sentence(&inspection),
        request: Memo::new(move |_| Request::EtcdRestore(typed.get())),
        here,
        seen,
        unchanged,
        loss: Some(loss),
        commands: ("Equivalent commands of etcd's own tools", commands),
        fields: Box::new(move |report| {
            let drift = drifted(&drift, SUBJECTS);
            let context = FormContext::new(form, report, inspection, roots, token(), drift);
            Fields {
                view: view! { <editor::Editor context /> }.into_any(),
                fixes: context.acts(REPORT),
            }
        }),
    })
}

/// The commands of etcd's own tools that do the same, or why there are none.
fn commands(request: &RestoreRequest, inspection: &Inspection, source: &NativeSource) -> String {
    let folder = match &request.target {
        Target::Folder { path, .. } => Some(path.as_str()),
        Target::Download => None,
    };
    match native_lines(request, &inspection.file.name, source, folder) {
        Ok(lines) => lines.join("\n"),
        Err(why) => format!("# None: {why}."),
    }
}

/// `Restore weekly.db from revision 1 200 007`.
fn sentence(inspection: &Inspection) -> String {
    let name = format::visible(&inspection.file.name);
    match &inspection.details.status {
        Some(status) => format!(
            "Restore {name} from revision {}",
            format::signed(status.revision)
        ),
        None => format!("Restore {name} (revision unknown)"),
    }
}

/// A token that was never used.
fn token() -> String {
    let today: String = format::utc(js_sys::Date::now() as i64)
        .chars()
        .take(10)
        .collect();
    let dice = (js_sys::Math::random() * 65_536.0) as u16;
    fresh_token(&today, dice)
}

#[cfg(test)]
mod tests {
    use requorum_shared::etcd::storage::inspection::{
        DatabaseDetails, ETCD_SNAPSHOT, FileKind, Status,
    };
    use requorum_shared::finding::Outcome;
    use requorum_shared::inspection::{FileFacts, Judgement, PartName};

    use super::*;

    #[test]
    fn a_revision_that_is_unknown_is_not_called_0() {
        let parts = [PartName::Checksum, PartName::Structure, PartName::Content]
            .map(|name| (name, Judgement::clean(Outcome::Fail, "")));
        let file = FileFacts {
            name: "prod.db".into(),
            size: 20_512,
            sha256: "ab".repeat(32),
        };
        let details = DatabaseDetails {
            kind: FileKind::Snapshot,
            page_size: 4096,
            high_water_mark: 5,
            txid: 3,
            status: None,
            hash_kv: None,
            contents: None,
        };
        let label = "an etcd snapshot";
        let mut inspection =
            Inspection::judged(ETCD_SNAPSHOT, label, file, String::new(), parts, details);
        assert_eq!(sentence(&inspection), "Restore prod.db (revision unknown)");
        inspection.details.status = Some(Status {
            hash: 1,
            revision: 0,
            total_key: 0,
            total_key_35: 0,
            total_size: 1,
            version: "3.5.0".into(),
        });
        assert_eq!(sentence(&inspection), "Restore prod.db from revision 0");
    }
}
