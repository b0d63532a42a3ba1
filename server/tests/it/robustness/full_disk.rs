//! No room: on a small file system of its own, which needs root, and under a limit on the size of files, which
//! everybody can set. Clear errors, nothing lost, and it goes on once there is room.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use requorum_server::config::{RootClusters, RootConfig};
use requorum_server::ops::plans::look_at_open;
use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1::PlanState;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target, TargetVersion};
use requorum_shared::job::fold::JobState;
use reqwest::Response;
use serde_json::json;
use tonic::Code;

use crate::support::harness::{
    Client, NAME, Options, PASSWORD, TestServer, code, error, http_client,
};
use crate::support::packing::zstd_zeros;
use crate::support::process::{self, Process};
use crate::support::recovery::{Console, request};

const MIB: usize = 1 << 20;

/// A small file system.
struct Disk(Arc<tempfile::TempDir>);

impl Disk {
    /// `None`, and said so, where this process may not mount one.
    fn of(mib: usize) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(dir.path())
            .output();
        let why = match mounted {
            Ok(output) if output.status.success() => return Some(Self(Arc::new(dir))),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("SKIPPED: a full disk, because no file system can be mounted here: {why}");
        None
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }

    /// Until nothing fits any more.
    fn fill(&self) {
        let mut file = File::create(self.ballast()).unwrap();
        for piece in [vec![1; MIB], vec![1; 4096], vec![1; 1]] {
            while file.write_all(&piece).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that is ending may have a file open.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

async fn announce(client: &Client, length: usize) -> Upload {
    let body = json!({"name": "large.db", "length": length, "evidence": true});
    let response = client.post("/api/uploads", &body).await;
    assert_eq!(response.status(), 201);
    response.json().await.unwrap()
}

async fn send(client: &Client, id: &str, offset: usize, bytes: &[u8]) -> Response {
    client
        .request("PATCH", &format!("/api/uploads/{id}"))
        .header("upload-offset", offset)
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap()
}

async fn offset(client: &Client, id: &str) -> usize {
    let upload: Upload = client
        .get(&format!("/api/uploads/{id}"))
        .await
        .json()
        .await
        .unwrap();
    upload.offset as usize
}

fn order(snapshot: &str, path: &str) -> RestoreRequest {
    let mut order = request(snapshot, path);
    // One WAL of 64 MB, and no boot check.
    order.members.truncate(1);
    order.target_version = TargetVersion::V3_7;
    order
}

#[tokio::test]
async fn a_full_disk_is_said_loses_nothing_and_is_over_when_there_is_room() {
    let Some(disk) = Disk::of(300) else { return };
    let server = TestServer::in_dir(disk.0.clone(), Options::default()).await;
    let console = Console::over(&server).await;
    let admin = &console.http;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&order(&snapshot, "a")).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    let bytes: Vec<u8> = (0..30 * MIB).map(|i| (i % 253) as u8).collect();
    let upload = announce(admin, bytes.len()).await;
    let first = 5 * MIB;
    assert_eq!(
        send(admin, &upload.id, 0, &bytes[..first]).await.status(),
        200
    );

    disk.fill();
    let (status, body) = error(send(admin, &upload.id, first, &bytes[first..20 * MIB]).await).await;
    assert_eq!((status, body.code.as_str()), (507, "upload.no-room"));
    assert!(
        body.message.contains("What arrived is kept"),
        "{}",
        body.message
    );
    assert_eq!(
        offset(admin, &upload.id).await,
        first,
        "as far as it is safe"
    );
    let response = admin
        .post("/api/uploads", &json!({"name": "b.db", "length": 1000}))
        .await;
    assert_eq!(
        error(response).await.0,
        507,
        "refused before a byte is sent"
    );

    // Nothing runs that cannot be written down, and that is not called a fault of the server.
    let refused = console.start(&plan).await.unwrap_err();
    let of_the_disk = [Code::Unavailable, Code::ResourceExhausted];
    assert!(of_the_disk.contains(&refused.code()), "{refused:?}");
    assert!(!disk.0.path().join("data/restores/a").exists());
    let sealed = console.seal(&order(&snapshot, "b")).await.unwrap_err();
    let said = sealed.message();
    assert!(
        of_the_disk.contains(&sealed.code()) || said.contains("are free"),
        "{sealed:?}"
    );
    let login = server.stranger().login(NAME, PASSWORD).await;
    assert!(
        [200, 503, 507].contains(&login.status().as_u16()),
        "{login:?}"
    );
    // Looking needs no room.
    assert_eq!(admin.get("/readyz").await.status(), 200);
    assert_eq!(admin.snapshots().await.files.len(), 1);

    disk.free();
    let done: Upload = send(admin, &upload.id, first, &bytes[first..])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&bytes)));
    assert_eq!(server.stranger().login(NAME, PASSWORD).await.status(), 200);
    let job = console.start(&plan).await.unwrap();
    let view = console.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");

    // A job that finds no room asks, and ends when it is answered.
    let plan = console.seal(&order(&snapshot, "c")).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    let job = console.start(&plan).await.unwrap();
    disk.fill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    disk.free();
    let mut view = console.finished(&job.id).await;
    if let Some(question) = view.question.take() {
        console
            .answer(&job.id, &question.id, "retry")
            .await
            .unwrap();
        let events = console.watch(&job.id, 0).await.unwrap();
        view = crate::support::recovery::fold(&events);
    }
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    server.stop().await;
    let verified = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(["audit", "verify", "--data-dir"])
        .arg(disk.0.path().join("data"))
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn too_little_room_stops_a_plan_and_does_not_void_it() {
    let Some(disk) = Disk::of(16) else { return };
    let server = TestServer::with(Options {
        restore_roots: vec![RootConfig {
            name: "small".into(),
            path: disk.0.path().into(),
            clusters: RootClusters::All,
        }],
        ..Options::default()
    })
    .await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let order = |path: &str| RestoreRequest {
        target: Target::Folder {
            root: "small".into(),
            path: path.into(),
        },
        ..order(&snapshot, path)
    };
    let plan = console.seal(&order("a")).await.unwrap();
    disk.fill();
    look_at_open(server.app(), Duration::ZERO).await.unwrap();
    let read = console.plan(&plan.id).await;
    assert_eq!(read.plan.unwrap().state(), PlanState::Sealed);
    assert_eq!(read.drift, []);
    assert!(read.check.iter().any(|f| f.code == "target.no-room"));
    let sealing = console.seal(&order("b")).await.unwrap_err();
    assert_eq!(code(&sealing), "plan.blocked");
    let approving = console.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&approving), "plan.not-now");
    let said = approving.message();
    assert!(
        said.contains("is free") && said.contains("Free space"),
        "{said}"
    );

    disk.free();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    disk.fill();
    let starting = console.start(&plan).await.unwrap_err();
    assert_eq!(code(&starting), "plan.not-now");
    look_at_open(server.app(), Duration::ZERO).await.unwrap();
    let read = console.plan(&plan.id).await;
    assert_eq!(read.plan.unwrap().state(), PlanState::Approved);
    disk.free();
    let job = console.start(&plan).await.unwrap();
    let view = console.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    server.stop().await;
}

