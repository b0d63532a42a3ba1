//! MessagePack, as far as the Raft library writes it, from a source of any size.
//!
//! The library uses the format's first edition: text and bytes both are "strings", so a string is bytes here. What
//! later editions added is read too. Nothing is allocated by a length that the file declares.

use thiserror::Error;

use crate::source::{Source, SourceError};

/// Bytes of a field's name that are looked at: every known one is shorter.
pub(super) const NAME: usize = 16;
/// Values within values.
const MAX_DEPTH: usize = 16;
/// The longest value that is taken out of the file.
pub(super) const MAX_TAKEN: u64 = 1 << 20;

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It ends within a value.
    #[error("it ends in the middle of a value")]
    Truncated,
    /// A byte that begins no value.
    #[error("byte {0:#04x} begins no value")]
    Marker(u8),
    /// A value is not of the kind that belongs there.
    #[error("{0} is not what belongs there")]
    Unexpected(&'static str),
    /// A value lacks a part.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Values are nested too deeply.
    #[error("its values are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// A value is longer than anything that belongs there.
    #[error("a value of {0} bytes is longer than any that belongs there")]
    TooLong(u64),
    /// The medium failed.
    #[error(transparent)]
    Read(SourceError),
}

/// A value, or the head of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Nil,
    Uint(u64),
    /// Where bytes lie, and how many.
    Bytes(u64, u64),
    /// How many values follow.
    Array(u64),
    /// How many pairs of values follow.
    Map(u64),
    /// Booleans, negative and fractional numbers, extensions: of no use here, and passed over.
    Other,
}

/// Reads one value after another.
pub(super) struct Reader<'s, S: Source + ?Sized = dyn Source + 's> {
    source: &'s S,
    at: u64,
}

impl<'s, S: Source + ?Sized> Reader<'s, S> {
    pub(super) fn new(source: &'s S) -> Self {
        Self { source, at: 0 }
    }

    /// The bytes from `at` on.
    pub(super) fn within(source: &'s S, at: u64) -> Self {
        Self { source, at }
    }

    /// The next value; of an array or a map its head.
    pub(super) fn item(&mut self) -> Result<Item, Malformed> {
        let [marker] = self.fixed::<1>()?;
        Ok(match marker {
            0x00..=0x7f => Item::Uint(u64::from(marker)),
            0x80..=0x8f => Item::Map(u64::from(marker & 0x0f)),
            0x90..=0x9f => Item::Array(u64::from(marker & 0x0f)),
            0xa0..=0xbf => self.bytes(u64::from(marker & 0x1f))?,
            0xc0 => Item::Nil,
            0xc2 | 0xc3 | 0xe0..=0xff => Item::Other,
            0xc4 | 0xd9 => {
                let len = self.uint(1)?;
                self.bytes(len)?
            }
            0xc5 | 0xda => {
                let len = self.uint(2)?;
                self.bytes(len)?
            }
            0xc6 | 0xdb => {
                let len = self.uint(4)?;
                self.bytes(len)?
            }
            0xc7..=0xc9 => {
                let len = self.uint(1 << (marker - 0xc7))?;
                self.pass(len + 1)?
            }
            0xca => self.pass(4)?,
            0xcb => self.pass(8)?,
            0xcc..=0xcf => Item::Uint(self.uint(1 << (marker - 0xcc))?),
            0xd0..=0xd3 => match self.uint(1 << (marker - 0xd0))? {
                // Some writers use the signed forms for what is not negative.
                n if n >> ((8 << (marker - 0xd0)) - 1) == 0 => Item::Uint(n),
                _ => Item::Other,
            },
            0xd4..=0xd8 => self.pass((1 << (marker - 0xd4)) + 1)?,
            0xdc => Item::Array(self.uint(2)?),
            0xdd => Item::Array(self.uint(4)?),
            0xde => Item::Map(self.uint(2)?),
            0xdf => Item::Map(self.uint(4)?),
            0xc1 => return Err(Malformed::Marker(marker)),
        })
    }

    /// Passes over a whole value.
    pub(super) fn skip(&mut self) -> Result<(), Malformed> {
        // How many values are left at each depth; a count is bounded by the bytes that are there.
        let mut left = [0u64; MAX_DEPTH];
        let mut depth = 1;
        left[0] = 1;
        while let Some(count) = left[..depth].last_mut() {
            if *count == 0 {
                depth -= 1;
                continue;
            }
            *count -= 1;
            let inside = match self.item()? {
                Item::Array(count) => count,
                Item::Map(count) => count.saturating_mul(2),
                _ => continue,
            };
            *left.get_mut(depth).ok_or(Malformed::TooDeep)? = inside;
            depth += 1;
        }
        Ok(())
    }

    /// A map's head.
    pub(super) fn map(&mut self, what: &'static str) -> Result<u64, Malformed> {
        match self.item()? {
            Item::Map(count) => Ok(count),
            _ => Err(Malformed::Unexpected(what)),
        }
    }

