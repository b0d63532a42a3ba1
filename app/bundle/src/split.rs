//! Takes the page apart at its split points: what the first load needs, and what follows.

use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use wasm_split_cli_support::{Options, transform};

/// How the first part's JavaScript names the one that loads the others.
pub(crate) const LOADER: &str = "./later.js";
/// How that one names the first part's JavaScript.
pub(crate) const MAIN: &str = "./first.js";

/// What is fetched later.
pub(crate) struct Parts {
    /// The JavaScript that fetches: it names [`MAIN`], and each of `files` as `./FILE`.
    pub(crate) loader: String,
    /// WASM by file name.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

/// The first part and the others.
///
/// # Errors
/// When the program has no split point, or was linked without `--emit-relocs`.
pub(crate) fn split(built: &[u8]) -> Result<(Vec<u8>, Parts)> {
    let folder = tempfile::tempdir()?;
    let first = folder.path().join("first.wasm");
    let mut options = Options::new(built);
    options.output_dir = folder.path();
    options.main_out_path = &first;
    options.link_name = LOADER;
    options.main_module = MAIN;
    let split = transform(options).map_err(|error| anyhow!("{error:#}"))?;
    if split.split_modules.is_empty() {
        bail!("it has no split point, or was linked without --emit-relocs");
    }
    let mut files = Vec::new();
    for path in split.split_modules {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .context("a part without a name")?;
        files.push((name.to_owned(), fs::read(&path)?));
    }
    files.sort();
    Ok((
        fs::read(&first)?,
        Parts {
            loader: fs::read_to_string(folder.path().join(LOADER))?,
            files,
        },
    ))
}
