//! Generates the messages of the typed API from `proto`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(
        [
            "requorum/v1/approvals.proto",
            "requorum/v1/console.proto",
            "requorum/v1/people.proto",
        ],
        ["proto"],
    )?;
    prost_build::Config::new()
        // One entry goes to many viewers of the tail: shared, not copied.
        .bytes([".requorum.v1.LedgerEntry"])
        .compile_fds(files)?;
    Ok(())
}
