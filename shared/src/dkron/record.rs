//! A job as Dkron stores it, as far as the list of jobs depends on it.
//!
//! ```text
//! in the log       protobuf `Job`
//! in a snapshot    JSON since 3.1.0: Go's plain encoding, snake case, zero values left out; protobuf before
//! ```
//! Schedules, executors and times stay in the file: nothing here decides by them.

use prost::Message as _;
use serde::Deserialize;
use thiserror::Error;

/// The longest name of a job that is kept; Dkron's own are words of a URL.
pub const MAX_NAME: usize = 4096;

/// A stored job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobRecord {
    /// Its name, which is its identity.
    pub name: String,
    /// The job after which it runs; empty for a job with a schedule of its own.
    pub parent: String,
    /// The jobs that run after it.
    pub dependents: Vec<String>,
    /// Runs that succeeded.
    pub successes: i32,
    /// Runs that failed.
    pub errors: i32,
}

/// How a stored job is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// By Dkron 3.1.0 and later.
    Json,
    /// By Dkron before 3.1.0.
    Protobuf,
}

/// Why a value is no job, or a command none that is known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Undecodable {
    /// It is no JSON, or a field is of another type.
    #[error("it is not a job in JSON: {0}")]
    Json(String),
    /// It is no protobuf, or a field is of another type.
    #[error("it is not a message of its kind: {0}")]
    Protobuf(String),
    /// The name has more bytes than any.
    #[error("the name of its job has {0} bytes")]
    Name(usize),
    /// It is longer than what is read.
    #[error("it has {0} bytes, more than are read of one")]
    Long(u64),
    /// There is nothing to decode.
    #[error("it is empty")]
    Empty,
}

impl From<prost::DecodeError> for Undecodable {
    fn from(error: prost::DecodeError) -> Self {
        Self::Protobuf(error.to_string())
    }
}

/// `types.Job`: fields that are not listed are passed over.
#[derive(Clone, PartialEq, prost::Message)]
struct JobMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int32, tag = "9")]
    success_count: i32,
    #[prost(int32, tag = "10")]
    error_count: i32,
    #[prost(string, repeated, tag = "14")]
    dependent_jobs: Vec<String>,
    #[prost(string, tag = "15")]
    parent_job: String,
}

/// The same in JSON. Go takes `null` for a field that is left out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct JobJson {
    name: Option<String>,
    success_count: Option<i32>,
    error_count: Option<i32>,
    dependent_jobs: Option<Vec<String>>,
    parent_job: Option<String>,
}

impl JobRecord {
    /// Decodes the message of a SetJob command.
    ///
    /// # Errors
    /// [`Undecodable::Protobuf`], [`Undecodable::Name`].
    pub fn from_protobuf(bytes: &[u8]) -> Result<Self, Undecodable> {
        let message = JobMessage::decode(bytes)?;
        Self {
            name: message.name,
            parent: message.parent_job,
            dependents: message.dependent_jobs,
            successes: message.success_count,
            errors: message.error_count,
        }
        .checked()
    }

    /// Decodes a value of a snapshot, in whichever of the two it is.
    ///
    /// # Errors
    /// [`Undecodable`].
    pub fn from_stored(bytes: &[u8]) -> Result<(Self, Encoding), Undecodable> {
        match bytes.first() {
            None => Err(Undecodable::Empty),
            Some(b'{') => Ok((Self::from_json(bytes)?, Encoding::Json)),
            Some(_) => Ok((Self::from_protobuf(bytes)?, Encoding::Protobuf)),
        }
    }

    fn from_json(bytes: &[u8]) -> Result<Self, Undecodable> {
        let json: JobJson =
            serde_json::from_slice(bytes).map_err(|error| Undecodable::Json(error.to_string()))?;
        Self {
            name: json.name.unwrap_or_default(),
            parent: json.parent_job.unwrap_or_default(),
            dependents: json.dependent_jobs.unwrap_or_default(),
            successes: json.success_count.unwrap_or_default(),
            errors: json.error_count.unwrap_or_default(),
        }
        .checked()
    }

    fn checked(self) -> Result<Self, Undecodable> {
        let names = [&self.name, &self.parent].into_iter();
        match names.chain(&self.dependents).map(String::len).max() {
            Some(len) if len > MAX_NAME => Err(Undecodable::Name(len)),
            _ => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conformance_9_json_and_protobuf_say_the_same() {
        let message = JobMessage {
            name: "child".into(),
            success_count: 33,
            error_count: 2,
            dependent_jobs: vec!["grandchild".into()],
            parent_job: "parent".into(),
        };
        let json = br#"{"name":"child","schedule":"@manually","success_count":33,"error_count":2,"dependent_jobs":["grandchild"],"parent_job":"parent","tags":null}"#;
        let (of_json, encoding) = JobRecord::from_stored(json).unwrap();
        assert_eq!(encoding, Encoding::Json);
        let (of_protobuf, encoding) = JobRecord::from_stored(&message.encode_to_vec()).unwrap();
        assert_eq!(encoding, Encoding::Protobuf);
        assert_eq!(of_json, of_protobuf);
        assert_eq!((of_json.successes, of_json.errors), (33, 2));
        assert_eq!(of_json.dependents, ["grandchild"]);
    }

    #[test]
    fn conformance_40_and_41_times_and_numbers_that_are_not_kept_do_no_harm() {
        let json = br#"{"name":"j","next":{"seconds":-62135596800},"last_success":{"has_value":true,"time":{"seconds":253402300799,"nanos":999999999}},"last_error":{},"group":1795244524074240074,"parent_job":null}"#;
        let (record, _) = JobRecord::from_stored(json).unwrap();
        assert_eq!((record.name.as_str(), record.parent.as_str()), ("j", ""));
    }

    #[test]
    fn what_is_no_job_is_refused() {
        for (bytes, error) in [
            (&b""[..], "it is empty"),
            (b"{\"name\":1}", "it is not a job in JSON"),
            (b"{\"name\":\"a\"", "it is not a job in JSON"),
            (b"\x0a\x05ab", "it is not a message of its kind"),
            (b"\x0a\x02\xff\xfe", "it is not a message of its kind"),
        ] {
            let said = JobRecord::from_stored(bytes).unwrap_err().to_string();
            assert!(said.starts_with(error), "{said}");
        }
        let long = format!("{{\"name\":\"{}\"}}", "n".repeat(MAX_NAME + 1));
        let said = JobRecord::from_stored(long.as_bytes());
        assert_eq!(said, Err(Undecodable::Name(MAX_NAME + 1)));
    }
}
