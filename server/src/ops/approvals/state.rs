//! Where a plan's approval stands: the rule for it, who agreed, who could.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use requorum_shared::api::v1::{self, InboxKind};
use requorum_shared::approval::accepted;
use requorum_shared::approval::{
    self, AcceptedWarning, Authorization, BreakGlass, Case, Judgement, Person, Policy,
    PolicyInForce, Reversibility, Rule,
};
use requorum_shared::permission::{Permission, Place};
use requorum_shared::recovery::Plan;

use super::shown::{self, named};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::store::User;
use crate::clock;
use crate::counts::Deciders;
use crate::error::{Result, internal};
use crate::plans::approvals::{Review, SetPolicy, Vote};
use crate::plans::list::OpenGroup;
use crate::plans::store::PlanRow;

/// What a policy without overrides says.
pub(super) const NO_GLASS: &str = "The policy of this plan does not allow break-glass overrides. An administrator can \
                                   change it under Settings, Policies.";
/// Why an override is refused for a plan that can run.
pub(super) const READY: &str = "This plan needs no override: it is ready to run.";

/// Why two accounts count as one person.
const APART: &str = "For 24 hours after an administrator creates an account, sets its password by a link or gives it a \
                     role, the two count as one person, and so do two accounts of the same administrator.";
/// Why a program is refused.
const SIGN_IN: &str = "An API token cannot do this: sign in.";

/// A sentence names at most so many people.
const NAMED_PEOPLE: usize = 6;

/// What all plans of one cluster are judged by.
pub(super) struct Electorate {
    policy: Policy,
    /// The row that says so; none where no policy was ever set.
    set: Option<SetPolicy>,
    /// Who may approve: ids, and names in the same order.
    able: Vec<String>,
    names: Vec<String>,
    /// Who could until something was done to their account within the last day.
    taken: Vec<String>,
}

/// All that a judgement rests on, as it is now.
pub(super) struct ApprovalState {
    policy: Policy,
    electorate: Arc<Electorate>,
    plan: Option<Plan>,
    weight: Reversibility,
    cluster: String,
    author_id: String,
    author: String,
    pub(super) votes: Vec<Vote>,
    /// Ids of `votes`, bound to this plan's hash.
    voted: Vec<String>,
    deciders: Arc<Deciders>,
    pub(super) review: Option<Review>,
    /// Names of those whose approval would help, once somebody has asked for them.
    could: OnceLock<Vec<String>>,
}

/// Which plans of those that wait for the actor.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Wanted<'a> {
    /// Only those of this cluster.
    pub(in crate::ops) cluster: Option<&'a str>,
    /// Those that the actor can approve.
    pub(in crate::ops) to_approve: bool,
    /// Those that the actor can only run.
    pub(in crate::ops) to_run: bool,
}

/// What many judgements rest on: everybody's roles and all policies, read once.
pub(in crate::ops) struct Rules(Arc<Deciders>);

impl Rules {
    /// As they are now: for acts.
    pub(in crate::ops) async fn load(app: &App) -> Result<Self> {
        Ok(Self(Arc::new(deciders(app).await?)))
    }

    /// As they were read for everybody a moment ago, before nothing that was written since: for lists.
    pub(in crate::ops) async fn for_lists(app: &App) -> Result<Self> {
        let (counts, now) = (&app.lists.counts, app.clock.now_ms());
        let deciders = counts.deciders.get(app.db.writes(), now, deciders(app));
        Ok(Self(deciders.await?))
    }

    /// What the plans of a cluster are judged by.
    pub(super) fn electorate(&self, cluster: &str) -> Electorate {
        let place = Place::Cluster(cluster);
        let Deciders {
            people,
            policies,
            late,
            ..
        } = &*self.0;
        let set = shown::among(policies, cluster).cloned();
        let may = |user: &&User| user.grants.allow(Permission::Approve, place).is_ok();
        let able = people.iter().filter(may);
        let (able, names) = able
            .map(|user| (user.id.clone(), user.name.clone()))
            .unzip();
        Electorate {
            policy: set.as_ref().map_or_else(Policy::default, |set| set.policy),
            set,
            able,
            names,
            taken: late.could(Permission::Approve, place),
        }
    }

    /// Whether the approval of this account counts for a cluster, beside others'.
    pub(super) fn anybody_else_may_approve(&self, cluster: &str, but: &str) -> bool {
        let place = Place::Cluster(cluster);
        self.0.people.iter().any(|user| {
            !self.are_one(&user.id, but) && user.grants.allow(Permission::Approve, place).is_ok()
        })
    }

