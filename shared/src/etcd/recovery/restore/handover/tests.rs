use std::collections::BTreeMap;

use super::*;
use crate::etcd::recovery::restore::{initial_cluster, samples};

const PLAN: &str = "7f3a";

fn report(findings: Vec<Finding>) -> Report {
    let mut report = Report::default();
    for finding in findings {
        report.push(finding);
    }
    report
}

fn with(request: &RestoreRequest, context: &Context) -> Handover {
    let report = Report::default();
    let facts = Facts {
        plan: PLAN,
        size: 73_760,
        revision: Some(339),
        report: &report,
        checks: &[],
    };
    handover(request, facts, context)
}

fn of(cluster: &str) -> RestoreRequest {
    RestoreRequest {
        members: initial_cluster::parse(cluster).members,
        token: "tok".to_owned(),
        ..samples::request()
    }
}

fn at(place: &str) -> Context {
    Context {
        job: "j1".to_owned(),
        place: place.to_owned(),
        ..Context::default()
    }
}

fn given(context: Context, settings: &[(&str, &str)]) -> Context {
    let settings = settings.iter();
    let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Context {
        settings: settings.collect::<BTreeMap<_, _>>(),
        ..context
    }
}

fn text<'a>(handover: &'a Handover, step: &str, label: &str) -> &'a str {
    let step = handover.step(step).unwrap();
    let mut commands = step.commands.iter();
    let found = commands.find(|command| command.label.contains(label));
    &found
        .unwrap_or_else(|| panic!("no {label} in {step:#?}"))
        .text
}

#[test]
fn the_steps_are_those_that_a_tick_may_name() {
    let request = samples::request();
    let handover = with(&request, &at("/srv/restores/prod"));
    assert_eq!(handover.headline, "3 members are ready. Next: start them");
    let ids: Vec<_> = handover.steps.iter().map(|s| s.id.clone()).collect();
    assert_eq!(
        ids,
        [
            "stop-old",
            "member:m1",
            "member:m2",
            "member:m3",
            "start",
            "check",
            "clients"
        ]
    );
    assert_eq!(ids, step_ids(&request));
    let none = RestoreRequest {
        members: Vec::new(),
        ..request
    };
    assert_eq!(with(&none, &at("")), Handover::default());
    assert_eq!(step_ids(&none), Vec::<String>::new());
}

#[test]
fn a_member_is_copied_and_started_with_every_flag_it_needs() {
    let handover = with(
        &of("m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380"),
        &at("/srv/r"),
    );
    assert_eq!(
        text(&handover, "member:m1", "On the console's host"),
        "rsync -a -s --chown=etcd:etcd --chmod=D700,F600 /srv/r/m1/ root@10.0.0.1:/var/lib/etcd/"
    );
    assert_eq!(
        text(&handover, "start", "etcd command of m2,"),
        "etcd \\\n  --name m2 \\\n  --data-dir /var/lib/etcd \\\n  --listen-peer-urls http://10.0.0.2:2380 \\\n  \
         --initial-advertise-peer-urls http://10.0.0.2:2380 \\\n  \
         --listen-client-urls http://10.0.0.2:2379,http://127.0.0.1:2379 \\\n  \
         --advertise-client-urls http://10.0.0.2:2379 \\\n  \
         --initial-cluster m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380 \\\n  --initial-cluster-token tok \\\n  \
         --initial-cluster-state new"
    );
    let unit = text(&handover, "member:m2", "systemd");
    assert!(
        unit.contains("\nUser=etcd\nExecStart=etcd \\\n  --name=m2 \\\n"),
        "{unit}"
    );
    assert!(
        unit.contains("  --initial-cluster-state=new\nRestart=on-failure\n"),
        "{unit}"
    );
    let pod = text(&handover, "member:m2", "Static pod");
    assert!(
        pod.contains("    - \"--data-dir=/var/lib/etcd\"\n"),
        "{pod}"
    );
    assert!(pod.ends_with("path: \"/var/lib/etcd\""), "{pod}");
    let stop = text(&handover, "stop-old", "systemd");
    assert_eq!(
        stop,
        "systemctl stop etcd\n[ ! -e /var/lib/etcd ] || mv /var/lib/etcd /var/lib/etcd.7f3a.old"
    );
    let by_hand = handover.step(START).unwrap();
    let labels: Vec<_> = by_hand.commands.iter().map(|c| &c.label).collect();
    assert!(
        labels[3].ends_with("m2, on 10.0.0.2, as the user etcd, not as root"),
        "{labels:?}"
    );
    let check = text(&handover, "check", "Health");
    assert!(
        check.starts_with(
            "etcdctl --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 endpoint status --cluster -w table\n"
        ),
        "{check}"
    );
    assert!(
        !format!("{handover:?}").contains("pki"),
        "no certificates without https"
    );
}

