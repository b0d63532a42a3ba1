//! From restored members to a running cluster: what people do on the members' hosts, in order, with every command
//! written out.
//!
//! The old members are stopped and their data is moved aside; each member is copied to its host; all are started; the
//! cluster is looked at; what watches it is restarted. Nothing here is decided by the console: a person ticks each step.

mod flags;
mod settings;
mod systemd;

use super::check;
use super::checks;
use super::native::quote;
use super::{MemberRequest, RestoreRequest, Target, TargetVersion, bump};
use crate::finding::{Check, Finding, Outcome, Report, Severity};
use crate::handover::{CommandKind, Context, Expectation, Handover, HandoverCommand, HandoverStep};
use crate::number::signed;

use self::settings::Settings;

/// The old members are silent, and their data is out of the way.
pub const STOP_OLD: &str = "stop-old";
/// All members run.
pub const START: &str = "start";
/// The cluster serves what it must.
pub const CHECK: &str = "check";
/// What watches it has begun anew.
pub const CLIENTS: &str = "clients";

/// What is known of the restore beside what was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The plan's id: it names the folders of old data that were moved aside.
    pub plan: &'a str,
    /// Bytes of the snapshot.
    pub size: u64,
    /// The revision that a server would start at from the snapshot as it is.
    pub revision: Option<i64>,
    /// What was found when the plan was sealed.
    pub report: &'a Report,
    /// What was proven of the result.
    pub checks: &'a [Check],
}

/// The ids of the steps, in order.
pub fn step_ids(request: &RestoreRequest) -> Vec<String> {
    if request.members.is_empty() {
        return Vec::new();
    }
    let members = request.members.iter().map(|m| member_id(&m.name));
    let mut ids = vec![STOP_OLD.to_owned()];
    ids.extend(members);
    ids.extend([START, CHECK, CLIENTS].map(str::to_owned));
    ids
}

fn member_id(name: &str) -> String {
    format!("member:{name}")
}

/// The hand-over of a completed restore.
pub fn handover(request: &RestoreRequest, facts: Facts<'_>, context: &Context) -> Handover {
    if request.members.is_empty() {
        return Handover::default();
    }
    let writer = Writer {
        request,
        facts,
        context,
        settings: Settings::of(&request.members, &context.settings),
    };
    let mut steps = vec![writer.stop_old()];
    steps.extend(request.members.iter().map(|member| writer.member(member)));
    steps.extend([writer.start(), writer.check(), writer.clients()]);
    Handover {
        headline: match request.members.len() {
            1 => "1 member is ready. Next: start it".to_owned(),
            count => format!("{count} members are ready. Next: start them"),
        },
        warnings: warnings(&facts),
        settings: writer.settings.listed(),
        steps,
    }
}

/// What was known beforehand and is still so, and what could not be proven since.
fn warnings(facts: &Facts<'_>) -> Vec<Finding> {
    let severe = |finding: &&Finding| finding.severity >= Severity::Warning;
    let mut warnings: Vec<_> = facts
        .report
        .findings
        .iter()
        .filter(severe)
        .cloned()
        .collect();
    let boots = facts
        .checks
        .iter()
        .find(|check| check.name == checks::BOOTS);
    if boots.is_none_or(|check| check.outcome != Outcome::Pass) {
        let evidence = boots.map_or("the boot check was not made", |check| &check.evidence);
        warnings.push(
            Finding::warning(
                "handover.not-booted",
                "boot check",
                format!("No etcd has started from this result yet: {evidence}."),
            )
            .because("Files that are right byte by byte usually boot; only a boot proves it.")
            .todo("Start one member first and read its log before you start the others."),
        );
    }
    warnings
}

/// Writes the steps.
struct Writer<'a> {
    request: &'a RestoreRequest,
    facts: Facts<'a>,
    context: &'a Context,
    settings: Settings,
}