#[tokio::test]
async fn a_packed_file_for_whose_content_there_is_no_room_is_kept_and_unpacked_later() {
    let Some(disk) = Disk::of(300) else { return };
    let server = TestServer::in_dir(disk.0.clone(), Options::default()).await;
    let admin = server.admin().await;
    // 125 MiB come out of it.
    let bytes = zstd_zeros(1000);
    std::fs::write(disk.ballast(), vec![1; 150 * MIB]).unwrap();
    let body = json!({"name": "zeros.zst", "length": bytes.len()});
    let upload: Upload = admin
        .post("/api/uploads", &body)
        .await
        .json()
        .await
        .unwrap();
    let (status, said) = error(send(&admin, &upload.id, 0, &bytes).await).await;
    assert_eq!((status, said.code.as_str()), (507, "upload.no-room"));
    let words = "no room for what is packed in zeros.zst";
    assert!(said.message.contains(words), "{}", said.message);
    let uploads = disk.0.path().join("data/uploads");
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 1);
    assert_eq!(offset(&admin, &upload.id).await, bytes.len());
    // What the database needs was left free meanwhile.
    assert_eq!(admin.get("/readyz").await.status(), 200);
    disk.free();
    // Now it comes out, and is told to be what it is.
    let (status, said) = error(send(&admin, &upload.id, bytes.len(), &[]).await).await;
    assert_eq!((status, said.code.as_str()), (400, "upload.foreign"));
    assert!(said.message.contains("zeros"), "{}", said.message);
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 1);
}

/// The server with a limit on the size of a file, as a shell sets it.
fn limited(data_dir: &Path, kib: usize) -> Command {
    let server = process::command(data_dir, &[]);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -f {kib}; exec \"$0\" \"$@\"")])
        .arg(server.get_program())
        .args(server.get_args());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_grow_is_said_and_the_upload_goes_on_later() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = vec![7; 8 * MIB];
    // In blocks of 512 bytes, as POSIX has it: 4 MiB.
    let process = Process::spawn(limited(dir.path(), 8192), true);
    let admin = crate::support::killed::console(&process).await.http;
    let upload = announce(&admin, bytes.len()).await;
    assert_eq!(
        send(&admin, &upload.id, 0, &bytes[..MIB]).await.status(),
        200
    );
    let (status, body) = error(send(&admin, &upload.id, MIB, &bytes[MIB..]).await).await;
    assert_eq!((status, body.code.as_str()), (507, "upload.no-room"));
    assert!(body.message.contains("ulimit -f"), "{}", body.message);
    assert_eq!(offset(&admin, &upload.id).await, MIB);
    assert_eq!(
        http_client()
            .get(format!("{}/healthz", process.base))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    process.kill();

    let process = Process::start(dir.path(), false, &[]);
    let admin = crate::support::killed::console(&process).await.http;
    let done: Upload = send(&admin, &upload.id, MIB, &bytes[MIB..])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&bytes)));
    process.kill();
}
