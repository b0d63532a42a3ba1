//! A console to try everything out: made-up people, snapshots, plans and a job, all made by the operations behind the
//! buttons, so that the ledger, the hashes and the dossier are what they are anywhere else.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use requorum_shared::api::login::{JoinRequest, SetupRequest};
use requorum_shared::api::upload::CreateUpload;
use requorum_shared::api::v1::{self, CredentialKind, JobState, PutCredentialRequest};
use requorum_shared::approval::{AcceptedWarning, accepted};
use requorum_shared::etcd::recovery::restore::{
    CleanUp, RestoreRequest, Target, TargetVersion, initial_cluster,
};
use requorum_shared::ledger::entry::act;
use requorum_shared::recovery::{Plan, Request};

use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::session::{Caller, Opened};
use crate::clock;
use crate::error::{self, ApiError};
use crate::ops::{approvals, audit, jobs, people, plans, secrets, sessions, sign_in, uploads};
use crate::random;
use crate::roots::OWN_ROOT;

/// How often it is asked whether the demo's job has ended.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How long the demo's job may take; the check that boots members takes seconds where an etcd is installed.
const JOB_ENDS_WITHIN: Duration = Duration::from_secs(120);

/// Snapshots that real etcd wrote.
const PROD: &[u8] = include_bytes!("../../shared/testdata/etcd/3.6.14-mixed.db");
const PROD_FULL: &[u8] = include_bytes!("../../shared/testdata/etcd/3.6.14-nospace.db");
const STAGING: &[u8] = include_bytes!("../../shared/testdata/etcd/3.6.14-auth.db");
const STAGING_OLD: &[u8] = include_bytes!("../../shared/testdata/etcd/3.5.33-three.db");

/// Somebody to sign in as.
#[derive(Debug, Clone)]
pub struct DemoPerson {
    /// The account's name.
    pub name: String,
    /// What the account may do, in a word.
    pub role: &'static str,
    /// The account's password, made for this run.
    pub password: String,
}

/// What was made.
#[derive(Debug)]
pub struct Demo {
    /// Everybody to sign in as.
    pub people: Vec<DemoPerson>,
    /// The job that runs, and who started it.
    job: (Actor, String),
    viewer: Actor,
    sessions: Vec<Actor>,
}

/// Fills a console that nobody has set up yet. `setup` is the token for the first administrator.
///
/// # Errors
/// When an operation refuses what any person could do: nothing of that is a made-up failure.
pub async fn fill(app: &App, setup: &str) -> anyhow::Result<Demo> {
    let mut cast = Cast {
        app,
        people: Vec::new(),
    };
    let admin = cast.set_up("alex", setup).await?;
    let operator = cast.join(&admin, "olivia", v1::Role::Operator).await?;
    let approver = cast.join(&admin, "priya", v1::Role::Approver).await?;
    let viewer = cast.join(&admin, "victor", v1::Role::Viewer).await?;
    rotated_credential(app, &admin).await?;

    let today = clock::text(app.clock.now_ms());
    let today = today.get(..10).unwrap_or("today");
    let file = |name: &str| format!("{name}-{today}.db");
    let prod = upload(app, &operator, &file("prod-etcd"), "prod-etcd", PROD).await?;
    let full = upload(
        app,
        &operator,
        &file("prod-etcd-full"),
        "prod-etcd",
        PROD_FULL,
    )
    .await?;
    let staging = upload(
        app,
        &operator,
        &file("staging-etcd"),
        "staging-etcd",
        STAGING,
    )
    .await?;
    let old = upload(
        app,
        &operator,
        &file("staging-etcd-old"),
        "staging-etcd",
        STAGING_OLD,
    )
    .await?;

    // Executed: approved by a second person, run by its author.
    let drill = seal(
        app,
        &operator,
        restore(&prod, "prod-drill", TargetVersion::V3_6),
    )
    .await?;
    let accepted = warnings(app, &approver, &drill.id).await?;
    said(approvals::approve(app, &approver, &drill.id, &drill.hash, &accepted).await)?;
    let job = said(jobs::start(app, &operator, &drill.id, &drill.hash, &accepted).await)?;

    // Rejected: it keeps the alarm that would refuse all writes.
    let keeps_alarm = seal(
        app,
        &operator,
        restore(&full, "prod-full", TargetVersion::V3_6),
    )
    .await?;
    let reason = "The NOSPACE alarm is kept, so the new cluster would refuse writes. Clear it in the restore.";
    said(plans::reject(app, &approver, &keeps_alarm.id, &keeps_alarm.hash, reason).await)?;

    // Released without approval, with a review that is open.
    let urgent = seal(
        app,
        &operator,
        restore(&old, "staging-urgent", TargetVersion::V3_5),
    )
    .await?;
    let reason = "Staging has been down for 40 minutes and no approver answers the pager.";
    let accepted = warnings(app, &operator, &urgent.id).await?;
    let plan = (urgent.id.as_str(), urgent.hash.as_str());
    said(approvals::break_glass(app, &operator, plan, reason, &accepted).await)?;

    // Waiting for approval: authentication survives the restore, which its report warns of.
    seal(
        app,
        &operator,
        restore(&staging, "staging-restore", TargetVersion::V3_6),
    )
    .await?;

    Ok(Demo {
        people: cast.people,
        sessions: vec![admin, operator.clone(), approver],
        job: (operator, job.id),
        viewer,
    })
}

