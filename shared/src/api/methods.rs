//! The methods of the typed API, from its descriptors: what each takes and gives, which of them only read, and which
//! are acts.

use prost::Message;

use super::v1;

/// One method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Where it is served: `/requorum.v1.JobService/StartJob`.
    pub path: &'static str,
    /// Whether it only reads: `idempotency_level = NO_SIDE_EFFECTS`. Any other is an act.
    pub reads: bool,
    /// Whether it answers with a stream.
    pub streams: bool,
}

impl Method {
    /// Its name alone: `StartJob`.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// A request, which says what it is asked of: each method has a request of its own.
pub trait Call: Message + Default + 'static {
    /// What it is answered with; each item of it where the method streams.
    type Response: Message + Default + 'static;
    /// The method.
    const METHOD: Method;
}

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_as_a_look_reads_and_nothing_else_does() {
        for method in METHODS {
            let look = [
                "About", "Check", "Get", "List", "Preview", "Prove", "Tail", "Watch",
            ]
            .iter()
            .any(|look| method.name().starts_with(look));
            assert_eq!(method.reads, look, "{}", method.path);
        }
        const { assert!(v1::ListJobsRequest::METHOD.reads) };
        const { assert!(!v1::StartJobRequest::METHOD.reads) };
        const { assert!(v1::WatchJobRequest::METHOD.streams) };
    }
}
