//! JSON as Go's encoder writes it: what bucket `members`, the WAL's ConfChange entries and the v2 tree hold.

use serde::Serialize;

use super::cluster::Member;

/// `{"id":…,"peerURLs":[…],"name":"…"}` (spec 2.5): the value in bucket `members` and the context of a
/// ConfChange.
pub(super) fn member(member: &Member) -> String {
    #[derive(Serialize)]
    struct Json<'a> {
        id: u64,
        #[serde(rename = "peerURLs")]
        peer_urls: &'a [String],
        name: &'a str,
    }
    to_go_json(&Json {
        id: member.id.0,
        peer_urls: &member.peer_urls,
        name: &member.name,
    })
}

/// `{"peerURLs":[…]}`: the value of the v2 tree's `raftAttributes`.
pub(super) fn raft_attributes(member: &Member) -> String {
    #[derive(Serialize)]
    struct Json<'a> {
        #[serde(rename = "peerURLs")]
        peer_urls: &'a [String],
    }
    to_go_json(&Json {
        peer_urls: &member.peer_urls,
    })
}

/// JSON with the escapes that Go adds for the sake of HTML.
pub(super) fn to_go_json<T: Serialize>(value: &T) -> String {
    let plain = serde_json::to_string(value).expect("structs of strings and numbers are JSON");
    // Outside of strings JSON has none of these characters, so replacing them everywhere is safe.
    let mut escaped = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped_as_go_escapes_it() {
        assert_eq!(
            to_go_json(&"a<b>&\u{2028}\u{2029}\"é"),
            r#""a\u003cb\u003e\u0026\u2028\u2029\"é""#
        );
    }
}
