//! The last look before a plan is run: what lets it be run is held against the ledger.
//!
//! Whoever can write to the database, and has not the key that signs the ledger, can put votes and policies there, move
//! an expiry, exchange an author, or revive a plan that was closed. None of that is believed: each row counts for what
//! the ledger says was done.

use std::time::{Duration, Instant};

use requorum_shared::approval::{AcceptedWarning, accepted};
use requorum_shared::ledger::entry::{Outcome, act, tidy};
use tokio::sync::watch;

use super::state::ApprovalState;
use crate::app::App;
use crate::clock;
use crate::error::{ApiError, Result, precondition};
use crate::ledger::proven::{LookupError, ProvenAct};
use crate::ledger::status::LedgerStatus;
use crate::ledger::store::Filter;
use crate::ops::plans::{self, EXPIRES_AFTER_MS};
use crate::plans::approvals::Vote;
use crate::plans::store::PlanRow;

/// How long an act that has its effect may take to have its end in the ledger too.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// What every refusal here ends with.
const LOOK: &str = "Nothing was done. Find out who can write to the database";
/// What shows which entries were changed.
const AUDIT: &str = "run `requorum audit verify` on the server";

/// The plan, its author, the votes that count, and the policy that asks for them, whose entry this gives.
pub(super) async fn of_approval(
    app: &App,
    row: &PlanRow,
    standing: &ApprovalState,
) -> Result<Option<u64>> {
    of_plan(app, row, standing).await?;
    for vote in &standing.votes {
        // What does not count proves nothing, and stands in nobody's way.
        if vote.plan_hash == row.hash && standing.is_able(&vote.user_id) {
            of_vote(app, row, vote).await?;
        }
    }
    of_policy(app, standing).await
}

/// The plan, its author, and who let it be run without approval.
pub(super) async fn of_glass(app: &App, row: &PlanRow, standing: &ApprovalState) -> Result<()> {
    of_plan(app, row, standing).await?;
    let Some(review) = &standing.review else {
        return Ok(());
    };
    let who = &review.broken_by;
    let person = (who.as_str(), review.broken_by_id.as_str());
    let broken = done(app, row, act::PLAN_BREAK_GLASS, person, review.entry).await?;
    let same = broken.is_some_and(|act| {
        accepts(&act, row, review.accepted.as_deref())
            && act
                .closed
                .is_some_and(|end| end.reason == tidy(&review.reason))
    });
    if same && is_account(app, &review.broken_by_id, who).await? {
        return Ok(());
    }
    Err(unproven(
        "review.unproven",
        format!(
            "The database says that {who} let this plan run without approval, and the ledger does not."
        ),
        "reject this plan, and seal a new one",
    ))
}

/// What lies beside the sealed plan must be what it says.
async fn of_plan(app: &App, row: &PlanRow, standing: &ApprovalState) -> Result<()> {
    let plan = standing.plan()?;
    let author = plan.author == row.author && is_account(app, &row.author_id, &plan.author).await?;
    let wrong = if !author {
        format!(
            "The database says that this plan is {}'s, and the plan says that {} made it.",
            row.author, plan.author
        )
    } else if row.id != plan.id || row.cluster != plan.cluster {
        "The database says that this plan is another one, or another cluster's, than the plan itself says.".into()
    } else if clock::text(row.sealed_ms) != plan.sealed_at
        || row.expires_ms != row.sealed_ms + EXPIRES_AFTER_MS
    {
        format!(
            "The database says that this plan was sealed at {} and may be run until {}, and the plan says that it was \
             sealed at {}.",
            clock::text(row.sealed_ms),
            clock::text(row.expires_ms),
            plan.sealed_at
        )
    } else if let Some(sealed) = done(
        app,
        row,
        act::PLAN_SEAL,
        (plan.author.as_str(), row.author_id.as_str()),
        row.entry,
    )
    .await?
    {
        let Some(act) = closing(app, row, &sealed).await? else {
            return Ok(());
        };
        if !plans::current(app, &row.id).await?.state.is_alive() {
            return Err(plans::decided_meanwhile());
        }
        let who = &act.opened.who;
        let closed = match act.opened.act.as_str() {
            act::PLAN_WITHDRAW => format!("{who} withdrew it"),
            act::REVIEW_CLOSE => format!("{who} closed the review of its override"),
            _ => format!("{who} rejected it"),
        };
        format!("The database says that this plan can be run, and the ledger says that {closed}.")
    } else {
        format!(
            "The ledger does not say that {} sealed this plan.",
            plan.author
        )
    };
    Err(unproven("plan.unproven", wrong, "seal a new plan"))
}

