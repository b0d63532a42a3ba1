//! A policy that asks for less takes two people: the administrator who wants it and one who confirms it, another
//! administrator or somebody who may approve there. Where there is nobody else it counts at once and stays listed,
//! for everybody to see, until somebody has confirmed it: a lone administrator at night is not locked out.

use requorum_shared::api::v1;
use requorum_shared::approval::Policy;
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::permission::{Permission, Place};

use super::shown::view;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::people::Late;
use crate::auth::store::User;
use crate::error::{Result, not_found, precondition};
use crate::ops::audit::{self, Done};
use crate::ops::authorize::{allowed, authorize};
use crate::paging::{Cursor, PageRequest};
use crate::plans::approvals::{Proposal, SetPolicy};
use crate::random;

/// Who could confirm proposals, read once.
pub(super) struct Confirmers {
    people: Vec<User>,
    late: Late,
}

impl Confirmers {
    pub(super) async fn load(app: &App) -> Result<Self> {
        let mut people = app.people.list().await?;
        people.retain(User::is_usable);
        Ok(Self {
            people,
            late: app.people.late().await?,
        })
    }

    /// Those who may confirm for that cluster what `by` wants, and are another person.
    fn of(&self, cluster: &str, by: &str) -> Vec<&User> {
        let hands = self.late.hands();
        let may = |user: &User| {
            user.grants
                .allow(Permission::ConfirmPolicy, Place::Cluster(cluster))
                .is_ok()
        };
        let people = self.people.iter();
        people
            .filter(|user| may(user) && !hands.may_be_one(&user.id, by))
            .collect()
    }

    /// Whether there is nobody, and was nobody a day ago, who could confirm what `by` wants.
    fn is_alone(&self, cluster: &str, by: &str) -> bool {
        let place = Place::Cluster(cluster);
        let could = self.late.could(Permission::ConfirmPolicy, place);
        self.of(cluster, by).is_empty() && could.iter().all(|id| id == by)
    }
}

/// What became of a wish for another policy.
pub(super) enum Wish {
    /// It asks for no less: it counts.
    Counts,
    /// It asks for less, and nobody could confirm it: it counts, and is listed.
    Alone(Proposal),
    /// It asks for less, and waits.
    Waits(Proposal),
}

/// What is to become of the wish for `wanted` instead of `now`, where `policy` is what is kept: none for the cluster's
/// own to go.
pub(super) async fn wish(
    app: &App,
    actor: &Actor,
    cluster: &str,
    now: &Policy,
    wanted: &Policy,
    policy: Option<Policy>,
) -> Result<Wish> {
    if !now.is_lowered_by(wanted) {
        return Ok(Wish::Counts);
    }
    let confirmers = Confirmers::load(app).await?;
    let alone = confirmers.is_alone(cluster, &actor.user_id);
    let proposal = Proposal {
        id: random::id(),
        cluster: cluster.to_owned(),
        policy,
        by_id: actor.user_id.clone(),
        by: actor.name.clone(),
        at_ms: app.clock.now_ms(),
        in_force: alone,
    };
    Ok(if alone {
        Wish::Alone(proposal)
    } else {
        Wish::Waits(proposal)
    })
}

/// Keeps a proposal that waits, and says for whom.
pub(super) async fn propose(app: &App, actor: &Actor, proposal: Proposal) -> Result<String> {
    let draft = Draft {
        about: proposal.policy.map(|policy| policy.about()),
        cluster: named(&proposal.cluster),
        ..audit::draft(actor, act::POLICY_PROPOSE, subject(&proposal))
    };
    let (approvals, kept) = (app.approvals.clone(), proposal.clone());
    audit::act(
        app,
        draft,
        async move { Ok(approvals.propose(&kept).await?) },
    )
    .await?;
    let confirmers = Confirmers::load(app).await?;
    Ok(waiting(&confirmers, &proposal))
}

/// What is said of a proposal to whoever made it.
pub(super) fn waiting(confirmers: &Confirmers, proposal: &Proposal) -> String {
    if proposal.in_force {
        return "It requires less than before. No one else could confirm it, so it applies at once and stays listed \
                until a second person has confirmed it."
            .into();
    }
    let names = names(&confirmers.of(&proposal.cluster, &proposal.by_id));
    if names.is_empty() {
        return "It requires less than the policy in force, so a second person must confirm it. Everyone who could \
                was disabled, lost their role or got a new password within the last day. Until another administrator or \
                approver can, the policy stays as it is."
            .into();
    }
    format!(
        "It requires less than the policy in force, so a second person must confirm it. The policy stays as it is until \
         one of these confirms the new one: {}.",
        names.join(", ")
    )
}