    /// Whether two accounts count as one person: the same one, or one that the other's owner has had in hand of late.
    pub(super) fn are_one(&self, one: &str, other: &str) -> bool {
        one == other || self.0.hands.may_be_one(one, other)
    }

    /// The groups of plans of which the actor can approve or run each: what [`ApprovalState::waits_for`] says
    /// of one plan.
    pub(super) fn waiting_for(
        &self,
        actor: &Actor,
        wanted: Wanted<'_>,
        groups: &[OpenGroup],
    ) -> Vec<OpenGroup> {
        let mut electorates = HashMap::new();
        let mut waits = |group: &OpenGroup| {
            let place = Place::Cluster(&group.cluster);
            let may = |permission| actor.grants.allow(permission, place).is_ok();
            let electorate: &Electorate = electorates
                .entry(group.cluster.clone())
                .or_insert_with(|| self.electorate(&group.cluster));
            let case = |runner| Case {
                rule: electorate.policy.rule(group.weight),
                author: &group.author_id,
                votes: &group.voters,
                able: &electorate.able,
                taken: &electorate.taken,
                hands: &self.0.hands,
                runner,
            };
            let enough = |runner| matches!(case(runner).judge(), Judgement::Enough { .. });
            let can_approve = || {
                may(Permission::Approve)
                    && !actor.is_program()
                    && !group.broke_glass
                    && case(None).helps(&actor.user_id)
            };
            let can_run = || {
                let ready = group.broke_glass || (enough(None) && enough(Some(&actor.user_id)));
                may(Permission::Run) && ready
            };
            let asked = wanted.cluster.is_none_or(|name| name == group.cluster);
            // What can be approved is shown as that.
            let fits = || match can_approve() {
                true => wanted.to_approve,
                false => wanted.to_run && can_run(),
            };
            asked && may(Permission::See) && fits()
        };
        groups
            .iter()
            .filter(|group| waits(group))
            .cloned()
            .collect()
    }
}

impl ApprovalState {
    pub(super) async fn load(app: &App, row: &PlanRow, plan_json: &str) -> Result<Self> {
        let plan: Plan = serde_json::from_str(plan_json).map_err(internal)?;
        let rules = Rules::load(app).await?;
        let votes = app.approvals.votes(&row.id).await?;
        let review = app.approvals.review_of(&row.id).await?;
        let electorate = Arc::new(rules.electorate(&plan.cluster));
        Ok(Self {
            weight: Reversibility::of(&plan),
            plan: Some(plan),
            ..Self::of(&rules, row, votes, review, electorate)
        })
    }

    /// By what the row says of the plan: good enough for a list.
    pub(super) fn of(
        rules: &Rules,
        row: &PlanRow,
        votes: Vec<Vote>,
        review: Option<Review>,
        electorate: Arc<Electorate>,
    ) -> Self {
        Self {
            policy: electorate.policy,
            electorate,
            plan: None,
            weight: row.weight,
            cluster: row.cluster.clone(),
            author_id: row.author_id.clone(),
            author: row.author.clone(),
            voted: votes
                .iter()
                .filter(|vote| vote.plan_hash == row.hash)
                .map(|vote| vote.user_id.clone())
                .collect(),
            votes,
            deciders: rules.0.clone(),
            review,
            could: OnceLock::new(),
        }
    }

    /// The row of the policy that counts; none where no policy was ever set.
    pub(super) fn policy_set(&self) -> Option<&SetPolicy> {
        self.electorate.set.as_ref()
    }

    /// Whether the policy that counts allows an override.
    pub(super) fn allows_break_glass(&self) -> bool {
        self.policy.break_glass
    }

    /// Whether this account may approve.
    pub(super) fn is_able(&self, user_id: &str) -> bool {
        self.electorate.able.iter().any(|id| id == user_id)
    }

    /// As it would be under another policy.
    pub(super) fn under(self, policy: Policy) -> Self {
        Self {
            policy,
            could: OnceLock::new(),
            ..self
        }
    }

    /// The sealed plan, as it was read; a list reads none.
    pub(super) fn plan(&self) -> Result<&Plan> {
        let missing = || internal(anyhow::anyhow!("the plan was not read"));
        self.plan.as_ref().ok_or_else(missing)
    }

