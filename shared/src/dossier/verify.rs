//! A dossier taken apart: a list of checks, each pass, fail or not checked, and what a person reads of it.
//!
//! Nothing in the archive is believed for standing there. Its parts must be those that the manifest names, the
//! manifest must be signed, what follows from other parts is made again and compared, and what people and the console
//! are said to have done must be in the ledger.

mod acts;
mod approved;
mod contents;
mod ledger;
mod open;

use serde::{Deserialize, Serialize};

use self::approved::approvals;
use self::contents::{derived, every_part, evidence, exact, journal, page, plan, sealed};
use self::ledger::{checkpoint, entries, known_key};
use self::open::{Opened, Parts};
use super::manifest::Manifest;
use super::{document, name, zip};
use crate::document::Document;
use crate::finding::{Check, Outcome};
use crate::ledger::checkpoint::VerifyingKey;

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

const ARCHIVE: &str = "The archive is exactly its parts";
const PARTS: &str = "Every part is the one that the manifest names";
const SEAL: &str = "The manifest is signed by the key of the ledger";
const PLAN: &str = "The plan has the hash that the manifest names";
const JOURNAL: &str = "The journal is in order and belongs to the plan";
const APPROVALS: &str = "Enough people approved exactly this plan";
const PROVEN: &str = "The verification of the result is what the journal says";
const TIMES: &str = "The timings are what the journal says";
const EVIDENCE: &str = "The evidence is of the files that the plan names";
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
        check(ACTS, ledger::acts(&opened)),
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
