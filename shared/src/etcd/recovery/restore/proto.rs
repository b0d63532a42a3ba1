//! The few protobuf fields that a restored data directory consists of, written exactly as etcd writes them.
//!
//! Not generated: the reference emits some fields that hold their default and omits others, by version, and
//! the bytes enter checksums.

/// A message under construction.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A varint field, written even when it is 0.
    pub(super) fn varint(mut self, field: u32, value: u64) -> Self {
        self.key(field, 0);
        self.raw_varint(value);
        self
    }

    /// A length-delimited field, written even when it is empty.
    pub(super) fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, 2);
        self.raw_varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// The encoded message.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.raw_varint(u64::from(field << 3 | wire_type));
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_in_the_order_of_the_calls() {
        let bytes = Message::default()
            .varint(2, 300)
            .varint(1, 0)
            .bytes(16, b"ab")
            .finish();
        assert_eq!(
            bytes,
            [0x10, 0xac, 0x02, 0x08, 0x00, 0x82, 0x01, 0x02, b'a', b'b']
        );
    }
}
