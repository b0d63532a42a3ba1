//! The files of the result: named by their content, compressed once, written only where they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Extensions of what a page is made of: without one of these it does not look and work as it should.
const FIRST_LOAD: [&str; 5] = ["html", "js", "css", "wasm", "woff2"];

/// Extensions of what is compressed in itself: a `.br` of it would only be larger.
const PACKED: [&str; 1] = ["woff2"];

/// Files to be served under `/assets/`, by file name.
#[derive(Default)]
pub(crate) struct Assets {
    files: BTreeMap<String, Vec<u8>>,
    /// Those that no page needs before a person goes on.
    later: BTreeSet<String>,
}

/// One file as it was written.
pub(crate) struct Written {
    /// Below the result's folder.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: usize,
    /// Bytes of its `.br`, or of itself where it has none.
    pub(crate) on_the_wire: usize,
    /// Whether a browser needs it before the page can read a file.
    pub(crate) first_load: bool,
}

impl Assets {
    /// Adds a file and gives its address. The same bytes under the same name are one file.
    pub(crate) fn add(&mut self, stem: &str, extension: &str, bytes: Vec<u8>) -> String {
        self.add_as(
            &format!("{stem}-{}.{extension}", &sha256_hex(&bytes)[..16]),
            bytes,
        )
    }

    /// Adds a file whose name holds a hash already, and gives its address.
    pub(crate) fn add_as(&mut self, name: &str, bytes: Vec<u8>) -> String {
        self.files.insert(name.to_owned(), bytes);
        format!("/assets/{name}")
    }

    /// Adds a file as [`Assets::add`] does, which is not part of the first load.
    pub(crate) fn add_later(&mut self, stem: &str, extension: &str, bytes: Vec<u8>) -> String {
        let address = self.add(stem, extension, bytes);
        self.put_off(&address);
        address
    }

    /// Takes the file at `address` out of the first load.
    pub(crate) fn put_off(&mut self, address: &str) {
        let name = address.rsplit_once('/').map_or("", |(_, name)| name);
        self.later.insert(name.to_owned());
    }

    /// Writes everything, and removes what an earlier run left and nobody wants any more.
    pub(crate) fn write(self, index: &str, out: &Path) -> Result<Vec<Written>> {
        let folder = out.join("assets");
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut written = Vec::new();
        for (name, bytes) in &self.files {
            let mut file = write_both(&folder.join(name), &format!("assets/{name}"), bytes)?;
            file.first_load &= !self.later.contains(name);
            written.push(file);
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !self
                .files
                .contains_key(name.strip_suffix(".br").unwrap_or(&name))
            {
                fs::remove_file(entry.path())
                    .with_context(|| format!("{} cannot be removed", entry.path().display()))?;
            }
        }
        // Last: whoever reads the folder meanwhile never finds a page without its assets.
        written.push(write_both(
            &out.join("index.html"),
            "index.html",
            index.as_bytes(),
        )?);
        Ok(written)
    }
}

fn write_both(path: &Path, name: &str, bytes: &[u8]) -> Result<Written> {
    let beside = path.with_added_extension("br");
    let unchanged = fs::read(path).is_ok_and(|there| there == bytes);
    let extension = path.extension().and_then(|extension| extension.to_str());
    let on_the_wire = match fs::metadata(&beside) {
        _ if extension.is_some_and(|extension| PACKED.contains(&extension)) => bytes.len(),
        Ok(there) if unchanged && there.len() > 0 => usize::try_from(there.len())?,
        _ => {
            let compressed = compress(bytes)?;
            write(&beside, &compressed)?;
            compressed.len()
        }
    };
    if !unchanged {
        write(path, bytes)?;
    }
    Ok(Written {
        path: name.to_owned(),
        size: bytes.len(),
        on_the_wire,
        first_load: extension.is_some_and(|extension| FIRST_LOAD.contains(&extension)),
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    // Best ratio, and a window as large as browsers take.
    let mut compressor = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
    compressor.write_all(bytes)?;
    Ok(compressor.into_inner())
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A size for a person.
pub(crate) fn kib(bytes: usize) -> String {
    let tenths = bytes * 10 / 1024;
    format!("{}.{} KiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_keeps_what_is_the_same_and_drops_what_is_gone() {
        let out = tempfile::tempdir().unwrap();
        let mut assets = Assets::default();
        let kept = assets.add("kept", "js", b"same".to_vec());
        let gone = assets.add("old", "js", b"old".to_vec());
        assets.write("<p>", out.path()).unwrap();
        let kept = out.path().join(kept.trim_start_matches('/'));
        let gone = out.path().join(gone.trim_start_matches('/'));
        assert!(gone.exists());
        let before = fs::metadata(&kept).unwrap().modified().unwrap();

        let mut assets = Assets::default();
        assets.add("kept", "js", b"same".to_vec());
        assets.write("<p>", out.path()).unwrap();
        assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);
        assert!(!gone.exists());
        assert!(!gone.with_added_extension("br").exists());
    }

    #[test]
    fn a_font_is_not_compressed_again() {
        let out = tempfile::tempdir().unwrap();
        let mut assets = Assets::default();
        let font = assets.add("inter", "woff2", b"packed".to_vec());
        let written = assets.write("<p>", out.path()).unwrap();
        let font = out.path().join(font.trim_start_matches('/'));
        assert!(font.exists());
        assert!(!font.with_added_extension("br").exists());
        let said = &written[0];
        assert_eq!((said.first_load, said.on_the_wire), (true, 6));
    }

    #[test]
    fn the_compressed_file_holds_the_same_bytes() {
        let bytes = b"again and again and again".repeat(100);
        let mut unpacked = Vec::new();
        let packed = compress(&bytes).unwrap();
        brotli::BrotliDecompress(&mut packed.as_slice(), &mut unpacked).unwrap();
        assert_eq!(unpacked, bytes);
        assert!(packed.len() < bytes.len() / 10);
    }
}
