use super::*;
use crate::etcd::recovery::restore::initial_cluster;

fn cluster(text: &str) -> Result<Cluster, Vec<String>> {
    Cluster::new(&initial_cluster::parse(text).members, "tok").map_err(|report| {
        report
            .findings
            .into_iter()
            .map(|finding| format!("{}: {}", finding.code, finding.what))
            .collect()
    })
}

#[track_caller]
fn refused(text: &str, findings: &[&str]) {
    assert_eq!(cluster(text).unwrap_err(), findings, "{text}");
}

#[test]
fn members_stand_in_the_order_of_their_ids() {
    let cluster =
        cluster("m1=http://127.0.0.1:30001,m2=http://127.0.0.1:30003,m3=http://127.0.0.1:30005")
            .unwrap();
    let names: Vec<&str> = cluster.members().iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["m3", "m1", "m2"]);
    assert_eq!(cluster.id().to_string(), "d9160580f13d8e91");
    assert_eq!(
        cluster.member("m2").unwrap().id.to_string(),
        "cedc3350a71ea7a0"
    );
}

#[test]
fn conformance_37_each_mistake_is_named() {
    refused("", &["members.none: The new cluster has no members."]);
    refused(
        "=http://a:1",
        &["member.name-missing: The member has no name."],
    );
    refused(
        "m1=http://a:1,m2=http://a:1",
        &[
            "members.url-twice: The peer URL http://a:1 is also used by member m2.",
            "members.url-twice: The peer URL http://a:1 is also used by member m1.",
        ],
    );
    refused(
        "m1=http://a:1,m1=HTTP://a:1",
        &["members.url-twice: The peer URL http://a:1 is listed twice."],
    );
    refused(
        "m1=http://a:1/",
        &[
            "member.url: The peer URL http://a:1/ cannot be used: it must end after the port: a path, even a \
             single slash, is not allowed.",
        ],
    );
    refused(
        "m1=a:1",
        &[
            "member.url: The peer URL a:1 cannot be used: the scheme is missing; write http://a:1, or https:// where \
             peers use TLS.",
        ],
    );
    refused(
        "m1=http://a:1, m2=http://b:1",
        &[r#"member.name-space: The name " m2" contains white space."#],
    );
    refused("m1", &["member.url: The peer URL is empty."]);
}

#[test]
fn conformance_37_what_the_reference_accepts_we_accept() {
    assert!(cluster("m=http://h:1?a=b").is_ok());
    assert!(cluster("m=http://[2001:db8::1]:2380").is_ok());
    assert!(cluster("m=http://h:1,m=http://h:2,").is_ok());
}

#[test]
fn names_must_do_as_folders() {
    let longest = "n".repeat(MAX_NAME);
    assert!(cluster(&format!("{longest}=http://a:1")).is_ok());
    for (name, code) in [
        (".", "member.name-folder"),
        ("..", "member.name-folder"),
        ("a/b", "member.name-character"),
        ("a\\b", "member.name-character"),
        ("a\0b", "member.name-character"),
        ("a\tb", "member.name-space"),
        (&format!("{longest}n"), "member.name-long"),
    ] {
        let report = Cluster::new(
            &[MemberRequest {
                name: name.to_owned(),
                peer_urls: vec!["http://a:1".to_owned()],
            }],
            "tok",
        )
        .unwrap_err();
        assert!(report.find(code).is_some(), "{name:?}: {report:?}");
    }
}

#[test]
fn two_members_of_one_name_are_refused() {
    let member = |url: &str| MemberRequest {
        name: "m1".to_owned(),
        peer_urls: vec![url.to_owned()],
    };
    let report = Cluster::new(&[member("http://a:1"), member("http://b:1")], "tok").unwrap_err();
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|f| (f.code.as_str(), f.field.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        found,
        [
            ("member.name-twice", "members[0].name"),
            ("member.name-twice", "members[1].name"),
        ]
    );
}

#[test]
fn a_url_of_three_members_is_marked_at_each_and_at_no_other() {
    let members = initial_cluster::parse(
        "a=http://x:1,b=http://y:1,c=http://x:1,=http://x:1,d=http://x:1,e=http://x:1",
    )
    .members;
    let mut report = Report::default();
    assert!(Cluster::check(&members, "tok", &mut report).is_none());
    let twice = report
        .findings
        .iter()
        .filter(|f| f.code == "members.url-twice");
    let rows: Vec<_> = twice.clone().filter_map(|f| f.field.as_deref()).collect();
    let row = |n: usize| format!("members[{n}].peer_urls");
    assert_eq!(rows, [row(0), row(2), row(3), row(4), row(5)]);
    let said: Vec<_> = twice.map(|f| f.what.as_str()).collect();
    assert_eq!(
        said[0],
        "The peer URL http://x:1 is also used by member c, member 4, member d and 1 more."
    );
    assert_eq!(
        report.findings.len(),
        6,
        "and the name that is missing: {report:?}"
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let findings = cluster("a b=http://a:1/,c=http://x:1,d=http://x:1").unwrap_err();
    assert_eq!(findings.len(), 4, "{findings:?}");
}

#[test]
fn a_list_of_hundreds_is_a_mistake() {
    let text: Vec<String> = (1..=MAX_MEMBERS + 1)
        .map(|n| format!("m{n}=http://a:{n}"))
        .collect();
    let findings = cluster(&text.join(",")).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(cluster(&text[1..].join(",")).is_ok());
}

#[test]
fn what_there_is_too_much_of_is_not_looked_at_one_by_one() {
    // Each of them breaks four rules.
    let bad = MemberRequest {
        name: "a b/".to_owned(),
        peer_urls: vec![String::new()],
    };
    let report = Cluster::new(&vec![bad.clone(); 80_000], "tok").unwrap_err();
    let codes: Vec<_> = report.findings.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["members.too-many"]);
    let many_urls = MemberRequest {
        name: "m1".to_owned(),
        peer_urls: vec![String::new(); 80_000],
    };
    let report = Cluster::new(&[many_urls, bad], "tok").unwrap_err();
    let codes: Vec<_> = report.findings.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["member.urls-too-many"]);
}

#[test]
fn a_name_without_end_is_not_repeated_in_every_finding() {
    let name = "é ".repeat(100_000);
    let member = MemberRequest {
        peer_urls: vec![String::new(); MAX_PEER_URLS],
        name,
    };
    let report = Cluster::new(&vec![member; MAX_MEMBERS], "tok").unwrap_err();
    assert!(report.find("member.name-long").is_some());
    let said: usize = report
        .findings
        .iter()
        .map(|f| f.subject.len() + f.what.len())
        .sum();
    assert!(said < 1 << 20, "{said} bytes");
}
