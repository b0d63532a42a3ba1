//! Policies: how many people must agree to what. One for everything, and one for each cluster that has its own.

use std::collections::BTreeSet;

use requorum_shared::api::{NotKnown, v1};
use requorum_shared::approval::{Policy, Rule, Second};
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::permission::{Permission, Place, check_cluster_name};

use super::proposals::{self, Confirmers, Wish};
use super::shown::{among, view};
use super::state::Rules;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, bad_request, conflict, not_found};
use crate::ops::audit::{self, Done};
use crate::ops::authorize::authorize;
use crate::ops::plans;
use crate::paging::{Clusters, Cursor, PageRequest};
use crate::plans::approvals::{PolicyChange, PolicyChanged, Proposal, SetPolicy};
use crate::plans::list::PlanFilter;

/// A page of them; the one for everything first, whether it was ever set or not.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &v1::ListPoliciesRequest,
) -> Result<v1::ListPoliciesResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let page = PageRequest::read("policies", request.page_size, &request.page_token)?;
    let mut policies = app.approvals.policies().await?;
    if !policies.iter().any(|set| set.cluster.is_empty()) {
        policies.insert(
            0,
            SetPolicy {
                cluster: String::new(),
                policy: Policy::default(),
                by: String::new(),
                at_ms: 0,
                entry: None,
            },
        );
    }
    if let Some(cluster) = &request.cluster {
        policies.retain(|set| set.cluster == *cluster);
    }
    let total = policies.len() as u64;
    let rows = policies
        .into_iter()
        .map(|set| (Cursor::named(&set.cluster, &set.cluster), view(set)));
    let (policies, next_page_token) = page.page_of(rows.collect());
    Ok(v1::ListPoliciesResponse {
        policies,
        next_page_token,
        total,
    })
}

/// What a policy would mean for the plans that may still be run and that it would count for.
pub async fn preview(
    app: &App,
    actor: &Actor,
    policy: &v1::Policy,
) -> Result<v1::PreviewPolicyResponse> {
    authorize(app, actor, Permission::Policies, Place::Console).await?;
    let wanted = read(policy)?;
    let own: Vec<_> = app.approvals.policies().await?;
    let own = |name: &str| own.iter().any(|set| set.cluster == name);
    // The one for everything counts where a cluster has none of its own.
    let counts =
        |cluster: &str| cluster == policy.cluster || (policy.cluster.is_empty() && !own(cluster));
    let mut groups = app.lists.plans.open_groups(app.clock.now_ms()).await?;
    groups.retain(|group| counts(&group.cluster));
    let total = groups.iter().map(|group| group.count).sum();
    let clusters: BTreeSet<_> = groups.into_iter().map(|group| group.cluster).collect();
    let rows = plans::open_where(app, |open| PlanFilter {
        clusters: Clusters::These(clusters.into_iter().collect()),
        ..open
    })
    .await?;
    let mut effects = Vec::new();
    for (row, standing) in super::many(app, &Rules::load(app).await?, rows).await? {
        let now = standing.sentence(None);
        let standing = standing.under(wanted);
        effects.push(v1::PolicyEffect {
            plan_id: row.id,
            outcome: row.outcome,
            now,
            then: standing.sentence(None),
        });
    }
    Ok(v1::PreviewPolicyResponse { effects, total })
}

/// Sets one. Plans that were approved under another are judged by this one when they are run.
pub async fn set(app: &App, actor: &Actor, policy: &v1::Policy) -> Result<v1::SetPolicyResponse> {
    authorize(app, actor, Permission::Policies, Place::Console).await?;
    let set = SetPolicy {
        policy: read(policy)?,
        cluster: policy.cluster.clone(),
        by: actor.name.clone(),
        at_ms: app.clock.now_ms(),
        entry: None,
    };
    let judged = app.approvals.policies_on(&set.cluster).await?;
    let now = in_force(&judged, &set.cluster);
    let kept = Some(set.policy);
    let wish = proposals::wish(app, actor, &set.cluster, &now, &set.policy, kept).await?;
    let alone = match wish {
        Wish::Waits(proposal) => {
            let pending = proposals::propose(app, actor, proposal).await?;
            let set = SetPolicy {
                policy: now,
                by: String::new(),
                at_ms: 0,
                ..set
            };
            return Ok(v1::SetPolicyResponse {
                policy: Some(view(set)),
                pending,
            });
        }
        Wish::Alone(proposal) => Some(proposal),
        Wish::Counts => None,
    };
    let draft = Draft {
        about: Some(set.policy.about()),
        cluster: named(&set.cluster),
        ..audit::draft(actor, act::POLICY_SET, set.policy.subject(&set.cluster))
    };
    let (here, new, listed) = (app.clone(), set.clone(), alone.clone());
    audit::carry(app, draft, move |entry| async move {
        let change = PolicyChange {
            cluster: new.cluster.clone(),
            set: Some(SetPolicy {
                entry: Some(entry),
                ..new
            }),
            judged,
            listed,
        };
        Ok(Done::plainly(carry_out(&here, &change).await?))
    })
    .await?;
    tracing::info!(cluster = %set.cluster, by = %set.by, "set a policy");
    Ok(v1::SetPolicyResponse {
        policy: Some(view(set)),
        pending: said(app, alone).await?,
    })
}

