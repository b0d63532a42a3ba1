//! A dossier taken apart: a list of checks, each pass, fail or not checked, and what a person reads of it.
//!
//! Nothing in the archive is believed for standing there. Its parts must be those that the manifest names, the
//! manifest must be signed, what follows from other parts is made again and compared, and what people and the console
//! are said to have done must be in the ledger.

mod acts;
mod open;

use serde::{Deserialize, Serialize};

use self::open::{Opened, Parts};
use super::document::{self, Content};
use super::manifest::{Manifest, PartFacts, RENDERING};
use super::{html, name, parts, readme, record, seal, words, zip};
use crate::approval::{
    AcceptedWarning, Authorization, Judgement, Person, Policy, Reversibility, accepted,
};
use crate::canonical::sha256_hex;
use crate::document::Document;
use crate::finding::{Check, Outcome};
use crate::job::fold::JobView;
use crate::ledger::checkpoint::VerifyingKey;
use crate::ledger::merkle::{Hash, leaf_hash, verify_inclusion};
use crate::recovery::Input;

/// What verification came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether no check fails.
    pub whole: bool,
    /// What came of the check whether enough people approved: without a pass a dossier that is whole shows what was
    /// done, and not that it was allowed.
    pub approval: Outcome,
    /// The headline.
    pub sentence: String,
    /// The job's id, as far as it could be read.
    pub job: Option<String>,
    /// The plan's hash, as far as it could be read.
    pub plan_hash: Option<String>,
    /// Whether the job was not over.
    pub interim: bool,
    /// The key that the archive claims to be signed by.
    pub key: Option<String>,
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// What a person reads; absent where too much is broken.
    #[serde(skip)]
    pub document: Option<Document>,
}

/// Whether bytes that begin like this may be a dossier.
pub fn is_dossier(head: &[u8]) -> bool {
    zip::first_name(head) == Some(name::MANIFEST)
}

const ARCHIVE: &str = "The archive is exactly its parts";
const PARTS: &str = "Every part is the one that the manifest names";
const SEAL: &str = "The manifest is signed by the key of the ledger";
const PLAN: &str = "The plan has the hash that the manifest names";
const JOURNAL: &str = "The journal is in order and belongs to the plan";
const APPROVALS: &str = "Enough people approved exactly this plan";
const PROVEN: &str = "The verification of the result is what the journal says";
const TIMES: &str = "The timings are what the journal says";
const EVIDENCE: &str = "The evidence is of the snapshot that the plan names";
const CHECKPOINT: &str = "The ledger's checkpoint is signed by its key";
const ENTRIES: &str = "Every entry of the ledger is in the checkpoint's tree";
const ACTS: &str = "What the journal says was done is in the ledger";
const PAGE: &str = "The readable page is the one that these parts give";
const KEY: &str = "The signing key is trusted";

/// Checks after the first two, which need a manifest.
const REST: [&str; 12] = [
    SEAL, PLAN, JOURNAL, APPROVALS, PROVEN, TIMES, EVIDENCE, CHECKPOINT, ENTRIES, ACTS, PAGE, KEY,
];

/// Why a check was not made, or what it found.
enum Failure {
    /// It is not so.
    Fail(String),
    /// It could not be looked at.
    Unknown(String),
}

type Finding = Result<String, Failure>;

fn fail(why: impl Into<String>) -> Failure {
    Failure::Fail(why.into())
}

fn unknown(why: impl Into<String>) -> Failure {
    Failure::Unknown(why.into())
}

fn check(name: &str, finding: Finding) -> Check {
    match finding {
        Ok(evidence) => Check::new(name, Outcome::Pass, evidence),
        Err(Failure::Fail(why)) => Check::new(name, Outcome::Fail, why),
        Err(Failure::Unknown(why)) => Check::new(name, Outcome::NotChecked, why),
    }
}

