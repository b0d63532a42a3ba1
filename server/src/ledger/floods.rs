//! Refusals that come in floods. The first few of a kind are entries like any other; the rest are counted, and become
//! one entry when their time is over or the server stops. Nothing that was done is ever counted like this.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use requorum_shared::ledger::entry::{Draft, Outcome};
use tokio::time::Instant;

/// How long refusals of a kind are counted before they become an entry.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Refusals of one kind and one caller that are entries of their own.
const OF_ONE: u64 = 5;
/// The same for one kind and all addresses that it comes from.
const OF_ALL: u64 = 50;
/// Acts of one kind and one caller that may be opened and refused. More are refused before they are opened.
const OPENED: u64 = 500;
/// Kinds that are told apart. What comes beyond is counted together by what it is.
const KINDS: usize = 1024;

/// What was refused within the current window.
#[derive(Debug, Default)]
pub struct Floods(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    began: Option<Instant>,
    kinds: HashMap<Key, Kind>,
    opened: HashMap<(String, String, String), u64>,
}

/// What makes refusals alike. An empty `from` stands for all addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    who: String,
    from: String,
    act: String,
    code: &'static str,
}

#[derive(Debug)]
struct Kind {
    seen: u64,
    more: u64,
    draft: Draft,
    outcome: Outcome,
}

/// What to do with a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// It is an entry.
    No,
    /// It was counted. Those counted so far become entries at this time, for which the caller sees if it is the first.
    Counted {
        /// Whether it is the first of the window.
        first: bool,
        /// When the window ends.
        until: Instant,
    },
}

/// Refusals of one kind that were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What they have in common.
    pub draft: Draft,
    /// How they came out.
    pub outcome: Outcome,
    /// How many they were, and why they were refused.
    pub reason: String,
}

impl Floods {
    /// Looks at a refusal that has this code.
    pub fn look(&self, draft: &Draft, outcome: Outcome, code: &'static str, now: Instant) -> Flood {
        let mut state = self.state(now);
        let until = state.began.unwrap_or(now) + WINDOW;
        let own = Key {
            who: draft.who.clone(),
            from: draft.from.clone(),
            act: draft.act.clone(),
            code,
        };
        let all = Key {
            from: String::new(),
            ..own.clone()
        };
        let of_all = state.see(all.clone(), draft, outcome);
        let of_own = state.see(own.clone(), draft, outcome);
        if of_own <= OF_ONE && of_all <= OF_ALL {
            return Flood::No;
        }
        let first = state.kinds.values().all(|kind| kind.more == 0);
        let key = if of_own > OF_ONE { own } else { all };
        state.count(key, draft);
        Flood::Counted { first, until }
    }

    /// Notes that an act was opened and refused.
    pub fn was_refused(&self, draft: &Draft, now: Instant) {
        let mut state = self.state(now);
        let caller = caller(draft);
        if state.opened.len() < KINDS || state.opened.contains_key(&caller) {
            *state.opened.entry(caller).or_default() += 1;
        }
    }

    /// Whether more such acts of this caller were opened and refused than are entries of their own otherwise.
    pub fn is_often(&self, draft: &Draft, now: Instant) -> bool {
        let state = self.state(now);
        let refused = state.opened.get(&caller(draft)).copied().unwrap_or(0);
        refused >= OF_ONE
    }

    /// Until when no such act is opened for this caller, because too many were refused.
    pub fn closed_until(&self, draft: &Draft, now: Instant) -> Option<Instant> {
        let state = self.state(now);
        let refused = state.opened.get(&caller(draft)).copied().unwrap_or(0);
        (refused >= OPENED).then(|| state.began.unwrap_or(now) + WINDOW)
    }

    /// All that was counted, once its time is over; with `now` as none, whether or not it is.
    pub fn take(&self, now: Option<Instant>) -> Vec<Counted> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(now), Some(began)) = (now, state.began)
            && now < began + WINDOW
        {
            return Vec::new();
        }
        let State { kinds, .. } = std::mem::take(&mut *state);
        let counted = kinds.into_iter().filter(|(_, kind)| kind.more > 0);
        let mut counted: Vec<_> = counted
            .map(|(key, kind)| Counted {
                reason: format!(
                    "{}: {} more within {} s, counted and not listed one by one",
                    key.code,
                    kind.more,
                    WINDOW.as_secs()
                ),
                draft: Draft {
                    from: match key.from.as_str() {
                        "" => "several addresses".to_owned(),
                        from => from.to_owned(),
                    },
                    who: key.who,
                    ..kind.draft
                },
                outcome: kind.outcome,
            })
            .collect();
        counted.sort_by(|a, b| (&a.draft.act, &a.reason).cmp(&(&b.draft.act, &b.reason)));
        counted
    }

    /// The state of the window that `now` is in. One that is over stays until what was counted in it was taken.
    fn state(&self, now: Instant) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = state.began.is_some_and(|began| now >= began + WINDOW);
        if over && state.kinds.values().all(|kind| kind.more == 0) {
            *state = State::default();
        }
        state.began.get_or_insert(now);
        state
    }
}

impl State {
    /// One more of this kind; how many there were with it.
    fn see(&mut self, key: Key, draft: &Draft, outcome: Outcome) -> u64 {
        let key = self.known(key);
        let kind = self.kinds.entry(key).or_insert_with(|| Kind {
            seen: 0,
            more: 0,
            draft: draft.clone(),
            outcome,
        });
        kind.seen += 1;
        kind.seen
    }