#[test]
fn nothing_starts_a_member_before_the_step_that_starts_them() {
    let request = of("m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380");
    for user in ["etcd", "root"] {
        let handover = with(&request, &given(at("/srv/r"), &[("user", user)]));
        let before = handover.steps.iter().take_while(|step| step.id != START);
        let shells = before
            .flat_map(|step| &step.commands)
            .filter(|command| command.kind == CommandKind::Shell);
        for command in shells {
            for start in [
                "--initial-cluster",
                "systemctl start",
                "etcd.yaml /etc/kubernetes/manifests/",
            ] {
                assert!(!command.text.contains(start), "{command:?}");
            }
        }
        let start = handover.step(START).unwrap();
        let by_hand: Vec<_> = start
            .commands
            .iter()
            .filter(|c| c.text.contains("--initial-cluster-state new"))
            .collect();
        assert_eq!(by_hand.len(), 2, "{start:?}");
        let as_user = "Run the plain command as the user etcd";
        assert_eq!(
            start.text.contains(as_user),
            user == "etcd",
            "{}",
            start.text
        );
        assert_eq!(by_hand[0].label.contains("not as root"), user == "etcd");
    }
}

#[test]
fn the_health_check_signs_in_where_the_restore_keeps_authentication() {
    let found = |code: &str| report(vec![Finding::warning(code, "authentication", "It is on.")]);
    let check = |request: &RestoreRequest, report: &Report| {
        let facts = Facts {
            plan: PLAN,
            size: 1,
            revision: Some(339),
            report,
            checks: &[],
        };
        let handover = handover(request, facts, &at("/srv/r"));
        let said = handover.step(CHECK).unwrap().text.clone();
        let blocks = handover.step(CHECK).unwrap().commands.iter();
        let commands: Vec<_> = blocks.map(|command| command.text.clone()).collect();
        (commands, said)
    };
    let request = samples::request();
    for code in ["auth.enabled", "auth.administration"] {
        let (commands, said) = check(&request, &found(code));
        // One by one: each asks for the password, and would take the next line for it.
        assert_eq!(commands.len(), 4);
        for command in commands {
            assert_eq!(command.lines().count(), 1, "{command}");
            assert!(command.contains(" --user root "), "{command}");
        }
        assert!(said.contains("asks for the root password"), "{said}");
    }
    let mut off = request.clone();
    off.clean_up.auth = true;
    for (request, code) in [(&request, "alarm.nospace"), (&off, "auth.disabled")] {
        let (commands, said) = check(request, &found(code));
        assert_eq!(commands.len(), 1);
        assert!(!commands[0].contains("--user"), "{commands:?}");
        assert!(!said.contains("password"), "{said}");
    }
    // As the check of a plan finds it.
    let mut observation = samples::observation();
    observation.source.auth_enabled = true;
    let found = crate::etcd::recovery::restore::check_file(&request, &observation);
    assert!(check(&request, &found).0[0].contains("--user root"));
}

#[test]
fn https_asks_for_certificates_and_names_are_not_bound_to() {
    let handover = with(
        &of("m1=https://db-1.example:2380,m1=https://10.0.0.1:2390"),
        &at("/srv/r"),
    );
    let command = text(&handover, "start", "etcd command of m1,");
    for line in [
        "  --listen-peer-urls https://0.0.0.0:2380,https://10.0.0.1:2390 \\\n",
        "  --initial-advertise-peer-urls https://db-1.example:2380,https://10.0.0.1:2390 \\\n",
        "  --listen-client-urls https://0.0.0.0:2379 \\\n",
        "  --advertise-client-urls https://db-1.example:2379 \\\n",
        "  --initial-cluster m1=https://db-1.example:2380,m1=https://10.0.0.1:2390 \\\n",
        "  --peer-client-cert-auth \\\n",
        "  --peer-cert-file /etc/etcd/pki/peer.crt \\\n",
        "  --key-file /etc/etcd/pki/server.key",
    ] {
        assert!(command.contains(line), "{line} in {command}");
    }
    let step = handover.step("member:m1").unwrap();
    assert!(
        step.text.contains("Replace the certificate files"),
        "{}",
        step.text
    );
    let check = text(&handover, "check", "Health");
    assert!(
        check.contains("--cacert /etc/etcd/pki/ca.crt --cert "),
        "{check}"
    );
    // Peers with TLS, clients without.
    let plain = given(at("/srv/r"), &[("client-url", "http://{host}:2379")]);
    let handover = with(&of("m1=https://10.0.0.1:2380"), &plain);
    let command = text(&handover, "start", "etcd command of m1,");
    assert!(
        command.contains("--peer-key-file") && !command.contains(" --cert-file"),
        "{command}"
    );
}