/// Verifies an archive. `known` is the ledger's key as the reader knows it.
pub fn verify(bytes: &[u8], known: Option<&VerifyingKey>) -> Verdict {
    let archive = match zip::read(bytes) {
        Ok(archive) => archive,
        Err(error) => {
            let mut checks = vec![check(
                ARCHIVE,
                Err(fail(format!("It cannot be opened: {error}."))),
            )];
            checks.extend(not_checked(&[PARTS], "The archive cannot be opened."));
            checks.extend(not_checked(&REST, "The archive cannot be opened."));
            return Verdict::of(checks, None, None, None);
        }
    };
    let parts: Parts<'_> = archive.parts.iter().copied().collect();
    let mut checks = vec![check(ARCHIVE, exact(&archive))];
    let manifest = match open::manifest(&parts) {
        Ok(manifest) => manifest,
        Err(why) => {
            checks.push(check(PARTS, Err(fail(why))));
            checks.extend(not_checked(&REST, "The manifest cannot be read."));
            return Verdict::of(checks, None, None, None);
        }
    };
    let opened = Opened::new(&parts, &manifest);
    let content = opened.content();
    let document = content.as_ref().map(document::of);
    checks.extend([
        check(PARTS, every_part(&parts, &manifest)),
        check(SEAL, sealed(&parts, &manifest, &opened)),
        check(PLAN, plan(&manifest, &opened)),
        check(JOURNAL, journal(&manifest, &opened)),
        check(APPROVALS, approvals(&opened)),
        check(PROVEN, derived(name::VERIFICATION, &parts, &opened)),
        check(TIMES, derived(name::TIMINGS, &parts, &opened)),
        check(EVIDENCE, evidence(&parts, &opened)),
        check(CHECKPOINT, checkpoint(&manifest, &opened)),
        check(ENTRIES, entries(&opened)),
        check(ACTS, acts(&opened)),
        check(
            PAGE,
            page(&parts, &manifest, content.as_ref(), document.as_ref()),
        ),
        check(KEY, known_key(&opened, known)),
    ]);
    let key = opened.key.as_ref().ok().map(ToString::to_string);
    Verdict::of(checks, Some(&manifest), key, document)
}

fn not_checked<'a>(names: &'a [&'a str], why: &'a str) -> impl Iterator<Item = Check> + 'a {
    names.iter().map(move |name| check(name, Err(unknown(why))))
}

impl Verdict {
    fn of(
        checks: Vec<Check>,
        manifest: Option<&Manifest>,
        key: Option<String>,
        document: Option<Document>,
    ) -> Self {
        let interim = manifest.is_some_and(|m| m.interim);
        let sentence = sentence(interim, &checks);
        let failed = checks.iter().any(|check| check.outcome == Outcome::Fail);
        let approval = outcome_of(&checks, APPROVALS);
        Self {
            whole: !failed,
            approval,
            sentence,
            job: manifest.map(|m| m.job.clone()),
            plan_hash: manifest.map(|m| m.plan_hash.clone()),
            interim,
            key,
            checks,
            document,
        }
    }
}

/// The headline of a dossier with these checks.
pub fn sentence(interim: bool, checks: &[Check]) -> String {
    let count = |outcome| checks.iter().filter(|c| c.outcome == outcome).count();
    let (pass, failed, rest) = (
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::NotChecked),
    );
    let all = checks.len();
    let kind = match interim {
        true => "interim dossier",
        false => "dossier",
    };
    let valid = match interim {
        true => "Interim dossier valid",
        false => "Dossier valid",
    };
    let are = if rest == 1 { "is" } else { "are" };
    match (failed, rest) {
        (0, _) if outcome_of(checks, APPROVALS) == Outcome::NotChecked => format!(
            "No check fails, but this {kind} does not show that the plan was approved: {pass} of {all} checks pass, \
             {rest} {are} not made."
        ),
        (0, 0) => format!("{valid}: {pass} of {all} checks pass."),
        (0, 1) if outcome_of(checks, KEY) == Outcome::NotChecked => {
            format!(
                "{valid}, signing key not yet confirmed: {pass} of {all} checks pass, 1 is not made."
            )
        }
        (0, _) => format!(
            "{valid} as far as it can be checked here: {pass} of {all} checks pass, {rest} {are} not made."
        ),
        _ => format!(
            "Do not rely on this {kind}: {failed} of {all} checks {}.",
            if failed == 1 { "fails" } else { "fail" }
        ),
    }
}

fn outcome_of(checks: &[Check], name: &str) -> Outcome {
    let found = checks.iter().find(|check| check.name == name);
    found.map_or(Outcome::NotChecked, |check| check.outcome)
}

