//! Policies: how many people must agree to what. One for everything, and one for each cluster that has its own.

use requorum_shared::api::v1;
use requorum_shared::approval::{Policy, Rule, Second};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::{Grant, Permission, Place, Role, Scope};

use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, bad_request};
use crate::ops::permit::permit;
use crate::ops::record;
use crate::plans::approvals::SetPolicy;

/// All of them; the one for everything first, whether it was ever set or not.
pub async fn list(app: &App, actor: &Actor) -> Result<v1::ListPoliciesResponse> {
    permit(app, actor, Permission::See, Place::Anywhere).await?;
    let mut policies = app.approvals.policies().await?;
    if !policies.iter().any(|set| set.cluster.is_empty()) {
        policies.insert(
            0,
            SetPolicy {
                cluster: String::new(),
                policy: Policy::default(),
                by: String::new(),
                at_ms: 0,
            },
        );
    }
    Ok(v1::ListPoliciesResponse {
        policies: policies.into_iter().map(view).collect(),
    })
}

/// Sets one. Plans that were approved under another are judged by this one when they are run.
pub async fn set(app: &App, actor: &Actor, policy: &v1::Policy) -> Result<v1::Policy> {
    permit(app, actor, Permission::Policies, Place::Console).await?;
    let cluster = cluster(&policy.cluster)?;
    let set = SetPolicy {
        cluster,
        policy: Policy {
            undoable: rule(policy.undoable.as_ref())?,
            destructive: rule(policy.destructive.as_ref())?,
            break_glass: policy.break_glass,
        },
        by: actor.name.clone(),
        at_ms: app.clock.now_ms(),
    };
    let draft = record::draft(actor, act::POLICY_SET, subject(&set));
    record::act(app, draft, async {
        Ok(app.approvals.set_policy(&set).await?)
    })
    .await?;
    tracing::info!(cluster = %set.cluster, by = %set.by, "set a policy");
    Ok(view(set))
}

/// The policy for a cluster.
pub(super) async fn of(app: &App, cluster: &str) -> Result<Policy> {
    let policies = app.approvals.policies().await?;
    let named = |name: &str| policies.iter().find(|set| set.cluster == name);
    Ok(named(cluster)
        .or_else(|| named(""))
        .map_or_else(Policy::default, |set| set.policy))
}

/// What the ledger says of it: all of it, for it decides what everything else was worth.
fn subject(set: &SetPolicy) -> String {
    let what = match set.cluster.as_str() {
        "" => "everything",
        cluster => cluster,
    };
    let Policy {
        undoable,
        destructive,
        break_glass,
    } = set.policy;
    let glass = if break_glass { "may" } else { "may not" };
    format!(
        "{what}: undoable plans: {undoable}. Destructive plans: {destructive}. The glass {glass} be broken."
    )
}

fn cluster(name: &str) -> Result<String, ApiError> {
    if name.is_empty() {
        return Ok(String::new());
    }
    // Named as roles name it, or no role would ever fit.
    let grant: Grant = format!("{}@{name}", Role::Viewer)
        .parse()
        .map_err(|error| bad_request("policy.cluster", format!("{error}.")))?;
    match grant.scope {
        Scope::Cluster(name) => Ok(name),
        Scope::All => Ok(String::new()),
    }
}

fn rule(rule: Option<&v1::Rule>) -> Result<Rule, ApiError> {
    let wrong = |what: String| bad_request("policy.rule", what);
    let rule = rule.ok_or_else(|| {
        wrong("A policy needs a rule for undoable plans and one for destructive ones.".into())
    })?;
    let second = Second::from_word(&rule.second).ok_or_else(|| {
        wrong(format!(
            "`{}` is none of never, when-possible, always.",
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

/// A rule for the API.
pub(super) fn rule_view(rule: Rule) -> v1::Rule {
    v1::Rule {
        approvers: rule.approvers,
        second: rule.second.word().into(),
    }
}

fn view(set: SetPolicy) -> v1::Policy {
    v1::Policy {
        cluster: set.cluster,
        undoable: Some(rule_view(set.policy.undoable)),
        destructive: Some(rule_view(set.policy.destructive)),
        break_glass: set.policy.break_glass,
        set_by: set.by,
        set_at_ms: set.at_ms,
    }
}