    fn count(&mut self, key: Key, draft: &Draft) {
        let key = self.known(key);
        let Some(kind) = self.kinds.get_mut(&key) else {
            return;
        };
        if kind.more == 0 {
            kind.draft = draft.clone();
        }
        kind.more += 1;
        let common = &mut kind.draft;
        if common.subject != draft.subject {
            common.subject = "several things".to_owned();
        }
        if common.about != draft.about {
            common.about = None;
        }
        for (common, own) in [
            (&mut common.cluster, &draft.cluster),
            (&mut common.plan, &draft.plan),
            (&mut common.job, &draft.job),
        ] {
            if common != own {
                *common = None;
            }
        }
    }

    /// The key, or one that stands for many where there are too many.
    fn known(&self, key: Key) -> Key {
        if self.kinds.contains_key(&key) || self.kinds.len() < KINDS {
            return key;
        }
        Key {
            who: String::new(),
            from: String::new(),
            ..key
        }
    }
}

fn caller(draft: &Draft) -> (String, String, String) {
    (draft.who.clone(), draft.from.clone(), draft.act.clone())
}

#[cfg(test)]
mod tests {
    use requorum_shared::ledger::about::About;

    use super::*;

    fn draft(who: &str, from: &str, subject: &str) -> Draft {
        Draft {
            who: who.into(),
            from: from.into(),
            act: "request".into(),
            subject: subject.into(),
            about: Some(About::plan(subject)),
            cluster: Some("prod".into()),
            ..Draft::default()
        }
    }

    fn look(floods: &Floods, draft: &Draft, now: Instant) -> bool {
        floods.look(draft, Outcome::Refused, "role.missing", now) == Flood::No
    }

    #[test]
    fn the_first_few_are_entries_and_the_rest_one() {
        let (floods, now) = (Floods::default(), Instant::now());
        let mut entries = 0;
        for n in 0..3_000 {
            let subject = if n < 2_000 { "seal" } else { "run" };
            entries += usize::from(look(&floods, &draft("vi", "10.0.0.1", subject), now));
        }
        assert_eq!(entries, OF_ONE as usize);
        // Another caller, and another reason, are something else.
        assert!(look(&floods, &draft("ben", "10.0.0.1", "seal"), now));
        let other = floods.look(
            &draft("vi", "10.0.0.1", "seal"),
            Outcome::Refused,
            "plan.used",
            now,
        );
        assert_eq!(other, Flood::No);

        assert_eq!(floods.take(Some(now)), []);
        let counted = floods.take(Some(now + WINDOW));
        assert_eq!(counted.len(), 1);
        let several = Draft {
            about: None,
            ..draft("vi", "10.0.0.1", "several things")
        };
        assert_eq!(counted[0].draft, several);
        assert!(
            counted[0]
                .reason
                .starts_with("role.missing: 2995 more within 60 s")
        );
        assert_eq!(floods.take(None), [], "once");
        assert!(look(
            &floods,
            &draft("vi", "10.0.0.1", "seal"),
            now + WINDOW
        ));
    }

    #[test]
    fn changing_addresses_are_one_flood() {
        let (floods, now) = (Floods::default(), Instant::now());
        let from = |n: u32| draft("", &format!("10.{}.{}.1", n / 250, n % 250), "join");
        let entries = (0..5_000).filter(|n| look(&floods, &from(*n), now)).count();
        assert_eq!(entries, OF_ALL as usize);
        let counted = floods.take(None);
        let all: Vec<_> = counted
            .iter()
            .map(|c| (&*c.draft.from, &*c.reason))
            .collect();
        let why = "role.missing: 4950 more within 60 s, counted and not listed one by one";
        assert_eq!(all, [("several addresses", why)]);
    }

    #[test]
    fn memory_is_bounded_and_no_refusal_is_lost() {
        let (floods, now) = (Floods::default(), Instant::now());
        let mut entries = 0;
        for n in 0..20_000 {
            let draft = draft(&format!("owner (token {n})"), "10.0.0.1", "seal");
            entries += u64::from(look(&floods, &draft, now));
        }
        assert!(floods.0.lock().unwrap().kinds.len() <= KINDS + 2);
        let counted: u64 = floods
            .take(None)
            .iter()
            .map(|c| c.reason.split(' ').nth(1).unwrap().parse::<u64>().unwrap())
            .sum();
        assert_eq!(entries + counted, 20_000);
        assert!(entries < KINDS as u64 + OF_ALL, "{entries}");
    }

    #[test]
    fn who_is_refused_without_end_is_refused_before_anything_is_opened() {
        let (floods, now) = (Floods::default(), Instant::now());
        let (vi, ben) = (draft("vi", "10.0.0.1", "p"), draft("ben", "10.0.0.1", "p"));
        for _ in 0..OPENED {
            assert_eq!(floods.closed_until(&vi, now), None);
            floods.was_refused(&vi, now);
        }
        assert_eq!(floods.closed_until(&vi, now), Some(now + WINDOW));
        assert_eq!(floods.closed_until(&ben, now), None);
        assert_eq!(floods.closed_until(&vi, now + WINDOW), None);
    }
}