#[test]
fn spaces_quotes_and_ipv6_survive_a_shell() {
    let mut request = of("m1=http://[fd00::1]:2380");
    request.members[0].name = "it's m1".to_owned();
    request.token = "$(reboot) 50%".to_owned();
    let handover = with(&request, &at("/srv/my restores/prod"));
    let id = "member:it's m1";
    assert_eq!(
        text(&handover, id, "On the console's host"),
        "rsync -a -s --chown=etcd:etcd --chmod=D700,F600 '/srv/my restores/prod/it'\\''s m1/' \
         'root@[fd00::1]:/var/lib/etcd/'"
    );
    let command = text(&handover, "start", "etcd command");
    for line in [
        "  --name 'it'\\''s m1' \\\n",
        "  --listen-peer-urls 'http://[fd00::1]:2380' \\\n",
        "  --listen-client-urls 'http://[fd00::1]:2379,http://127.0.0.1:2379' \\\n",
        "  --initial-cluster-token '$(reboot) 50%' \\\n",
    ] {
        assert!(command.contains(line), "{line} in {command}");
    }
    let unit = text(&handover, id, "systemd");
    assert!(
        unit.contains("\"--initial-cluster-token=$$(reboot) 50%%\""),
        "{unit}"
    );
    assert!(unit.contains("Description=etcd member it's m1\n"), "{unit}");
    let pod = text(&handover, id, "Static pod");
    assert!(pod.contains("- \"--name=it's m1\"\n"), "{pod}");
}

#[test]
fn members_that_share_a_host_have_folders_and_ports_of_their_own() {
    let request = of("m1=http://127.0.0.1:2380,m2=http://127.0.0.1:12380");
    let handover = with(&request, &at("/srv/r"));
    let second = text(&handover, "start", "etcd command of m2,");
    assert!(second.contains("--data-dir /var/lib/etcd-m2 "), "{second}");
    assert!(
        second.contains("--listen-client-urls http://127.0.0.1:12379 "),
        "{second}"
    );
    let stop = text(&handover, "stop-old", "systemd");
    assert!(
        stop.contains("mv /var/lib/etcd-m2 /var/lib/etcd-m2.7f3a.old"),
        "{stop}"
    );
    let settings = [
        ("data-dir", "/data"),
        ("client-url", "http://127.0.0.1:2379"),
    ];
    let handover = with(&request, &given(at("/srv/r"), &settings));
    for key in ["data-dir", "client-url"] {
        let setting = handover.settings.iter().find(|s| s.key == key).unwrap();
        assert!(setting.error.is_some(), "{setting:?}");
    }
    assert!(text(&handover, "start", "etcd command of m2,").contains("/var/lib/etcd-m2"));
}

#[test]
fn what_a_person_says_of_the_hosts_is_in_every_command() {
    let settings = [
        ("data-dir", " /data/etcd/{name} "),
        ("client-url", "http://{host}:4001"),
        ("user", "root"),
        ("login", "ops"),
    ];
    let context = given(at("/srv/r"), &settings);
    let handover = with(&of("{host}=http://10.0.0.1:2380"), &context);
    let id = "member:{host}";
    assert_eq!(
        text(&handover, id, "On the console's host"),
        "rsync -a -s --chown=root:root --chmod=D700,F600 '/srv/r/{host}/' 'ops@10.0.0.1:/data/etcd/{host}/'"
    );
    let command = text(&handover, "start", "etcd command");
    assert!(
        command.contains("--advertise-client-urls http://10.0.0.1:4001 "),
        "{command}"
    );
    assert!(
        handover
            .settings
            .iter()
            .all(|setting| setting.error.is_none())
    );
    for (key, odd) in [
        ("data-dir", "var/lib/etcd"),
        ("data-dir", "/"),
        ("data-dir", "/srv/../etc"),
        ("data-dir", "/a/b\nc"),
        ("client-url", "10.0.0.1"),
        ("user", "etcd; reboot"),
        ("login", "-oProxyCommand=x"),
        ("login", ""),
    ] {
        let handover = with(
            &of("m1=http://10.0.0.1:2380"),
            &given(at("/srv/r"), &[(key, odd)]),
        );
        let setting = handover.settings.iter().find(|s| s.key == key).unwrap();
        assert!(
            setting.error.is_some() && setting.value != odd,
            "{key} {odd:?}: {setting:?}"
        );
        let odd_is_written =
            !odd.is_empty()
                && handover.steps.iter().flat_map(|s| &s.commands).any(|c| {
                    odd.len() > 1 && odd != "10.0.0.1" && c.text.contains(&format!(" {odd}"))
                });
        assert!(!odd_is_written, "{key} {odd:?}");
    }
}

