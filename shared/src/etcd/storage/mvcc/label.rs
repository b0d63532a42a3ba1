//! Entries that say something about the cluster that wrote them: what Kubernetes encrypted, and with which key, and
//! k3s' bootstrap data. The rest of the entries costs a comparison or two.

use crate::etcd::storage::schema::{Fields, Wire};

/// Labels that are told apart; what would need more is not labelled.
const MAX_LABELS: usize = 256;
/// Bytes of a name within a label.
const MAX_NAME: usize = 128;
/// What a value begins with that Kubernetes encrypted: provider, version and key follow, each with a colon behind it.
const ENCRYPTED: &[u8] = b"k8s:enc:";
/// Where k3s and RKE2 keep their bootstrap data: the first twelve digits of the SHA-256 of the server token follow.
const BOOTSTRAP: &[u8] = b"/bootstrap/";
/// Resources that are counted whether they are encrypted or not, since those are what is encrypted as a rule.
const COUNTED: [(&[u8], &str); 4] = [
    (b"/registry/secrets/", "secrets"),
    (b"/registry/configmaps/", "configmaps"),
    (b"/kubernetes.io/secrets/", "secrets"),
    (b"/kubernetes.io/configmaps/", "configmaps"),
];

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::etcd::storage) enum Label {
    /// Bootstrap data of k3s or RKE2, sealed with the server token whose SHA-256 begins with these digits.
    Bootstrap(Box<str>),
    /// An object of Kubernetes.
    Object {
        /// `secrets`.
        resource: Box<str>,
        /// How its value is encrypted, if it is.
        encryption: Option<Encryption>,
    },
}

/// How a value is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::etcd::storage) struct Encryption {
    /// `aescbc`, `aesgcm`, `secretbox`, `kms`.
    pub(in crate::etcd::storage) provider: Box<str>,
    /// The key's name, or that of the KMS plugin.
    pub(in crate::etcd::storage) key: Box<str>,
}

impl Label {
    /// The label of an entry, which most do not have.
    #[inline]
    pub(super) fn of(key: &[u8], value: &[u8]) -> Option<Self> {
        if value.starts_with(ENCRYPTED) {
            return Self::encrypted(key, value);
        }
        if key.first() != Some(&b'/') {
            return None;
        }
        Self::plain(key)
    }

    #[inline]
    fn plain(key: &[u8]) -> Option<Self> {
        for (prefix, resource) in COUNTED {
            if key.starts_with(prefix) {
                return Some(Self::Object {
                    resource: resource.into(),
                    encryption: None,
                });
            }
        }
        let digits = key.strip_prefix(BOOTSTRAP)?;
        let is_digest = digits.len() == 12 && digits.iter().all(u8::is_ascii_hexdigit);
        is_digest.then(|| Self::Bootstrap(name(digits)))
    }

    #[cold]
    fn encrypted(key: &[u8], value: &[u8]) -> Option<Self> {
        let mut parts = value.strip_prefix(ENCRYPTED)?.splitn(4, |b| *b == b':');
        let (provider, _version, key_name) = (parts.next()?, parts.next()?, parts.next()?);
        // Without the colon behind the key's name there is no name.
        parts.next()?;
        Some(Self::Object {
            resource: resource(key),
            encryption: Some(Encryption {
                provider: name(provider),
                key: name(key_name),
            }),
        })
    }
}

/// Where the leases of nodes and controllers are, which are renewed every few seconds.
const LEASES: [&[u8]; 2] = [b"/registry/leases/", b"/kubernetes.io/leases/"];

/// When a lease of Kubernetes was renewed, in seconds since 1970: what is written last in most clusters, and with the
/// time of its writer's clock.
#[inline]
pub(super) fn renewal(key: &[u8], value: &[u8]) -> Option<i64> {
    if !LEASES.iter().any(|prefix| key.starts_with(prefix)) {
        return None;
    }
    // k8s\0, Unknown { raw: Lease { spec: LeaseSpec { renewTime: MicroTime { seconds } } } }
    let mut message = value.strip_prefix(b"k8s\0")?;
    for field in [2, 2, 4] {
        message = bytes_of(message, field)?;
    }
    let seconds = Fields::new(message).find_map(|found| match found {
        Ok((1, Wire::Varint(seconds))) => Some(seconds.cast_signed()),
        _ => None,
    });
    // Until the year 9999; anything else is no time.
    seconds.filter(|seconds| (1..253_402_300_800).contains(seconds))
}

fn bytes_of(message: &[u8], field: u64) -> Option<&[u8]> {
    Fields::new(message).find_map(|found| match found {
        Ok((number, Wire::Bytes(bytes))) if number == field => Some(bytes),
        _ => None,
    })
}

