//! What lasts longer than a request: streams, downloads and uploads end with the right to them. Every few seconds the
//! session or token is looked up again, and with it the account, its roles and the permission that was asked for at
//! the start.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use requorum_shared::permission::{Permission, Place};
use tokio::time::Instant;

use super::authorize::allowed;
use crate::app::App;
use crate::auth::actor::{Actor, Via};
use crate::auth::token::no_token;
use crate::error::{ApiError, Kind, Result, unauthenticated};

/// How soon a right that was taken away is missed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// For how long a database that does not answer is no reason to end what goes on.
const UNANSWERED_FOR: Duration = Duration::from_secs(30);
/// A stream of messages ends after this long. Who still may follow it asks again.
pub(super) const STREAM_FOR: Duration = Duration::from_secs(10 * 60);

/// What was allowed at the start.
#[derive(Clone)]
pub struct Stay {
    app: App,
    actor: Actor,
    permission: Permission,
    /// None for what holding the role anywhere is enough for.
    cluster: Option<String>,
}

impl Stay {
    /// What belongs to this cluster.
    pub fn in_cluster(app: &App, actor: &Actor, permission: Permission, cluster: &str) -> Self {
        Self {
            app: app.clone(),
            actor: actor.clone(),
            permission,
            cluster: Some(cluster.to_owned()),
        }
    }

    /// What a role for any cluster is enough for.
    pub(super) fn anywhere(app: &App, actor: &Actor, permission: Permission) -> Self {
        Self {
            cluster: None,
            ..Self::in_cluster(app, actor, permission, "")
        }
    }

    /// Whether it still is allowed.
    ///
    /// # Errors
    /// When the session or token has ended, the account is disabled, or the role was taken away; and when that cannot
    /// be seen now.
    pub(super) async fn look(&self) -> Result<()> {
        self.app.time.look().await?;
        let (found, ended) = match &self.actor.via {
            Via::Session(id) => (self.app.sessions.again(id).await?, unauthenticated()),
            Via::Token(id) => (self.app.tokens.again(id).await?, no_token()),
        };
        let now = found
            .filter(|now| now.user_id == self.actor.user_id)
            .ok_or(ended)?;
        let place = match &self.cluster {
            Some(cluster) => Place::Cluster(cluster),
            None => Place::Anywhere,
        };
        allowed(&now, self.permission, place)
    }

    /// Waits until it is no longer allowed, and says why.
    pub(super) async fn ended(self) -> ApiError {
        let mut answered = Instant::now();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.look().await {
                Ok(()) => answered = Instant::now(),
                Err(error) if is_final(&error) => return error,
                Err(error) if answered.elapsed() > UNANSWERED_FOR => return error,
                Err(_) => {}
            }
        }
    }

    /// Messages for as long as they are allowed, and not longer than a stream lasts.
    pub(super) fn messages<T>(
        self,
        messages: impl Stream<Item = Result<T>> + Send + 'static,
    ) -> impl Stream<Item = Result<T>> + Send + 'static
    where
        T: Send + 'static,
    {
        self.during(messages.take_until(tokio::time::sleep(STREAM_FOR)), Err)
    }

    /// Bytes of a download for as long as they are allowed. It is cut off afterwards: its length was promised.
    pub fn bytes(
        self,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        self.during(bytes, |error| {
            tracing::info!(code = error.code, "a download was cut off");
            Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                error.message,
            ))
        })
    }

    fn during<T: Send + 'static>(
        self,
        items: impl Stream<Item = T> + Send + 'static,
        last: impl Fn(ApiError) -> T + Send + 'static,
    ) -> impl Stream<Item = T> + Send + 'static {
        let begun = Some((Box::pin(items), Box::pin(self.ended()), last));
        stream::unfold(begun, |state| async move {
            let (mut items, mut ended, last) = state?;
            tokio::select! {
                biased;
                error = &mut ended => Some((last(error), None)),
                item = items.next() => item.map(|item| (item, Some((items, ended, last)))),
            }
        })
    }

    /// The body of an upload for as long as it is allowed. `missing` are the bytes that make it whole: the last of them
    /// is let through only after another look, so that nothing is stored for somebody who may not bring it in any more.
    pub(super) fn upload(
        self,
        missing: u64,
        body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let refused = |error: ApiError| {
            Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                error.message,
            ))
        };
        let last = self.clone();
        let whole = body
            .scan(missing, |missing, chunk| {
                let length = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                *missing = missing.saturating_sub(length);
                futures_util::future::ready(Some((*missing == 0, chunk)))
            })
            .then(move |(is_last, chunk)| {
                let last = is_last.then(|| last.clone());
                async move {
                    match last {
                        Some(stay) => match stay.look().await {
                            Ok(()) => chunk,
                            Err(error) => refused(error),
                        },
                        None => chunk,
                    }
                }
            });
        self.during(whole, refused)
    }
}

/// Whether it says that the right is gone, rather than that it cannot be seen.
pub(super) fn is_final(error: &ApiError) -> bool {
    matches!(error.kind, Kind::Unauthenticated | Kind::Forbidden)
}
