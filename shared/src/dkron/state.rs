//! `state.bin` of a snapshot: BuntDB's dump, commands in Redis' protocol, one for each key.
//!
//! ```text
//! *3\r\n  $3\r\nset\r\n  $<bytes>\r\n<key>\r\n  $<bytes>\r\n<value>\r\n
//! *5      … and "ex" <seconds>, or "ae" <unix time>: the key expires
//! *2      del <key>                *1  flushdb                 NUL bytes between commands are skipped
//! ```
//! Keys are `jobs:<name>`, `executions:<job>:<start>-<node>` and `stats:<day>`. One pass reads it and computes its
//! checksum; only the values of jobs are looked at.

use thiserror::Error;

use super::jobs::Jobs;
use super::record::{Encoding, JobRecord, MAX_NAME, Undecodable};
use crate::raft::snapshot::Checksum;
use crate::source::{Source, SourceError};

/// The longest value of a job that is decoded.
pub const MAX_VALUE: u64 = 16 << 20;

/// Values that cannot be decoded and are listed; the rest is counted.
const MAX_LISTED: usize = 20;
/// Bytes read at once.
const PIECE: u64 = 256 << 10;
/// Parts that a command has at most.
const MAX_PARTS: u64 = 5;

/// What a `state.bin` holds.
#[derive(Debug)]
pub struct State {
    /// CRC-64 of all of its bytes.
    pub crc: u64,
    /// The jobs, or where it ceases to be a dump.
    pub jobs: Result<Jobs, Malformed>,
    /// Whether some jobs are stored in protobuf, as Dkron before 3.1.0 does.
    pub protobuf: bool,
    /// Jobs whose value cannot be decoded, the first of them, and why.
    pub undecodable: Vec<(String, Undecodable)>,
    /// How many there are in all.
    pub undecodable_count: u64,
    /// Jobs with a time at which they expire.
    pub expiring: u64,
}

/// Where a `state.bin` ceases to be a dump of BuntDB.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at byte {at} it {what}")]
pub struct Malformed {
    /// Bytes from its start.
    pub at: u64,
    /// What is wrong there.
    pub what: &'static str,
}

/// Reads a `state.bin` to its end.
///
/// # Errors
/// When the medium fails. Anything wrong with the bytes themselves is in [`State::jobs`].
pub fn read(source: &dyn Source) -> Result<State, SourceError> {
    let mut reader = Reader {
        stream: Stream::new(source),
        jobs: Jobs::default(),
        protobuf: false,
        undecodable: Vec::new(),
        undecodable_count: 0,
        expiring: 0,
        buffer: Vec::new(),
    };
    let ended = loop {
        match reader.command() {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(Broken::Bytes(malformed)) => break Err(malformed),
            Err(Broken::Medium(error)) => return Err(error),
        }
    };
    Ok(State {
        crc: reader.stream.finish()?,
        jobs: ended.map(|()| reader.jobs),
        protobuf: reader.protobuf,
        undecodable: reader.undecodable,
        undecodable_count: reader.undecodable_count,
        expiring: reader.expiring,
    })
}

/// The checksum of a `state.bin` alone.
///
/// # Errors
/// When the medium fails.
pub fn checksum(source: &dyn Source) -> Result<u64, SourceError> {
    Stream::new(source).finish()
}

enum Broken {
    Bytes(Malformed),
    Medium(SourceError),
}

impl From<SourceError> for Broken {
    fn from(error: SourceError) -> Self {
        Self::Medium(error)
    }
}

