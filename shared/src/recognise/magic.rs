//! Formats that are told by their first bytes alone.

use super::{Recognised, State};

/// Needs a key first.
const DECRYPT: &str = "Decrypt it with the backup's key, then use the result.";

struct Magic {
    offset: usize,
    bytes: &'static [u8],
    code: &'static str,
    label: &'static str,
    state: State,
    todo: &'static str,
}

const fn encrypted(
    bytes: &'static [u8],
    code: &'static str,
    label: &'static str,
    todo: &'static str,
) -> Magic {
    Magic {
        offset: 0,
        bytes,
        code,
        label,
        state: State::Encrypted,
        todo,
    }
}

const fn foreign(bytes: &'static [u8], code: &'static str, label: &'static str) -> Magic {
    Magic {
        offset: 0,
        bytes,
        code,
        label,
        state: State::Unknown,
        // Nothing is wrong with it.
        todo: "",
    }
}

const TABLE: &[Magic] = &[
    encrypted(
        b"age-encryption.org/",
        "age",
        "a file encrypted with age",
        "Decrypt it (age -d -i KEY FILE > decrypted) and use what comes out.",
    ),
    encrypted(
        b"-----BEGIN AGE ENCRYPTED FILE-----",
        "age",
        "a file encrypted with age (armored)",
        "Decrypt it (age -d -i KEY FILE > decrypted) and use what comes out.",
    ),
    encrypted(
        b"-----BEGIN PGP MESSAGE-----",
        "gpg",
        "a file encrypted with GPG (armored)",
        "Decrypt it (gpg -d FILE > decrypted) and use what comes out.",
    ),
    encrypted(
        b"Salted__",
        "openssl-enc",
        "a file encrypted with openssl enc",
        "Decrypt it with openssl enc -d and the same cipher, options and password, and use what comes out.",
    ),
    encrypted(
        b"U2FsdGVkX1",
        "openssl-enc",
        "a file encrypted with openssl enc (base64)",
        "Decrypt it with openssl enc -d -a and the same cipher, options and password, and use what comes out.",
    ),
    encrypted(
        b"$ANSIBLE_VAULT;",
        "ansible-vault",
        "a file encrypted with Ansible Vault",
        "Decrypt it (ansible-vault decrypt --output decrypted FILE) and use what comes out.",
    ),
    encrypted(
        b"LUKS\xba\xbe",
        "luks",
        "an encrypted disk (LUKS)",
        "Open it with cryptsetup, mount it, and choose the file on it.",
    ),
    encrypted(
        b"vault:v",
        "vault-transit",
        "a text encrypted by Vault's transit engine",
        DECRYPT,
    ),
    Magic {
        offset: 0,
        bytes: b"SQLite format 3\0",
        code: "sqlite",
        label: "an SQLite database",
        state: State::Unknown,
        todo: "k3s without etcd keeps its state in such a file (server/db/state.db): put it back there with k3s stopped.",
    },
    foreign(b"\x7fELF", "elf", "an ELF program"),
    foreign(b"MZ", "exe", "a Windows program"),
    foreign(b"%PDF-", "pdf", "a PDF document"),
    foreign(b"\x89PNG\r\n\x1a\n", "png", "a PNG picture"),
    foreign(b"\xff\xd8\xff", "jpeg", "a JPEG picture"),
    foreign(b"PGDMP", "pg-dump", "a PostgreSQL dump"),
    foreign(b"REDIS0", "redis", "a Redis dump"),
    foreign(b"7z\xbc\xaf\x27\x1c", "7z", "a 7z archive"),
    foreign(b"Rar!\x1a\x07", "rar", "a RAR archive"),
    foreign(b"QFI\xfb", "qcow2", "a disk image (qcow2)"),
    foreign(
        b"version https://git-lfs.github.com/spec/",
        "git-lfs",
        "a Git LFS pointer, the file itself is on the LFS server",
    ),
    foreign(
        b"*3\r\n$3\r\nset\r\n",
        "resp-log",
        "a log of SET commands, as Dkron's BuntDB and Redis write them",
    ),
    foreign(
        b"-----BEGIN ",
        "pem",
        "a PEM file, such as a certificate or a key",
    ),
];

pub(super) fn recognise(head: &[u8]) -> Option<Recognised> {
    let found = TABLE.iter().find(|magic| {
        head.get(magic.offset..)
            .is_some_and(|rest| rest.starts_with(magic.bytes))
    });
    if let Some(magic) = found {
        let todo = match magic.code {
            "7z" | "rar" => "Unpack it, and use what comes out.",
            "git-lfs" => "Get the file itself (git lfs pull).",
            _ => magic.todo,
        };
        return Some(Recognised::new(magic.code, magic.label, magic.state).todo(todo));
    }
    is_gpg(head).then(|| {
        Recognised::new("gpg", "a file encrypted with GPG", State::Encrypted)
            .todo("Decrypt it (gpg -d FILE > decrypted) and use what comes out.")
    })
}

/// An OpenPGP message begins with a session key: packet 1 (version 3) or packet 3 (version 4 to 6).
fn is_gpg(head: &[u8]) -> bool {
    let (tag, version) = match *head {
        // The old format: the tag, and one or two bytes of length.
        [first @ 0x80..=0xbf, _, version, ..] if first & 3 == 0 => ((first >> 2) & 15, version),
        [first @ 0x80..=0xbf, _, _, version, ..] if first & 3 == 1 => ((first >> 2) & 15, version),
        // The new one.
        [first @ 0xc0..=0xff, 0..=191, version, ..] => (first & 63, version),
        [first @ 0xc0..=0xff, 192..=223, _, version, ..] => (first & 63, version),
        _ => return false,
    };
    matches!((tag, version), (1, 3 | 6) | (3, 4..=6))
}