impl Writer<'_> {
    fn stop_old(&self) -> HandoverStep {
        let mut stop = vec!["systemctl stop etcd".to_owned()];
        let mut folders: Vec<_> = self.request.members.iter().collect();
        folders.dedup_by_key(|member| self.settings.data_dir(member));
        let moves = folders.iter().map(|member| {
            let folder = self.settings.data_dir(member);
            let old = format!("{folder}.{}.old", self.facts.plan);
            format!("[ ! -e {0} ] || mv {0} {1}", quote(&folder), quote(&old))
        });
        let moves: Vec<_> = moves.collect();
        stop.extend(moves.iter().cloned());
        let mut pods = vec![
            "mkdir -p /etc/kubernetes/stopped".to_owned(),
            "mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/manifests/etcd.yaml \
             /etc/kubernetes/stopped/"
                .to_owned(),
            "crictl ps --name '^etcd$' --quiet".to_owned(),
        ];
        pods.extend(moves);
        HandoverStep {
            id: STOP_OLD.to_owned(),
            title: "Stop the old members".to_owned(),
            text: format!(
                "On every host of the old cluster, including hosts that are not used again. An old member that still \
                 runs accepts writes that are lost, and clients may keep talking to it. Its data is moved to a folder \
                 whose name ends in .{}.old; keep it until the new cluster has proved itself. Where the data directory \
                 is a mount point, move what is in it instead.",
                self.facts.plan
            ),
            part: None,
            commands: vec![
                shell("On each old host, with systemd", stop, false),
                shell("On each old host, static pods (kubeadm)", pods, true),
            ],
            expect: vec![expect(
                "Old members",
                "No process named etcd runs on any old host; crictl lists no etcd container.",
            )],
        }
    }

    fn member(&self, member: &MemberRequest) -> HandoverStep {
        let name = &member.name;
        let (host, folder) = (self.settings.host(member), self.settings.data_dir(member));
        let mut commands = self.bring(member, &host, &folder);
        let flags = self.flags(member);
        commands.push(HandoverCommand {
            label: "systemd unit: /etc/systemd/system/etcd.service (replaces a packaged one)"
                .to_owned(),
            kind: CommandKind::File,
            text: systemd::unit(name, &self.settings.user(), &flags),
            folded: true,
        });
        commands.push(HandoverCommand {
            label: "Static pod (kubeadm): flags to set in /etc/kubernetes/stopped/etcd.yaml"
                .to_owned(),
            kind: CommandKind::File,
            text: flags::static_pod(&flags, &folder),
            folded: true,
        });
        let mut text = format!(
            "Copy its data directory, give it to {}, and set up the process: by a systemd unit, or by the static pod's \
             manifest. Do not start it yet.",
            self.settings.user()
        );
        if flags.iter().any(|flag| flag.is_placeholder()) {
            text.push_str(" Replace the certificate files by the member's own.");
        }
        HandoverStep {
            id: member_id(name),
            title: format!("Put {name} on {host}"),
            text,
            part: Some(name.clone()),
            commands,
            expect: vec![expect(
                "Data directory",
                format!(
                    "{folder}/member/snap/db exists on {host}; everything below {folder} belongs to {} with mode 700 \
                     for folders and 600 for files.",
                    self.settings.user()
                ),
            )],
        }
    }

    fn flags(&self, member: &MemberRequest) -> Vec<flags::Flag> {
        flags::of(self.request, member, &self.settings, self.facts.size)
    }

    /// The start of one member by hand, where neither systemd nor a kubelet does it.
    fn plain_start(&self, member: &MemberRequest) -> HandoverCommand {
        let (name, host) = (&member.name, self.settings.host(member));
        let who = match self.settings.user().as_str() {
            "root" => "as root".to_owned(),
            user => format!("as the user {user}, not as root"),
        };
        let text = flags::shell(&self.flags(member));
        shell(
            format!("etcd command of {name}, on {host}, {who}"),
            vec![text],
            true,
        )
    }

    /// How its files get there.
    fn bring(&self, member: &MemberRequest, host: &str, folder: &str) -> Vec<HandoverCommand> {
        let (name, user) = (&member.name, self.settings.user());
        let owner = format!("{user}:{user}");
        match self.request.target {
            Target::Folder { .. } => {
                let from = format!("{}/{name}/", self.context.place.trim_end_matches('/'));
                let to = format!("{}@{host}:{folder}/", self.settings.login());
                // -s keeps the remote shell from splitting and expanding the path.
                let copy = format!(
                    "rsync -a -s --chown={} --chmod=D700,F600 {} {}",
                    quote(&owner),
                    quote(&from),
                    quote(&to)
                );
                vec![shell("On the console's host", vec![copy], false)]
            }
            Target::Download => {
                let archive = format!("{name}.tar");
                let address = format!(
                    "/api/jobs/{}/artifacts/{}",
                    self.context.job,
                    percent_encoded(&archive)
                );
                let url = match self.context.console.as_str() {
                    "" => format!("\"$REQUORUM_URL\"{}", quote(&address)),
                    console => quote(&format!("{console}{address}")),
                };
                let file = quote(&format!("./{archive}"));
                let folder = quote(folder);
                let fetch = vec![
                    format!(
                        "curl --fail --header \"Authorization: Bearer $REQUORUM_TOKEN\" --output {file} {url}"
                    ),
                    format!("install -d -m 700 {folder}"),
                    format!("tar -xf {file} -C {folder} --strip-components=1 --no-same-owner"),
                    format!("chown -R {} {folder}", quote(&owner)),
                ];
                let label =
                    format!("On {host}; REQUORUM_TOKEN holds an API token that may read values");
                vec![shell(label, fetch, false)]
            }
        }
    }

    fn start(&self) -> HandoverStep {
        let count = self.request.members.len();
        let majority = match count {
            1 => String::new(),
            count => format!(
                " No member serves requests until {} of {count} are running; until then each waits for the others.",
                count / 2 + 1
            ),
        };
        let by_hand = match self.settings.user().as_str() {
            "root" => String::new(),
            user => format!(
                " Run the plain command as the user {user}: what root writes into the data directory, {user} cannot \
                 open at the next start."
            ),
        };
        let plain = self.request.members.iter().map(|m| self.plain_start(m));
        HandoverStep {
            id: START.to_owned(),
            title: match count {
                1 => "Start the member".to_owned(),
                _ => "Start all members".to_owned(),
            },
            text: format!(
                "On each host, within about a minute: by systemd, by the static pod, or by the plain etcd command of \
                 the member.{by_hand}{majority}"
            ),
            part: None,
            commands: [
                shell(
                    "On each host, with systemd",
                    vec![
                        "systemctl daemon-reload".to_owned(),
                        "systemctl enable etcd".to_owned(),
                        "systemctl start --no-block etcd".to_owned(),
                        "journalctl -u etcd -n 20 --no-pager".to_owned(),
                    ],
                    false,
                ),
                shell(
                    "On each host, static pods (kubeadm)",
                    vec![
                        "mv /etc/kubernetes/stopped/etcd.yaml /etc/kubernetes/manifests/"
                            .to_owned(),
                    ],
                    true,
                ),
            ]
            .into_iter()
            .chain(plain)
            .collect(),
            expect: Vec::new(),
        }
    }

    fn check(&self) -> HandoverStep {
        let ctl = self.etcdctl();
        let names = self.request.member_names();
        let mut expected = vec![
            expect(
                "Members",
                format!("{}, all of them started, none a learner", names.join(", ")),
            ),
            expect("Leader", "true in exactly one row"),
            expect("Errors", "empty in every row; a NOSPACE alarm shows here"),
        ];
        expected.push(expect("Revision", self.revision()));
        expected.push(expect("HashKV", self.hash()));
        let mut text = "On any host that reaches the members. Compare what it prints with what is expected below."
            .to_owned();
        if self.asks_for_a_user() {
            text.push_str(
                " Authentication is on: each command signs in as root and asks for the root password that the cluster \
                 had when the snapshot was taken.",
            );
        }
        HandoverStep {
            id: CHECK.to_owned(),
            title: "Check the cluster".to_owned(),
            text,
            part: None,
            commands: self.checks(&ctl),
            expect: expected,
        }
    }

    /// In one piece, or one by one where each asks for a password: the next line would be taken for it.
    fn checks(&self, ctl: &str) -> Vec<HandoverCommand> {
        let all = [
            ("Status", "endpoint status --cluster -w table"),
            ("Health", "endpoint health --cluster"),
            ("Members", "member list -w table"),
            ("Content", "endpoint hashkv --cluster -w table"),
        ];
        let commands = all.map(|(title, command)| (title, format!("{ctl} {command}")));
        if self.asks_for_a_user() {
            let one = |(title, command)| shell(title, vec![command], false);
            return commands.into_iter().map(one).collect();
        }
        let lines = commands.into_iter().map(|(_, command)| command);
        vec![shell("Health, members and content", lines.collect(), false)]
    }

    fn etcdctl(&self) -> String {
        let members = &self.request.members;
        let endpoints = members.iter().map(|m| self.settings.client_url(m));
        let endpoints: Vec<_> = endpoints.collect();
        let mut words = vec!["etcdctl".to_owned()];
        if self.request.target_version == TargetVersion::V3_4 {
            // The default of 3.4; a shell that is set up for older ones would ask another API.
            words.insert(0, "ETCDCTL_API=3".to_owned());
        }
        words.push("--endpoints".to_owned());
        words.push(quote(&endpoints.join(",")));
        if self.settings.clients_use_tls() {
            for flag in flags::CLIENT_CERTIFICATES {
                words.push(flag.to_owned());
            }
        }
        if self.asks_for_a_user() {
            // Without a password in it: that would stay in the shell's history.
            words.push("--user root".to_owned());
        }
        words.join(" ")
    }

    /// Whether authentication is on in what was restored.
    fn asks_for_a_user(&self) -> bool {
        let mut findings = self.facts.report.findings.iter();
        !self.request.clean_up.auth
            && findings.any(|finding| check::AUTH_IS_ON.contains(&finding.code.as_str()))
    }

    fn revision(&self) -> String {
        let planned = self.proven(checks::REVISION);
        let raised = |revision| bump::raised(revision, self.request.bump_revision);
        match (planned, self.facts.revision.and_then(raised)) {
            (Some(evidence), _) => {
                format!("not below the planned one; the booted copies had: {evidence}")
            }
            (None, Some(revision)) => {
                format!("about {} or higher, on every member", signed(revision))
            }
            (None, None) => "the same on every member, apart from writes in progress".to_owned(),
        }
    }

    fn hash(&self) -> String {
        match self.proven(checks::HASH_EQUAL) {
            Some(evidence) => format!(
                "equal on all members at the same revision; before the first write: {evidence}"
            ),
            None => "equal on all members at the same revision".to_owned(),
        }
    }

    fn proven(&self, name: &str) -> Option<&str> {
        let mut checks = self.facts.checks.iter();
        let check = checks.find(|c| c.name == name && c.outcome == Outcome::Pass)?;
        Some(&check.evidence)
    }

    fn clients(&self) -> HandoverStep {
        let why = match self.request.bump_revision {
            0 => {
                "The revision was not raised: a client that watched the old cluster may know revisions that this one \
                 has yet to reach, and must not keep its cache."
            }
            _ => "Watches and caches hold revisions of the old cluster, which are compacted now.",
        };
        HandoverStep {
            id: CLIENTS.to_owned(),
            title: "Restart what watches the cluster".to_owned(),
            text: format!(
                "{why} Restart every program that watches etcd or caches what it read. For Kubernetes: the API servers \
                 first, then controller managers and schedulers, then operators and kubelets that do not recover."
            ),
            part: None,
            commands: vec![shell(
                "On each control plane node (kubeadm)",
                vec![
                    "if [ -e /etc/kubernetes/stopped/kube-apiserver.yaml ]; then mv \
                     /etc/kubernetes/stopped/kube-apiserver.yaml /etc/kubernetes/manifests/; else crictl ps --name \
                     kube-apiserver --quiet | xargs -r crictl stop; fi"
                        .to_owned(),
                    "crictl ps --name 'kube-controller-manager|kube-scheduler' --quiet | xargs -r crictl stop"
                        .to_owned(),
                    "kubectl get --raw '/readyz?verbose'".to_owned(),
                ],
                true,
            )],
            expect: Vec::new(),
        }
    }
}

fn shell(label: impl Into<String>, lines: Vec<String>, folded: bool) -> HandoverCommand {
    HandoverCommand {
        label: label.into(),
        kind: CommandKind::Shell,
        text: lines.join("\n"),
        folded,
    }
}

fn expect(name: &str, value: impl Into<String>) -> Expectation {
    Expectation {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// As a segment of a URL's path.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests;