    /// Whether this person's approval would help, while the plan can still come to be run.
    fn helps(&self, actor: &Actor) -> bool {
        let may = actor
            .grants
            .allow(Permission::Approve, self.place())
            .is_ok();
        may && !actor.is_program() && self.review.is_none() && self.case(None).helps(&actor.user_id)
    }

    /// Whose roles count.
    fn place(&self) -> Place<'_> {
        Place::Cluster(&self.cluster)
    }

    fn rule(&self) -> Rule {
        self.policy.rule(self.weight)
    }

    pub(super) fn case<'a>(&'a self, runner: Option<&'a str>) -> Case<'a> {
        Case {
            rule: self.rule(),
            author: &self.author_id,
            votes: &self.voted,
            able: &self.electorate.able,
            taken: &self.electorate.taken,
            hands: &self.deciders.hands,
            runner,
        }
    }

    /// The warnings that whoever lets the plan run accepts: those of its sealed report.
    pub(super) fn warnings(&self) -> Result<Vec<AcceptedWarning>> {
        Ok(accepted::warnings(&self.plan()?.report))
    }

    /// Those that no approval that counts, and no override, has accepted.
    pub(super) fn unaccepted(&self) -> Result<Vec<AcceptedWarning>> {
        let mut open = self.warnings()?;
        let counts =
            |vote: &&Vote| self.voted.contains(&vote.user_id) && self.is_able(&vote.user_id);
        let votes = self.votes.iter().filter(counts).map(|vote| &vote.accepted);
        let override_ = self.review.iter().map(|review| &review.accepted);
        for accepted in votes.chain(override_).flatten() {
            open.retain(|warning| !accepted.contains(warning));
        }
        Ok(open)
    }

    /// What lets the actor run it, for the job's journal, with the warnings that they accept by it.
    pub(super) fn grounds(
        &self,
        actor: &Actor,
        policy_entry: Option<u64>,
        accepted: Vec<AcceptedWarning>,
    ) -> Authorization {
        let person = |id: &str, name: &str| Person {
            id: id.to_owned(),
            name: name.to_owned(),
        };
        Authorization {
            weight: self.weight,
            rule: self.rule(),
            author: person(&self.author_id, &self.author),
            runner: person(&actor.user_id, &actor.name),
            able: self.eligible().map(|(id, name)| person(id, name)).collect(),
            taken: self.electorate.taken.clone(),
            hands: self.deciders.hands.clone(),
            votes: self
                .votes
                .iter()
                .map(|vote| approval::Vote {
                    by: person(&vote.user_id, &vote.user),
                    at_ms: vote.at_ms,
                    plan_hash: vote.plan_hash.clone(),
                    accepted: vote.accepted.clone(),
                })
                .collect(),
            policy: self.policy_set().map(|set| PolicyInForce {
                cluster: set.cluster.clone(),
                policy: set.policy,
                by: set.by.clone(),
                at_ms: set.at_ms,
                entry: policy_entry.or(set.entry),
            }),
            glass: self.review.as_ref().map(|review| BreakGlass {
                review: review.id.clone(),
                by: person(&review.broken_by_id, &review.broken_by),
                at_ms: review.broken_ms,
                reason: review.reason.clone(),
                accepted: review.accepted.clone(),
            }),
            accepted: Some(accepted),
        }
    }

    pub(super) fn has_vote_of(&self, user_id: &str) -> bool {
        self.voted.iter().any(|voter| voter == user_id)
    }

    /// The names of those who agreed.
    pub(super) fn voters(&self) -> String {
        let names: Vec<_> = self.votes.iter().map(|vote| vote.user.as_str()).collect();
        names.join(", ")
    }

    /// What is worth keeping about an approval.
    pub(super) fn remark(&self, alone: bool) -> String {
        match (alone, self.rule().approvers) {
            (_, 0) => "No approval required by the policy.".into(),
            (true, _) if self.electorate.able.len() < 2 => {
                "Approved by the author alone: no other person was eligible.".into()
            }
            (true, _) => "Approved by the author alone, as the policy allows.".into(),
            (false, _) => String::new(),
        }
    }

    /// Who may approve, by id and name.
    fn eligible(&self) -> impl Iterator<Item = (&str, &str)> {
        let Electorate { able, names, .. } = &*self.electorate;
        able.iter()
            .map(String::as_str)
            .zip(names.iter().map(String::as_str))
    }

    /// Names of those whose approval would help.
    fn could(&self) -> &[String] {
        self.could.get_or_init(|| {
            let case = self.case(None);
            let mut helping = case.who_helps().peekable();
            let named = self.eligible();
            // Both are in the order of the accounts.
            let helps = |id: &str| helping.next_if(|next| *next == id).is_some();
            let mut helps = helps;
            named
                .filter(|(id, _)| helps(id))
                .map(|(_, name)| name.to_owned())
                .collect()
        })
    }

    fn ask_whom(&self) -> String {
        let could = self.could();
        if could.is_empty() {
            if let Some(held_back) = self.held_back() {
                return held_back;
            }
            return "No one is eligible: an administrator can give another person the approver role."
                .into();
        }
        format!("Eligible: {}", some_of(could))
    }

    /// Who may approve, and counts as one person with the author for a while.
    fn held_back(&self) -> Option<String> {
        let is_one =
            |id: &str| id != self.author_id && self.deciders.hands.may_be_one(id, &self.author_id);
        let (id, name) = self.eligible().find(|(id, _)| is_one(id))?;
        Some(format!(
            "{name} may approve, but counts as the same person as {} until {}. {APART} `requorum user confirm` on the \
             server lifts that at once.",
            self.author,
            self.apart_at(id),
        ))
    }

    fn apart_at(&self, id: &str) -> String {
        let until = [id, self.author_id.as_str()].into_iter();
        let until = until.filter_map(|id| self.deciders.late.until_ms(id)).max();
        until.map_or_else(|| "then".into(), clock::text)
    }

    /// How far it is, for the person who wants to run it, in a sentence or two.
    pub(super) fn sentence(&self, runner: Option<&Actor>) -> String {
        if let Some(review) = &self.review {
            return format!(
                "Not approved: {} overrode the approval. Allowed to run.",
                review.broken_by
            );
        }
        let judgement = self
            .case(runner.map(|actor| actor.user_id.as_str()))
            .judge();
        let own = runner.is_some_and(|actor| self.has_vote_of(&actor.user_id));
        match judgement {
            Judgement::Enough { .. } if self.rule().approvers == 0 => {
                "No approval required. Ready to run.".into()
            }
            Judgement::Enough { .. } => "Approved. Ready to run.".into(),
            Judgement::Second if own => {
                "You approved this plan, and its only approver cannot run it. Have another person run it or approve \
                 it too."
                    .into()
            }
            short => format!("{} {}", missing(short), self.ask_whom()),
        }
    }

    /// Whether this person can approve it now, or else run it, with a sentence for their inbox.
    pub(super) fn waits_for(&self, actor: &Actor, row: &PlanRow) -> Option<(InboxKind, String)> {
        if !row.state.is_alive() {
            return None;
        }
        if self.helps(actor) {
            return Some((InboxKind::Approve, missing(self.case(None).judge())));
        }
        let may_run = actor.grants.allow(Permission::Run, self.place()).is_ok();
        (may_run && self.is_ready_for(actor))
            .then(|| (InboxKind::Run, "Approved: it can be run.".to_owned()))
    }

    /// Why this person's approval would not help.
    pub(super) fn why_not(&self, actor: &Actor) -> String {
        if self.has_vote_of(&actor.user_id) {
            return "You already approved this plan.".into();
        }
        if actor.user_id == self.author_id {
            return format!(
                "You created this plan: another person must approve it. {}",
                self.ask_whom()
            );
        }
        if !self.is_able(&actor.user_id) {
            return match actor.grants.allow(Permission::Approve, self.place()) {
                Err(denied) => denied.to_string(),
                Ok(()) => "You may not approve.".into(),
            };
        }
        if self
            .deciders
            .hands
            .may_be_one(&actor.user_id, &self.author_id)
        {
            return format!(
                "You count as the same person as {} until {}. {APART} {}",
                self.author,
                self.apart_at(&actor.user_id),
                self.ask_whom()
            );
        }
        self.sentence(None)
    }

    /// Whether there is enough, whoever runs it and when this person does.
    fn is_ready_for(&self, actor: &Actor) -> bool {
        let enough = |runner| matches!(self.case(runner).judge(), Judgement::Enough { .. });
        self.review.is_some() || (enough(None) && enough(Some(actor.user_id.as_str())))
    }

    /// Why this person may not run it now; empty when they may.
    fn run_why_not(&self, actor: &Actor, row: &PlanRow, ready: bool) -> String {
        if !row.state.is_alive() {
            return format!("The plan is {}.", row.state.text());
        }
        match actor.grants.allow(Permission::Run, self.place()) {
            Err(denied) => denied.to_string(),
            Ok(()) if ready => String::new(),
            Ok(()) => self.sentence(Some(actor)),
        }
    }

    /// Why this person may not run it without approval; empty when they may.
    fn glass_why_not(&self, actor: &Actor, row: &PlanRow, ready: bool) -> String {
        if !row.state.is_alive() {
            return format!("The plan is {}.", row.state.text());
        }
        if ready {
            return READY.into();
        }
        match actor.grants.allow(Permission::BreakGlass, self.place()) {
            Err(denied) => denied.to_string(),
            Ok(()) if actor.is_program() => SIGN_IN.into(),
            Ok(()) if !self.policy.break_glass => NO_GLASS.into(),
            Ok(()) => String::new(),
        }
    }

    /// For the API.
    pub(super) fn view(self, actor: &Actor, row: &PlanRow) -> v1::Approval {
        // A list reads no plans, and asks for no acceptance.
        let unaccepted = self.unaccepted().unwrap_or_default();
        let judgement = self.case(None).judge();
        let alive = row.state.is_alive() && self.review.is_none();
        let may = |permission| {
            actor.grants.allow(permission, self.place()).is_ok() && !actor.is_program()
        };
        let may_vote = may(Permission::Approve);
        let may_plan = actor.grants.allow(Permission::Plan, self.place()).is_ok();
        let you_can = alive && self.helps(actor);
        let ready = self.is_ready_for(actor);
        let run_why_not = self.run_why_not(actor, row, ready);
        let glass_why_not = self.glass_why_not(actor, row, ready);
        v1::Approval {
            reversibility: v1::Reversibility::from(self.weight).into(),
            rule: Some(shown::rule_view(self.rule())),
            rule_text: self.rule().to_string(),
            missing: match judgement {
                Judgement::More(n) => n,
                _ => 0,
            },
            second_missing: judgement == Judgement::Second,
            sentence: self.sentence(None),
            could_approve: self.could().to_vec(),
            why_not: if you_can {
                String::new()
            } else if alive {
                self.why_not(actor)
            } else {
                format!("The plan is {}.", row.state.text())
            },
            you_can,
            glass_can_break: glass_why_not.is_empty(),
            glass_why_not,
            you_can_run: run_why_not.is_empty(),
            run_why_not,
            you_can_reject: row.state.is_alive() && may_vote,
            you_can_withdraw: row.state.is_alive() && row.author_id == actor.user_id && may_plan,
            unaccepted_warnings: unaccepted.into_iter().map(Into::into).collect(),
            votes: self
                .votes
                .into_iter()
                .map(|vote| v1::Vote {
                    by: vote.user,
                    at_ms: vote.at_ms,
                    plan_hash: vote.plan_hash,
                    accepted_warnings: named(vote.accepted),
                })
                .collect(),
            review: self.review.map(shown::review),
        }
    }
}

