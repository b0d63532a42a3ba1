//! `raft.db` in the one pass that any file is fed to: what it says is what reading the log at random says, and hardly
//! anything is read a second time.

use std::cell::Cell;

use proptest::prelude::{ProptestConfig, any, proptest};
use requorum_shared::bbolt::write::{Appended, Item};
use requorum_shared::bbolt::{Database, Meta, PageHeader};
use requorum_shared::finding::{Finding, Outcome};
use requorum_shared::inspection::{PartName, Trust};
use requorum_shared::kinds::{self, Details, Inspection, Options, Scanner};
use requorum_shared::raft::store::{self, RaftDb};
use requorum_shared::source::{Source, SourceError};

use crate::build::put_meta;
use crate::raft;

const SIZE: usize = 4096;
const COMMAND: u64 = 0;
const NOOP: u64 = 1;
const CONFIGURATION: u64 = 5;

/// Counts what is read at random.
struct Counted<'b>(&'b [u8], Cell<u64>);

impl Source for Counted<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        self.1.set(self.1.get() + out.len() as u64);
        self.0.read_at(offset, out)
    }
}

/// The inspection, and how many bytes were read besides the pass.
fn look(bytes: &[u8]) -> (Inspection, u64) {
    let mut scanner = Scanner::new(Options::default());
    bytes.chunks(10_000).for_each(|piece| scanner.feed(piece));
    let source = Counted(bytes, Cell::new(0));
    let inspection = kinds::inspect(scanner.finish(), "raft.db", &source);
    (inspection, source.1.get())
}

/// The log and the findings about it, by the pass.
fn passed(inspection: &Inspection) -> (RaftDb, Vec<Finding>) {
    let Details::RaftDb(facts) = &inspection.details else {
        panic!("{}", inspection.verdict.sentence);
    };
    let of_log = |finding: &&Finding| finding.code.starts_with("raft.");
    let findings = inspection.report.findings.iter().filter(of_log);
    (facts.as_ref().clone(), findings.cloned().collect())
}

/// The same by a reader at random.
fn at_random(bytes: &[u8]) -> (RaftDb, Vec<Finding>) {
    let source: &dyn Source = &bytes;
    let (facts, report) = store::read(&Database::open(source).unwrap());
    (facts, report.findings)
}

/// What the pass says, once it is certain that reading at random says the same.
fn both(bytes: &[u8]) -> (RaftDb, Vec<Finding>) {
    let found = passed(&look(bytes).0);
    assert_eq!(found, at_random(bytes));
    found
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

/// How a library writes bytes: those before 2018 know only text.
#[derive(Clone, Copy)]
enum Dialect {
    Old,
    New,
}

impl Dialect {
    fn bytes(self, bytes: &[u8]) -> Vec<u8> {
        let len = bytes.len();
        let head = match (self, len) {
            (Self::Old, ..32) => vec![0xa0 | len as u8],
            (Self::Old, ..=0xffff) => [&[0xda][..], &(len as u16).to_be_bytes()].concat(),
            (Self::Old, _) => [&[0xdb][..], &(len as u32).to_be_bytes()].concat(),
            (Self::New, ..=0xff) => vec![0xc4, len as u8],
            (Self::New, ..=0xffff) => [&[0xc5][..], &(len as u16).to_be_bytes()].concat(),
            (Self::New, _) => [&[0xc6][..], &(len as u32).to_be_bytes()].concat(),
        };
        [head, bytes.to_vec()].concat()
    }

    fn entry(self, index: u64, term: u64, entry_type: u64, data: &[u8]) -> Item {
        let text = |text: &str| Self::Old.bytes(text.as_bytes());
        let uint = |n: u64| [&[0xcf][..], &n.to_be_bytes()].concat();
        let mut fields = vec![
            [text("Data"), self.bytes(data)],
            [text("Index"), uint(index)],
            [text("Term"), uint(term)],
            [text("Type"), uint(entry_type)],
        ];
        if matches!(self, Self::New) {
            fields.insert(0, [text("AppendedAt"), self.bytes(&[1; 15])]);
            fields.insert(2, [text("Extensions"), vec![0xc0]]);
        }
        let mut value = vec![0x80 | fields.len() as u8];
        value.extend(fields.concat().concat());
        Item::pair(index.to_be_bytes(), value)
    }
}

/// The data of a configuration of one server.
fn configuration(id: &str) -> Vec<u8> {
    let text = |text: &str| Dialect::Old.bytes(text.as_bytes());
    let server = [
        vec![0x83],
        text("Address"),
        text("h:1"),
        text("ID"),
        text(id),
        text("Suffrage"),
        vec![0],
    ];
    [vec![0x81], text("Servers"), vec![0x91], server.concat()].concat()
}

/// Commands of these indexes in term 3.
fn commands(dialect: Dialect, indexes: std::ops::Range<u64>) -> Vec<Item> {
    indexes
        .map(|index| dialect.entry(index, 3, COMMAND, &[7; 200]))
        .collect()
}

fn raft_db(entries: &[Item]) -> Vec<u8> {
    let mut pages = Appended::new(SIZE as u32, 2);
    let conf = [Item::pair("CurrentTerm", 9u64.to_be_bytes())];
    let buckets = [
        Item::bucket("conf", pages.bucket(&conf, 0).unwrap()),
        Item::bucket("logs", pages.bucket(entries, 0).unwrap()),
    ];
    let root = pages.leaf(&buckets).unwrap();
    let meta = Meta {
        page_size: SIZE as u32,
        flags: 0,
        root,
        root_sequence: 0,
        freelist: u64::MAX,
        // No file has fewer pages.
        hwm: pages.high_water_mark().max(4),
        txid: 7,
    };
    let mut bytes = vec![0; 2 * SIZE];
    bytes.extend(pages.into_bytes());
    bytes.resize(meta.hwm as usize * SIZE, 0);
    put_meta(&mut bytes, 0, &Meta { txid: 6, ..meta });
    put_meta(&mut bytes, 1, &meta);
    bytes
}

/// Pages that are leaves of plain entries.
fn leaves(bytes: &[u8]) -> Vec<usize> {
    let pages = bytes.as_chunks::<SIZE>().0.iter().enumerate().skip(2);
    let leaf = |page: &[u8; SIZE]| {
        PageHeader::parse(page).is_some_and(|page| page.flags == 2 && page.count > 2)
    };
    pages
        .filter(|(_, page)| leaf(page))
        .map(|(id, _)| id)
        .collect()
}

#[test]
fn a_log_is_not_read_a_second_time() {
    for dialect in [Dialect::Old, Dialect::New] {
        let bytes = raft_db(&commands(dialect, 1..20_000));
        let (inspection, read) = look(&bytes);
        let (facts, findings) = passed(&inspection);
        assert_eq!(
            (facts.first_index, facts.last_index),
            (Some(1), Some(19_999))
        );
        assert_eq!((facts.entries, facts.last_term), (19_999, Some(3)));
        assert!(facts.complete && findings.is_empty(), "{findings:?}");
        assert_eq!(
            inspection.verdict.outcome(PartName::Structure),
            Outcome::Pass
        );
        assert_eq!((facts, findings), at_random(&bytes));
        // The root and the vote, in blocks of one MiB.
        assert!(
            read <= 2 << 20 && bytes.len() > 4 << 20,
            "{read} of {}",
            bytes.len()
        );
    }
}

/// A medium that fails from a certain read on.
struct Failing<'b>(&'b [u8], Cell<u32>);