fn exact(archive: &zip::Archive<'_>) -> Finding {
    if !archive.exact {
        return Err(fail(
            "Packing its parts again gives another file: something was changed in it, or added around them.",
        ));
    }
    let names: Vec<_> = archive.parts.iter().map(|(name, _)| *name).collect();
    let in_order = names.first() == Some(&name::MANIFEST) && names.iter().skip(1).is_sorted();
    if !in_order {
        return Err(fail(
            "Its parts are not in the order in which a console packs them.",
        ));
    }
    Ok(format!(
        "{} parts, and nothing between or after them.",
        names.len()
    ))
}

fn every_part(parts: &Parts<'_>, manifest: &Manifest) -> Finding {
    let mut wrong = Vec::new();
    for (name, facts) in &manifest.parts {
        match parts.get(name.as_str()) {
            None => wrong.push(format!("{name} is missing")),
            Some(bytes) if PartFacts::of(bytes) != *facts => {
                wrong.push(format!("{name} was changed: its SHA-256 is another"));
            }
            Some(_) => {}
        }
    }
    for name in open::REQUIRED {
        if !manifest.parts.contains_key(*name) {
            wrong.push(format!("the manifest does not name {name}"));
        }
    }
    let beside = [name::MANIFEST, name::SEAL, name::SUMS];
    for name in parts.keys() {
        if !manifest.parts.contains_key(*name) && !beside.contains(name) {
            wrong.push(format!(
                "{name} is in the archive, and the manifest does not name it"
            ));
        }
    }
    let manifest_bytes = parts.get(name::MANIFEST).copied().unwrap_or_default();
    let sums = super::manifest::sums(manifest, manifest_bytes);
    if parts.get(name::SUMS).copied() != Some(sums.as_bytes()) {
        wrong.push(format!(
            "{} is not the list of the manifest's hashes",
            name::SUMS
        ));
    }
    if wrong.is_empty() {
        Ok(format!(
            "{} parts have the SHA-256 that it names.",
            manifest.parts.len()
        ))
    } else {
        Err(fail(format!("{}.", words::listed(&wrong))))
    }
}

fn sealed(parts: &Parts<'_>, manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    let key = opened.key.as_ref().map_err(|why| unknown(why.clone()))?;
    let seal = parts
        .get(name::SEAL)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .ok_or_else(|| fail(format!("{} is missing, or is no text.", name::SEAL)))?;
    let sha256 = sha256_hex(parts.get(name::MANIFEST).copied().unwrap_or_default());
    match seal::open(seal, &manifest.job, &sha256, key) {
        Ok(true) => Ok(format!("{} signed it.", key.short())),
        Ok(false) => Err(fail(
            "What is signed is another manifest: this one was changed, or put in its place.",
        )),
        Err(error) => Err(fail(format!(
            "{} is not the signature of {}: {error}.",
            name::SEAL,
            key.short()
        ))),
    }
}

fn plan(manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    let (plan, hash) = opened.plan.as_ref().map_err(|why| fail(why.clone()))?;
    if *hash != manifest.plan_hash {
        return Err(fail(format!(
            "Its SHA-256 is {hash}, and the manifest names {}: it is another plan, or was changed.",
            manifest.plan_hash
        )));
    }
    if plan.id != manifest.plan {
        return Err(fail(format!(
            "It is plan {}, and the manifest names {}.",
            plan.id, manifest.plan
        )));
    }
    Ok(format!("Computed again: {hash}."))
}

fn journal(manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let events = opened.events.as_ref().map_err(|why| fail(why.clone()))?;
    open::in_order(plan, events).map_err(Failure::Fail)?;
    let view = record::view(plan, events);
    if manifest.events != events.len() as u64 {
        return Err(fail(format!(
            "It has {} events, and the manifest counts {}.",
            events.len(),
            manifest.events
        )));
    }
    if manifest.state != view.state || manifest.interim == view.state.is_over() {
        return Err(fail("It leads to another end than the manifest names."));
    }
    Ok(format!("{} events, numbered without a gap.", events.len()))
}

