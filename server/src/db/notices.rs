//! What servers that share a database tell each other: that there is something new to read. PostgreSQL passes it on
//! when the transaction that it belongs to is committed. Nothing depends on its arrival: everybody looks from time to
//! time as well.

use std::sync::atomic::Ordering;
use std::time::Duration;

use requorum_shared::job::events::Event;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;

use super::write_tx::WriteTx;
use super::{At, Database};

const CHANNEL: &str = "requorum";
/// The most that PostgreSQL passes on, in bytes.
const MAX_BYTES: usize = 7999;
/// Between two attempts to listen.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Something that another server said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// The journal of this job has a new entry.
    Job(String),
    /// How far a step of this job is.
    Passing(String, Event),
    /// The ledger has new entries.
    Ledger,
    /// The connection was lost for a while: anything may be new.
    Missed,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: String,
    notice: Notice,
}

impl Database {
    /// Tells the other servers once the transaction is committed.
    pub(super) async fn tell(&self, tx: &mut WriteTx, notice: Notice) -> sqlx::Result<()> {
        if !self.is_shared() {
            return Ok(());
        }
        let Some(text) = self.sealed(notice) else {
            return Ok(());
        };
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(text)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Tells them at once, if there is time: what is said meanwhile is left out.
    pub(super) fn tell_in_passing(&self, notice: Notice) {
        if !self.is_shared() || self.telling.swap(true, Ordering::AcqRel) {
            return;
        }
        let db = self.clone();
        tokio::spawn(async move {
            if let Some(text) = db.sealed(notice) {
                let told = sqlx::query("SELECT pg_notify($1, $2)")
                    .bind(CHANNEL)
                    .bind(text)
                    .execute(&db.pool)
                    .await;
                if let Err(error) = told {
                    tracing::debug!("telling other servers: {error}");
                }
            }
            db.telling.store(false, Ordering::Release);
        });
    }

    fn sealed(&self, notice: Notice) -> Option<String> {
        let envelope = Envelope {
            from: self.process.clone(),
            notice,
        };
        serde_json::to_string(&envelope)
            .ok()
            .filter(|text| text.len() <= MAX_BYTES)
    }

    /// Hears what other servers say, for as long as somebody listens. On a database of one's own that is nothing.
    pub fn listen(&self) -> mpsc::Receiver<Notice> {
        let (out, notices) = mpsc::channel(256);
        if let At::Url(url) = &self.at {
            let (url, process) = (url.with_password().to_owned(), self.process.clone());
            tokio::spawn(async move {
                while !out.is_closed() {
                    if let Err(error) = hear(&url, &process, &out).await {
                        tracing::warn!("listening to other servers: {error}");
                    }
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            });
        }
        notices
    }
}

/// Passes on what others say until the connection is lost or nobody listens.
async fn hear(url: &str, process: &str, out: &mpsc::Sender<Notice>) -> sqlx::Result<()> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    let mut notice = Notice::Missed;
    while out.send(notice).await.is_ok() {
        notice = loop {
            let heard = tokio::select! {
                heard = listener.try_recv() => heard?,
                () = out.closed() => return Ok(()),
            };
            let Some(heard) = heard else {
                break Notice::Missed;
            };
            match serde_json::from_str::<Envelope>(heard.payload()) {
                Ok(envelope) if envelope.from != process => break envelope.notice,
                Ok(_) => {}
                // A newer version may say what this one does not understand.
                Err(_) => break Notice::Missed,
            }
        };
    }
    Ok(())
}
