//! Member and cluster ids as etcd computes them for a bootstrap or a restore (spec 4.3).

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::{Digest, Sha1};

/// A member's id. Written as etcd writes it: lowercase hexadecimal without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u64);

/// A cluster's id. Written as etcd writes it: lowercase hexadecimal without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u64);

impl MemberId {
    /// The id of the member with these peer URLs under this token. The order of the URLs does not matter; the
    /// member's name does not enter.
    pub fn of<S: AsRef<str>>(peer_urls: &[S], token: &str) -> Self {
        let mut sorted: Vec<&str> = peer_urls.iter().map(AsRef::as_ref).collect();
        sorted.sort_unstable();
        let mut hash = Sha1::new();
        for url in sorted {
            hash.update(url.as_bytes());
        }
        hash.update(token.as_bytes());
        Self(first_eight(hash))
    }
}

impl ClusterId {
    /// The id of the cluster that these members form. Their order does not matter.
    pub fn of(members: &[MemberId]) -> Self {
        let mut sorted = members.to_vec();
        sorted.sort_unstable();
        let mut hash = Sha1::new();
        for id in sorted {
            hash.update(id.0.to_be_bytes());
        }
        Self(first_eight(hash))
    }
}

fn first_eight(hash: Sha1) -> u64 {
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

macro_rules! as_hex {
    ($id:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:x}", self.0)
            }
        }

        impl FromStr for $id {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                u64::from_str_radix(text, 16).map(Self)
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_hex!(MemberId);
as_hex!(ClusterId);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(members: &[&[&str]], token: &str, ids: &[&str], cluster: &str) {
        let mut computed: Vec<MemberId> = members
            .iter()
            .map(|urls| MemberId::of(urls, token))
            .collect();
        assert_eq!(ClusterId::of(&computed).to_string(), cluster);
        computed.sort_unstable();
        let text: Vec<String> = computed.iter().map(ToString::to_string).collect();
        assert_eq!(text, ids);
    }

    #[test]
    fn conformance_11_the_default_member() {
        check(
            &[&["http://localhost:2380"]],
            "etcd-cluster",
            &["8e9e05c52164694d"],
            "cdf818194e3a8c32",
        );
    }

    #[test]
    fn conformance_11_three_members() {
        check(
            &[
                &["http://127.0.0.1:30001"],
                &["http://127.0.0.1:30003"],
                &["http://127.0.0.1:30005"],
            ],
            "tok",
            &["8581dbcd4f356069", "8cf6025c337d3f46", "cedc3350a71ea7a0"],
            "d9160580f13d8e91",
        );
    }

    #[test]
    fn conformance_11_two_urls_in_both_orders() {
        let (a, b) = ("https://127.0.0.2:2380", "https://127.0.0.1:2380");
        for urls in [[a, b], [b, a]] {
            check(&[&urls], "tok", &["93acbcb11e5b760e"], "325b984f97734463");
        }
    }

    #[test]
    fn conformance_11_a_leading_zero_is_not_printed() {
        check(
            &[&["http://h27:2380"]],
            "etcd-cluster",
            &["a77c84b29852daf"],
            "a341836923842dc1",
        );
    }

    #[test]
    fn conformance_36_ids_beyond_2_to_the_53_survive_json() {
        let id = MemberId(0x8e9e_05c5_2164_694d);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, r#""8e9e05c52164694d""#);
        assert_eq!(serde_json::from_str::<MemberId>(&json).unwrap(), id);
    }
}
