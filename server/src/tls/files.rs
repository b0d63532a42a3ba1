//! Reading a certificate and its key, and refusing what cannot be served or was left lying open.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::{TlsFiles, validity};
use crate::small_file;

/// More than any chain of certificates has, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Who may do what with a key's file that must not: everybody at all, and the group more than read.
const FORBIDDEN_MODE: u32 = 0o037;

/// A certificate with its key.
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    /// Milliseconds since the Unix epoch.
    pub(super) expires_ms: i64,
}

/// What tells that a file was written or replaced: time, size, and which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp([Option<(i64, i64, u64, u64)>; 2]);

/// How both files are now.
pub(super) fn stamp(files: &TlsFiles) -> Stamp {
    let one = |path: &Path| {
        let file = std::fs::metadata(path).ok()?;
        let nanoseconds = file.mtime().wrapping_mul(1_000_000_000);
        let time = nanoseconds.wrapping_add(file.mtime_nsec());
        Some((time, file.ctime_nsec(), file.size(), file.ino()))
    };
    Stamp([one(&files.cert), one(&files.key)])
}

/// Reads both.
pub(super) fn read(files: &TlsFiles) -> anyhow::Result<Pair> {
    let (cert, key) = (files.cert.display(), files.key.display());
    let chain = contents(&files.cert, |_| Ok(()))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .with_context(|| format!("the certificates in {cert}"))?;
    let first = chain
        .first()
        .with_context(|| format!("there is no certificate in {cert}; it must be PEM"))?;
    let (_, expires_ms) = validity::of(first)
        .with_context(|| format!("the certificate in {cert} does not say when it expires"))?;
    let text = contents(&files.key, private)?;
    let private_key = PrivateKeyDer::from_pem_slice(&text).ok().with_context(|| {
        format!("there is no private key in {key}; it must be PEM, and not encrypted")
    })?;
    let certified = CertifiedKey::from_der(chain, private_key, &aws_lc_rs::default_provider())
        .with_context(|| format!("the certificate in {cert} and the key in {key}"))?;
    Ok(Pair {
        certified: Arc::new(certified),
        expires_ms,
    })
}

fn contents(
    path: &Path,
    check: impl FnOnce(&Metadata) -> io::Result<()>,
) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    small_file::read_checked(path, MAX_FILE_BYTES, check)
        .with_context(|| format!("reading {}", path.display()))
}

fn private(facts: &Metadata) -> io::Result<()> {
    let mode = facts.mode() & 0o777;
    if mode & FORBIDDEN_MODE == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "its mode is {mode:o}: a private key that others may read is not secret; give it mode 600, or 640 for a group \
         of its own"
    )))
}
