//! Plans as lists show them.

use async_trait::async_trait;
use requorum_shared::approval::Reversibility;

use super::store::{PlanRow, PlanState};
use crate::paging::{Clusters, Cursor, Order, Slice, Tally, sort_name};

/// What a list of plans is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// When they were sealed.
    Sealed,
    /// Their clusters, then their numbers.
    Name,
    /// The files that they rest on.
    File,
    /// Their headlines' numbers.
    Headline,
    /// Where they are in their lives, by [`rank`].
    State,
    /// Who sealed them.
    Author,
    /// Where the result goes.
    Target,
}

impl Column {
    /// All of them, as the API names them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("sealed", Self::Sealed),
        ("name", Self::Name),
        ("file", Self::File),
        ("headline", Self::Headline),
        ("state", Self::State),
        ("author", Self::Author),
        ("target", Self::Target),
    ];
    /// The order where none is asked for.
    pub const USUAL: &'static str = "-sealed";
}

/// Where a state is in a list by state: what can still come to be run first.
pub fn rank(state: PlanState) -> i64 {
    match state {
        PlanState::Sealed => 0,
        PlanState::Approved => 1,
        PlanState::Used => 2,
        PlanState::Rejected => 3,
        PlanState::Withdrawn => 4,
        PlanState::Invalidated => 5,
        PlanState::Expired => 6,
    }
}

/// Where a row is in a list of this order.
pub fn cursor(order: Order<Column>, row: &PlanRow, now_ms: i64) -> Cursor {
    let id = &row.id;
    match order.by {
        Column::Sealed => Cursor::at(row.sealed_ms, id),
        Column::Name => Cursor::named(&sort_name(&row.cluster, row.brief.number), id),
        Column::File => Cursor::named(&row.brief.files(), id),
        Column::Headline => Cursor::at(row.brief.headline_number(), id),
        Column::State if row.state.is_alive() && row.expires_ms <= now_ms => {
            Cursor::at(rank(PlanState::Expired), id)
        }
        Column::State => Cursor::at(rank(row.state), id),
        Column::Author => Cursor::named(&row.author, id),
        Column::Target => Cursor::named(&row.brief.outline.target, id),
    }
}

/// Which plans. One whose time is over counts as expired.
#[derive(Debug, Clone)]
pub struct PlanFilter {
    /// Of these clusters.
    pub clusters: Clusters,
    /// In one of these states; all when there is none.
    pub states: Vec<PlanState>,
    /// Where it is not empty: only those that rest on the file or observation with this id.
    pub input: String,
    /// Where it is not empty: only the one with this hash.
    pub hash: String,
    /// Where it is not empty: only those that this account sealed.
    pub author_id: String,
    /// Where it is not empty: only those whose sealed text has this in it. Letters and digits, nothing else.
    pub naming: String,
    /// Only those that a job carries out now.
    pub under_way: bool,
    /// Only those that have each of these in what there is to read of them, in small letters.
    pub words: Vec<String>,
    /// Only those that were sealed at this time or later.
    pub since_ms: i64,
    /// In which order.
    pub order: Order<Column>,
    /// The time, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl PlanFilter {
    /// All that belong to these clusters.
    pub fn of(clusters: Clusters, now_ms: i64) -> Self {
        Self {
            clusters,
            states: Vec::new(),
            input: String::new(),
            hash: String::new(),
            author_id: String::new(),
            naming: String::new(),
            under_way: false,
            words: Vec::new(),
            since_ms: 0,
            order: Order {
                by: Column::Sealed,
                descending: true,
            },
            now_ms,
        }
    }

    /// Whether it asks for nothing but what they rest on, and their clusters.
    pub fn is_by_input_alone(&self) -> bool {
        let empty = [&self.hash, &self.author_id, &self.naming];
        !self.input.is_empty()
            && self.is_usual()
            && self.since_ms == 0
            && self.states.is_empty()
            && !self.under_way
            && empty.into_iter().all(String::is_empty)
    }

    /// Whether it is the usual order of what need not be looked for.
    pub fn is_usual(&self) -> bool {
        self.words.is_empty() && self.order.by == Column::Sealed && self.order.descending
    }

    /// Those that a job carries out now.
    pub fn under_way(clusters: Clusters, now_ms: i64) -> Self {
        Self {
            under_way: true,
            ..Self::of(clusters, now_ms)
        }
    }

    /// Those that can still come to be run.
    pub fn open(clusters: Clusters, now_ms: i64) -> Self {
        Self {
            states: vec![PlanState::Sealed, PlanState::Approved],
            ..Self::of(clusters, now_ms)
        }
    }
}

/// Plans that can still come to be run and that wait for the same people: whatever is judged of one holds for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenGroup {
    /// Their cluster; empty for none.
    pub cluster: String,
    /// What they can do that nobody can take back.
    pub weight: Reversibility,
    /// Who sealed them.
    pub author_id: String,
    /// The accounts that approved each of them, in order.
    pub voters: Vec<String>,
    /// Whether they were let run without approval.
    pub broke_glass: bool,
    /// How many.
    pub count: u64,
}

/// Plans in lists.
#[async_trait]
pub trait PlanList: Send + Sync {
    /// Some of them, in their order.
    async fn plan_rows(&self, filter: &PlanFilter, slice: &Slice) -> anyhow::Result<Vec<PlanRow>>;
    /// Some of them, in their order, with how many fit in all: for a search, which looks at all of them anyway.
    async fn find_plans(
        &self,
        filter: &PlanFilter,
        slice: &Slice,
    ) -> anyhow::Result<(Vec<PlanRow>, u64)>;
    /// How many fit.
    async fn count_plans(&self, filter: &PlanFilter) -> anyhow::Result<u64>;
    /// How many there are of each cluster and state.
    async fn tally_plans(&self, now_ms: i64) -> anyhow::Result<Vec<Tally>>;
    /// All that can still come to be run, by what they wait for.
    async fn open_groups(&self, now_ms: i64) -> anyhow::Result<Vec<OpenGroup>>;
    /// Some of those in these groups, the newest first. `most`: that is most of what can still come to be run, which
    /// says how to look for them.
    async fn rows_of_groups(
        &self,
        groups: &[OpenGroup],
        most: bool,
        now_ms: i64,
        slice: &Slice,
    ) -> anyhow::Result<Vec<PlanRow>>;
}
