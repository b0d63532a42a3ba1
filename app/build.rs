//! Links the page so that the bundler can split it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        // The bundler splits the page by them: what refers to what.
        println!("cargo::rustc-link-arg-bin=page=--emit-relocs");
    }
}