fn approvals(opened: &Opened<'_>) -> Finding {
    let (plan, hash) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let approvals = opened.approvals.as_ref().map_err(|why| fail(why.clone()))?;
    let events = opened
        .events
        .as_ref()
        .map_err(|_| unknown("The journal cannot be read."))?;
    let all = opened
        .acts
        .as_ref()
        .map_err(|_| unknown("The ledger's entries cannot be read."))?;
    if approvals.plan_hash != *hash {
        return Err(fail("They are approvals of another plan."));
    }
    if approvals.grounds.as_ref() != record::grounds(events) {
        return Err(fail(
            "They are not those that the job was started on: the journal names others.",
        ));
    }
    if approvals.interim == record::view(plan, events).state.is_over() {
        return Err(fail(
            "They say “interim”, and the journal does not, or the other way round.",
        ));
    }
    let Some(grounds) = &approvals.grounds else {
        return Err(unknown(
            "The job was started by a version that did not keep on what grounds.",
        ));
    };
    if grounds.weight != Reversibility::of(plan) {
        return Err(fail(
            "The plan was weighed wrongly: another rule was due for it.",
        ));
    }
    let author = &grounds.author;
    if author.name != plan.author {
        return Err(fail(format!(
            "It was judged as a plan of {}, and the plan says that {} made it.",
            author.name, plan.author
        )));
    }
    all.by_person(acts::SEAL, &plan.author)?;
    // Two accounts of one name would be one person who approves their own plan.
    let people = [author, &grounds.runner];
    let voters = grounds.votes.iter().map(|vote| &vote.by);
    for (voter, other) in voters.flat_map(|voter| people.map(|other| (voter, other))) {
        if voter.name == other.name && voter.id != other.id {
            return Err(fail(format!(
                "{} is said to have approved it as a different person from the one of that name who made or ran it.",
                voter.name
            )));
        }
    }
    let set_by = policy_in_force(grounds, all)?;
    if let Some(vote) = grounds.votes.iter().find(|vote| vote.plan_hash != *hash) {
        return Err(fail(format!(
            "{}'s approval is of another plan.",
            vote.by.name
        )));
    }
    let warnings = accepted::warnings(&plan.report);
    for vote in &grounds.votes {
        let subject = accepting(&vote.by, &plan.id, &warnings, vote.accepted.as_deref())?;
        all.by_person_on(acts::APPROVE, &vote.by.name, subject.as_deref())?;
    }
    if let Some(glass) = &grounds.glass {
        all_accepted(&warnings, grounds)?;
        let subject = accepting(&glass.by, &plan.id, &warnings, glass.accepted.as_deref())?;
        all.by_person_on(acts::BREAK_GLASS, &glass.by.name, subject.as_deref())?;
        let review = approvals
            .review
            .as_ref()
            .filter(|review| review.id == glass.review);
        let review = review
            .ok_or_else(|| fail("The approval was overridden, and the review of it is missing."))?;
        if review.closed_at_ms == 0 {
            return Ok(format!(
                "Not approved: {} overrode the approval, as the ledger says. The review was still open.",
                glass.by.name
            ));
        }
        all.by_person(acts::CLOSE_REVIEW, &review.closed_by)?;
        return Ok(format!(
            "Not approved: {} overrode the approval, and {} closed the review, as the ledger says.",
            glass.by.name, review.closed_by
        ));
    }
    if approvals.review.is_some() {
        return Err(fail(
            "It has a review of an override, and the approval was not overridden.",
        ));
    }
    let names: Vec<_> = grounds
        .votes
        .iter()
        .map(|vote| vote.by.name.clone())
        .collect();
    let judged = grounds.judge(hash);
    if matches!(judged, Judgement::Enough { .. }) {
        all_accepted(&warnings, grounds)?;
    }
    match judged {
        Judgement::Enough { .. } if names.is_empty() => {
            Ok(format!("The rule was: {}.{set_by}", grounds.rule))
        }
        Judgement::Enough { .. } => Ok(format!(
            "{}. The rule was: {}.{set_by} The ledger has each approval.",
            words::listed(&names),
            grounds.rule
        )),
        Judgement::More(n) => Err(fail(format!(
            "{} needed. The rule was: {}.",
            match n {
                1 => "One more was".to_owned(),
                n => format!("{n} more were"),
            },
            grounds.rule
        ))),
        Judgement::Second => Err(fail(format!(
            "None is by a second person. The rule was: {}.",
            grounds.rule
        ))),
    }
}