struct Reader<'s> {
    stream: Stream<'s>,
    jobs: Jobs,
    protobuf: bool,
    undecodable: Vec<(String, Undecodable)>,
    undecodable_count: u64,
    expiring: u64,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    /// Reads the next command; false at the end.
    fn command(&mut self) -> Result<bool, Broken> {
        loop {
            match self.stream.byte()? {
                None => return Ok(false),
                Some(0) => {}
                Some(b'*') => break,
                Some(_) => return Err(self.stream.malformed("has no command")),
            }
        }
        let parts = self.stream.number()?;
        if parts == 0 || parts > MAX_PARTS {
            return Err(self
                .stream
                .malformed("has a command of no parts or too many"));
        }
        let mut word = [0; 8];
        let word = self.short(&mut word)?.to_ascii_lowercase();
        match (word.as_slice(), parts) {
            (b"set", 3 | 5) => self.set(parts == 5)?,
            (b"del", 2) => {
                if let Some(name) = self.key()? {
                    self.jobs.unload(&name);
                }
            }
            (b"flushdb", 1) => self.jobs = Jobs::default(),
            _ => {
                return Err(self
                    .stream
                    .malformed("has a command that BuntDB does not know"));
            }
        }
        Ok(true)
    }

    fn set(&mut self, expires: bool) -> Result<(), Broken> {
        let key = self.key()?;
        let len = self.stream.length()?;
        match key {
            Some(name) if len <= MAX_VALUE => {
                let mut buffer = std::mem::take(&mut self.buffer);
                let taken = self.stream.take(len, &mut buffer);
                self.buffer = buffer;
                taken?;
                self.job(name);
                self.expiring += u64::from(expires);
            }
            Some(name) => {
                self.stream.pass(len)?;
                self.jobs.load(&name, JobRecord::default());
                self.fail(name, Undecodable::Long(len));
            }
            None => self.stream.pass(len)?,
        }
        self.stream.line_end()?;
        if expires {
            let (mut word, mut when) = ([0; 8], [0; 24]);
            let word = self.short(&mut word)?.to_ascii_lowercase();
            let when = self.short(&mut when)?;
            let number = std::str::from_utf8(when).is_ok_and(|when| when.parse::<i64>().is_ok());
            if !matches!(word.as_slice(), b"ex" | b"ae") || !number {
                return Err(self.stream.malformed("has a time that is none"));
            }
        }
        Ok(())
    }

    /// The next part as a key: the name of a job, or `None` for any other.
    fn key(&mut self) -> Result<Option<String>, Broken> {
        const PREFIX: &[u8] = b"jobs:";
        let len = self.stream.length()?;
        let longest = (PREFIX.len() + MAX_NAME) as u64;
        let mut key = Vec::new();
        self.stream.take(len.min(longest), &mut key)?;
        self.stream.pass(len.saturating_sub(longest))?;
        self.stream.line_end()?;
        let Some(name) = key.strip_prefix(PREFIX) else {
            return Ok(None);
        };
        let name = String::from_utf8_lossy(name).into_owned();
        if len > longest {
            self.fail(name, Undecodable::Name(len as usize - PREFIX.len()));
            return Ok(None);
        }
        Ok(Some(name))
    }

    fn job(&mut self, name: String) {
        match JobRecord::from_stored(&self.buffer) {
            Ok((record, encoding)) => {
                self.protobuf |= encoding == Encoding::Protobuf;
                self.jobs.load(&name, record);
            }
            Err(error) => {
                // It is there all the same.
                self.jobs.load(&name, JobRecord::default());
                self.fail(name, error);
            }
        }
    }

    fn fail(&mut self, name: String, why: Undecodable) {
        self.undecodable_count += 1;
        if self.undecodable.len() < MAX_LISTED {
            self.undecodable.push((name, why));
        }
    }

    /// The next part, which is short or is none that belongs there.
    fn short<'b, const N: usize>(&mut self, out: &'b mut [u8; N]) -> Result<&'b [u8], Broken> {
        let len = self.stream.length()?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(part) = out.get_mut(..len) else {
            return Err(self.stream.malformed("has a word that is too long"));
        };
        self.stream.fill(part)?;
        self.stream.line_end()?;
        Ok(part)
    }
}

/// The bytes from front to back, each of them counted into the checksum.
struct Stream<'s> {
    source: &'s dyn Source,
    piece: Vec<u8>,
    /// Where in the file the piece begins, and how far it was read.
    start: u64,
    at: usize,
    checksum: Checksum,
}

impl<'s> Stream<'s> {
    fn new(source: &'s dyn Source) -> Self {
        Self {
            source,
            piece: Vec::new(),
            start: 0,
            at: 0,
            checksum: Checksum::default(),
        }
    }

    fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    fn malformed(&self, what: &'static str) -> Broken {
        let at = self.offset();
        Broken::Bytes(Malformed { at, what })
    }

    /// What is left of the piece at hand, or the next one; empty at the end.
    fn rest(&mut self) -> Result<&[u8], SourceError> {
        if self.at == self.piece.len() {
            self.start += self.piece.len() as u64;
            self.at = 0;
            let len = self.source.size().saturating_sub(self.start).min(PIECE);
            self.piece.resize(len as usize, 0);
            self.source.read_at(self.start, &mut self.piece)?;
            self.checksum.feed(&self.piece);
        }
        Ok(self.piece.get(self.at..).unwrap_or_default())
    }

