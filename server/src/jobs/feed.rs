//! Live events to many listeners. Whoever falls behind reads the journal again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use requorum_shared::job::events::{Body, EPHEMERAL, Event};
use tokio::sync::broadcast;

/// Events that a slow listener may be behind.
const BACKLOG: usize = 256;

/// What followers are told.
#[derive(Debug, Clone)]
pub enum News {
    /// This happened.
    Event(Event),
    /// Something happened on another server, or may have: the journal has it.
    Look,
}

/// The feeds of all jobs that somebody follows.
#[derive(Debug, Default)]
pub struct Feed {
    channels: Mutex<HashMap<String, Channel>>,
}

#[derive(Debug)]
struct Channel {
    out: broadcast::Sender<News>,
    /// The last that passed by, for whoever comes late.
    passing: Option<Event>,
}

impl Feed {
    /// Follows a job from now on, and gives the progress that passed by last.
    pub fn follow(&self, job: &str) -> (broadcast::Receiver<News>, Option<Event>) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channels.entry(job.into()).or_insert_with(|| Channel {
            out: broadcast::channel(BACKLOG).0,
            passing: None,
        });
        (channel.out.subscribe(), channel.passing.clone())
    }

    /// Tells all who follow the job.
    pub fn publish(&self, job: &str, event: &Event) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let over = matches!(event.body, Body::Ended { .. });
        if let Some(channel) = channels.get_mut(job) {
            if event.seq == EPHEMERAL {
                channel.passing = Some(event.clone());
            } else if !matches!(event.body, Body::StepLog { .. }) {
                channel.passing = None;
            }
            // Nobody may be listening right now.
            let _ = channel.out.send(News::Event(event.clone()));
        } else if event.seq == EPHEMERAL {
            channels.insert(
                job.into(),
                Channel {
                    out: broadcast::channel(BACKLOG).0,
                    passing: Some(event.clone()),
                },
            );
        }
        if over {
            channels.remove(job);
        }
    }

    /// Has all who follow the job read its journal.
    pub fn look(&self, job: &str) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get_mut(job) {
            channel.passing = None;
            if channel.out.send(News::Look).is_err() {
                channels.remove(job);
            }
        }
    }

    /// The same for all jobs.
    pub fn look_at_all(&self) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels
            .retain(|_, channel| channel.out.send(News::Look).is_ok() || channel.passing.is_some());
    }
}
