//! Generates the messages of the typed API from `proto`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(
        [
            "requorum/v1/approvals.proto",
            "requorum/v1/console.proto",
            "requorum/v1/people.proto",
            "requorum/v1/secrets.proto",
        ],
        ["proto"],
    )?;
    prost_build::Config::new()
        // One entry goes to many viewers of the tail: shared, not copied.
        .bytes([".requorum.v1.LedgerEntry"])
        // These have a secret in them; `api::hidden` says how they print.
        .skip_debug([
            ".requorum.v1.CreateTokenResponse",
            ".requorum.v1.PasswordLink",
            ".requorum.v1.PutSecretRequest",
        ])
        .compile_fds(files)?;
    Ok(())
}
