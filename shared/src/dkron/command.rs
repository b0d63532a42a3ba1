//! What a command of the log does: one byte says which, a protobuf message follows.
//!
//! ```text
//! 0 SetJob            Job                     3 DeleteExecutions   { job_name = 1 }
//! 1 DeleteJob         { job_name = 1 }        4 ExecutionDone      { execution = 1 }
//! 2 SetExecution      Execution               other                Dkron Pro's own
//! ```

use prost::Message as _;

use super::record::{JobRecord, MAX_NAME, Undecodable};

/// The longest command that is decoded. A server receives no message of more than 4 MiB.
pub const MAX_COMMAND: u64 = 16 << 20;

/// A command, as far as the list of jobs depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Creates or changes a job.
    SetJob(JobRecord),
    /// Deletes a job that no other depends on.
    DeleteJob(String),
    /// Notes that a job began to run: no job changes.
    SetExecution,
    /// Deletes what is known of a job's runs. Dkron before 4.1 ignores it.
    DeleteExecutions(String),
    /// Counts a run that ended.
    ExecutionDone {
        /// The job that ran.
        job: String,
        /// Whether it succeeded.
        success: bool,
    },
    /// One that Dkron itself does not know: recovery by `peers.json` skips it.
    Foreign(u8),
}

#[derive(Clone, PartialEq, prost::Message)]
struct NameMessage {
    #[prost(string, tag = "1")]
    job_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DoneMessage {
    #[prost(message, optional, tag = "1")]
    execution: Option<ExecutionMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ExecutionMessage {
    #[prost(string, tag = "1")]
    job_name: String,
    #[prost(bool, tag = "2")]
    success: bool,
}

impl Command {
    /// Decodes the data of a command entry.
    ///
    /// # Errors
    /// [`Undecodable`].
    pub fn decode(data: &[u8]) -> Result<Self, Undecodable> {
        let (kind, message) = data.split_first().ok_or(Undecodable::Empty)?;
        Ok(match kind {
            0 => Self::SetJob(JobRecord::from_protobuf(message)?),
            1 => Self::DeleteJob(name(message)?),
            2 => Self::SetExecution,
            3 => Self::DeleteExecutions(name(message)?),
            4 => {
                let done = DoneMessage::decode(message)?.execution.unwrap_or_default();
                Self::ExecutionDone {
                    job: bounded(done.job_name)?,
                    success: done.success,
                }
            }
            other => Self::Foreign(*other),
        })
    }

    /// As Dkron calls it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::SetJob(_) => "SetJob",
            Self::DeleteJob(_) => "DeleteJob",
            Self::SetExecution => "SetExecution",
            Self::DeleteExecutions(_) => "DeleteExecutions",
            Self::ExecutionDone { .. } => "ExecutionDone",
            Self::Foreign(_) => "unknown",
        }
    }
}

fn name(message: &[u8]) -> Result<String, Undecodable> {
    bounded(NameMessage::decode(message)?.job_name)
}

fn bounded(name: String) -> Result<String, Undecodable> {
    match name.len() {
        len if len > MAX_NAME => Err(Undecodable::Name(len)),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conformance_6_the_command_of_the_specification() {
        let data = hex::decode("010a026a31").unwrap();
        assert_eq!(Command::decode(&data), Ok(Command::DeleteJob("j1".into())));
    }

    #[test]
    fn every_number_is_its_command() {
        let named = |kind| [&[kind], b"\x0a\x01j".as_slice()].concat();
        let decode = |data: &[u8]| Command::decode(data).unwrap();
        let record = JobRecord {
            name: "j".into(),
            ..JobRecord::default()
        };
        assert_eq!(decode(&named(0)), Command::SetJob(record));
        assert_eq!(decode(&named(2)), Command::SetExecution);
        assert_eq!(decode(&named(3)), Command::DeleteExecutions("j".into()));
        let done = decode(b"\x04\x0a\x05\x0a\x01j\x10\x01");
        let expected = Command::ExecutionDone {
            job: "j".into(),
            success: true,
        };
        assert_eq!(done, expected);
        assert_eq!(decode(&named(200)), Command::Foreign(200));
        assert_eq!(Command::decode(b""), Err(Undecodable::Empty));
        assert!(Command::decode(b"\x01\x0a\x09j").is_err());
    }
}
