//! The parts of a running server, and the one place where they meet.

pub mod accounts;
pub mod backup;
pub mod dossier;
pub mod key_path;
pub mod ledger;
pub mod location;
mod shared;

use std::sync::Arc;

use anyhow::Context;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::location::ConsoleLocation;
use self::shared::Among;
use crate::auth::login::Login;
use crate::auth::oidc::Oidc;
use crate::auth::oidc::store::SignInStore;
use crate::auth::password::Passwords;
use crate::auth::people::People;
use crate::auth::session::Sessions;
use crate::auth::store::PeopleStore;
use crate::auth::token::Tokens;
use crate::clock::Clock;
use crate::clock::kept::KeptTime;
use crate::config::Config;
use crate::counts::Counts;
use crate::data_dir::DataDir;
use crate::db::Database;
use crate::disks::Disks;
use crate::downloads::Downloads;
use crate::files::list::FileList;
use crate::files::objects::Objects;
use crate::files::removals::{Releases, RemovalStore};
use crate::files::store::FileStore;
use crate::files::uploads::Uploads;
use crate::jobs::engine::{Engine, Owner};
use crate::jobs::list::JobList;
use crate::jobs::log::JobLog;
use crate::jobs::turns::Turns;
use crate::ledger::floods::{Counted, Floods};
use crate::ledger::{Ledger, OpenActs};
use crate::observations::ObservationStore;
use crate::plans::approval_list::ApprovalList;
use crate::plans::approvals::ApprovalStore;
use crate::plans::list::PlanList;
use crate::plans::store::PlanStore;
use crate::roots::Roots;
use crate::secrets::Secrets;
use crate::systems::Systems;
use crate::tls::Tls;
use crate::work::Work;

/// What every request can reach.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts.
pub struct Parts {
    /// What the operator decided at start.
    pub config: Config,
    /// Where everything is kept; holds the lock.
    pub data_dir: DataDir,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The latest time that was seen.
    pub time: KeptTime,
    /// Since when this server answers, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// Who did what.
    pub ledger: Ledger,
    /// Signing in.
    pub login: Login,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Tokens for programs.
    pub tokens: Tokens,
    /// Accounts.
    pub people: People,
    /// Signing in at the identity provider, where there is one.
    pub oidc: Option<Oidc>,
    /// Credentials, sealed.
    pub secrets: Secrets,
    /// Rows of files and uploads.
    pub store: Arc<dyn FileStore>,
    /// Files by their SHA-256.
    pub objects: Objects,
    /// Files on their way.
    pub uploads: Arc<Uploads>,
    /// Rows of removed files.
    pub removals: Arc<dyn RemovalStore>,
    /// What deletes their bytes.
    pub releases: Releases,
    /// How full the disks are.
    pub disks: Arc<Disks>,
    /// Where restores may go.
    pub roots: Arc<Roots>,
    /// The systems that can be recovered.
    pub systems: Arc<Systems>,
    /// Sealed plans.
    pub plans: Arc<dyn PlanStore>,
    /// What was seen outside of the console.
    pub observations: Arc<dyn ObservationStore>,
    /// Votes, policies, reviews.
    pub approvals: Arc<dyn ApprovalStore>,
    /// Jobs and their journals.
    pub jobs: Arc<dyn JobLog>,
    /// What carries jobs out.
    pub engine: Arc<Engine>,
    /// The certificate in use, where the server speaks TLS itself.
    pub tls: Option<Tls>,
    /// Who downloads how much at once.
    pub downloads: Downloads,
    /// Where what keeps a processor busy is done.
    pub work: Work,
    /// Refusals that come in floods.
    pub floods: Floods,
    /// What is done to what a job left by one at a time.
    pub turns: Turns,
    /// What was begun and is not over: it ends, whoever waits for it.
    pub acts: TaskTracker,
    /// The others that share the database.
    among: Among,
    /// Snapshots, plans, votes and jobs as lists show them.
    pub lists: Lists,
    /// Cancelled when the server stops: streams end then.
    pub stopping: CancellationToken,
    /// The database, for the readiness probe.
    pub db: Database,
}

