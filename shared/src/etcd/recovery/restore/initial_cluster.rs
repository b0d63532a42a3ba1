//! `--initial-cluster` as text: `m1=http://10.0.0.1:2380,m2=…` (spec 4.2).

use super::{MemberRequest, peer_url};

/// What the text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialCluster {
    /// The members in the order of their first mention. URLs are as written, only trimmed: the check judges them.
    pub members: Vec<MemberRequest>,
    /// Names that are mentioned more than once. The reference gathers their URLs into one member.
    pub repeated: Vec<String>,
}

/// Reads the text as the reference does: pieces between commas, empty ones skipped, each split at its first
/// `=`; a piece without `=` is a name without a URL. Names are not trimmed: a space after a comma belongs to
/// the name, and the check refuses it.
pub fn parse(text: &str) -> InitialCluster {
    let mut members: Vec<MemberRequest> = Vec::new();
    let mut repeated = Vec::new();
    for piece in text.split(',').filter(|piece| !piece.is_empty()) {
        let (name, url) = piece.split_once('=').unwrap_or((piece, ""));
        let url = url.trim().to_owned();
        match members.iter_mut().find(|member| member.name == name) {
            Some(member) => {
                member.peer_urls.push(url);
                if !repeated.iter().any(|seen| seen == name) {
                    repeated.push(name.to_owned());
                }
            }
            None => members.push(MemberRequest {
                name: name.to_owned(),
                peer_urls: vec![url],
            }),
        }
    }
    InitialCluster { members, repeated }
}

/// The text for these members, as `--initial-cluster` takes it.
pub fn render(members: &[MemberRequest]) -> String {
    let pieces: Vec<String> = members
        .iter()
        .flat_map(|member| {
            member
                .peer_urls
                .iter()
                .map(move |url| format!("{}={}", member.name, url.trim()))
        })
        .collect();
    pieces.join(",")
}

/// How `--initial-advertise-peer-urls` differs from what `--initial-cluster` says of the member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdvertiseMismatch {
    /// In `--initial-cluster` only.
    pub only_in_cluster: Vec<String>,
    /// In `--initial-advertise-peer-urls` only.
    pub only_advertised: Vec<String>,
}

/// Compares the two lists as etcd writes them; `None` when they name the same URLs. Hosts are not resolved:
/// `localhost` and `127.0.0.1` differ here.
pub fn advertise_mismatch(
    advertised: &[String],
    in_cluster: &[String],
) -> Option<AdvertiseMismatch> {
    let written = |urls: &[String]| {
        let mut urls: Vec<String> = urls
            .iter()
            .map(|url| peer_url::normalize(url).unwrap_or_else(|_| url.trim().to_owned()))
            .collect();
        urls.sort_unstable();
        urls
    };
    let (advertised, in_cluster) = (written(advertised), written(in_cluster));
    if advertised == in_cluster {
        return None;
    }
    let missing = |from: &[String], other: &[String]| {
        from.iter()
            .filter(|url| !other.contains(url))
            .cloned()
            .collect()
    };
    Some(AdvertiseMismatch {
        only_in_cluster: missing(&in_cluster, &advertised),
        only_advertised: missing(&advertised, &in_cluster),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn pieces_split_at_commas_and_at_the_first_equals_sign() {
        let read = parse("m1=http://a:1,,m2=http://b:1?x=y, m3 = http://c:1 ,m4");
        let text: Vec<(&str, &str)> = read
            .members
            .iter()
            .map(|member| (member.name.as_str(), member.peer_urls[0].as_str()))
            .collect();
        assert_eq!(
            text,
            [
                ("m1", "http://a:1"),
                ("m2", "http://b:1?x=y"),
                (" m3 ", "http://c:1"),
                ("m4", ""),
            ]
        );
    }

    #[test]
    fn conformance_37_a_name_used_twice_gathers_its_urls() {
        let read = parse("m1=http://a:1,m2=http://b:1,m1=http://c:1");
        assert_eq!(read.repeated, ["m1"]);
        assert_eq!(read.members[0].peer_urls, ["http://a:1", "http://c:1"]);
        assert_eq!(
            render(&read.members),
            "m1=http://a:1,m1=http://c:1,m2=http://b:1"
        );
    }

    #[test]
    fn advertised_urls_are_compared_as_sets() {
        let cluster = urls(&["http://b:1", "HTTP://a:1"]);
        assert_eq!(
            advertise_mismatch(&urls(&["http://a:1", "http://b:1"]), &cluster),
            None
        );
        assert_eq!(
            advertise_mismatch(&urls(&["http://a:1", "http://c:1"]), &cluster),
            Some(AdvertiseMismatch {
                only_in_cluster: urls(&["http://b:1"]),
                only_advertised: urls(&["http://c:1"]),
            })
        );
    }
}
