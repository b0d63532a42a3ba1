//! Entries that say something about the cluster that wrote them: what Kubernetes encrypted, and with which key, and
//! k3s' bootstrap data. The rest of the entries costs a comparison or two.

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
