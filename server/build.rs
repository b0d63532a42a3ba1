//! Generates the gRPC services (their messages live in `requorum-shared`), the few calls of etcd's API that a
//! boot check makes, and points the embedding of the page at the folder it was built into.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    println!("cargo::rerun-if-changed=../shared/proto");
    let mut services = std::fs::read_dir("../shared/proto/requorum/v1")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    services.sort();
    let files = protox::compile(services, ["../shared/proto"])?;
    std::fs::write(out.join("requorum.v1.descriptors"), files.encode_to_vec())?;
    tonic_prost_build::configure()
        .extern_path(".requorum.v1", "::requorum_shared::api::v1")
        .build_client(true)
        .compile_fds(files)?;

    println!("cargo::rerun-if-changed=proto");
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds(protox::compile(["etcd/rpc.proto"], ["proto"])?)?;

    println!("cargo::rerun-if-changed=migrations");
    embed_page(&out)
}

/// `REQUORUM_APP_DIST` names the built page; without it the server carries none and says so.
fn embed_page(out: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-env-changed=REQUORUM_APP_DIST");
    let folder = match std::env::var_os("REQUORUM_APP_DIST").filter(|v| !v.is_empty()) {
        Some(folder) => {
            let folder = std::fs::canonicalize(&folder)
                .map_err(|error| format!("REQUORUM_APP_DIST={}: {error}", folder.display()))?;
            println!("cargo::rerun-if-changed={}", folder.display());
            folder
        }
        None => {
            let empty = out.join("no-page");
            std::fs::create_dir_all(&empty)?;
            empty
        }
    };
    println!("cargo::rustc-env=REQUORUM_APP_FOLDER={}", folder.display());
    Ok(())
}