#[test]
fn an_archive_is_fetched_and_unpacked_where_it_belongs() {
    let request = RestoreRequest {
        target: Target::Download,
        ..of("m 1=http://10.0.0.1:2380")
    };
    let here = Context {
        console: "https://console:8420".to_owned(),
        ..at("")
    };
    assert_eq!(
        text(&with(&request, &here), "member:m 1", "REQUORUM_TOKEN"),
        "curl --fail --header \"Authorization: Bearer $REQUORUM_TOKEN\" --output './m 1.tar' \
         https://console:8420/api/jobs/j1/artifacts/m%201.tar\n\
         install -d -m 700 /var/lib/etcd\n\
         tar -xf './m 1.tar' -C /var/lib/etcd --strip-components=1 --no-same-owner\n\
         chown -R etcd:etcd /var/lib/etcd"
    );
    let unknown = with(&request, &at(""));
    let fetch = text(&unknown, "member:m 1", "REQUORUM_TOKEN");
    assert!(fetch.contains("\"$REQUORUM_URL\"/api/jobs/j1/"), "{fetch}");
}

#[test]
fn a_large_database_gets_a_quota_that_it_fits_in() {
    let report = Report::default();
    let flags_at = |size: u64| {
        let facts = Facts {
            plan: PLAN,
            size,
            revision: None,
            report: &report,
            checks: &[],
        };
        let handover = handover(&of("m1=http://10.0.0.1:2380"), facts, &at("/srv/r"));
        text(&handover, "start", "etcd command of m1,").to_owned()
    };
    assert!(!flags_at(1 << 30).contains("quota"));
    assert!(flags_at(2 << 30).contains("--quota-backend-bytes 8589934592"));
    assert!(flags_at(6 << 30).contains("--quota-backend-bytes 12884901888"));
}

#[test]
fn what_was_warned_of_and_what_never_booted_comes_again() {
    let request = samples::request();
    let alarm = Finding::warning("alarm.nospace", "alarm", "A NOSPACE alarm is active.");
    let note = Finding::note("x", "x", "Good to know.");
    let report = report(vec![note, alarm]);
    let check = |name: &str, outcome| Check::new(name, outcome, "what was seen");
    let warned = |checks: &[Check]| {
        let facts = Facts {
            plan: PLAN,
            size: 1,
            revision: Some(339),
            report: &report,
            checks,
        };
        handover(&request, facts, &at("/srv/r"))
    };
    let codes = |handover: &Handover| -> Vec<String> {
        handover.warnings.iter().map(|w| w.code.clone()).collect()
    };
    let unknown = warned(&[check(checks::BOOTS, Outcome::NotChecked)]);
    assert_eq!(codes(&unknown), ["alarm.nospace", "handover.not-booted"]);
    let checks = [
        check(checks::BOOTS, Outcome::Pass),
        check(checks::HASH_EQUAL, Outcome::Pass),
        check(checks::REVISION, Outcome::Pass),
    ];
    let booted = warned(&checks);
    assert_eq!(codes(&booted), ["alarm.nospace"]);
    let expected = |handover: &Handover, name: &str| {
        let expected = &handover.step(CHECK).unwrap().expect;
        expected
            .iter()
            .find(|e| e.name == name)
            .unwrap()
            .value
            .clone()
    };
    assert!(expected(&booted, "HashKV").ends_with("what was seen"));
    assert_eq!(
        expected(&unknown, "HashKV"),
        "equal on all members at the same revision"
    );
    assert_eq!(
        expected(&unknown, "Revision"),
        "about 1 000 000 339 or higher, on every member"
    );
    assert!(expected(&booted, "Members").starts_with("m1, m2, m3, "));
}
