//! One entry of the ledger, and the text it is hashed as.
//!
//! Entries name people, clusters, subjects and hashes. They never hold values or secrets: what a person typed into
//! a field for something else (a wrong password, an unknown account) is not repeated in them, and every text is
//! cut to [`MAX_TEXT_CHARS`] and stripped of control characters before it is written.

use serde::{Deserialize, Serialize};

use super::about::About;
use crate::canonical;
use crate::escape;

#[cfg(test)]
mod tests;

/// The value of [`Entry::format`] in this version.
pub const FORMAT: &str = "requorum.entry/1";

/// No text in an entry is longer, in characters. Five such texts of four bytes each, every one escaped, stay far
/// below the 64 KiB that a leaf may have.
pub const MAX_TEXT_CHARS: usize = 400;

/// The acts that are recorded, as the ledger names them: the most general part first.
pub mod act {
    /// The ledger itself was begun.
    pub const LEDGER_BEGIN: &str = "ledger.begin";
    /// The first administrator was made.
    pub const SETUP: &str = "setup";
    /// A person signed in.
    pub const LOGIN: &str = "login";
    /// A person signed out.
    pub const LOGOUT: &str = "logout";
    /// A person set their password by a one-time link and signed in.
    pub const JOIN: &str = "join";
    /// A person changed their own password.
    pub const PASSWORD: &str = "password";
    /// An account was added.
    pub const PEOPLE_INVITE: &str = "people.invite";
    /// A link was made by which an account's owner sets a password.
    pub const PEOPLE_LINK: &str = "people.link";
    /// An account's password was set by whoever keeps the console.
    pub const PEOPLE_PASSWORD: &str = "people.password";
    /// An account's roles were changed.
    pub const PEOPLE_ROLES: &str = "people.roles";
    /// An account was shut out.
    pub const PEOPLE_DISABLE: &str = "people.disable";
    /// An account was let in again.
    pub const PEOPLE_ENABLE: &str = "people.enable";
    /// An account was said to be in its owner's hands.
    pub const PEOPLE_CONFIRM: &str = "people.confirm";
    /// Sessions were ended.
    pub const SESSION_END: &str = "session.end";
    /// A token for programs was made.
    pub const TOKEN_CREATE: &str = "token.create";
    /// A token was made worthless.
    pub const TOKEN_REVOKE: &str = "token.revoke";
    /// A request that a person may not make.
    pub const REQUEST: &str = "request";
    /// A snapshot was uploaded.
    pub const FILE_UPLOAD: &str = "file.upload";
    /// An upload was given up.
    pub const FILE_UPLOAD_CANCEL: &str = "file.upload.cancel";
    /// An upload is to be kept as evidence, even if no recovery can use it.
    pub const FILE_UPLOAD_EVIDENCE: &str = "file.upload.evidence";
    /// It was said which cluster a file belongs to.
    pub const FILE_CLUSTER: &str = "file.cluster";
    /// A file was removed: its bytes were deleted.
    pub const FILE_REMOVE: &str = "file.remove";
    /// A snapshot was downloaded.
    pub const FILE_DOWNLOAD: &str = "file.download";
    /// A plan was sealed.
    pub const PLAN_SEAL: &str = "plan.seal";
    /// A plan was approved.
    pub const PLAN_APPROVE: &str = "plan.approve";
    /// A plan was rejected.
    pub const PLAN_REJECT: &str = "plan.reject";
    /// A plan was withdrawn by its author.
    pub const PLAN_WITHDRAW: &str = "plan.withdraw";
    /// A plan was invalidated: something that it rests on has changed.
    pub const PLAN_INVALIDATE: &str = "plan.invalidate";
    /// A plan was let run without approval.
    pub const PLAN_BREAK_GLASS: &str = "plan.break-glass";
    /// The review of a plan that was run without approval was closed.
    pub const REVIEW_CLOSE: &str = "review.close";
    /// It was decided how many people must agree to plans.
    pub const POLICY_SET: &str = "policy.set";
    /// A cluster's own policy was taken away.
    pub const POLICY_REMOVE: &str = "policy.remove";
    /// A policy that asks for less was proposed.
    pub const POLICY_PROPOSE: &str = "policy.propose";
    /// A policy that one administrator lowered alone was confirmed by a second person.
    pub const POLICY_CONFIRM: &str = "policy.confirm";
    /// A proposed policy was withdrawn.
    pub const POLICY_WITHDRAW: &str = "policy.withdraw";
    /// A credential was put in or replaced.
    pub const SECRET_SET: &str = "secret.set";
    /// A credential was removed.
    pub const SECRET_REMOVE: &str = "secret.remove";
    /// All credentials were sealed again under a new master key.
    pub const SECRETS_ROTATE: &str = "secrets.rotate";
    /// The console was backed up.
    pub const CONSOLE_BACKUP: &str = "console.backup";
    /// A backup of the console was put back.
    pub const CONSOLE_RESTORE: &str = "console.restore";
    /// A job was started.
    pub const JOB_START: &str = "job.start";
    /// A pause was asked for.
    pub const JOB_PAUSE: &str = "job.pause";
    /// A paused job was continued.
    pub const JOB_RESUME: &str = "job.resume";
    /// A stop with undo was asked for.
    pub const JOB_ABORT: &str = "job.abort";
    /// A job's question was answered.
    pub const JOB_ANSWER: &str = "job.answer";
    /// A step of a job was carried out.
    pub const JOB_STEP: &str = "job.step";
    /// A step of a job was taken back.
    pub const JOB_UNDO: &str = "job.undo";
    /// A step of a job's hand-over was ticked as done.
    pub const JOB_HAND_OVER: &str = "job.hand-over";
    /// What a job that is over left was removed from the server.
    pub const JOB_REMOVE_LEFTOVERS: &str = "job.remove-leftovers";
    /// An artifact of a job was downloaded.
    pub const JOB_DOWNLOAD: &str = "job.download";
    /// The dossier of a job was downloaded.
    pub const JOB_DOSSIER: &str = "job.dossier";