/// The act that closed this plan after it was sealed, if the ledger says that one was done: no plan is run after that,
/// whatever its row says. One that is under way is waited for.
async fn closing(app: &App, row: &PlanRow, sealed: &ProvenAct) -> Result<Option<ProvenAct>> {
    let closes = |found: &ProvenAct| {
        [act::PLAN_REJECT, act::PLAN_WITHDRAW, act::REVIEW_CLOSE].contains(&&*found.opened.act)
            && found.opened.plan.as_deref() == Some(&*row.hash)
            && matches!(found.outcome(), None | Some(Outcome::Done))
    };
    let mut ends = Ends::of(app);
    loop {
        let found = app
            .ledger
            .newest_decision(sealed.opened.index, closes)
            .await
            .map_err(unsigned)?;
        if found.as_ref().is_none_or(|act| act.outcome().is_some()) {
            return Ok(found);
        }
        match ends.next().await {
            Waited::New => {}
            Waited::Closed => return Ok(found),
            // What has not ended in time may have its effect at any moment.
            Waited::TooLong => return Err(plans::decided_meanwhile()),
        }
    }
}

async fn of_vote(app: &App, row: &PlanRow, vote: &Vote) -> Result<()> {
    let who = &vote.user;
    let person = (who.as_str(), vote.user_id.as_str());
    let voted = done(app, row, act::PLAN_APPROVE, person, vote.entry).await?;
    let same = voted.is_some_and(|act| accepts(&act, row, vote.accepted.as_deref()));
    if same && is_account(app, &vote.user_id, who).await? {
        return Ok(());
    }
    Err(unproven(
        "approval.unproven",
        format!("The database says that {who} approved this plan, and the ledger does not."),
        "seal a new plan",
    ))
}

/// Whether the ledger says that these warnings were accepted. What an earlier version took accepts none.
fn accepts(act: &ProvenAct, row: &PlanRow, accepted: Option<&[AcceptedWarning]>) -> bool {
    let about = act.opened.about.as_ref();
    match accepted {
        Some(accepted) => about == Some(&accepted::about(&row.id, accepted)),
        None => about.is_some_and(|about| about.is_plan(&row.id)),
    }
}

/// The policy in force must be the one that was set last. Gives its entry, where one was ever set.
pub(super) async fn of_policy(app: &App, standing: &ApprovalState) -> Result<Option<u64>> {
    let mut entry = None;
    let own = standing.plan()?.cluster.as_str();
    let used = standing.policy_set();
    // A policy of its own hides the one for everything; that there is none has to be shown too.
    let mut clusters = vec![own];
    if !own.is_empty() && used.is_none_or(|set| set.cluster.is_empty()) {
        clusters.push("");
    }
    for cluster in clusters {
        let set = used.filter(|set| set.cluster == cluster);
        let newest = newest_policy(app, cluster).await?;
        let said = newest
            .as_ref()
            .filter(|act| act.opened.act == act::POLICY_SET);
        let same = match (set, said) {
            (None, None) => true,
            (Some(set), Some(said)) => {
                entry = Some(said.opened.index);
                said.opened.about == Some(set.policy.about())
                    && said.opened.who == set.by
                    && set.entry.is_none_or(|entry| entry == said.opened.index)
            }
            _ => false,
        };
        if !same {
            let whose = match cluster {
                "" => "The default policy".to_owned(),
                cluster => format!("The policy for {cluster}"),
            };
            return Err(unproven(
                "policy.unproven",
                format!(
                    "{whose} in the database is not the one that was set last, as the ledger has it: what \
                     it requires cannot be trusted."
                ),
                "have an administrator set the policy again, under Settings, Policies",
            ));
        }
    }
    Ok(entry)
}

/// What was last done to a cluster's policy.
async fn newest_policy(app: &App, cluster: &str) -> Result<Option<ProvenAct>> {
    // Of one whose end is not known it is not known either whether it counts: it does if it is what is there.
    let counts = |found: &ProvenAct| {
        [act::POLICY_SET, act::POLICY_REMOVE].contains(&&*found.opened.act)
            && found.opened.cluster.as_deref().unwrap_or_default() == cluster
    };
    let newest = app.ledger.newest_decision(0, counts).await;
    newest.map_err(|error| {
        let again = match cluster {
            "" => "the default policy".to_owned(),
            cluster => format!("the policy of {cluster}"),
        };
        unsigned_unless(
            error,
            &format!("have an administrator set {again} again, under Settings, Policies"),
        )
    })
}