/// `secrets` of `/registry/secrets/default/a`, `widgets.example.com` of `/registry/example.com/widgets/a`.
fn resource(key: &[u8]) -> Box<str> {
    let mut parts = key
        .split(|b| *b == b'/')
        .filter(|part| !part.is_empty())
        .skip(1);
    match (parts.next(), parts.next()) {
        (Some(group), Some(resource)) if group.contains(&b'.') => {
            format!("{}.{}", name(resource), name(group)).into()
        }
        (Some(resource), Some(_)) => name(resource),
        _ => "values".into(),
    }
}

fn name(bytes: &[u8]) -> Box<str> {
    let bytes = bytes.get(..MAX_NAME).unwrap_or(bytes);
    bytes.escape_ascii().to_string().into()
}

/// Entries with their labels.
#[derive(Debug, Default)]
pub(super) struct Labelled {
    pub(super) labels: Vec<Label>,
    /// Entry and index into `labels`, in ascending order of entries within a page.
    pub(super) entries: Vec<(u32, u16)>,
}

impl Labelled {
    pub(super) fn push(&mut self, entry: usize, label: Label) {
        let index = match self.labels.iter().position(|known| *known == label) {
            Some(index) => index,
            None if self.labels.len() < MAX_LABELS => {
                self.labels.push(label);
                self.labels.len() - 1
            }
            None => return,
        };
        if let (Ok(entry), Ok(index)) = (u32::try_from(entry), u16::try_from(index)) {
            self.entries.push((entry, index));
        }
    }

    /// Takes back the entries from `start` on.
    pub(super) fn truncate(&mut self, start: usize) {
        while self
            .entries
            .last()
            .is_some_and(|(entry, _)| *entry as usize >= start)
        {
            self.entries.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(resource: &str, encryption: Option<(&str, &str)>) -> Option<Label> {
        Some(Label::Object {
            resource: resource.into(),
            encryption: encryption.map(|(provider, key)| Encryption {
                provider: provider.into(),
                key: key.into(),
            }),
        })
    }

    #[test]
    fn a_renewed_lease_tells_the_time() {
        let message = |field: u8, content: &[u8]| {
            [
                &[field << 3 | 2, u8::try_from(content.len()).unwrap()],
                content,
            ]
            .concat()
        };
        // MicroTime, as a varint.
        let time = [0x08, 0x80, 0x9a, 0xa8, 0xd0, 0x06];
        let spec = [
            message(1, b"node-1"),
            message(3, &[0x08, 1]),
            message(4, &time),
        ]
        .concat();
        let lease = [message(1, b"meta"), message(2, &spec)].concat();
        let value = [
            b"k8s\0".as_slice(),
            &message(1, b"type"),
            &message(2, &lease),
        ]
        .concat();
        let expected = time[1..]
            .iter()
            .rev()
            .fold(0i64, |n, b| n << 7 | i64::from(b & 0x7f));
        assert_eq!(
            renewal(b"/registry/leases/kube-node-lease/node-1", &value),
            Some(expected)
        );
        assert_eq!(renewal(b"/registry/pods/a/b", &value), None);
        for cut in 0..value.len() {
            let _ = renewal(b"/registry/leases/a/b", &value[..cut]);
        }
        assert_eq!(
            renewal(b"/registry/leases/a/b", b"k8s:enc:aescbc:v1:k:x"),
            None
        );
    }

    #[test]
    fn only_what_says_something_is_labelled() {
        let of = |key: &str, value: &str| Label::of(key.as_bytes(), value.as_bytes());
        assert_eq!(of("/registry/pods/a/b", "k8s\0"), None);
        assert_eq!(of("a", ""), None);
        assert_eq!(
            of("/registry/secrets/a/b", "k8s\0"),
            object("secrets", None)
        );
        assert_eq!(
            of("/registry/secrets/a/b", "k8s:enc:aescbc:v1:key1:\x01"),
            object("secrets", Some(("aescbc", "key1")))
        );
        assert_eq!(
            of("/registry/example.com/widgets/a", "k8s:enc:kms:v2:vault:x"),
            object("widgets.example.com", Some(("kms", "vault")))
        );
        assert_eq!(
            of("x", "k8s:enc:secretbox:v1:k:"),
            object("values", Some(("secretbox", "k")))
        );
        assert_eq!(of("/registry/secrets/a/b", "k8s:enc:aescbc:v1:key1"), None);
        assert_eq!(
            of("/bootstrap/4e864cc9d096", ""),
            Some(Label::Bootstrap("4e864cc9d096".into()))
        );
        assert_eq!(of("/bootstrap/4e864cc9d0967", ""), None);
        assert_eq!(of("/bootstrap/not-a-digest", ""), None);
    }
}