/// What lists are read from.
pub struct Lists {
    /// Rows of files.
    pub files: Arc<dyn FileList>,
    /// Rows of plans.
    pub plans: Arc<dyn PlanList>,
    /// Votes and reviews of many plans.
    pub approvals: Arc<dyn ApprovalList>,
    /// Rows of jobs.
    pub jobs: Arc<dyn JobList>,
    /// What is read once for many.
    pub counts: Counts,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens everything.
    ///
    /// # Errors
    /// When the data directory is in use or cannot be written, or a part cannot be opened.
    pub async fn build(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        config.check()?;
        let tls = config.tls.clone().map(Tls::open).transpose()?;
        let data_dir = DataDir::open(&config.data_dir)?;
        let place = ConsoleLocation {
            data_dir: config.data_dir.clone(),
            database: config.database.clone(),
            ledger_key: config.ledger_key.clone(),
        };
        let db = Database::open(&place.database()).await?;
        let left = if db.is_shared() {
            OpenActs::OfOthers
        } else {
            OpenActs::Orphaned
        };
        let store: Arc<dyn FileStore> = Arc::new(db.clone());
        let objects = match &config.objects {
            None => Objects::in_folder(&data_dir.objects())?,
            Some(place) => Objects::in_bucket(place.clone(), &data_dir.bucket())
                .await
                .context("the stored files are not available")?,
        };
        let uploads = Arc::new(Uploads::new(
            data_dir.uploads(),
            data_dir.name().to_owned(),
            store.clone(),
            objects.clone(),
            clock.clone(),
            config.max_upload_bytes,
        ));
        // Before the ledger is taken up: it closes what was left open, and this is a part of that.
        let stored = uploads.recover().await.context("looking after uploads")?;
        let unknown = ledger::unclosed(&db, stored).await?;
        let ledger = ledger::take_up(&place, &db, clock.clone(), left).await?;
        ledger::note_stored(&ledger, unknown).await;
        let among = Among::begin(&db, &ledger, config.lease).await?;
        let accounts: Arc<dyn PeopleStore> = Arc::new(db.clone());
        let passwords = Passwords::default();
        let login = Login::new(accounts.clone(), clock.clone(), passwords.clone());
        let sessions = Sessions::new(accounts.clone(), clock.clone());
        let tokens = Tokens::new(accounts.clone(), clock.clone());
        let people = People::new(accounts.clone(), clock.clone(), passwords);
        let oidc = config.oidc.clone().map(|config| {
            let open: Arc<dyn SignInStore> = Arc::new(db.clone());
            Oidc::new(config, open, accounts, clock.clone())
        });
        let roots = Arc::new(Roots::open(&data_dir.restores(), &config.restore_roots)?);
        let systems = Arc::new(Systems::open(&config, &data_dir, &objects, &roots).await?);
        let jobs: Arc<dyn JobLog> = Arc::new(db.clone());
        let engine = Engine::new(
            jobs.clone(),
            ledger.clone(),
            systems.clone(),
            clock.clone(),
            Owner {
                id: ledger.writer().to_owned(),
                lease: config.lease,
                shared: db.is_shared(),
            },
        );
        among.listen(&db, &ledger, &engine);
        engine.resume_all().await.context("taking up jobs")?;
        engine.watch_over();
        let master_key = config
            .master_key
            .clone()
            .unwrap_or_else(|| key_path::default_key_path(&config.data_dir));
        let secrets = Secrets::open(Arc::new(db.clone()), clock.clone(), master_key)
            .await
            .context("opening the sealed credentials")?;
        let clock_of_releases = clock.clone();
        Ok(Self(Arc::new(Parts {
            config,
            data_dir,
            started_ms: clock.now_ms(),
            time: KeptTime::open(clock.clone(), Arc::new(db.clone()))
                .await
                .context("looking at the clock")?,
            clock,
            ledger,
            login,
            sessions,
            tokens,
            people,
            oidc,
            secrets,
            store,
            disks: Arc::default(),
            releases: Releases::new(Arc::new(db.clone()), objects.clone(), clock_of_releases),
            removals: Arc::new(db.clone()),
            objects,
            uploads,
            roots,
            systems,
            lists: Lists {
                files: Arc::new(db.clone()),
                plans: Arc::new(db.clone()),
                approvals: Arc::new(db.clone()),
                jobs: Arc::new(db.clone()),
                counts: Counts::default(),
            },
            plans: Arc::new(db.clone()),
            observations: Arc::new(db.clone()),
            approvals: Arc::new(db.clone()),
            jobs,
            engine,
            tls,
            downloads: Downloads::default(),
            work: Work::default(),
            floods: Floods::default(),
            turns: Turns::default(),
            acts: TaskTracker::new(),
            among,
            stopping: CancellationToken::new(),
            db,
        })))
    }

    /// This server, where others share its database; empty where it is alone.
    pub fn name_among_others(&self) -> &str {
        if self.db.is_shared() {
            self.ledger.writer()
        } else {
            ""
        }
    }

    /// Writes down what was refused in floods and counted: what is due, or all of it.
    pub async fn tell_floods(&self, due: Option<Instant>) {
        for counted in self.floods.take(due) {
            let Counted {
                draft,
                outcome,
                reason,
            } = counted;
            if let Err(error) = self.ledger.note(draft, outcome, &reason).await {
                tracing::error!(%reason, "refusals are not in the ledger: {error}");
            }
        }
    }

    /// Closes the database. Jobs were stopped before.
    pub async fn close(&self) {
        self.tell_floods(None).await;
        self.time.close().await;
        self.ledger.close().await;
        self.among.end().await;
        self.db.close().await;
    }
}
