//! What a form for a recovery consists of, whatever it recovers: what it is given, what it gives back. The page that
//! checks and seals works with these; a system fills them in.

mod findings;
mod kept;

use leptos::prelude::*;
use requorum_shared::finding::{Finding, Report};
use requorum_shared::kinds::Inspection;
use requorum_shared::recovery::{Observation, Request};

pub use self::findings::{Here, drifted, is_about, merge};
pub use self::kept::{forget, kept};
use crate::components::loss::Loss;

/// A stored file that a plan is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenFile {
    /// What was found in it when it was stored.
    pub inspection: Inspection,
    /// When it was uploaded, in milliseconds since 1970; none where that is not known.
    pub uploaded_ms: Option<i64>,
}

/// A restore root that the server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootChoice {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Free bytes there.
    pub free_bytes: Option<u64>,
}

/// What a form begins from.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The files, in the order of the address; at least one.
    pub files: Vec<GivenFile>,
    /// The restore roots that plans for these files may use.
    pub roots: Vec<RootChoice>,
    /// The request of an earlier plan for the same files, to begin from.
    pub earlier: Option<Request>,
    /// What has changed since that plan was sealed.
    pub drift: Vec<Finding>,
    /// Where what was typed is kept for this tab.
    pub key: String,
}

/// A form for one kind of recovery.
pub struct PlanForm {
    /// What is planned, in a sentence: `Restore weekly.db from revision 1 200 007`.
    pub sentence: String,
    /// The request, as it is typed.
    pub request: Memo<Request>,
    /// What the page finds about it by itself.
    pub here: Memo<Here>,
    /// What the request rests on, as far as the page knows.
    pub seen: Memo<Observation>,
    /// Whether what is typed asks for the same as the earlier plan. True where there is none.
    pub unchanged: Memo<bool>,
    /// What is lost with it at a time in milliseconds since 1970, where that can be told.
    pub loss: Option<Callback<i64, Loss>>,
    /// Commands of the system's own tools that do the same, and what they are called.
    pub commands: (&'static str, Signal<String>),
    /// Builds the fields, once the whole report is there to be shown beside them.
    pub fields: Box<dyn FnOnce(Memo<Report>) -> Fields>,
}

/// What is typed into.
pub struct Fields {
    /// The fields.
    pub view: AnyView,
    /// The buttons of a finding that is shown in the element with [`REPORT`] as its id.
    pub fixes: Callback<Finding, AnyView>,
}

/// The id of the element that shows the report.
pub const REPORT: &str = "report";