/// What the ledger has to say of an approval or an override that names the warnings it accepts: every one of the plan.
/// An earlier version's names none, and its subject says nothing of them.
fn accepting(
    by: &Person,
    plan: &str,
    warnings: &[AcceptedWarning],
    named: Option<&[AcceptedWarning]>,
) -> Result<Option<String>, Failure> {
    let Some(named) = named else {
        return Ok(None);
    };
    if accepted::check(warnings, warnings, named).is_err() {
        return Err(fail(format!(
            "{} did not accept the warnings of the plan: others are named.",
            by.name
        )));
    }
    Ok(Some(accepted::subject(plan, named)))
}

/// Warnings that no approval and no override accepted were accepted by the runner, since that is asked for.
fn all_accepted(warnings: &[AcceptedWarning], grounds: &Authorization) -> Result<(), Failure> {
    let Some(by_runner) = &grounds.accepted else {
        return Ok(());
    };
    let votes = grounds
        .votes
        .iter()
        .filter_map(|vote| vote.accepted.as_ref());
    let glass = grounds
        .glass
        .iter()
        .filter_map(|glass| glass.accepted.as_ref());
    let named: Vec<_> = votes.chain(glass).chain([by_runner]).flatten().collect();
    match warnings.iter().find(|warning| !named.contains(warning)) {
        None => Ok(()),
        Some(open) => Err(fail(format!(
            "No one accepted the warning {}.",
            open.text()
        ))),
    }
}

/// Where the rule came from, in a sentence, if the ledger has it.
fn policy_in_force(grounds: &Authorization, all: &acts::Acts) -> Finding {
    let Some(policy) = &grounds.policy else {
        let usual = Policy::default().rule(grounds.weight) == grounds.rule;
        return Ok(if usual || grounds.glass.is_some() {
            String::new()
        } else {
            " Who set it is not said: a version made this that did not keep it.".to_owned()
        });
    };
    if policy.policy.rule(grounds.weight) != grounds.rule {
        return Err(fail(format!(
            "It was judged by another rule than that of the policy in force: {}.",
            policy.policy.rule(grounds.weight)
        )));
    }
    all.sets(policy)?;
    Ok(format!(
        " {} had set it, and the ledger says so.",
        policy.by
    ))
}

/// A part that follows from others is made again.
fn derived(part: &'static str, parts: &Parts<'_>, opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let events = opened
        .events
        .as_ref()
        .map_err(|_| unknown("The journal cannot be read."))?;
    let approvals = opened
        .approvals
        .as_ref()
        .map_err(|_| unknown("The approvals cannot be read."))?;
    let view = record::view(plan, events);
    let again = parts::derived(plan, events, &view, approvals);
    if again.get(part).map(Vec::as_slice) != parts.get(part).copied() {
        return Err(fail(format!(
            "{part} made again from the journal is another."
        )));
    }
    Ok(match part {
        name::VERIFICATION => proven(&view),
        _ => "Computed again: the same.".to_owned(),
    })
}

fn proven(view: &JobView) -> String {
    if view.checks.is_empty() {
        return "Nothing was verified, and it says so.".to_owned();
    }
    format!("Computed again: {}.", words::tally(&view.checks))
}

fn evidence(parts: &Parts<'_>, opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let report = crate::canonical::to_canonical_json(&plan.report);
    if parts.get(name::REPORT).copied() != Some(report.as_bytes()) {
        return Err(fail(format!(
            "{} is not the report of the plan.",
            name::REPORT
        )));
    }
    if !parts.contains_key(name::INSPECTION) {
        return Err(unknown(
            "The snapshot's inspection is not in it: the snapshot was gone when this was made.",
        ));
    }
    let inspection = opened
        .inspection
        .as_ref()
        .map_err(|why| fail(why.clone()))?;
    let file = &inspection.file;
    let inputs = plan.request.inputs();
    let wanted = inputs.iter().map(|Input::File(sha256)| sha256);
    let proven = plan.steps.iter().filter_map(|step| step.action.file());
    let same = wanted.clone().any(|sha256| *sha256 == file.sha256)
        && proven
            .filter(|(sha256, _)| *sha256 == file.sha256)
            .all(|(_, size)| size == file.size);
    if !same {
        let wanted: Vec<_> = wanted.map(String::as_str).collect();
        return Err(fail(format!(
            "It is of a file with the SHA-256 {} and {} bytes, and the plan uses {}.",
            file.sha256,
            file.size,
            wanted.join(", ")
        )));
    }
    Ok(format!(
        "It is of the {} bytes with the SHA-256 {}.",
        file.size, file.sha256
    ))
}