    /// A number.
    pub(super) fn number(&mut self, what: &'static str) -> Result<u64, Malformed> {
        match self.item()? {
            Item::Uint(n) => Ok(n),
            _ => Err(Malformed::Unexpected(what)),
        }
    }

    /// The name of a field; empty where it is longer than any that is known.
    pub(super) fn name<'b>(
        &mut self,
        what: &'static str,
        buffer: &'b mut [u8; NAME],
    ) -> Result<&'b [u8], Malformed> {
        let Item::Bytes(at, len) = self.item()? else {
            return Err(Malformed::Unexpected(what));
        };
        if len > MAX_TAKEN {
            return Err(Malformed::TooLong(len));
        }
        let name = buffer.get_mut(..len as usize).unwrap_or_default();
        read(self.source, at, name)?;
        Ok(name)
    }

    /// Bytes, taken out of the file.
    pub(super) fn taken(&mut self, what: &'static str) -> Result<Vec<u8>, Malformed> {
        match self.item()? {
            Item::Bytes(at, len) => take(self.source, at, len),
            _ => Err(Malformed::Unexpected(what)),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut bytes = [0; N];
        read(self.source, self.at, &mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// A big-endian number of 1, 2, 4 or 8 bytes.
    fn uint(&mut self, bytes: u32) -> Result<u64, Malformed> {
        Ok(match bytes {
            1 => u64::from(u8::from_be_bytes(self.fixed()?)),
            2 => u64::from(u16::from_be_bytes(self.fixed()?)),
            4 => u64::from(u32::from_be_bytes(self.fixed()?)),
            _ => u64::from_be_bytes(self.fixed()?),
        })
    }

    fn bytes(&mut self, len: u64) -> Result<Item, Malformed> {
        let at = self.at;
        self.pass(len)?;
        Ok(Item::Bytes(at, len))
    }

    fn pass(&mut self, len: u64) -> Result<Item, Malformed> {
        let end = self.at.checked_add(len);
        self.at = end
            .filter(|end| *end <= self.source.size())
            .ok_or(Malformed::Truncated)?;
        Ok(Item::Other)
    }
}

/// Takes bytes out of the file.
fn take<S: Source + ?Sized>(source: &S, at: u64, len: u64) -> Result<Vec<u8>, Malformed> {
    if len > MAX_TAKEN {
        return Err(Malformed::TooLong(len));
    }
    let mut bytes = vec![0; len as usize];
    read(source, at, &mut bytes)?;
    Ok(bytes)
}

fn read<S: Source + ?Sized>(source: &S, at: u64, out: &mut [u8]) -> Result<(), Malformed> {
    source.read_at(at, out).map_err(|error| match error {
        SourceError::OutOfBounds { .. } => Malformed::Truncated,
        error @ SourceError::Read { .. } => Malformed::Read(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(hex_text: &str) -> Result<Vec<Item>, Malformed> {
        let bytes = hex::decode(hex_text).unwrap();
        let source = bytes.as_slice();
        let mut reader = Reader::new(&source);
        let mut items = Vec::new();
        while reader.at < source.len() as u64 {
            items.push(reader.item()?);
        }
        Ok(items)
    }

    #[test]
    fn numbers_of_every_width() {
        let uints = "7fccffcdffffceffffffffcfffffffffffffffff";
        let expected = [127, 255, 65_535, u64::from(u32::MAX), u64::MAX].map(Item::Uint);
        assert_eq!(items(uints).unwrap(), expected);
        assert_eq!(items("d07f").unwrap(), [Item::Uint(127)]);
        assert_eq!(items("d0ff").unwrap(), [Item::Other], "negative");
        assert_eq!(items("d3ffffffffffffffff").unwrap(), [Item::Other]);
    }

    #[test]
    fn bytes_of_every_family() {
        for text in [
            "a161",
            "d90161",
            "da000161",
            "db0000000161",
            "c40161",
            "c5000161",
            "c60000000161",
        ] {
            let found = items(text).unwrap();
            assert!(matches!(found.as_slice(), [Item::Bytes(_, 1)]), "{text}");
        }
    }

    #[test]
    fn conformance_23_lengths_that_are_declared_and_not_there() {
        for text in [
            "dbffffffff",
            "c6ffffffff00",
            "a5616161",
            "cd00",
            "c9ffffffff00",
        ] {
            assert_eq!(items(text), Err(Malformed::Truncated), "{text}");
        }
        assert_eq!(items("c1"), Err(Malformed::Marker(0xc1)));
    }

    #[test]
    fn conformance_23_nothing_is_counted_that_is_not_there() {
        let skip = |hex_text: &str| {
            let bytes = hex::decode(hex_text).unwrap();
            Reader::new(&bytes.as_slice()).skip()
        };
        assert_eq!(skip("ddffffffff"), Err(Malformed::Truncated));
        assert_eq!(skip("dfffffffff"), Err(Malformed::Truncated));
        assert_eq!(skip(&"91".repeat(200)), Err(Malformed::TooDeep));
        assert_eq!(skip("9301a1619180"), Ok(()));
    }
}