    /// What a person reads for an act: `approve a plan`. The act's own name where it is not known here.
    pub fn phrase(act: &str) -> &str {
        match act {
            LEDGER_BEGIN => "start the ledger",
            SETUP => "create the first administrator",
            LOGIN => "sign in",
            LOGOUT => "sign out",
            JOIN => "sign in with a link",
            PASSWORD => "change a password",
            PEOPLE_INVITE => "invite a person",
            PEOPLE_LINK => "create a password link",
            PEOPLE_PASSWORD => "set a person's password",
            PEOPLE_ROLES => "change a person's roles",
            PEOPLE_DISABLE => "disable an account",
            PEOPLE_ENABLE => "enable an account",
            PEOPLE_CONFIRM => "confirm the owner of an account",
            SESSION_END => "end sessions",
            TOKEN_CREATE => "create a token",
            TOKEN_REVOKE => "revoke a token",
            REQUEST => "make a request",
            FILE_UPLOAD => "upload a file",
            FILE_UPLOAD_CANCEL => "cancel an upload",
            FILE_UPLOAD_EVIDENCE => "keep an upload as evidence",
            FILE_CLUSTER => "assign a file to a cluster",
            FILE_REMOVE => "remove a file",
            FILE_DOWNLOAD => "download a file",
            PLAN_SEAL => "seal a plan",
            PLAN_APPROVE => "approve a plan",
            PLAN_REJECT => "reject a plan",
            PLAN_WITHDRAW => "withdraw a plan",
            PLAN_INVALIDATE => "invalidate a plan",
            PLAN_BREAK_GLASS => "override the approval of a plan",
            REVIEW_CLOSE => "close the review of an override",
            POLICY_SET => "set a policy",
            POLICY_REMOVE => "remove a policy",
            POLICY_PROPOSE => "propose a lower policy",
            POLICY_CONFIRM => "confirm a lowered policy",
            POLICY_WITHDRAW => "withdraw a proposed policy",
            SECRET_SET => "store a credential",
            SECRET_REMOVE => "remove a credential",
            SECRETS_ROTATE => "rotate the master key",
            CONSOLE_BACKUP => "back up the console",
            CONSOLE_RESTORE => "restore the console from a backup",
            JOB_START => "start a job",
            JOB_PAUSE => "pause a job",
            JOB_RESUME => "resume a job",
            JOB_ABORT => "stop a job and roll it back",
            JOB_ANSWER => "answer a job's question",
            JOB_STEP => "run a step",
            JOB_UNDO => "roll a step back",
            JOB_HAND_OVER => "tick a hand-over step",
            JOB_REMOVE_LEFTOVERS => "remove what a job left",
            JOB_DOWNLOAD => "download an artifact",
            JOB_DOSSIER => "download a dossier",
            other => other,
        }
    }

