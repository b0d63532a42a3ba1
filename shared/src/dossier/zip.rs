//! The one form of ZIP archive that a dossier has: parts stored as they are, dated 1980-01-01, in order, and nothing
//! else. There is one archive for given parts, and whatever differs from it in a byte is refused.

use std::collections::BTreeSet;

use thiserror::Error;

/// No dossier is longer, in bytes.
pub const MAX_ARCHIVE_BYTES: usize = 64 << 20;
/// No dossier has more parts.
pub const MAX_PARTS: usize = 64;
/// No part has a longer name, in bytes.
pub const MAX_NAME_BYTES: usize = 100;

/// How a part begins, and with it the archive.
const LOCAL: u32 = 0x0403_4b50;
/// How a part is listed at the end.
const LISTED: u32 = 0x0201_4b50;
/// How the end begins.
const END: u32 = 0x0605_4b50;
/// Bytes of a part's head before its name.
const LOCAL_BYTES: usize = 30;
/// Version 2.0 of the format: folders in names.
const NEEDS: u16 = 20;
/// Made on Unix, so that the mode below counts.
const MADE_BY: u16 = 3 << 8 | NEEDS;
/// A plain file that everybody may read.
const MODE: u32 = 0o100_644 << 16;
/// 1980-01-01, the first day that the format knows.
const DATE: u16 = 1 << 5 | 1;

/// A part: its name and its bytes.
pub type Part<'a> = (&'a str, &'a [u8]);

/// Why an archive cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// It is longer than any dossier.
    #[error("it has {0} bytes, and a dossier has at most {MAX_ARCHIVE_BYTES}")]
    TooLong(usize),
    /// It is none of ours.
    #[error("it is not a ZIP archive of stored parts: at byte {at} is {what}")]
    Strange {
        /// Where.
        at: usize,
        /// What stands there.
        what: &'static str,
    },
    /// It ends too early.
    #[error("it is cut off: at byte {at} a part extends beyond the end")]
    CutOff {
        /// Where the part begins.
        at: usize,
    },
    /// It has more parts than any dossier.
    #[error("it has more than {MAX_PARTS} parts")]
    TooMany,
    /// A part has a name that could lead elsewhere.
    #[error("a part is called “{0}”, which no part of a dossier is")]
    Name(String),
    /// Two parts have one name.
    #[error("it has two parts called {0}")]
    Twice(String),
}

/// An archive, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive<'a> {
    /// Its parts, in order.
    pub parts: Vec<Part<'a>>,
    /// Whether packing them again gives the same bytes: there is nothing between, before or after them, and nothing
    /// that another program would read differently.
    pub exact: bool,
}

/// Packs parts, in the order given.
pub fn write(parts: &[Part<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut list = Vec::new();
    for (name, bytes) in parts {
        let at = out.len() as u32;
        let facts = facts(name, bytes);
        number(&mut out, LOCAL);
        out.extend_from_slice(&facts);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(bytes);
        number(&mut list, LISTED);
        list.extend_from_slice(&MADE_BY.to_le_bytes());
        list.extend_from_slice(&facts);
        // No comment, disk 0, no attributes of its own.
        list.extend_from_slice(&[0; 6]);
        number(&mut list, MODE);
        number(&mut list, at);
        list.extend_from_slice(name.as_bytes());
    }
    let (at, count) = (out.len() as u32, parts.len() as u16);
    let length = list.len() as u32;
    out.append(&mut list);
    number(&mut out, END);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    number(&mut out, length);
    number(&mut out, at);
    out.extend_from_slice(&[0; 2]);
    out
}

/// What stands before a name in both places: from the version needed to the length of extra fields.
fn facts(name: &str, bytes: &[u8]) -> [u8; 26] {
    let mut facts = [0; 26];
    facts[..2].copy_from_slice(&NEEDS.to_le_bytes());
    facts[8..10].copy_from_slice(&DATE.to_le_bytes());
    facts[10..14].copy_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    let length = (bytes.len() as u32).to_le_bytes();
    facts[14..18].copy_from_slice(&length);
    facts[18..22].copy_from_slice(&length);
    facts[22..24].copy_from_slice(&(name.len() as u16).to_le_bytes());
    facts
}

fn number(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}

/// The name of the first part, where `head` is how an archive of ours begins.
pub fn first_name(head: &[u8]) -> Option<&str> {
    let length = usize::from(u16_at(head, 26)?);
    let is_part = u32_at(head, 0)? == LOCAL;
    let name = head.get(LOCAL_BYTES..LOCAL_BYTES + length)?;
    std::str::from_utf8(name).ok().filter(|_| is_part)
}

/// Takes an archive apart.
///
/// # Errors
/// Says what about it is not of this form. A part whose content was changed is found by whoever knows its hash.
pub fn read(bytes: &[u8]) -> Result<Archive<'_>, ArchiveError> {
    use ArchiveError::{CutOff, Name, Strange, TooLong, TooMany, Twice};
    if bytes.len() > MAX_ARCHIVE_BYTES {
        return Err(TooLong(bytes.len()));
    }
    let mut parts = Vec::new();
    let mut names = BTreeSet::new();
    let mut at = 0;
    loop {
        match u32_at(bytes, at) {
            Some(LOCAL) => {}
            Some(LISTED | END) if at > 0 => break,
            Some(_) => {
                let what = "neither a part nor the list of parts";
                return Err(Strange { at, what });
            }
            None => return Err(CutOff { at }),
        }
        if parts.len() == MAX_PARTS {
            return Err(TooMany);
        }
        let head = bytes.get(at..at + LOCAL_BYTES).ok_or(CutOff { at })?;
        let strange = |what| Err(Strange { at, what });
        if u16_at(head, 6) != Some(0) {
            return strange("a part that is encrypted or of unknown length");
        }
        if u16_at(head, 8) != Some(0) {
            return strange("a part that is compressed: it was packed again by another program");
        }
        let (Some(stored), Some(length)) = (u32_at(head, 18), u32_at(head, 22)) else {
            return Err(CutOff { at });
        };
        if stored != length {
            return strange("a part with two lengths");
        }
        if u16_at(head, 28) != Some(0) {
            return strange("a part with extra fields");
        }
        let name_bytes = u16_at(head, 26).map_or(0, usize::from);
        let from = at + LOCAL_BYTES;
        let name = bytes.get(from..from + name_bytes).ok_or(CutOff { at })?;
        let name = std::str::from_utf8(name).map_err(|_| Name(name.escape_ascii().to_string()))?;
        if !is_name(name) {
            return Err(Name(name.chars().take(MAX_NAME_BYTES).collect()));
        }
        if !names.insert(name) {
            return Err(Twice(name.to_owned()));
        }
        let from = from + name_bytes;
        let end = from.checked_add(length as usize).ok_or(CutOff { at })?;
        parts.push((name, bytes.get(from..end).ok_or(CutOff { at })?));
        at = end;
    }
    let exact = write(&parts) == bytes;
    Ok(Archive { parts, exact })
}