impl Source for Failing<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        let left = self.1.get().checked_sub(1);
        self.1.set(left.ok_or_else(|| SourceError::Read {
            offset,
            message: "the disk is gone".into(),
        })?);
        self.0.read_at(offset, out)
    }
}

#[test]
fn what_a_medium_does_not_give_is_not_said_to_be_sound() {
    let bytes = raft_db(&commands(Dialect::New, 1..1000));
    let after = |reads| {
        let mut scanner = Scanner::new(Options::default());
        scanner.feed(&bytes);
        let source = Failing(&bytes, Cell::new(reads));
        let inspection = kinds::inspect(scanner.finish(), "raft.db", &source);
        (inspection, source.1.get())
    };
    let needed = 1000 - after(1000).1;
    // Sound, and without a checksum that would prove it.
    assert_eq!(after(needed).0.trust(), Trust::Unproven);
    assert!(needed > 4);
    for reads in 0..needed {
        let (inspection, _) = after(reads);
        let trust = inspection.trust();
        assert!(
            matches!(trust, Trust::Damaged | Trust::Unknown),
            "{reads} of {needed}: {trust:?}"
        );
        if let Details::RaftDb(facts) = &inspection.details {
            assert!(!facts.complete, "{reads} of {needed}");
            let meaning = inspection.verdict.outcome(PartName::Content);
            assert_ne!(meaning, Outcome::Pass, "{reads} of {needed}");
        }
    }
}

#[test]
fn the_page_map_tells_the_log_apart() {
    let map = look(&raft_db(&commands(Dialect::New, 1..2000))).0.page_map;
    let logs = map.runs.iter().filter(|run| run.label == "logs");
    assert!(
        logs.map(|run| run.count).sum::<u64>() > 100,
        "{:?}",
        map.runs
    );
}

#[test]
fn every_server_says_in_one_pass_what_it_says_at_random() {
    for server in raft::SERVERS {
        let bytes = raft::file(&format!("{server}/raft/raft.db"));
        let (facts, findings) = both(&bytes);
        assert!(
            facts.complete && findings.is_empty(),
            "{server}: {findings:?}"
        );
    }
}

#[test]
fn holes_are_found_wherever_they_are() {
    let all = commands(Dialect::New, 1..1000);
    let sound = raft_db(&all);
    let first_leaf = leaves(&sound)[0];
    let per_leaf = PageHeader::parse(&sound[first_leaf * SIZE..])
        .unwrap()
        .count
        .into();
    // Within a leaf, at the border of two, and after the first of the second.
    for hole in [5, per_leaf, per_leaf + 1] {
        for many in [1, 3, 40] {
            let mut entries = all.clone();
            entries.drain(hole..hole + many);
            let (facts, findings) = both(&raft_db(&entries));
            assert_eq!(codes(&findings), ["raft.gap"], "{hole} {many}");
            assert!(findings[0].place.unwrap().offset.is_some());
            assert_eq!(facts.entries, 999 - many as u64);
        }
    }
    let late = raft_db(&commands(Dialect::Old, 10_240..10_500));
    assert_eq!(both(&late).0.first_index, Some(10_240));
    assert_eq!(both(&raft_db(&[])).0.last_index, None);
}