async fn said(app: &App, alone: Option<Proposal>) -> Result<String> {
    Ok(match alone {
        Some(proposal) => proposals::waiting(&Confirmers::load(app).await?, &proposal),
        None => String::new(),
    })
}

/// Takes a cluster's own policy away, and says what is still to be done about that; nothing, mostly.
pub async fn remove(app: &App, actor: &Actor, cluster: &str) -> Result<String> {
    authorize(app, actor, Permission::Policies, Place::Console).await?;
    if cluster.is_empty() {
        return Err(bad_request(
            "policy.cluster",
            "The default policy can be changed, but not removed. Name the cluster whose policy is to be removed.",
        ));
    }
    check_cluster_name(cluster)
        .map_err(|error| bad_request("policy.cluster", format!("{error}.")))?;
    let judged = app.approvals.policies_on(cluster).await?;
    let (now, then) = (in_force(&judged, cluster), in_force(&judged, ""));
    let alone = match proposals::wish(app, actor, cluster, &now, &then, None).await? {
        Wish::Waits(proposal) => return proposals::propose(app, actor, proposal).await,
        Wish::Alone(proposal) => Some(proposal),
        Wish::Counts => None,
    };
    let draft = Draft {
        cluster: named(cluster),
        ..audit::draft(actor, act::POLICY_REMOVE, cluster)
    };
    let (here, listed) = (app.clone(), alone.clone());
    let change = PolicyChange {
        cluster: cluster.to_owned(),
        set: None,
        judged,
        listed,
    };
    audit::act(app, draft, async move { carry_out(&here, &change).await }).await?;
    tracing::info!(%cluster, by = %actor.name, "took a policy away");
    said(app, alone).await
}

/// Makes a change, unless it was judged against a policy that has changed since.
async fn carry_out(app: &App, change: &PolicyChange) -> Result<()> {
    match app.approvals.change_policy(change).await? {
        PolicyChanged::Done => Ok(()),
        PolicyChanged::Missing => Err(not_found(
            "policy.missing",
            format!(
                "{} has no policy of its own. The list has those that there are.",
                change.cluster
            ),
        )),
        PolicyChanged::Meanwhile => Err(conflict(
            "policy.changed",
            "Another person changed the policy in force a moment ago, so whether this asks for less must be judged \
             again. Nothing was changed. Look at the policies again, then retry.",
        )),
    }
}

/// The policy that counts for a cluster.
fn in_force(policies: &[SetPolicy], cluster: &str) -> Policy {
    among(policies, cluster).map_or_else(Policy::default, |set| set.policy)
}

fn read(policy: &v1::Policy) -> Result<Policy, ApiError> {
    check_cluster_name(&policy.cluster)
        .map_err(|error| bad_request("policy.cluster", format!("{error}.")))?;
    Ok(Policy {
        undoable: rule(policy.undoable.as_ref())?,
        destructive: rule(policy.destructive.as_ref())?,
        break_glass: policy.break_glass,
    })
}

fn rule(rule: Option<&v1::Rule>) -> Result<Rule, ApiError> {
    let wrong = |what: String| bad_request("policy.rule", what);
    let rule = rule.ok_or_else(|| {
        wrong("A policy needs a rule for reversible plans and one for irreversible plans.".into())
    })?;
    let second = Second::try_from(rule.second()).map_err(|NotKnown| {
        wrong(format!(
            "{} is not a known rule for the second person. The rules are: never, when possible, always.",
            rule.second
        ))
    })?;
    let rule = Rule {
        approvers: rule.approvers,
        second,
    };
    rule.check().map_err(wrong)?;
    Ok(rule)
}