/// Whether a part can be called so: nothing that leads out of the folder it is unpacked into, on any system.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.len() <= MAX_NAME_BYTES
        && name.split('/').all(|step| {
            !step.is_empty()
                && !step.starts_with('.')
                && !step.ends_with('.')
                && step.chars().all(plain)
        })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_what_is_read_and_nothing_else() {
        let parts: [Part<'_>; 3] = [("a.json", b"{}"), ("b/c", b""), ("d", &[7; 1000])];
        let archive = write(&parts);
        let read = read(&archive).unwrap();
        assert_eq!(read.parts, parts);
        assert!(read.exact);
        assert_eq!(first_name(&archive), Some("a.json"));
        assert_eq!(first_name(b"PK"), None);
        assert_eq!(
            first_name(b"SQLite format 3\0 and so on, for long enough"),
            None
        );
    }

    #[test]
    fn names_stay_below_the_folder() {
        for good in ["a", "a/b.json", "SHA256SUMS", "x-y_z.1"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "..", "a/../b", ".a", "a\\b", "c:a", "a b", "é", "a.",
        ] {
            assert!(!is_name(bad), "{bad}");
            let archive = write(&[(bad, b"")]);
            assert_eq!(read(&archive), Err(ArchiveError::Name(bad.into())), "{bad}");
        }
        let long = "n".repeat(MAX_NAME_BYTES + 1);
        assert!(matches!(
            read(&write(&[(&long, b"")])),
            Err(ArchiveError::Name(_))
        ));
    }

    #[test]
    fn every_limit_has_its_words() {
        let names: Vec<String> = (0..=MAX_PARTS).map(|n| format!("p{n}")).collect();
        let parts: Vec<Part<'_>> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert_eq!(read(&write(&parts)), Err(ArchiveError::TooMany));
        assert!(read(&write(&parts[..MAX_PARTS])).is_ok());
        let twice = write(&[("a", b"1"), ("a", b"2")]);
        assert_eq!(read(&twice), Err(ArchiveError::Twice("a".into())));
        let long = vec![0; MAX_ARCHIVE_BYTES + 1];
        assert_eq!(read(&long), Err(ArchiveError::TooLong(long.len())));
        let good = write(&[("a", b"12345")]);
        for end in 0..good.len() {
            match read(&good[..end]) {
                Ok(archive) => assert!(!archive.exact, "{end}"),
                Err(error) => assert!(
                    matches!(error, ArchiveError::CutOff { .. }),
                    "{end}: {error}"
                ),
            }
        }
        let mut compressed = good.clone();
        compressed[8] = 8;
        let error = read(&compressed).unwrap_err();
        assert!(error.to_string().contains("packed again"), "{error}");
    }

    #[test]
    fn no_byte_of_it_can_be_another() {
        let good = write(&[("a", b"one"), ("b", b"two")]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(read(&bad).map_or(true, |archive| !archive.exact), "{at}");
        }
        let mut more = good.clone();
        more.push(0);
        assert!(!read(&more).unwrap().exact);
    }
}