/// The act on this plan, by this person, that the ledger says was done.
async fn done(
    app: &App,
    row: &PlanRow,
    act: &str,
    (who, who_id): (&str, &str),
    entry: Option<u64>,
) -> Result<Option<ProvenAct>> {
    let fits = |found: &ProvenAct| {
        let opened = &found.opened;
        opened.act == act
            && opened.who == who
            // Entries of earlier versions name people by their names alone.
            && opened.who_id.as_deref().is_none_or(|id| id == who_id)
            && opened.plan.as_deref() == Some(&*row.hash)
            && matches!(found.outcome(), None | Some(Outcome::Done))
    };
    let Some(entry) = entry else {
        let filter = Filter {
            act: act.to_owned(),
            who: who.to_owned(),
            plan: row.hash.clone(),
            ..Filter::default()
        };
        let found = app.ledger.find_act(filter, fits).await;
        let found = found.map_err(unsigned)?;
        return Ok(found.filter(|found| found.outcome().is_some()));
    };
    // It has its effect before it has its end, and somebody may be this quick.
    let mut ends = Ends::of(app);
    loop {
        let found = app.ledger.proven_act(entry).await;
        let found = found.map_err(unsigned)?.filter(fits);
        if found.as_ref().is_none_or(|found| found.outcome().is_some()) {
            return Ok(found);
        }
        if ends.next().await != Waited::New {
            return Ok(None);
        }
    }
}

/// The entries that come while the end of an act is waited for. Only the waiting is limited: how long the ledger takes to
/// be read says nothing about the act.
struct Ends {
    seen: watch::Receiver<LedgerStatus>,
    /// How much longer it is waited, in all.
    left: Duration,
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
enum Waited {
    /// Entries were written.
    New,
    /// The ledger is closed.
    Closed,
    /// All the time is used up.
    TooLong,
}

impl Ends {
    fn of(app: &App) -> Self {
        Self {
            seen: app.ledger.watch(),
            left: ENDS_WITHIN,
        }
    }

    async fn next(&mut self) -> Waited {
        let begun = Instant::now();
        let waited = tokio::time::timeout(self.left, self.seen.changed()).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        match waited {
            Ok(Ok(())) => Waited::New,
            Ok(Err(_)) => Waited::Closed,
            Err(_) => Waited::TooLong,
        }
    }
}

/// Whether this is the account's name, or that of one of its programs.
async fn is_account(app: &App, id: &str, name: &str) -> Result<bool> {
    let people = app.people.list().await?;
    Ok(people.iter().any(|user| {
        user.id == id
            && name.strip_prefix(&user.name).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(" (") && rest.ends_with(')')
            })
    }))
}

fn unproven(code: &'static str, what: String, todo: &str) -> ApiError {
    tracing::error!(code, "{what}");
    precondition(code, format!("{what} {LOOK}, and {todo}."))
}

/// What the ledger says is not known, so that it is not known either whether the plan may be run.
fn unsigned(error: LookupError) -> ApiError {
    unsigned_unless(
        error,
        "seal a new plan: only entries after that count for it",
    )
}

/// The same; `instead` makes the changed entry one that does not count.
fn unsigned_unless(error: LookupError, instead: &str) -> ApiError {
    match error {
        LookupError::Store(error) => error.into(),
        LookupError::Changed(entry) => unproven(
            "ledger.unproven",
            format!("Entry {entry} of the ledger is not what was signed."),
            &format!("{AUDIT}; then {instead}"),
        ),
        LookupError::Tree => unproven(
            "ledger.unproven",
            "The entries of the ledger do not add up to its newest signed checkpoint.".into(),
            AUDIT,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_waiting_uses_up_the_time() {
        let standing = LedgerStatus {
            size: 0,
            note: "".into(),
            trouble: None,
            damaged: false,
        };
        let (writes, seen) = watch::channel(standing);
        let left = Duration::from_millis(200);
        let mut ends = Ends { seen, left };
        // The ledger is read meanwhile.
        tokio::time::sleep(2 * left).await;
        let (waited, ()) = tokio::join!(ends.next(), async {
            tokio::time::sleep(left / 10).await;
            writes.send_modify(|standing| standing.size += 1);
        });
        assert_eq!(waited, Waited::New);
        assert!(ends.left < left);
        assert_eq!(ends.next().await, Waited::TooLong);
        assert_eq!(ends.next().await, Waited::TooLong);
        drop(writes);
        assert_eq!(ends.next().await, Waited::Closed);
    }
}