impl Demo {
    /// Waits for the job's end and takes its dossier; then the sessions that made all of it end. Goes on beside the
    /// running server.
    ///
    /// # Errors
    /// When the job asks a question or does not end, or the dossier cannot be made.
    pub async fn finish(self, app: App) -> anyhow::Result<()> {
        let (operator, job) = &self.job;
        tokio::time::timeout(JOB_ENDS_WITHIN, ended(&app, operator, job))
            .await
            .context("the demo's job does not end")??;
        said(jobs::dossier(&app, &self.viewer, job).await)?;
        for actor in self.sessions.iter().chain([&self.viewer]) {
            said(sessions::sign_out(&app, actor).await)?;
        }
        Ok(())
    }
}

async fn ended(app: &App, actor: &Actor, job: &str) -> anyhow::Result<()> {
    loop {
        let found = said(jobs::get(app, actor, job).await)?;
        match found.job.unwrap_or_default().state() {
            JobState::Completed => return Ok(()),
            JobState::Queued | JobState::Running => tokio::time::sleep(ASK_EVERY).await,
            state => bail!("the demo's job is {state:?}"),
        }
    }
}

/// Those who act in the demo.
struct Cast<'a> {
    app: &'a App,
    people: Vec<DemoPerson>,
}

impl Cast<'_> {
    async fn set_up(&mut self, name: &str, token: &str) -> anyhow::Result<Actor> {
        let password = self.add(name, "all roles");
        let request = SetupRequest {
            token: token.to_owned(),
            name: name.to_owned(),
            password,
        };
        let opened = said(sign_in::set_up(self.app, request, &here()).await)?;
        Ok(acting(opened))
    }

    /// Invites a person with one role, who joins by the link.
    async fn join(&mut self, admin: &Actor, name: &str, role: v1::Role) -> anyhow::Result<Actor> {
        let word = match role {
            v1::Role::Operator => "operator",
            v1::Role::Approver => "approver",
            _ => "viewer",
        };
        let grant = v1::Grant {
            role: role.into(),
            cluster: None,
        };
        let link = said(people::invite(self.app, admin, name, &[grant]).await)?;
        let request = JoinRequest {
            token: link.token,
            password: self.add(name, word),
            end_tokens: false,
        };
        let opened = said(sign_in::join(self.app, request, &here()).await)?;
        self.confirm(admin, &opened.actor).await?;
        Ok(acting(opened))
    }

    /// As `requorum user confirm` does: invited by one administrator, all of them would count as one person.
    async fn confirm(&self, admin: &Actor, who: &Actor) -> anyhow::Result<()> {
        let draft = audit::draft(admin, act::PEOPLE_CONFIRM, &*who.name);
        let (accounts, id) = (self.app.people.clone(), who.user_id.clone());
        let confirm = async move { accounts.confirm(&id).await };
        said(audit::act(self.app, draft, confirm).await)?;
        Ok(())
    }

    fn add(&mut self, name: &str, role: &'static str) -> String {
        let password = random::id();
        self.people.push(DemoPerson {
            name: name.to_owned(),
            role,
            password: password.clone(),
        });
        password
    }
}

