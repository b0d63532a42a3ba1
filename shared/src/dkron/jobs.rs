//! The jobs of a server, and what each command makes of them, as Dkron's state machine does.
//!
//! Only what decides which jobs there are, and their counters: a job that others depend on is not deleted, a job whose
//! parent is missing is not created. Times, schedules and executions stay in the files.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::command::Command;
use super::record::JobRecord;

/// Bytes of jobs that are held at most, about a million of them; what is beyond is counted.
pub const MAX_HELD: usize = 128 << 20;

/// What a job takes beside its names.
const OVERHEAD: usize = 128;

/// All jobs, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jobs {
    jobs: BTreeMap<Box<str>, Job>,
    held: usize,
    left_out: u64,
}

/// A job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Job {
    /// Index of the entry that changed it last; 0 when none of the log did since the snapshot.
    pub touched: u64,
    /// Runs that succeeded.
    pub successes: i32,
    /// Runs that failed.
    pub errors: i32,
    parent: Box<str>,
    dependents: Vec<Box<str>>,
}

impl Job {
    fn new(record: JobRecord, touched: u64) -> Self {
        Self {
            touched,
            successes: record.successes,
            errors: record.errors,
            parent: record.parent.into(),
            dependents: record.dependents.into_iter().map(Box::from).collect(),
        }
    }

    fn held(&self, name: &str) -> usize {
        let dependents = self.dependents.iter().map(|name| name.len() + 16);
        OVERHEAD + name.len() + self.parent.len() + dependents.sum::<usize>()
    }
}

impl Jobs {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.jobs.keys().map(|name| &**name)
    }

    /// Names and jobs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Job)> {
        self.jobs.iter().map(|(name, job)| (&**name, job))
    }

    /// A job by its name.
    pub fn get(&self, name: &str) -> Option<&Job> {
        self.jobs.get(name)
    }

    /// Changes that were left out because more than [`MAX_HELD`] bytes would be held: then this is not all of them.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Puts a job of a snapshot in its place, as it is there.
    pub fn load(&mut self, name: &str, record: JobRecord) {
        self.put(name, Job::new(record, 0));
    }

    /// Removes a job of a snapshot.
    pub fn unload(&mut self, name: &str) {
        if let Some(job) = self.jobs.remove(name) {
            self.held = self.held.saturating_sub(job.held(name));
        }
    }

    /// Does what an entry of the log says.
    pub fn apply(&mut self, index: u64, command: Command) {
        match command {
            Command::SetJob(record) => self.set(record, index),
            Command::DeleteJob(name) => self.delete(&name, index),
            Command::ExecutionDone { job, success } => self.change(&job, index, |job| {
                let counter = match success {
                    true => &mut job.successes,
                    false => &mut job.errors,
                };
                *counter = counter.wrapping_add(1);
            }),
            Command::DeleteExecutions(job) => self.change(&job, index, |job| {
                job.successes = 0;
                job.errors = 0;
            }),
            Command::SetExecution | Command::Foreign(_) => {}
        }
    }

    fn set(&mut self, record: JobRecord, index: u64) {
        let name = record.name.clone();
        if name.is_empty() || record.parent == name || !self.has_parent(&record.parent) {
            return;
        }
        let mut job = Job::new(record, index);
        let mut old_parent: Box<str> = Box::default();
        if let Some(old) = self.jobs.get(&*name) {
            job.successes = job.successes.max(old.successes);
            job.errors = job.errors.max(old.errors);
            if !old.dependents.is_empty() {
                job.dependents.clone_from(&old.dependents);
            }
            old_parent.clone_from(&old.parent);
        }
        let parent = job.parent.clone();
        if self.put(&name, job) && old_parent != parent {
            // A parent that is missing ends it here, in Dkron too.
            if self.leave(&old_parent, &name, index) {
                self.join(&parent, &name, index);
            }
        }
    }

    fn delete(&mut self, name: &str, index: u64) {
        if !self.get(name).is_some_and(|job| job.dependents.is_empty()) {
            return;
        }
        if let Some(job) = self.jobs.remove(name) {
            self.held = self.held.saturating_sub(job.held(name));
            self.leave(&job.parent, name, index);
        }
    }

    /// Removes a child from its parent's list; false when the parent is missing.
    fn leave(&mut self, parent: &str, child: &str, index: u64) -> bool {
        if parent.is_empty() {
            return true;
        }
        self.change_list(parent, index, |list| list.retain(|name| &**name != child))
    }

    fn join(&mut self, parent: &str, child: &str, index: u64) {
        if !parent.is_empty() {
            self.change_list(parent, index, |list| list.push(child.into()));
        }
    }

    fn change_list(
        &mut self,
        parent: &str,
        index: u64,
        change: impl FnOnce(&mut Vec<Box<str>>),
    ) -> bool {
        let Some(job) = self.jobs.get(parent) else {
            return false;
        };
        // The parent is stored like any job: not where its own parent is missing.
        if self.has_parent(&job.parent) {
            self.change(parent, index, |job| change(&mut job.dependents));
        }
        true
    }

    fn has_parent(&self, parent: &str) -> bool {
        parent.is_empty() || self.jobs.contains_key(parent)
    }

    fn change(&mut self, name: &str, index: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.jobs.get_mut(name) {
            let before = job.held(name);
            change(job);
            job.touched = index;
            let after = job.held(name);
            self.held = self.held.saturating_sub(before).saturating_add(after);
        }
    }

    /// Whether there was room for it.
    fn put(&mut self, name: &str, job: Job) -> bool {
        let before = self.jobs.get(name).map_or(0, |old| old.held(name));
        let held = self.held - before.min(self.held) + job.held(name);
        if held > MAX_HELD {
            self.left_out += 1;
            return false;
        }
        self.held = held;
        match self.jobs.get_mut(name) {
            Some(place) => *place = job,
            None => {
                self.jobs.insert(name.into(), job);
            }
        }
        true
    }
}