    fn byte(&mut self) -> Result<Option<u8>, SourceError> {
        let byte = self.rest()?.first().copied();
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Digits up to the end of their line.
    fn number(&mut self) -> Result<u64, Broken> {
        let mut number: Option<u64> = None;
        loop {
            match self.byte()? {
                Some(digit @ b'0'..=b'9') => {
                    let more = number.unwrap_or_default().checked_mul(10);
                    let sum = more.and_then(|n| n.checked_add(u64::from(digit - b'0')));
                    number = Some(sum.ok_or_else(|| self.malformed("has a length that is none"))?);
                }
                Some(b'\r') => {
                    return match (self.byte()?, number) {
                        (None, _) => Err(self.malformed("ends within a command")),
                        (Some(b'\n'), Some(number)) => Ok(number),
                        _ => Err(self.malformed("has a length that is none")),
                    };
                }
                None => return Err(self.malformed("ends within a command")),
                Some(_) => return Err(self.malformed("has a length that is none")),
            }
        }
    }

    /// The length of the next part, all of which is there.
    fn length(&mut self) -> Result<u64, Broken> {
        match self.byte()? {
            Some(b'$') => {}
            Some(_) => return Err(self.malformed("has no part of a command")),
            None => return Err(self.malformed("ends within a command")),
        }
        let len = self.number()?;
        match len > self.source.size().saturating_sub(self.offset()) {
            true => Err(self.malformed("ends within a command")),
            false => Ok(len),
        }
    }

    fn line_end(&mut self) -> Result<(), Broken> {
        match (self.byte()?, self.byte()?) {
            (Some(b'\r'), Some(b'\n')) => Ok(()),
            (_, None) => Err(self.malformed("ends within a command")),
            _ => Err(self.malformed("has a part that is longer than it says")),
        }
    }

    fn take(&mut self, len: u64, out: &mut Vec<u8>) -> Result<(), Broken> {
        out.clear();
        // It lies within the file, and the caller bounds it.
        out.resize(len as usize, 0);
        self.fill(out)
    }

    fn fill(&mut self, mut out: &mut [u8]) -> Result<(), Broken> {
        while !out.is_empty() {
            let rest = self.rest()?;
            let len = rest.len().min(out.len());
            if len == 0 {
                return Err(self.malformed("ends within a command"));
            }
            let (now, later) = out.split_at_mut(len);
            now.copy_from_slice(rest.get(..len).unwrap_or_default());
            self.at += len;
            out = later;
        }
        Ok(())
    }

    fn pass(&mut self, mut len: u64) -> Result<(), Broken> {
        while len > 0 {
            let passed = (self.rest()?.len() as u64).min(len);
            if passed == 0 {
                return Err(self.malformed("ends within a command"));
            }
            self.at += passed as usize;
            len -= passed;
        }
        Ok(())
    }

    /// Reads what is left; the checksum of all.
    fn finish(mut self) -> Result<u64, SourceError> {
        while !self.rest()?.is_empty() {
            self.at = self.piece.len();
        }
        Ok(self.checksum.finish())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn command(parts: &[&str]) -> String {
        let part = |part: &&str| format!("${}\r\n{part}\r\n", part.len());
        let parts_text: String = parts.iter().map(part).collect();
        format!("*{}\r\n{parts_text}", parts.len())
    }

    fn jobs(dump: &str) -> Result<Vec<String>, Malformed> {
        let state = read(&dump.as_bytes()).unwrap();
        let mut checksum = Checksum::default();
        checksum.feed(dump.as_bytes());
        assert_eq!(state.crc, checksum.finish(), "also of what follows a fault");
        let names = |jobs: Jobs| jobs.names().map(str::to_owned).collect();
        state.jobs.map(names)
    }

    #[test]
    fn conformance_8_the_example_of_the_specification() {
        let value = "{\"name\":\"j1\",\"schedule\":\"@every 1m\"}";
        assert_eq!(value.len(), 36);
        let dump = command(&["set", "jobs:j1", value]);
        assert_eq!(jobs(&dump).unwrap(), ["j1"]);
    }

    #[test]
    fn conformance_25_keys_and_values_of_any_bytes() {
        let dump = [
            command(&["set", "jobs:a\nb:*3", "{\"name\":\"a\"}"]),
            command(&["SET", "executions:a:1-n", "x\r\n*3\r\n$3\r\nset\r\n"]),
            "\0\0".to_owned(),
            command(&["set", "stats:2026-11-21", "{}"]),
            command(&["set", "jobs:ttl", "{}", "EX", "60"]),
            command(&["set", "jobs:until", "{}", "ae", "1795244524"]),
            command(&["set", "jobs:gone", "{}"]),
            command(&["del", "jobs:gone"]),
            command(&["del", "executions:a:1-n"]),
        ]
        .concat();
        assert_eq!(jobs(&dump).unwrap(), ["a\nb:*3", "ttl", "until"]);
        assert_eq!(read(&dump.as_bytes()).unwrap().expiring, 2);
        let flushed = dump + &command(&["flushdb"]) + &command(&["set", "jobs:new", "{}"]);
        assert_eq!(jobs(&flushed).unwrap(), ["new"]);
    }

    #[test]
    fn conformance_25_what_is_cut_or_lies_about_a_length_is_refused() {
        let dump = command(&["set", "jobs:j", "{}", "ex", "5"]);
        for len in 1..dump.len() {
            let error = jobs(&dump[..len]).unwrap_err();
            assert_eq!(error.what, "ends within a command", "{len}");
        }
        for (dump, what) in [
            ("x", "has no command"),
            ("*0\r\n", "has a command of no parts or too many"),
            ("*6\r\n", "has a command of no parts or too many"),
            ("*99999999999999999999\r\n", "has a length that is none"),
            ("*3\n", "has a length that is none"),
            ("*-1\r\n", "has a length that is none"),
            ("*2\r\n$18446744073709551615\r\n", "ends within a command"),
            ("*1\r\n$9\r\nflushdb  \r\n", "has a word that is too long"),
            (
                "*1\r\n$3\r\nset\r\n",
                "has a command that BuntDB does not know",
            ),
            (
                "*4\r\n$3\r\nset\r\n",
                "has a command that BuntDB does not know",
            ),
            (
                "*2\r\n$3\r\ndel\r\n$1\r\nabc",
                "has a part that is longer than it says",
            ),
            ("*2\r\n#3\r\n", "has no part of a command"),
        ] {
            assert_eq!(jobs(dump).unwrap_err().what, what, "{dump:?}");
        }
        let never = dump.replace("$1\r\n5", "$1\r\nx");
        assert_eq!(jobs(&never).unwrap_err().what, "has a time that is none");
    }

    #[test]
    fn a_job_that_cannot_be_decoded_is_named_and_counted() {
        let bad = |at: u32| command(&["set", &format!("jobs:bad-{at:03}"), "{"]);
        let dump: String = (0..30).map(bad).collect();
        let state = read(&dump.as_bytes()).unwrap();
        assert_eq!(state.jobs.unwrap().len(), 30, "they exist all the same");
        assert_eq!((state.undecodable.len(), state.undecodable_count), (20, 30));
        assert_eq!(state.undecodable[0].0, "bad-000");
        let long = command(&["set", &format!("jobs:{}", "n".repeat(MAX_NAME + 1)), "{}"]);
        let state = read(&long.as_bytes()).unwrap();
        assert!(state.jobs.unwrap().is_empty());
        assert_eq!(state.undecodable[0].1, Undecodable::Name(MAX_NAME + 1));
    }

    #[test]
    fn conformance_39_values_longer_than_a_piece_pass() {
        let output = "x".repeat(1 << 20);
        let dump = command(&["set", "executions:j:1-n", &output])
            + &command(&["set", "jobs:j", &format!("{{\"executor\":\"{output}\"}}")]);
        assert_eq!(jobs(&dump).unwrap(), ["j"]);
    }

    proptest! {
        /// Whatever is done to a dump, reading ends, and what is counted is there.
        #[test]
        fn damage_never_panics(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut dump = Vec::new();
            for name in ["jobs:a", "executions:a:1-n", "jobs:b"] {
                dump.extend(command(&["set", name, "{\"name\":\"a\"}"]).into_bytes());
            }
            let at = at.index(dump.len());
            let end = (at + bytes.len()).min(dump.len());
            dump.splice(at..end, bytes);
            if let Ok(jobs) = read(&dump.as_slice()).unwrap().jobs {
                prop_assert!(jobs.len() <= 3);
            }
        }
    }
}
