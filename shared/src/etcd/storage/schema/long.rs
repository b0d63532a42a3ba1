//! A KeyValue that is too long to be held: its numbers, and where its key lies.

use std::ops::Range;

use super::{Fields, WireError};

/// Bytes of a tag and of what follows it at most: two numbers of ten bytes.
const FIELD_HEAD: u64 = 20;

/// `mvccpb.KeyValue` without key and value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LongKeyValue {
    /// Where in the message the user's key is.
    pub key: Range<u64>,
    /// Where in the message the user's value is.
    pub value: Range<u64>,
    /// Revision at which the key was made.
    pub create_revision: i64,
    /// Revision at which it was last written.
    pub mod_revision: i64,
    /// Writes since it was made; 1 for the first.
    pub version: i64,
    /// The lease it is attached to; 0 for none.
    pub lease: i64,
}

impl LongKeyValue {
    /// Decodes a message of `total` bytes, of which `read` gives any; no more than 20 are asked for at once.
    ///
    /// # Errors
    /// Outside, that `read` failed; inside, what [`KeyValue::decode`](super::KeyValue::decode) would say.
    pub fn decode<E>(
        total: u64,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<Result<Self, WireError>, E> {
        let mut found = Self::default();
        let mut at = 0;
        while at < total {
            let mut head = [0; FIELD_HEAD as usize];
            // At most 20.
            let head = &mut head[..(total - at).min(FIELD_HEAD) as usize];
            read(at, head)?;
            match found.field(head, at, total) {
                Ok(next) => at = next,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(found))
    }

    /// Takes the field whose first bytes are `head`, and says where the next one starts.
    fn field(&mut self, head: &[u8], at: u64, total: u64) -> Result<u64, WireError> {
        let mut fields = Fields::new(head);
        let tag = fields.varint()?;
        let (field, wire_type) = (tag >> 3, (tag & 7) as u8);
        let wrong = WireError::WireType { field, wire_type };
        let number = match wire_type {
            _ if field == 0 => return Err(wrong),
            0 | 2 => fields.varint()?,
            1 => 8,
            5 => 4,
            _ => return Err(wrong),
        };
        let behind = at + (head.len() - fields.rest.len()) as u64;
        let end = match wire_type {
            0 => behind,
            _ => behind.saturating_add(number),
        };
        if end > total {
            return Err(WireError::Truncated);
        }
        let signed = number.cast_signed();
        match (field, wire_type) {
            (1, 2) => self.key = behind..end,
            (2, 0) => self.create_revision = signed,
            (3, 0) => self.mod_revision = signed,
            (4, 0) => self.version = signed,
            (5, 2) => self.value = behind..end,
            (6, 0) => self.lease = signed,
            (1..=6, _) => return Err(wrong),
            _ => {}
        }
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyValue;
    use super::*;

    fn long(bytes: &[u8]) -> Result<LongKeyValue, WireError> {
        let read = |at: u64, out: &mut [u8]| {
            out.copy_from_slice(&bytes[at as usize..at as usize + out.len()]);
            Ok::<_, ()>(())
        };
        LongKeyValue::decode(bytes.len() as u64, read).unwrap()
    }

    #[test]
    fn it_is_what_decoding_the_whole_gives() {
        let value = [0x2a, 0xac, 0x02].iter().copied().chain([b'v'; 300]);
        let fields: [Vec<u8>; 7] = [
            vec![0x0a, 3, b'k', b'e', b'y'],
            vec![0x10, 0x80, 0x01],
            vec![0x18, 7],
            vec![0x20, 1],
            value.collect(),
            vec![
                0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
            vec![0x39, 1, 2, 3, 4, 5, 6, 7, 8, 0x45, 1, 2, 3, 4],
        ];
        let whole = fields.concat();
        for start in 0..7 {
            // Any order, and cut anywhere.
            let mut turned = fields.clone();
            turned.rotate_left(start);
            let bytes = turned.concat();
            for end in 0..=whole.len() {
                let (ours, theirs) = (long(&bytes[..end]), KeyValue::decode(&bytes[..end]));
                let seen = ours.map(|kv| {
                    let key = bytes[kv.key.start as usize..kv.key.end as usize].to_vec();
                    let numbers = [kv.create_revision, kv.mod_revision, kv.version, kv.lease];
                    (key, numbers)
                });
                let wanted = theirs.map(|kv| {
                    let numbers = [kv.create_revision, kv.mod_revision, kv.version, kv.lease];
                    (kv.key.to_vec(), numbers)
                });
                assert_eq!(seen, wanted, "{start} {end}");
            }
        }
        for bad in ["0801", "0c", "00", "13", "10ffffffffffffffffffffff01"] {
            let bytes = hex::decode(bad).unwrap();
            assert_eq!(
                long(&bytes).unwrap_err(),
                KeyValue::decode(&bytes).unwrap_err(),
                "{bad}"
            );
        }
    }
}