    /// Every act named here.
    pub const ALL: [&str; 51] = [
        LEDGER_BEGIN,
        SETUP,
        LOGIN,
        LOGOUT,
        JOIN,
        PASSWORD,
        PEOPLE_INVITE,
        PEOPLE_LINK,
        PEOPLE_PASSWORD,
        PEOPLE_ROLES,
        PEOPLE_DISABLE,
        PEOPLE_ENABLE,
        PEOPLE_CONFIRM,
        SESSION_END,
        TOKEN_CREATE,
        TOKEN_REVOKE,
        REQUEST,
        FILE_UPLOAD,
        FILE_UPLOAD_CANCEL,
        FILE_UPLOAD_EVIDENCE,
        FILE_CLUSTER,
        FILE_REMOVE,
        FILE_DOWNLOAD,
        PLAN_SEAL,
        PLAN_APPROVE,
        PLAN_REJECT,
        PLAN_WITHDRAW,
        PLAN_INVALIDATE,
        PLAN_BREAK_GLASS,
        REVIEW_CLOSE,
        POLICY_SET,
        POLICY_REMOVE,
        POLICY_PROPOSE,
        POLICY_CONFIRM,
        POLICY_WITHDRAW,
        SECRET_SET,
        SECRET_REMOVE,
        SECRETS_ROTATE,
        CONSOLE_BACKUP,
        CONSOLE_RESTORE,
        JOB_START,
        JOB_PAUSE,
        JOB_RESUME,
        JOB_ABORT,
        JOB_ANSWER,
        JOB_STEP,
        JOB_UNDO,
        JOB_HAND_OVER,
        JOB_REMOVE_LEFTOVERS,
        JOB_DOWNLOAD,
        JOB_DOSSIER,
    ];
}

/// What is known of an act before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// The account's name; [`CONSOLE`] for what the server does by itself, empty where nobody is signed in.
    pub who: String,
    /// The account's id, where it is one: it tells one that was renamed, or made again under an old name, from the
    /// other.
    pub who_id: Option<String>,
    /// Where the request came from: an IP address, `command line`, or [`CONSOLE`].
    pub from: String,
    /// One of [`act`], or a name in its manner.
    pub act: String,
    /// The cluster it is about.
    pub cluster: Option<String>,
    /// What it is about, as a person would point at it: `file 9f31…c2`, `step 3 of 7: Build 3 members`.
    pub subject: String,
    /// The same as data, where code compares it.
    pub about: Option<About>,
    /// The job it belongs to.
    pub job: Option<String>,
    /// The hash of the plan it rests on, 64 hexadecimal digits.
    pub plan: Option<String>,
}

/// A cluster as entries have it: none where the name is empty.
pub fn named(cluster: &str) -> Option<String> {
    (!cluster.is_empty()).then(|| cluster.to_owned())
}

/// Who acts when the server does by itself.
pub const CONSOLE: &str = "console";

/// How an act came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was tried and did not succeed.
    Failed,
    /// It was not allowed, and not tried.
    Refused,
    /// The console stopped before it could write down how it came out.
    Unknown,
}

impl Outcome {
    /// The outcome as the ledger writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// Which part of an act an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Written before the act: it is about to be done.
    Opened,
    /// Written after the act: [`Entry::closes`] names the entry that opened it.
    Closed,
    /// Closes an act whose end was never written, because the console stopped in between.
    Unknown,
    /// Act and outcome in one entry: what changed nothing, such as a refused request.
    Noted,
}

impl Phase {
    /// The phase as the ledger writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
            Self::Noted => "noted",
        }
    }
}