/// Where the demo acts from.
fn here() -> Caller {
    Caller {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        agent: "requorum serve --demo".to_owned(),
        device: None,
    }
}

fn acting(opened: Opened) -> Actor {
    Actor {
        address: here().address,
        ..opened.actor
    }
}

async fn rotated_credential(app: &App, admin: &Actor) -> anyhow::Result<()> {
    let put = |id: String| PutCredentialRequest {
        id,
        name: "staging-root".to_owned(),
        kind: CredentialKind::Password.into(),
        value: random::token().into_bytes(),
    };
    let credential = said(secrets::put(app, admin, put(String::new())).await)?;
    said(secrets::put(app, admin, put(credential.id)).await)?;
    Ok(())
}

async fn upload(
    app: &App,
    actor: &Actor,
    name: &str,
    cluster: &str,
    bytes: &'static [u8],
) -> anyhow::Result<String> {
    let length = bytes.len() as u64;
    let request = CreateUpload {
        name: name.to_owned(),
        length,
        cluster: cluster.to_owned(),
        evidence: false,
    };
    let upload = said(uploads::create(app, actor, request).await)?;
    let body = stream::iter([Ok(Bytes::from_static(bytes))]).boxed();
    let stored = said(uploads::append(app, actor, &upload.id, 0, Some(length), body).await)?;
    stored
        .snapshot
        .with_context(|| format!("{name} was not stored"))
}

fn restore(snapshot: &str, folder: &str, target_version: TargetVersion) -> RestoreRequest {
    RestoreRequest {
        snapshot: snapshot.to_owned(),
        members: initial_cluster::parse(
            "n1=https://10.20.0.11:2380,n2=https://10.20.0.12:2380,n3=https://10.20.0.13:2380",
        )
        .members,
        token: format!("etcd-{folder}-{}", &random::id()[..6]),
        bump_revision: 1_000_000,
        mark_compacted: true,
        skip_hash_check: false,
        accept_older_meta: false,
        target_version,
        clean_up: CleanUp::default(),
        target: Target::Folder {
            root: OWN_ROOT.to_owned(),
            path: folder.to_owned(),
        },
        last_seen: None,
    }
}

async fn seal(
    app: &App,
    actor: &Actor,
    request: RestoreRequest,
) -> anyhow::Result<v1::PlanSummary> {
    let request = Request::EtcdRestore(request);
    let json = serde_json::to_string(&request)?;
    said(plans::seal(app, actor, request.kind(), &json).await)
}

/// The warnings of a plan, which whoever lets it run accepts by name.
async fn warnings(app: &App, actor: &Actor, plan: &str) -> anyhow::Result<Vec<AcceptedWarning>> {
    let answer = said(plans::get(app, actor, plan).await)?;
    let plan: Plan = serde_json::from_str(&answer.plan_json)?;
    Ok(accepted::warnings(&plan.report))
}

/// What an operation refused, with its code.
fn said<T>(result: error::Result<T>) -> anyhow::Result<T> {
    result.map_err(|ApiError { code, message, .. }| anyhow!("{code}: {message}"))
}
