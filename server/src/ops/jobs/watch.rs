//! Following a job: what the journal has, then what happens, until it is over.

use futures_util::Stream;
use requorum_shared::api::v1;
use requorum_shared::job::events::{Body, EPHEMERAL, Event};
use requorum_shared::permission::Permission;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{find_for, message};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Kind, Result};
use crate::jobs::feed::News;
use crate::ops::stay::Stay;

/// Events on their way to a slow client; the feed behind it has a backlog of its own.
const AHEAD: usize = 64;

/// All entries newer than `since`, then live events until the job is over.
pub async fn watch(
    app: &App,
    actor: &Actor,
    id: &str,
    since: u64,
) -> Result<impl Stream<Item = Result<v1::JobEvent>> + Send + 'static + use<>> {
    let job = find_for(app, actor, Permission::See, id).await?;
    let stay = Stay::in_cluster(app, actor, Permission::See, &job.cluster);
    let (out, events) = mpsc::channel(AHEAD);
    let (app, id) = (app.clone(), id.to_owned());
    tokio::spawn(async move {
        let mut follower = Follower { app, id, out };
        tokio::select! {
            () = follower.app.stopping.clone().cancelled_owned() => {
                let _ = follower.out.try_send(Err(stopping()));
            }
            ended = follower.follow(since) => {
                if let Err(error) = ended {
                    let _ = follower.out.send(Err(error)).await;
                }
            }
        }
    });
    Ok(stay.messages(ReceiverStream::new(events)))
}

struct Follower {
    app: App,
    id: String,
    out: mpsc::Sender<Result<v1::JobEvent>>,
}

impl Follower {
    async fn follow(&mut self, since: u64) -> Result<()> {
        // First the feed, then the journal: nothing falls between them.
        let (mut feed, passing) = self.app.engine.feed.follow(&self.id);
        let mut last = since;
        if !self.catch_up(&mut last).await? {
            return Ok(());
        }
        if let Some(event) = passing
            && !self.send(&event).await?
        {
            return Ok(());
        }
        loop {
            let event = tokio::select! {
                event = feed.recv() => event,
                () = self.out.closed() => return Ok(()),
            };
            let goes_on = match event {
                Ok(News::Event(event)) if event.seq == EPHEMERAL => self.send(&event).await?,
                Ok(News::Event(event)) if event.seq <= last => true,
                Ok(News::Event(event)) if event.seq == last + 1 => {
                    last = event.seq;
                    self.send(&event).await? && !is_end(&event)
                }
                // News from another server, a gap, a listener that fell behind, or a feed that ended: the journal has it.
                Ok(_) | Err(RecvError::Lagged(_)) => self.catch_up(&mut last).await?,
                Err(RecvError::Closed) => {
                    self.catch_up(&mut last).await?;
                    return Ok(());
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Sends what the journal has; `false` when that was the end, or nobody listens.
    async fn catch_up(&mut self, last: &mut u64) -> Result<bool> {
        let read = self.app.jobs.read(&self.id, *last).await?;
        for event in read.events {
            *last = event.seq;
            if !self.send(&event).await? || is_end(&event) {
                return Ok(false);
            }
        }
        // A caller that asks for what comes after the end gets an end.
        Ok(!read.over)
    }

    async fn send(&mut self, event: &Event) -> Result<bool> {
        Ok(self.out.send(message(event)).await.is_ok())
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event.body, Body::Ended { .. })
}

fn stopping() -> ApiError {
    ApiError::new(
        Kind::Unavailable,
        "stopping",
        "The console is stopping. The job resumes when it is started again; ask again then.",
    )
}