/// Names in a sentence: a few, and how many more there are.
fn some_of(names: &[String]) -> String {
    let (named, rest) = names.split_at(names.len().min(NAMED_PEOPLE));
    match rest.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What is missing until a plan can be run.
fn missing(judgement: Judgement) -> String {
    match judgement {
        Judgement::Enough { .. } => "Approved.".into(),
        Judgement::More(1) => "Waiting for 1 approval.".into(),
        Judgement::More(n) => format!("Waiting for {n} approvals."),
        Judgement::Second => "Waiting for an approval by a person other than the author.".into(),
    }
}

/// Reads who may decide.
async fn deciders(app: &App) -> Result<Deciders> {
    let mut people = app.people.list().await?;
    people.retain(User::is_usable);
    let late = app.people.late().await?;
    Ok(Deciders {
        people,
        policies: app.approvals.policies().await?,
        hands: late.hands(),
        late,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_a_few_people() {
        let names: Vec<_> = (1..=NAMED_PEOPLE + 2).map(|n| format!("p{n}")).collect();
        assert_eq!(some_of(&names[..2]), "p1, p2");
        assert_eq!(some_of(&names[..NAMED_PEOPLE]), "p1, p2, p3, p4, p5, p6");
        assert_eq!(some_of(&names), "p1, p2, p3, p4, p5, p6 and 2 more");
    }
}
