//! The restore job under fire: the real runner on real files.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use requorum_server::db::Database;
use requorum_server::files::objects::Objects;
use requorum_server::jobs::runner::StepRunner;
use requorum_server::roots::Roots;
use requorum_server::systems::etcd::steps::EtcdSteps;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::etcd::recovery::restore::TargetVersion;

use super::{Fire, Scene, World};
use crate::support::harness::TestServer;
use crate::support::recovery::{Console, request};

/// Where the restore's result is looked for, and what must not be left.
const FOLDERS: [&str; 3] = ["restores", "downloads", "scratch"];
/// Bytes compared of a file: a WAL is zeros behind its records.
const LOOK_AT: usize = 1 << 20;

/// A restore of one member into the console's own root.
pub(super) struct Restore;

#[async_trait]
impl Scene for Restore {
    fn name(&self) -> &'static str {
        "restore"
    }

    async fn lay(&self, _: &TestServer, console: &Console) -> String {
        let snapshot = console.upload("3.6.14-mixed.db").await;
        let mut request = request(&snapshot, "under/fire");
        request.members.truncate(1);
        // There is no etcd in the scene: the boot check says so.
        request.target_version = TargetVersion::V3_7;
        let plan = console.seal(&request).await.unwrap();
        console.approve_all(&plan).await.unwrap();
        // Sealed again from the same form, as it is and with another revision: the same token, the same folder.
        for bump in [0, 1_000] {
            request.bump_revision = bump;
            request.mark_compacted = bump > 0;
            let second = console.seal(&request).await.unwrap();
            console.approve_all(&second).await.unwrap();
        }
        plan.id
    }

    fn runner(&self, data: &Path, _: &Database) -> Arc<dyn StepRunner> {
        Arc::new(EtcdSteps {
            objects: Objects::in_folder(&data.join("objects")).unwrap(),
            roots: Arc::new(Roots::open(&data.join("restores"), &[]).unwrap()),
            downloads: data.join("downloads"),
            scratch: data.join("scratch"),
            binaries: Vec::new(),
        })
    }

    fn world(&self, data: &Path) -> World {
        let mut world = World::new();
        for folder in FOLDERS {
            describe(data, Path::new(folder), &mut world);
        }
        world
    }
}

/// Every folder and file below `at`, with what is in it.
fn describe(root: &Path, at: &Path, world: &mut World) {
    for entry in std::fs::read_dir(root.join(at)).unwrap() {
        let entry = entry.unwrap();
        let below = at.join(entry.file_name());
        let name = below.display().to_string();
        if entry.file_type().unwrap().is_dir() {
            world.insert(name, "folder".into());
            describe(root, &below, world);
        } else {
            let mut bytes = Vec::new();
            let file = std::fs::File::open(entry.path()).unwrap();
            let size = file.metadata().unwrap().len();
            std::io::Read::read_to_end(&mut std::io::Read::take(file, LOOK_AT as u64), &mut bytes)
                .unwrap();
            world.insert(name, format!("{size} bytes, {}", sha256_hex(&bytes)));
        }
    }
}

#[tokio::test]
async fn everything_twice() {
    Fire::on(Restore).await.twice().await;
}

#[tokio::test]
async fn each_step_fails() {
    Fire::on(Restore).await.each_step_fails().await;
}

#[tokio::test]
async fn killed_at_every_write() {
    Fire::on(Restore).await.killed_at_every_write().await;
}

#[tokio::test]
async fn beside_a_second_for_the_same_target() {
    Fire::on(Restore).await.beside_a_second().await;
}

#[tokio::test]
async fn a_second_for_the_same_target_is_killed() {
    let fire = Fire::on(Restore).await;
    fire.a_second_is_killed(0, None).await;
    // Built, and not placed yet.
    fire.a_second_is_killed(1, Some(3)).await;
}

#[tokio::test]
async fn killed_on_the_way_back() {
    Fire::on(Restore).await.killed_on_the_way_back().await;
}