/// As the list of their names.
impl Serialize for Jobs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, parent: &str) -> JobRecord {
        JobRecord {
            name: name.into(),
            parent: parent.into(),
            ..JobRecord::default()
        }
    }

    fn names(jobs: &Jobs) -> Vec<&str> {
        jobs.names().collect()
    }

    fn apply(jobs: &mut Jobs, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            let index = jobs.iter().map(|(_, job)| job.touched).max();
            jobs.apply(index.unwrap_or_default() + 1, command);
        }
    }

    #[test]
    fn conformance_8_counters_and_indexes_follow_the_log() {
        let done = |success| Command::ExecutionDone {
            job: "a".into(),
            success,
        };
        let mut jobs = Jobs::default();
        jobs.load(
            "a",
            JobRecord {
                successes: 5,
                errors: 1,
                ..record("a", "")
            },
        );
        assert_eq!(jobs.get("a").unwrap().touched, 0);
        apply(&mut jobs, [done(true), done(true), done(false)]);
        let job = jobs.get("a").unwrap();
        assert_eq!((job.successes, job.errors, job.touched), (7, 2, 3));
        // A change keeps the greater counters.
        apply(&mut jobs, [Command::SetJob(record("a", ""))]);
        assert_eq!(jobs.get("a").unwrap().successes, 7);
        apply(&mut jobs, [Command::DeleteExecutions("a".into())]);
        let job = jobs.get("a").unwrap();
        assert_eq!((job.successes, job.errors, job.touched), (0, 0, 5));
        let unknown = Command::ExecutionDone {
            job: "b".into(),
            success: true,
        };
        apply(&mut jobs, [unknown]);
        assert_eq!(names(&jobs), ["a"]);
    }

    #[test]
    fn conformance_8_parents_and_children() {
        let mut jobs = Jobs::default();
        let delete = |name: &str| Command::DeleteJob(name.into());
        let set = |name, parent| Command::SetJob(record(name, parent));
        apply(&mut jobs, [set("child", "parent")]);
        assert_eq!(names(&jobs), [""; 0], "its parent is missing");
        apply(&mut jobs, [set("self", "self"), set("", "")]);
        assert_eq!(names(&jobs), [""; 0]);
        apply(&mut jobs, [set("parent", ""), set("child", "parent")]);
        apply(&mut jobs, [delete("parent"), delete("absent")]);
        assert_eq!(names(&jobs), ["child", "parent"], "another depends on it");
        // Stored again without the list: what was stored stays.
        apply(&mut jobs, [set("parent", ""), delete("parent")]);
        assert_eq!(names(&jobs), ["child", "parent"]);
        // The child moves to another parent: then the old one can be deleted.
        apply(&mut jobs, [set("other", ""), set("child", "other")]);
        apply(&mut jobs, [delete("parent"), delete("other")]);
        assert_eq!(names(&jobs), ["child", "other"]);
        apply(&mut jobs, [delete("child"), delete("other")]);
        assert!(jobs.is_empty());
        assert_eq!(jobs.held, 0);
    }

    #[test]
    fn what_is_held_is_bounded_and_what_is_left_out_is_counted() {
        let mut jobs = Jobs::default();
        let name = |at: usize| format!("{at:04000}");
        let fits = MAX_HELD / (OVERHEAD + 4000);
        for at in 0..fits + 3 {
            jobs.apply(1, Command::SetJob(record(&name(at), "")));
        }
        assert_eq!((jobs.len(), jobs.left_out()), (fits, 3));
        // What is there already can still change, and go.
        jobs.apply(2, Command::DeleteJob(name(0)));
        jobs.apply(3, Command::SetJob(record(&name(fits), "")));
        assert_eq!((jobs.len(), jobs.left_out()), (fits, 3));
    }
}
