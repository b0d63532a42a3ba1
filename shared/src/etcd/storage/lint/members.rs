//! Membership: members that nobody knows, that share a name or an address, learners that vote.

use hashbrown::HashMap;

use crate::etcd::storage::inspection::{ConfState, Contents};
use crate::finding::{Finding, Report};

use super::{Seen, contents};

/// Members that nobody knows (spec 7.3).
pub(super) fn membership(seen: &Seen<'_>, report: &mut Report) {
    let contents = contents(seen);
    let Some(members) = &contents.members else {
        return;
    };
    for removed in contents.removed_members.iter().flatten() {
        if members.iter().any(|member| &member.id == removed) {
            let what = format!("Member {removed} is listed, and among the removed ones too.");
            let finding = Finding::warning("members.removed", format!("member {removed}"), what);
            report.push(
                finding
                    .because("A removed member may never return: servers refuse it.")
                    .todo("A restore replaces all members and forgets the removed ones."),
            );
        }
    }
    let stale = stale(contents);
    if let Some(conf) = judging_conf_state(contents) {
        let gone = gone(contents, conf);
        if is_of_old_cluster(contents, conf) {
            let what = format!(
                "meta/confState names other voters ({}) than bucket `members`.",
                gone.join(", ")
            );
            report.push(
                Finding::note("members.conf-state-of-old-cluster", "bucket meta", what)
                    .because("That is what a restore by etcd's own tools leaves until the first change of members; bucket `members` is right, and no server reads confState back."),
            );
            return;
        }
        if !gone.is_empty() {
            let what = format!("Voters {} are not in bucket `members`.", gone.join(", "));
            report.push(
                Finding::warning("members.missing", "bucket members", what)
                    .because("A change of members reached one record and not the other.")
                    .todo("A restore rewrites both from the members that you name."),
            );
        }
    }
    if !stale.is_empty() {
        report.push(zombies(&stale.join(", ")));
    }
}

/// The confState, where it says which members there are.
fn judging_conf_state(contents: &Contents) -> Option<&ConfState> {
    let conf = contents.conf_state.as_ref()?;
    let has_members = contents.members.as_ref().is_some_and(|m| !m.is_empty());
    (has_members && !conf.voters.is_empty()).then_some(conf)
}

/// Voters that are not in bucket `members`.
fn gone<'a>(contents: &Contents, conf: &'a ConfState) -> Vec<&'a str> {
    let members = contents.members.as_deref().unwrap_or_default();
    let is_gone = |id: &&String| !members.iter().any(|member| &member.id == *id);
    let gone = conf.voters.iter().filter(is_gone);
    gone.map(String::as_str).collect()
}

/// Members that the confState does not have.
fn strangers<'a>(contents: &'a Contents, conf: &ConfState) -> Vec<&'a str> {
    let members = contents.members.iter().flatten();
    let ids = members.map(|member| &member.id);
    ids.filter(|id| !conf.voters.contains(id) && !conf.learners.contains(id))
        .map(String::as_str)
        .collect()
}

/// Whether the confState is that of another cluster altogether, and says nothing about these members.
fn is_of_old_cluster(contents: &Contents, conf: &ConfState) -> bool {
    let members = contents.members.as_ref().map_or(0, Vec::len);
    strangers(contents, conf).len() == members && gone(contents, conf).len() == conf.voters.len()
}

/// The ids of members of which at least some are of an earlier cluster.
fn stale(contents: &Contents) -> Vec<&str> {
    match judging_conf_state(contents) {
        Some(conf) if is_of_old_cluster(contents, conf) => Vec::new(),
        Some(conf) => strangers(contents, conf),
        None => {
            // Files of 3.4 have no confState; a name that occurs twice gives stale members away.
            let members = contents.members.as_deref().unwrap_or_default();
            let named = |name: &str| members.iter().filter(|m| m.name == name).count();
            let twice = members
                .iter()
                .filter(|member| !member.name.is_empty() && named(&member.name) > 1);
            twice.map(|member| member.id.as_str()).collect()
        }
    }
}

fn zombies(ids: &str) -> Finding {
    let what =
        format!("Bucket `members` holds members of an earlier cluster: at least some of {ids}.");
    Finding::warning("members.stale", "bucket members", what)
        .because("Restores by etcdctl 3.4 leave them; 3.4 and 3.5 ignore them, an upgrade to 3.6 brings them back as voters that do not exist.")
        .todo("A restore by Requorum replaces all of them.")
}

/// Members that have the name or a peer URL of another one, whatever confState says of them. Stale ones are named as
/// such, with the reason.
pub(super) fn duplicate_members(seen: &Seen<'_>, report: &mut Report) {
    let contents = contents(seen);
    let stale = stale(contents);
    let members = contents.members.iter().flatten();
    let members = members.filter(|member| !stale.contains(&member.id.as_str()));
    let mut owners: HashMap<(&str, &str), Vec<&str>, std::hash::RandomState> = HashMap::default();
    for member in members {
        let names = std::iter::once(("name", member.name.as_str()));
        let urls = member
            .peer_urls
            .iter()
            .map(|url| ("peer URL", url.as_str()));
        for (kind, text) in names.chain(urls).filter(|(_, text)| !text.is_empty()) {
            let ids = owners.entry((kind, text)).or_default();
            if ids.last() != Some(&member.id.as_str()) {
                ids.push(&member.id);
            }
        }
    }
    let mut twice: Vec<_> = owners
        .into_iter()
        .filter(|(_, ids)| ids.len() > 1)
        .collect();
    twice.sort_unstable();
    for ((kind, text), ids) in twice {
        let what = format!(
            "Members {} have the same {kind}, {text}.",
            ids.join(" and ")
        );
        report.push(
            Finding::warning("members.duplicate", "bucket members", what)
                .because("At most one of them runs, but the other one also counts for the quorum.")
                .todo("A restore by Requorum replaces all members."),
        );
    }
}

pub(super) fn learners(seen: &Seen<'_>, report: &mut Report) {
    let contents = contents(seen);
    let Some(conf) = &contents.conf_state else {
        return;
    };
    let members = contents.members.iter().flatten();
    for member in members.filter(|member| member.learner) {
        if conf.voters.contains(&member.id) {
            let what = format!("Member {} is marked as a learner and votes.", member.id);
            report.push(
                Finding::warning("members.learner-votes", format!("member {}", member.id), what)
                    .because("3.5.1 to 3.5.19 forgot to store promotions; 3.6 then refuses to start with too many learners.")
                    .todo("A restore makes every member a voter."),
            );
        }
    }
}