#[test]
fn terms_never_decrease() {
    for at in [1, 5, 13, 14, 15, 500] {
        let mut entries = commands(Dialect::Old, 1..1000);
        entries[at] = Dialect::Old.entry(at as u64 + 1, 2, NOOP, &[7; 200]);
        let (facts, findings) = both(&raft_db(&entries));
        assert_eq!(codes(&findings), ["raft.term"], "{at}");
        assert_eq!(facts.entries_by_type["noop"], 1);
    }
    // It may grow, also within a leaf.
    let mut entries = commands(Dialect::Old, 1..500);
    entries.extend((500..1000).map(|index| Dialect::New.entry(index, index / 5, COMMAND, b"x")));
    let (facts, findings) = both(&raft_db(&entries));
    assert_eq!(
        (facts.last_term, codes(&findings)),
        (Some(199), vec!["raft.current-term"])
    );
}

#[test]
fn the_newest_configuration_counts_and_what_is_no_entry_is_named() {
    let mut entries = commands(Dialect::New, 1..1000);
    for (at, id) in [(0, "first"), (700, "last"), (300, "middle")] {
        let index = at as u64 + 1;
        entries[at] = Dialect::New.entry(index, 3, CONFIGURATION, &configuration(id));
    }
    let (facts, findings) = both(&raft_db(&entries));
    let logged = facts.configuration.unwrap();
    assert_eq!(
        (logged.index, logged.configuration.servers[0].id.as_str()),
        (701, "last")
    );
    assert_eq!(findings, []);

    entries[800].value = b"no entry".to_vec();
    entries[801].value = entries[1].value.clone();
    entries.insert(900, Item::pair(b"\x00\x00\x00\x00\x00\x00\x03\x84k", "v"));
    let (facts, findings) = both(&raft_db(&entries));
    assert_eq!(
        codes(&findings),
        ["raft.entry", "raft.entry", "raft.gap", "raft.entry"]
    );
    assert!(!facts.complete);
    assert_eq!(facts.entries, 997);
}

#[test]
fn entries_of_any_length_are_read() {
    let mut entries = commands(Dialect::Old, 1..100);
    // On pages with overflow, and one that is too large to be gathered.
    for (at, len) in [(20, 9000), (40, 100_000), (60, 3 << 20)] {
        entries[at] = Dialect::New.entry(at as u64 + 1, 3, COMMAND, &vec![7; len]);
    }
    let (facts, findings) = both(&raft_db(&entries));
    assert_eq!(
        (facts.entries, facts.complete, findings),
        (99, true, Vec::new())
    );
}

#[test]
fn a_bucket_among_the_entries_is_named() {
    let mut entries = commands(Dialect::Old, 1..100);
    entries[50].is_bucket = true;
    let (facts, findings) = passed(&look(&raft_db(&entries)).0);
    assert!(!facts.complete);
    assert_eq!(facts.entries, 98);
    assert!(codes(&findings).contains(&"raft.entry"), "{findings:?}");
}

#[test]
fn what_is_lost_with_a_page_is_known() {
    let sound = raft_db(&commands(Dialect::New, 1..1000));
    let found = leaves(&sound);
    for page in [found[0], found[3], found[found.len() - 1]] {
        let mut bytes = sound.clone();
        bytes[page * SIZE] ^= 0xff;
        let (facts, findings) = both(&bytes);
        assert!(!facts.complete);
        assert!(codes(&findings).contains(&"raft.page"), "{findings:?}");
        // An element that ends outside its page.
        let mut bytes = sound.clone();
        bytes[page * SIZE + 16 + 16 + 12..][..4].fill(0x7f);
        let (facts, findings) = passed(&look(&bytes).0);
        assert!(!facts.complete);
        assert!(codes(&findings).contains(&"raft.page"), "{findings:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever is done to a file whose pages are sound still, both ways of reading it agree; and what one of them
    /// cannot read is not said to be sound by the other.
    #[test]
    fn damage_is_seen_alike(at in any::<proptest::sample::Index>(), byte: u8, len in 1usize..40) {
        let mut bytes = raft::file("stopped/raft/raft.db");
        let start = at.index(bytes.len() - len);
        bytes[start..start + len].fill(byte);
        let (inspection, _) = look(&bytes);
        if let Details::RaftDb(_) = &inspection.details {
            let found = passed(&inspection);
            let expected = at_random(&bytes);
            if inspection.verdict.outcome(PartName::Structure) == Outcome::Pass {
                assert_eq!(found, expected);
            }
            if !expected.0.complete {
                assert!(inspection.verdict.sentence.starts_with("Do not start"));
            }
        }
    }
}
