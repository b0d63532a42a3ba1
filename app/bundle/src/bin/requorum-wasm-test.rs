//! Runs a WASM test binary in Node.js: cargo's runner for `cargo test --target wasm32-unknown-unknown`.
//!
//! What `wasm-bindgen-test-runner` does, for the one way in which it is used here, by the library that bundles
//! the page: its version is the one in Cargo.lock, and nothing is to be installed beside.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

/// The exports that `#[wasm_bindgen_test]` makes begin like this, in each test binary.
const TEST: &str = "__wbgt_";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(binary) = arguments.next() else {
        eprintln!(
            "requorum-wasm-test: give the test binary, and words that the tests' names contain"
        );
        return ExitCode::FAILURE;
    };
    match run(Path::new(&binary), &arguments.collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("requorum-wasm-test: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every test passed.
fn run(binary: &Path, words: &[OsString]) -> Result<bool> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let built = std::fs::read(binary).with_context(|| format!("{}", binary.display()))?;
    // Without tests there is no runtime for them either, and wasm-bindgen would miss it.
    if !built
        .windows(TEST.len())
        .any(|bytes| bytes == TEST.as_bytes())
    {
        eprintln!("no tests");
        return Ok(true);
    }
    let mut output = Bindgen::new()
        .input_bytes("tests", built)
        .nodejs(true)?
        .typescript(false)
        .emit_start(false)
        .export_wasm(true)
        .generate_output()
        .context("wasm-bindgen could not make the JavaScript")?;
    let all: Vec<_> = output
        .wasm()
        .exports
        .iter()
        .map(|export| export.name.clone())
        .filter(|name| name.starts_with(TEST))
        .collect();
    if all.is_empty() {
        bail!("no export begins with {TEST}: has wasm-bindgen-test changed how it marks tests?");
    }
    let chosen: Vec<_> = all
        .iter()
        .filter(|name| words.is_empty() || words.iter().any(|word| name.contains(word.as_ref())))
        .map(|name| format!("{name:?}"))
        .collect();

    let folder = binary.with_extension("node");
    output
        .emit(&folder)
        .context("the JavaScript cannot be written")?;
    let script = folder.join("run.cjs");
    std::fs::write(&script, entry(&chosen, all.len() - chosen.len()))?;
    let status = Command::new("node").arg(&script).status();
    let status = status.context("Node.js cannot be started: the WASM tests run in it")?;
    if status.code().is_none() {
        bail!("Node.js was ended by a signal");
    }
    Ok(status.success())
}

/// The script that Node.js runs. The names in it are those that `wasm-bindgen-test` looks for.
fn entry(tests: &[String], filtered: usize) -> String {
    let tests = tests.join(", ");
    format!(
        r#"const handlers = {{}};
for (const method of ["debug", "log", "info", "warn", "error"]) {{
  const original = console[method];
  if (method === "log") global.__wbgtest_og_console_log = original;
  console[method] = function (...args) {{
    (handlers[method] ?? original).apply(this, handlers[method] ? [args] : args);
  }};
}}
global.__wbg_test_invoke = (f) => f();
const wasm = require("./tests.js");
const context = new wasm.WasmBindgenTestContext(false);
for (const method of ["debug", "log", "info", "warn", "error"]) {{
  handlers[method] = wasm[`__wbgtest_console_${{method}}`];
}}
context.filtered_count({filtered});
context.run([{tests}].map((name) => wasm.__wasm[name])).then(
  (good) => process.exit(good ? 0 : 1),
  (error) => {{
    global.__wbgtest_og_console_log(String(error));
    process.exit(1);
  }},
);
"#
    )
}
