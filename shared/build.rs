//! Generates the messages of the typed API from `proto`, and the table of its methods.

use std::fmt::Write as _;
use std::path::PathBuf;

/// `MethodOptions.IdempotencyLevel.NO_SIDE_EFFECTS` of descriptor.proto.
const NO_SIDE_EFFECTS: i32 = 1;

#[expect(
    clippy::disallowed_methods,
    reason = "a build script reads where its output goes, and writes it"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut services = std::fs::read_dir("proto/requorum/v1")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    services.sort();
    let files = protox::compile(services, ["proto"])?;

    std::fs::write(
        PathBuf::from(std::env::var("OUT_DIR")?).join("methods.rs"),
        methods(&files)?,
    )?;

    prost_build::Config::new()
        // One entry goes to many viewers of the tail: shared, not copied.
        .bytes([".requorum.v1.LedgerEntry"])
        // These have a secret in them; `api::hidden` says how they print.
        .skip_debug([
            ".requorum.v1.CreateTokenResponse",
            ".requorum.v1.PasswordLink",
            ".requorum.v1.PutCredentialRequest",
        ])
        .compile_fds(files)?;
    Ok(())
}

/// What `api::methods` includes: the table, and which request belongs to which method.
fn methods(files: &prost_types::FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let (mut table, mut calls) = (String::new(), String::new());
    for file in &files.file {
        for service in &file.service {
            for method in &service.method {
                let level = method.options.as_ref().and_then(|o| o.idempotency_level);
                let told = format!(
                    "Method {{ path: \"/{}.{}/{}\", reads: {}, streams: {} }}",
                    file.package(),
                    service.name(),
                    method.name(),
                    level == Some(NO_SIDE_EFFECTS),
                    method.server_streaming(),
                );
                let message = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
                writeln!(table, "{told},")?;
                writeln!(
                    calls,
                    "impl Call for v1::{} {{ type Response = v1::{}; const METHOD: Method = {told}; }}",
                    message(method.input_type()),
                    message(method.output_type()),
                )?;
            }
        }
    }
    Ok(format!(
        "/// All of them, service by service.\npub const METHODS: &[Method] = &[\n{table}];\n{calls}"
    ))
}
