//! The settings of the hosts that the commands of a hand-over are written with: this browser keeps what was typed, so
//! that a reload does not bring back commands for other hosts. Each person's are kept apart.

use std::collections::BTreeMap;

use leptos::prelude::window;

/// Where a person's are kept: a list of jobs, the one that was changed last at its end.
fn key(person: &str) -> String {
    format!("requorum.handover.{person}")
}

/// Of how many jobs.
const MOST_KEPT: usize = 20;

type Settings = BTreeMap<String, String>;

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn kept(person: &str) -> Vec<(String, Settings)> {
    let text = storage().and_then(|storage| storage.get_item(&key(person)).ok().flatten());
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Those that a person typed for a job.
pub(super) fn of(person: &str, job: &str) -> Settings {
    let mut kept = kept(person).into_iter();
    kept.find(|(id, _)| id == job)
        .map(|(_, settings)| settings)
        .unwrap_or_default()
}

/// Keeps those that a person typed for a job.
pub(super) fn keep(person: &str, job: &str, settings: &Settings) {
    let mut kept = kept(person);
    with(&mut kept, job, settings);
    // A browser that keeps nothing shows what was typed until the page is left.
    if let Some(storage) = storage()
        && let Ok(text) = serde_json::to_string(&kept)
    {
        let _ = storage.set_item(&key(person), &text);
    }
}

fn with(kept: &mut Vec<(String, Settings)>, job: &str, settings: &Settings) {
    kept.retain(|(id, _)| id != job);
    kept.push((job.to_owned(), settings.clone()));
    let over = kept.len().saturating_sub(MOST_KEPT);
    kept.drain(..over);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_person_has_their_own() {
        assert_ne!(key("ada"), key("ben"));
    }

    #[test]
    fn the_jobs_that_were_changed_last_are_kept() {
        let mut kept = Vec::new();
        for n in 0..=MOST_KEPT {
            with(&mut kept, &format!("job{n}"), &Settings::new());
        }
        let one = Settings::from([("user".to_owned(), "etcd".to_owned())]);
        with(&mut kept, "job1", &one);
        assert_eq!(kept.len(), MOST_KEPT);
        assert!(kept.iter().all(|(id, _)| id != "job0"));
        assert_eq!(kept.last(), Some(&("job1".to_owned(), one)));
    }
}
