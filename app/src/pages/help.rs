//! Help: the terms that pages use, how approvals work, what is verified, and the keys. Open to everybody.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::components::keys::KeyList;
use crate::components::page_header::PageHeader;
use crate::paths;

/// Key, term and what it means.
const TERMS: [(&str, &str, &str); 13] = [
    (
        "revision",
        "Revision",
        "etcd's counter of changes. Every write raises it by one, for the whole key space, so two files of one \
         cluster are compared by it: the higher one is newer. Clients remember revisions to continue a watch.",
    ),
    (
        "bump",
        "Bump revision",
        "After a restore the cluster continues at the snapshot's revision, but clients may have seen higher ones \
         before the failure. If those numbers are given out again, watches and caches, such as those of Kubernetes, \
         miss changes without noticing. Bumping raises the revision beyond any that was ever served.",
    ),
    (
        "mark-compacted",
        "Mark compacted",
        "Declares everything up to the bumped revision as compacted. Clients that ask for an older revision get an \
         error and reload, instead of silently continuing with old data. Use it together with a bump.",
    ),
    (
        "learner",
        "Learner",
        "A member that receives all data but does not vote. A new member can catch up as a learner without putting \
         the quorum at risk. A restore makes voting members only.",
    ),
    (
        "member-id",
        "Member ID",
        "The number that identifies a member inside a cluster, written in hexadecimal. It is derived from the \
         member's peer URLs, its cluster token and, for members added later, the time. A restore gives new IDs.",
    ),
    (
        "cluster-id",
        "Cluster ID",
        "Derived from the IDs of the first members. Members of another cluster ID refuse to talk to each other, so \
         restored members never mix with old ones that are still running.",
    ),
    (
        "hashkv",
        "HashKV",
        "etcd's own checksum over all keys and revisions up to a revision (etcdctl endpoint hashkv). Members that \
         agree have the same content. It can only be compared at the same revision and the same compacted revision.",
    ),
    (
        "consistent-index",
        "Consistent index",
        "The index of the last entry of the Raft log that was applied to the database, stored in the same \
         transaction. It tells how far a member's database had come, even if its log is lost.",
    ),
    (
        "raft-term",
        "Raft term",
        "The number of the current leadership. Every election raises it. A file with a higher term has seen a later \
         election.",
    ),
    (
        "quorum",
        "Quorum",
        "More than half of the voting members: 2 of 3, 3 of 5. A cluster without it accepts no writes. If a quorum is \
         lost for good, the cluster must be restored.",
    ),
    (
        "checksum",
        "Checksum of a snapshot",
        "etcdctl snapshot save appends a SHA-256 to the file. If it matches, the bytes are those that were saved. A \
         copy of member/snap/db has none: its structure can be checked, its bytes cannot.",
    ),
    (
        "plan",
        "Plan",
        "Everything a recovery will do, with the facts it relies on, sealed by a SHA-256. Approvers approve that \
         hash. If a fact changes, the plan becomes invalid. Running it executes its steps and decides nothing new.",
    ),
    (
        "dossier",
        "Dossier",
        "The signed record of one recovery: plan, approvals, journal, verification. It can be verified years later, \
         without this server.",
    ),
];

/// The page.
#[component]
pub fn Help() -> impl IntoView {
    let terms = TERMS.map(|(key, term, meaning)| {
        view! { <div id=key><dt>{term}</dt><dd>{meaning}</dd></div> }
    });
    // The page is drawn after the browser looked for the part that the address names.
    let part = use_location().hash;
    Effect::new(move |_| {
        let id = part.get();
        let id = id.trim_start_matches('#');
        if let Some(part) = document().get_element_by_id(id).filter(|_| !id.is_empty()) {
            part.scroll_into_view();
        }
    });
    view! {
        <div class="page help">
            <PageHeader sentence="Help" below=|| view! { <p>"Terms, approvals, what is verified, and keys."</p> } />
            <section class="section" id="terms">
                <h2>"Terms"</h2>
                <dl class="glossary">{terms.collect_view()}</dl>
            </section>
            <section class="section" id="two-people">
                <h2>"Why two people"</h2>
                <p>
                    "A restore replaces the data of a cluster. The author of a plan sees what they expect to see; a second person reads what it says. \
                    The "<a href=paths::policies()>"policy"</a>" of a cluster says how many approvals a plan needs and whether the author's counts. \
                    Before approving, the approver's browser recomputes the plan from its facts and compares the hash."
                </p>
            </section>
            <section class="section" id="break-glass">
                <h2>"Break-glass"</h2>
                <p>
                    "If no approver can be reached and the policy allows it, an operator can release a plan without approval, with a reason. \
                    This is shown on every page to everyone, and stays in "<a href=paths::reviews()>"override reviews"</a>
                    " until another person has reviewed it. It is never deleted from the ledger."
                </p>
            </section>
            <section class="section" id="verified">
                <h2>"What is verified, and what is not"</h2>
                <ul class="points">
                    <li><strong>"pass"</strong>" and "<strong>"fail"</strong>" are said only of what was checked; "<strong>"not checked"</strong>" says why."</li>
                    <li>"A file: its checksum, every page of its B+tree, every revision, and what etcd keeps about itself. Not whether the values make sense to your applications."</li>
                    <li>"A restore: every member's files against the snapshot, identity and log, and a start of etcd on this server if a binary is available. Not whether your hosts can reach each other."</li>
                    <li>"The ledger: your browser checks that every entry it has seen is still there, unchanged, and signed by the same key. The server cannot rewrite history without your browser noticing."</li>
                </ul>
            </section>
            <section class="section" id="keys">
                <h2>"Keyboard shortcuts"</h2>
                <KeyList />
            </section>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::TERMS;

    #[test]
    fn every_term_has_an_address_of_its_own() {
        let keys: BTreeSet<_> = TERMS.iter().map(|(key, ..)| *key).collect();
        assert_eq!(keys.len(), TERMS.len());
    }
}
