use std::path::Path;

use requorum_shared::canonical::sha256_hex;
use requorum_shared::etcd::recovery::restore::{
    CleanUp, MemberRequest, RestoreRequest, TargetVersion,
};
use requorum_shared::plan::Undo;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::jobs::context::Progress;
use crate::roots::OWN_ROOT;

/// A console's folders with one stored snapshot.
async fn bench(data: &Path) -> (EtcdSteps, SourceFile) {
    for folder in ["objects", "restores", "downloads", "scratch"] {
        std::fs::create_dir(data.join(folder)).unwrap();
    }
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd/3.6.14-empty.db");
    let bytes = std::fs::read(fixture).unwrap();
    let source = SourceFile {
        name: "empty.db".into(),
        sha256: sha256_hex(&bytes),
        size: bytes.len() as u64,
    };
    let sent = data.join("sent");
    std::fs::write(&sent, bytes).unwrap();
    let objects = Objects::in_folder(&data.join("objects")).unwrap();
    objects.adopt(&source.sha256, &sent).await.unwrap();
    let steps = EtcdSteps {
        objects,
        roots: Arc::new(Roots::open(&data.join("restores"), &[]).unwrap()),
        downloads: data.join("downloads"),
        scratch: data.join("scratch"),
        binaries: Vec::new(),
    };
    (steps, source)
}

/// What builds and places one member below the console's own root.
fn restoring(source: &SourceFile, path: &str) -> [Step; 2] {
    let restore = RestoreTask {
        source: source.clone(),
        request: RestoreRequest {
            snapshot: source.sha256.clone(),
            members: vec![MemberRequest {
                name: "m1".into(),
                peer_urls: vec!["http://10.0.0.1:2380".into()],
            }],
            token: path.into(),
            bump_revision: 0,
            mark_compacted: false,
            skip_hash_check: false,
            accept_older_meta: false,
            target_version: TargetVersion::V3_6,
            clean_up: CleanUp::default(),
            target: Target::Folder {
                root: OWN_ROOT.into(),
                path: path.into(),
            },
            last_seen: None,
        },
        cluster: String::new(),
    };
    let build = RestoreStep::BuildMembers {
        restore: restore.clone(),
    };
    [build, RestoreStep::PlaceMembers { restore }].map(|step| Step {
        number: 1,
        title: String::new(),
        probe: String::new(),
        effect: String::new(),
        undo: Undo::Nothing,
        native: None,
        action: Action::Etcd(Box::new(step)),
    })
}

#[tokio::test]
async fn what_several_restores_of_a_plan_left_is_known_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (runner, source) = bench(dir.path()).await;
    let context = Context {
        job_id: "j1".into(),
        progress: Progress::new(1, None).0,
        cancel: CancellationToken::new(),
    };
    let plan = ["a", "b"].map(|path| restoring(&source, path)).concat();
    for step in &plan {
        runner.effect(step, &context).await.unwrap();
    }
    let steps: Vec<_> = plan.iter().collect();
    assert_eq!(tasks_of(&steps).len(), 2, "each once");
    let place = |name: &str| dir.path().join("restores").join(name);

    let kept = runner.kept(EndState::Completed, &steps, &context).await;
    let kept = kept.unwrap().unwrap();
    let paths: Vec<_> = kept.folders.iter().map(|f| f.path.clone()).collect();
    assert_eq!(
        paths,
        ["a", "b"].map(|name| place(name).display().to_string())
    );
    let said = runner.finish(EndState::Completed, &steps, &context).await;
    assert_eq!(said.unwrap(), "");
    let left = Leftovers {
        folders: kept.folders,
        begun: Vec::new(),
    };
    let there = runner.remains(&steps, &left, &context).await.unwrap();
    let differences: Vec<_> = there.iter().map(|seen| &seen.difference).collect();
    assert_eq!(differences, [&None, &None], "both, without their marks");

    // What one restore left was changed since: all stays where it is.
    let (member, away) = (place("b").join("m1"), place("b").join("away"));
    std::fs::rename(&member, &away).unwrap();
    let refused = runner.set_aside(&steps, &left, &context).await;
    let refused = refused.unwrap_err().message;
    assert!(refused.contains(paths[1].as_str()), "{refused}");
    assert!(place("a").join("m1/member/snap/db").exists());

    std::fs::rename(&away, &member).unwrap();
    let aside = runner.set_aside(&steps, &left, &context).await.unwrap();
    assert_eq!(aside, paths);
    let removal = runner.remove_aside(&steps, &left, &context).await.unwrap();
    assert_eq!((removal.folders, removal.stopped), (paths, None));
    assert!(!place("a").exists() && !place("b").exists());
    let nothing = std::fs::read_dir(dir.path().join("restores")).unwrap();
    assert_eq!(nothing.count(), 0);
}
