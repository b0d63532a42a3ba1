//! What a request rests on, as it is seen now: its files in the store, and what its system looks at.

use requorum_shared::api::upload::EVIDENCE_ORIGIN;
use requorum_shared::kinds::Inspection;
use requorum_shared::recovery::{self, Input, Observation, Request};

use crate::app::App;
use crate::error::{Result, conflict, internal};
use crate::files::objects::ObjectError;
use crate::files::store::StoredFile;
use crate::ops::stored;
use crate::systems::{Sight, StoredInput};

/// The longest of what a source says of itself that an observation keeps, in characters.
const MAX_WORDS: usize = 1_000;

/// What a request rests on. Looking is work on account of a person, or of a plan.
pub(super) async fn observe(app: &App, account: &str, request: &Request) -> Result<Observation> {
    let mut files = Vec::new();
    for Input::File(sha256) in request.inputs() {
        let (file, inspection_json) = stored::find(app, &sha256).await?;
        let file = stored::kept(file)?;
        if file.origin == EVIDENCE_ORIGIN {
            return Err(conflict(
                "file.evidence",
                "This file is kept as evidence: no recovery uses files of its kind. Choose another file.",
            ));
        }
        let found = app.objects.size(&sha256).await.inspect_err(|error| {
            tracing::warn!(file = %sha256, "looking for a stored file: {error}");
        });
        files.push((file, inspection_json, found));
    }
    let (request, systems) = (request.clone(), app.systems.clone());
    let (roots, downloads) = (app.roots.clone(), app.data_dir.downloads());
    let look = move || {
        let files = files.into_iter();
        let files = files.map(|(file, json, found)| input(&request, file, &json, found));
        let sight = Sight {
            roots: &roots,
            downloads: &downloads,
            files: &files.collect::<Result<Vec<_>>>()?,
        };
        systems.observe(&request, &sight).map_err(internal)
    };
    app.work.run(account, look).await
}

/// A file for a request, which must be able to use files of its kind.
fn input(
    request: &Request,
    file: StoredFile,
    inspection_json: &str,
    found: std::result::Result<Option<u64>, ObjectError>,
) -> Result<StoredInput> {
    let inspection: Inspection = serde_json::from_str(inspection_json).map_err(internal)?;
    if !recovery::served_by(&inspection).contains(&request.kind()) {
        return Err(conflict(
            "file.kind",
            format!(
                "{} is {}, and {} does not use files of that kind. Choose another file.",
                file.name,
                inspection.label,
                request.kind()
            ),
        ));
    }
    Ok(StoredInput {
        sha256: file.id,
        cluster: file.cluster,
        inspection,
        size: file.size,
        found: found.map_err(|error| shortened(&error.message)),
    })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::kinds::{Options, Scanner, inspect};
    use serde_json::json;

    use super::*;
    use crate::files::store::Summary;

    /// A stored file with its inspection.
    fn stored_as(name: &str, bytes: &[u8]) -> (StoredFile, String) {
        let mut scanner = Scanner::new(Options::default());
        scanner.feed(bytes);
        let inspection = inspect(scanner.finish(), name, &bytes);
        let Summary {
            kind,
            trust,
            headline,
        } = Summary::from(&inspection);
        let file = StoredFile {
            id: inspection.file.sha256.clone(),
            name: name.into(),
            size: bytes.len() as u64,
            uploaded_ms: 0,
            uploaded_by: "anna".into(),
            origin: "upload".into(),
            cluster: String::new(),
            kind,
            trust,
            headline,
            removed_ms: 0,
            removed_by: String::new(),
        };
        (file, serde_json::to_string(&inspection).unwrap())
    }

    #[test]
    fn a_file_that_the_request_cannot_use_is_refused_by_its_kind() {
        let request: Request = serde_json::from_value(json!({
            "kind": "etcd.restore", "snapshot": "", "members": [], "token": "", "bump_revision": 0,
            "mark_compacted": false, "skip_hash_check": false, "target_version": "3.6",
            "clean_up": {"alarms": false, "auth": false, "downgrade": false, "versions": false},
            "target": {"kind": "download"},
        }))
        .unwrap();
        let given = |name: &str, bytes: &[u8]| {
            let (file, json) = stored_as(name, bytes);
            let found = Ok(Some(file.size));
            input(&request, file, &json, found)
        };
        let peers = br#"[{"id": "a", "address": "10.0.0.1:8946", "non_voter": false}]"#;
        let refused = given("peers.json", peers).err().unwrap();
        assert_eq!(refused.code, "file.kind");
        assert!(
            refused.message.contains("peers.json is "),
            "{}",
            refused.message
        );
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../shared/testdata/etcd/3.5.33-mixed.db"
        );
        let bytes = std::fs::read(path).unwrap();
        let taken = given("a.db", &bytes).ok().unwrap();
        assert_eq!(taken.found, Ok(Some(bytes.len() as u64)));
    }

    #[test]
    fn what_a_source_says_is_bounded() {
        assert_eq!(shortened("It does not answer."), "It does not answer.");
        let long = shortened(&"ä".repeat(MAX_WORDS + 1));
        assert_eq!(long.chars().count(), MAX_WORDS + 1);
        assert!(long.ends_with('…'));
    }
}