/// Puts a proposal in force.
pub async fn confirm(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authorize(app, actor, Permission::ConfirmPolicy, Place::Anywhere).await?;
    let proposal = find(app, id).await?;
    let place = Place::Cluster(&proposal.cluster);
    authorize(app, actor, Permission::ConfirmPolicy, place).await?;
    let confirmers = Confirmers::load(app).await?;
    if let Some(why) = is_one_with(&confirmers, actor, &proposal) {
        return Err(precondition("policy.second-person", why));
    }
    let what = match (&proposal.policy, proposal.in_force) {
        (_, true) => act::POLICY_CONFIRM,
        (Some(_), false) => act::POLICY_SET,
        (None, false) => act::POLICY_REMOVE,
    };
    // A run holds a policy against the entry that set it: that says what it says of any policy, and who asked for it
    // beside that.
    let said = match (&proposal.policy, proposal.in_force) {
        (Some(policy), false) => policy.subject(&proposal.cluster),
        (None, false) => proposal.cluster.clone(),
        (_, true) => subject(&proposal),
    };
    let draft = Draft {
        about: proposal.policy.map(|policy| policy.about()),
        cluster: named(&proposal.cluster),
        ..audit::draft(actor, what, said)
    };
    let (here, kept, by) = (app.clone(), proposal.clone(), actor.name.clone());
    audit::carry(app, draft, move |entry| async move {
        let set = kept.policy.map(|policy| SetPolicy {
            cluster: kept.cluster.clone(),
            policy,
            by,
            at_ms: here.clock.now_ms(),
            entry: Some(entry),
        });
        if !here.approvals.adopt_proposal(&kept, set.as_ref()).await? {
            return Err(gone());
        }
        Ok(Done {
            reason: format!("asked for by {}", kept.by),
            ..Done::plainly(())
        })
    })
    .await?;
    tracing::info!(cluster = %proposal.cluster, by = %actor.name, asked = %proposal.by, "confirmed a lower policy");
    Ok(())
}

/// Takes a proposal back.
pub async fn withdraw(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authorize(app, actor, Permission::ConfirmPolicy, Place::Anywhere).await?;
    let proposal = find(app, id).await?;
    let place = Place::Cluster(&proposal.cluster);
    authorize(app, actor, Permission::ConfirmPolicy, place).await?;
    if proposal.in_force {
        return Err(precondition(
            "policy.in-force",
            "This policy is already in force. An administrator can set another one.",
        ));
    }
    let draft = Draft {
        about: proposal.policy.map(|policy| policy.about()),
        cluster: named(&proposal.cluster),
        ..audit::draft(actor, act::POLICY_WITHDRAW, subject(&proposal))
    };
    let (approvals, id) = (app.approvals.clone(), proposal.id);
    audit::act(app, draft, async move {
        if approvals.drop_proposal(&id).await? {
            return Ok(());
        }
        Err(gone())
    })
    .await
}

/// A page of those that wait, as this person sees them, the newest first.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &v1::ListPolicyProposalsRequest,
) -> Result<v1::ListPolicyProposalsResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let list = "policy proposals";
    let page = PageRequest::read(list, request.page_size, &request.page_token)?;
    let mut waiting = app.approvals.proposals().await?;
    if let Some(cluster) = &request.cluster {
        waiting.retain(|proposal| proposal.cluster == *cluster);
    }
    if waiting.is_empty() {
        return Ok(v1::ListPolicyProposalsResponse::default());
    }
    waiting.sort_by(|a, b| (b.at_ms, &a.id).cmp(&(a.at_ms, &b.id)));
    let total = waiting.len() as u64;
    let confirmers = Confirmers::load(app).await?;
    let rows = waiting.into_iter().map(|proposal| {
        let cursor = Cursor::at(proposal.at_ms, &proposal.id);
        (cursor, seen_by(actor, &confirmers, proposal))
    });
    let (proposals, next_page_token) = page.page_of(rows.collect());
    Ok(v1::ListPolicyProposalsResponse {
        proposals,
        next_page_token,
        total,
    })
}

fn seen_by(actor: &Actor, confirmers: &Confirmers, proposal: Proposal) -> v1::PolicyProposal {
    let place = Place::Cluster(&proposal.cluster);
    let may = allowed(actor, Permission::ConfirmPolicy, place);
    let why_not = match &may {
        Err(denied) => denied.message.clone(),
        Ok(()) => is_one_with(confirmers, actor, &proposal).unwrap_or_default(),
    };
    v1::PolicyProposal {
        could_confirm: names(&confirmers.of(&proposal.cluster, &proposal.by_id)),
        you_can_confirm: why_not.is_empty(),
        why_not,
        you_can_withdraw: may.is_ok() && !proposal.in_force,
        wanted: proposal.policy.map(|policy| {
            view(SetPolicy {
                cluster: proposal.cluster.clone(),
                policy,
                by: String::new(),
                at_ms: 0,
                entry: None,
            })
        }),
        id: proposal.id,
        cluster: proposal.cluster,
        by: proposal.by,
        at_ms: proposal.at_ms,
        in_force: proposal.in_force,
    }
}

/// Why the actor is no second person beside whoever wants it.
fn is_one_with(confirmers: &Confirmers, actor: &Actor, proposal: &Proposal) -> Option<String> {
    if actor.user_id == proposal.by_id {
        return Some("You proposed this policy: another person must confirm it.".into());
    }
    let hands = confirmers.late.hands();
    hands.may_be_one(&actor.user_id, &proposal.by_id).then(|| {
        format!(
            "Within the last day a password link or a role came from {}, who wants this policy, or both of you got one \
             from the same administrator. For a day you count as one person.",
            proposal.by
        )
    })
}

async fn find(app: &App, id: &str) -> Result<Proposal> {
    let proposals = app.approvals.proposals().await?;
    let found = proposals.into_iter().find(|proposal| proposal.id == id);
    found.ok_or_else(gone)
}

fn gone() -> crate::error::ApiError {
    not_found(
        "policy.proposal-missing",
        "This policy is no longer proposed: it was confirmed, withdrawn or replaced. Reload the policies.",
    )
}

fn names(people: &[&User]) -> Vec<String> {
    people.iter().map(|user| user.name.clone()).collect()
}

/// What the ledger says of it.
fn subject(proposal: &Proposal) -> String {
    let what = match &proposal.policy {
        Some(policy) => policy.subject(&proposal.cluster),
        None => format!("{}: its own policy taken away.", proposal.cluster),
    };
    format!("{what} Asked for by {}.", proposal.by)
}
