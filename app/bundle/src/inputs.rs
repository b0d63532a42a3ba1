//! All that the result is made of, read at once, and the stamp that tells whether it changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{assets, style};

/// What the result is made of.
pub(crate) struct Inputs {
    /// The page as cargo built it.
    pub(crate) page: Vec<u8>,
    /// The worker that reads files, as cargo built it.
    pub(crate) worker: Vec<u8>,
    /// The worker that verifies, as cargo built it.
    pub(crate) verifier: Vec<u8>,
    /// `app/index.html`.
    pub(crate) template: String,
    /// `style/main.css` with its imports in their places.
    pub(crate) style: String,
    /// The files of `app/assets`, by name.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Tells these inputs from others.
    pub(crate) stamp: Stamp,
}

/// The hash of all inputs and of this program.
pub(crate) struct Stamp(String);

impl Inputs {
    /// Reads everything.
    pub(crate) fn read(wasm: &Path, source: &Path) -> Result<Self> {
        let page = read(&wasm.join("page.wasm"))?;
        let worker = read(&wasm.join("worker.wasm"))?;
        let verifier = read(&wasm.join("verifier.wasm"))?;
        let template = String::from_utf8(read(&source.join("app/index.html"))?)
            .context("app/index.html is not UTF-8")?;
        let style = style::flatten(&source.join("style/main.css"))?;
        let folder = source.join("app/assets");
        let mut files = Vec::new();
        let listed = fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
        for entry in listed {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push((name.into_owned(), read(&path)?));
        }
        files.sort();

        // This program is an input too: another wasm-bindgen gives another result.
        let mut all = read(&std::env::current_exe()?)?;
        let texts = [template.as_bytes(), style.as_bytes()];
        for bytes in [&page[..], &worker, &verifier].into_iter().chain(texts) {
            all.extend_from_slice(assets::sha256_hex(bytes).as_bytes());
        }
        for (name, bytes) in &files {
            all.extend_from_slice(format!("{name}\0{}", assets::sha256_hex(bytes)).as_bytes());
        }
        let stamp = Stamp(assets::sha256_hex(&all));
        Ok(Self {
            page,
            worker,
            verifier,
            template,
            style,
            files,
            stamp,
        })
    }

    /// Whether `out` was made of exactly these.
    pub(crate) fn stamp_matches(&self, out: &Path) -> bool {
        out.join("index.html").exists()
            && fs::read_to_string(Stamp::path(out)).is_ok_and(|there| there == self.stamp.0)
    }
}

impl Stamp {
    /// Beside the result, not in it: the server embeds all that is in it.
    fn path(out: &Path) -> PathBuf {
        out.with_added_extension("stamp")
    }

    /// Notes what `out` was made of.
    pub(crate) fn write(&self, out: &Path) -> Result<()> {
        let path = Self::path(out);
        fs::write(&path, &self.0).with_context(|| format!("{} cannot be written", path.display()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