/// One entry: a leaf of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// [`FORMAT`].
    pub format: String,
    /// Its place in the ledger, counted from 0.
    pub index: u64,
    /// Milliseconds since the Unix epoch, by the server's clock. Order in the ledger is by [`Entry::index`] alone.
    pub at_ms: i64,
    /// By how much the server's clock stands behind the entry before, when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_back_ms: Option<i64>,
    /// Which part of the act this is.
    pub phase: Phase,
    /// The entry that opened the act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<u64>,
    /// As [`Draft::who`].
    pub who: String,
    /// As [`Draft::who_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_id: Option<String>,
    /// As [`Draft::from`].
    pub from: String,
    /// As [`Draft::act`].
    pub act: String,
    /// As [`Draft::cluster`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// As [`Draft::subject`].
    pub subject: String,
    /// As [`Draft::about`]. Entries of before it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// As [`Draft::job`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// As [`Draft::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// How it came out; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why it came out so, where that needs saying: a rejection's reason, what was missing. Never an error text of
    /// another program, which may quote what it was given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Where and when an entry is written: what the ledger knows and an act does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// As [`Entry::index`].
    pub index: u64,
    /// As [`Entry::at_ms`].
    pub at_ms: i64,
    /// The time of the entry before.
    pub previous_ms: Option<i64>,
}

impl Entry {
    /// The entry written before an act.
    pub fn opened(place: Place, draft: &Draft) -> Self {
        Self::new(place, draft, Phase::Opened, None, None, "")
    }

    /// The entry written after it.
    pub fn closed(
        place: Place,
        draft: &Draft,
        opened: u64,
        outcome: Outcome,
        reason: &str,
    ) -> Self {
        let phase = match outcome {
            Outcome::Unknown => Phase::Unknown,
            _ => Phase::Closed,
        };
        Self::new(place, draft, phase, Some(opened), Some(outcome), reason)
    }

    /// The one entry of an act that changed nothing.
    pub fn noted(place: Place, draft: &Draft, outcome: Outcome, reason: &str) -> Self {
        Self::new(place, draft, Phase::Noted, None, Some(outcome), reason)
    }

    fn new(
        place: Place,
        draft: &Draft,
        phase: Phase,
        closes: Option<u64>,
        outcome: Option<Outcome>,
        reason: &str,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            index: place.index,
            at_ms: place.at_ms,
            clock_back_ms: place
                .previous_ms
                .map(|previous| previous.saturating_sub(place.at_ms))
                .filter(|back| *back > 0),
            phase,
            closes,
            who: tidy(&draft.who),
            who_id: draft.who_id.as_deref().map(tidy),
            from: tidy(&draft.from),
            act: tidy(&draft.act),
            cluster: draft.cluster.as_deref().map(tidy),
            subject: tidy(&draft.subject),
            about: draft.about.clone(),
            job: draft.job.as_deref().map(tidy),
            plan: draft.plan.as_deref().map(tidy),
            outcome,
            reason: tidy(reason),
        }
    }

    /// What was known of the act when it was opened.
    pub fn draft(&self) -> Draft {
        Draft {
            who: self.who.clone(),
            who_id: self.who_id.clone(),
            from: self.from.clone(),
            act: self.act.clone(),
            cluster: self.cluster.clone(),
            subject: self.subject.clone(),
            about: self.about.clone(),
            job: self.job.clone(),
            plan: self.plan.clone(),
        }
    }

    /// The bytes that are hashed: RFC 8785 JSON.
    pub fn canonical_json(&self) -> String {
        canonical::to_canonical_json(self)
    }
}

/// `text` as an entry has it: without control and invisible characters, and cut to [`MAX_TEXT_CHARS`].
pub fn tidy(text: &str) -> String {
    let mut tidy: String = text
        .chars()
        .map(|c| if escape::is_hidden(c) { ' ' } else { c })
        .take(MAX_TEXT_CHARS + 1)
        .collect();
    if let Some((at, _)) = tidy.char_indices().nth(MAX_TEXT_CHARS) {
        tidy.truncate(at);
        tidy.pop();
        tidy.push('…');
    }
    tidy
}
