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
        let bytes = without_names(&fs::read(&path)?)
            .with_context(|| format!("{name} is not WebAssembly"))?;
        files.push((name.to_owned(), bytes));
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

/// `wasm` without its custom sections: names of functions, which only a debugger reads, and notes of the linker.
fn without_names(wasm: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    const CUSTOM: u8 = 0;
    let (header, mut rest) = wasm.split_at_checked(HEADER)?;
    let mut kept = header.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (size, digits) = leb128(after)?;
        let (section, next) = rest.split_at_checked(1 + digits + size)?;
        if id != CUSTOM {
            kept.extend_from_slice(section);
        }
        rest = next;
    }
    Some(kept)
}

/// The number at the beginning of `bytes`, and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    const LONGEST: usize = 5;
    let mut number = 0;
    for (at, byte) in bytes.iter().take(LONGEST).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn names_are_left_out_and_all_else_stays() {
        let long = [vec![0, 0x80 | 3, 2], vec![7; 259]].concat();
        let (types, code) = ([1, 2, 8, 9], [10, 1, 0]);
        let wasm = [HEADER, &types, &long, &code, &[0, 1, 5]].concat();
        assert_eq!(without_names(&wasm), Some([HEADER, &types, &code].concat()));
    }

    #[test]
    fn what_is_cut_off_is_no_webassembly() {
        let wasm = [HEADER, &[1, 2, 8, 9]].concat();
        for end in 0..wasm.len() {
            let cut = without_names(&wasm[..end]);
            assert_eq!(cut.is_some(), end == HEADER.len(), "{end}");
        }
    }
}