fn checkpoint(manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    opened.key.as_ref().map_err(|why| fail(why.clone()))?;
    let checkpoint = opened
        .checkpoint
        .as_ref()
        .map_err(|why| fail(why.clone()))?;
    if manifest.checkpoint != checkpoint.into() {
        return Err(fail("It is another checkpoint than the manifest names."));
    }
    Ok(format!(
        "{} entries, root {}.",
        checkpoint.size,
        checkpoint.root.to_base64()
    ))
}

fn entries(opened: &Opened<'_>) -> Finding {
    let checkpoint = opened
        .checkpoint
        .as_ref()
        .map_err(|_| unknown("The checkpoint cannot be believed."))?;
    let (entries, lines) = opened.entries.as_ref().map_err(|why| fail(why.clone()))?;
    let proofs = opened.proofs.as_ref().map_err(|why| fail(why.clone()))?;
    if proofs.size != checkpoint.size || proofs.root != checkpoint.root.to_base64() {
        return Err(fail("The proofs lead to another checkpoint."));
    }
    if proofs.proofs.len() != entries.len() {
        return Err(fail(format!(
            "There are {} entries and {} proofs.",
            entries.len(),
            proofs.proofs.len()
        )));
    }
    let mut before = None;
    for ((entry, line), proof) in entries.iter().zip(lines).zip(&proofs.proofs) {
        let index = entry.index;
        if proof.index != index || before.is_some_and(|before| before >= index) {
            return Err(fail(format!("Entry {index} stands where another belongs.")));
        }
        before = Some(index);
        let path: Option<Vec<_>> = proof
            .path
            .iter()
            .map(|text| Hash::from_base64(text))
            .collect();
        let path =
            path.ok_or_else(|| fail(format!("The proof of entry {index} cannot be read.")))?;
        verify_inclusion(
            index,
            checkpoint.size,
            leaf_hash(line),
            &path,
            checkpoint.root,
        )
        .map_err(|error| {
            fail(format!(
                "Entry {index} is not the one that was signed, or was changed: {error}."
            ))
        })?;
    }
    Ok(format!("{} entries, each proven.", entries.len()))
}

fn acts(opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let events = opened
        .events
        .as_ref()
        .map_err(|_| unknown("The journal cannot be read."))?;
    let acts = opened.acts.as_ref().map_err(|why| fail(why.clone()))?;
    acts.hold(plan, events)
}

fn page(
    parts: &Parts<'_>,
    manifest: &Manifest,
    content: Option<&Content<'_>>,
    document: Option<&Document>,
) -> Finding {
    if manifest.rendering != RENDERING {
        return Err(unknown(format!(
            "It was rendered by another version ({}, this one is {RENDERING}). Its hash is in the manifest.",
            manifest.rendering
        )));
    }
    let (Some(content), Some(document)) = (content, document) else {
        return Err(unknown("Parts that it is made of cannot be read."));
    };
    for (name, again) in [
        (name::PAGE, html::render(document)),
        (name::README, readme::render(content)),
    ] {
        if parts.get(name).copied() != Some(again.as_bytes()) {
            return Err(fail(format!(
                "{name} made again from the other parts is another: read those, not it."
            )));
        }
    }
    Ok("Rendered again: the same, to the byte.".to_owned())
}

fn known_key(opened: &Opened<'_>, known: Option<&VerifyingKey>) -> Finding {
    let key = opened.key.as_ref().map_err(|why| fail(why.clone()))?;
    match known {
        Some(known) if known == key => Ok(format!("It is the key that you gave, {}.", key.short())),
        Some(known) => Err(fail(format!(
            "It is signed by {}, and you gave {}: it comes from another console, or was forged.",
            key.short(),
            known.short()
        ))),
        None => Err(unknown(format!(
            "No key was given. It claims to be by {}: compare its whole key with the one that you know, from the \
             console's settings, a colleague, or your notes.",
            key.short()
        ))),
    }
}
