//! What waits for a person and what is under way, as the server tells it.

/// What waits for the person, the most urgent first, and what is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The first of what waits.
    pub items: Vec<Item>,
    /// How much waits.
    pub total: u64,
    /// Jobs that run now, of all that the person may see.
    pub jobs: u32,
    /// Overrides of an approval whose review is open.
    pub open_reviews: u32,
    /// What became of the person's own plans, the newest first.
    pub yours: Vec<Yours>,
}

/// Something that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Item {
    /// What to do: `Approve or reject`.
    pub what: String,
    /// What it is about.
    pub title: String,
    /// Where that is done.
    pub path: String,
    /// Since when it waits, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// What became of a plan of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Yours {
    /// What people call the plan.
    pub name: String,
    /// Class and word of it: `rejected`.
    pub is: (&'static str, &'static str),
    /// By whom, and why.
    pub words: String,
    /// Where it is told in full.
    pub path: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Whether it waits for the person besides, who is told of it by that.
    pub waits: bool,
}
