//! Generates the typed API's clients. The messages themselves come from `requorum-shared`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../shared/proto");
    let files = protox::compile(
        [
            "requorum/v1/approvals.proto",
            "requorum/v1/console.proto",
            "requorum/v1/people.proto",
            "requorum/v1/secrets.proto",
        ],
        ["../shared/proto"],
    )?;
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .extern_path(".requorum.v1", "::requorum_shared::api::v1")
        .compile_fds(files)?;
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        // The bundler splits the page by them: what refers to what.
        println!("cargo::rustc-link-arg-bin=page=--emit-relocs");
    }
    Ok(())
}
