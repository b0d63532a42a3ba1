//! Each bound of the bbolt readers at its edge: what just fits is read, one byte or page more is named.

use requorum_shared::bbolt::limits::MAX_KEY_SIZE;
use requorum_shared::bbolt::scan::{
    Pair, Plain, Role, Scanner, StreamedPair, TakenLeaf, Visitor, Walk,
};
use requorum_shared::bbolt::{Database, Error, ErrorKind, Node, PageHeader};
use requorum_shared::finding::{Finding, Outcome};
use requorum_shared::source::{Source, SourceError};

use crate::build::{Image, bucket, inline, nested, pair};

const SIZE: usize = 1024;
/// The page that the tests make, below the root.
const LEAF: u64 = 3;

/// An element as it lies in the page: flags, first byte of its key from the start of the page, lengths.
#[derive(Clone, Copy)]
struct Raw {
    flags: u32,
    start: u32,
    key: u32,
    value: u32,
}

fn raw(start: usize, key: usize, value: usize) -> Raw {
    Raw {
        flags: 0,
        start: start as u32,
        key: key as u32,
        value: value as u32,
    }
}

/// A leaf with these elements and an ascending byte in every place behind them.
fn leaf(id: u64, len: usize, elements: &[Raw]) -> Vec<u8> {
    let mut page = vec![0; len];
    let header = PageHeader {
        id,
        flags: 2,
        count: elements.len() as u16,
        overflow: (len / SIZE) as u32 - 1,
    };
    page[..16].copy_from_slice(&header.encode());
    let table_end = 16 + elements.len() * 16;
    for (i, byte) in page[table_end.min(len)..].iter_mut().enumerate() {
        *byte = (i / 4) as u8;
    }
    for (i, element) in elements.iter().enumerate() {
        let at = 16 + i * 16;
        let Some(place) = page.get_mut(at..at + 16) else {
            break;
        };
        let pos = element.start.wrapping_sub(at as u32);
        for (field, n) in place
            .chunks_mut(4)
            .zip([element.flags, pos, element.key, element.value])
        {
            field.copy_from_slice(&n.to_le_bytes());
        }
    }
    page
}

/// A file whose bucket `b` has its root on page [`LEAF`].
fn file(page: Vec<u8>) -> Vec<u8> {
    let hwm = LEAF + (page.len() / SIZE) as u64;
    let mut image = Image::new(SIZE, 2, hwm);
    image.leaf(2, &[nested("b", bucket(LEAF))]);
    image.pages.insert(LEAF, page);
    image.raw()
}

fn kind_of<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind().clone())
}

fn with_node<T>(page: Vec<u8>, look: impl FnOnce(Result<Node<'_>, Error>) -> T) -> T {
    let bytes = file(page);
    let source = bytes.as_slice();
    let database = Database::open(&source).unwrap();
    look(database.node(LEAF))
}

fn element_error(page: Vec<u8>, index: u16) -> Option<ErrorKind> {
    with_node(page, |node| kind_of(node.unwrap().element(index)))
}

#[test]
fn a_table_of_elements_may_fill_its_page() {
    let most = (SIZE - 16) / 16;
    let count = |elements: usize| {
        let page = leaf(LEAF, SIZE, &vec![raw(SIZE, 0, 0); elements]);
        with_node(page, |node| match node {
            Ok(node) => Ok(node.count()),
            Err(error) => Err(error.kind().clone()),
        })
    };
    assert_eq!(count(most), Ok(most as u16));
    let (claimed, len) = (most as u64 + 1, SIZE as u64);
    assert_eq!(
        count(most + 1),
        Err(ErrorKind::ElementTable {
            count: claimed,
            len
        })
    );
}

#[test]
fn an_element_may_end_where_its_page_ends() {
    let page = |key, value| leaf(LEAF, SIZE, &[raw(SIZE - 10, key, value)]);
    assert_eq!(element_error(page(4, 6), 0), None);
    let outside = Some(ErrorKind::ElementBounds { index: 0 });
    assert_eq!(element_error(page(4, 7), 0), outside);
    assert_eq!(element_error(page(11, 0), 0), outside);
    with_node(page(4, 6), |node| {
        let node = node.unwrap();
        let element = node.element(0).unwrap();
        let value = node.value(&element);
        assert_eq!(value.len(), 6);
        assert_eq!(node.key_of(&element).unwrap().len(), 4);
        assert_eq!(value.to_vec().unwrap().len(), 6);
    });
}

#[test]
fn an_element_beyond_the_count_does_not_exist() {
    let page = || {
        let mut page = leaf(LEAF, SIZE, &[raw(100, 1, 1), raw(102, 1, 1)]);
        // What is there instead would do as an element without bytes.
        page[48..64].fill(0);
        page
    };
    assert_eq!(element_error(page(), 1), None);
    assert_eq!(
        element_error(page(), 2),
        Some(ErrorKind::ElementBounds { index: 2 })
    );
}

#[test]
fn a_key_may_begin_right_behind_the_table() {
    let page = |start, key| leaf(LEAF, SIZE, &[raw(start, key, 0)]);
    assert_eq!(element_error(page(32, 1), 0), None);
    assert_eq!(
        element_error(page(31, 1), 0),
        Some(ErrorKind::ElementOverlap { index: 0 })
    );
    // What has no bytes overlaps nothing.
    assert_eq!(element_error(page(31, 0), 0), None);
}

#[test]
fn elements_may_claim_as_many_bytes_as_their_page_has() {
    let sum = |value| {
        let page = leaf(LEAF, SIZE, &[raw(500, 1, 499), raw(500, 1, value)]);
        with_node(page, |node| kind_of(node.unwrap().check_sum()))
    };
    assert_eq!(sum(523), None);
    assert_eq!(sum(524), Some(ErrorKind::ElementSum { index: 1 }));
}

#[test]
fn a_key_of_a_page_that_is_not_held_may_be_as_long_as_bbolt_writes() {
    // Larger than what is held whole.
    let len = (1 << 20) + SIZE;
    let key = |key| leaf(LEAF, len, &[raw(32, key as usize, 0)]);
    assert_eq!(element_error(key(MAX_KEY_SIZE), 0), None);
    let too_long = MAX_KEY_SIZE + 1;
    assert_eq!(
        element_error(key(too_long), 0),
        Some(ErrorKind::KeyTooLong {
            index: 0,
            len: too_long
        })
    );
    // The largest page that is held whole: its key is there already.
    let held = leaf(LEAF, 1 << 20, &[raw(32, too_long as usize, 0)]);
    assert_eq!(element_error(held, 0), None);
}

#[test]
fn a_value_is_read_up_to_its_end() {
    for len in [SIZE, (1 << 20) + SIZE] {
        with_node(leaf(LEAF, len, &[raw(len - 10, 4, 6)]), |node| {
            let node = node.unwrap();
            let element = node.element(0).unwrap();
            let value = node.value(&element);
            assert_eq!(value.held().is_some(), len == SIZE);
            value.read_at(0, &mut [0; 6]).unwrap();
            value.read_at(6, &mut []).unwrap();
            let beyond = value.read_at(1, &mut [0; 6]);
            assert!(matches!(
                beyond,
                Err(SourceError::OutOfBounds {
                    offset: 1,
                    len: 6,
                    size: 6
                })
            ));
        });
    }
}

#[test]
fn a_page_may_be_the_last_of_the_file() {
    let bytes = file(leaf(LEAF, 2 * SIZE, &[raw(32, 1, 1)]));
    let header = |bytes: &[u8], id| {
        let database = Database::open(&bytes).unwrap();
        kind_of(database.read_header(id))
    };
    assert_eq!(header(&bytes, LEAF), None);
    let hwm = LEAF + 2;
    for id in [0, 1, hwm, u64::MAX] {
        assert_eq!(
            header(&bytes, id),
            Some(ErrorKind::OutOfBounds { id, hwm }),
            "{id}"
        );
    }
    // Cut short by a block: the page is there, its overflow is not all.
    let short = &bytes[..bytes.len() - 512];
    let (size, end) = (short.len() as u64, bytes.len() as u64);
    assert_eq!(
        header(short, LEAF),
        Some(ErrorKind::Truncated { size, end })
    );
    assert_eq!(header(short, 2), None);
    // Overflow beyond the high-water mark, where the file goes on.
    let mut page = leaf(LEAF, 2 * SIZE, &[raw(32, 1, 1)]);
    page[12] += 1;
    let mut longer = file(page);
    longer.extend([0; SIZE]);
    assert_eq!(
        header(&longer, LEAF),
        Some(ErrorKind::Overflow { overflow: 2, hwm })
    );
}

/// Counts by which way pairs come.
#[derive(Debug, Default)]
struct Counting {
    seen: usize,
}

#[derive(Debug, Default)]
struct Ways {
    quick: usize,
    streamed: usize,
}

impl Visitor for Counting {
    type Key = [u8; 4];
    type Taken = Ways;
    const LABELS: &'static [&'static str] = &["other", "b"];

    fn role(bucket: &[u8]) -> Role {
        let visited = bucket == b"b";
        Role {
            label: visited.into(),
            visited,
        }
    }

    fn mark(&self) -> usize {
        self.seen
    }

    fn rewind(&mut self, mark: usize) {
        self.seen = mark;
    }

    fn pair(&mut self, _: Pair<'_, [u8; 4]>) {
        self.seen += 1;
    }

    fn take_leaf(&mut self, ways: &mut Ways, leaf: TakenLeaf<[u8; 4]>) {
        assert!(leaf.mark + usize::from(leaf.count) <= self.seen);
        assert!(leaf.first <= leaf.last);
        ways.quick += usize::from(leaf.count);
    }

    fn take_pair(
        &mut self,
        ways: &mut Ways,
        pair: StreamedPair<'_, '_>,
    ) -> Result<(), SourceError> {
        let mut value = pair.value;
        let len = value.len();
        value.get(0, len as usize)?;
        assert!(value.get(1, len as usize).is_err());
        assert!(value.get(u64::MAX, 1).is_err());
        self.seen += 1;
        ways.streamed += 1;
        Ok(())
    }
}

fn walk<V: Visitor>(bytes: &[u8], visitor: V) -> Walk<V> {
    let mut scanner = Scanner::new(visitor);
    bytes.chunks(777).for_each(|chunk| scanner.feed(chunk));
    scanner.finish().walk(&bytes)
}

/// How many pairs come quickly, how many are read again, and what is wrong.
fn ways(page: Vec<u8>) -> (usize, usize, Vec<String>) {
    let bytes = file(page);
    let mut walk = walk(&bytes, Counting::default());
    let structure = walk.structure();
    let codes = structure.report.findings.into_iter();
    let ways = (walk.taken.quick, walk.taken.streamed);
    (ways.0, ways.1, codes.map(|f| f.code).collect())
}

#[test]
fn plain_leaves_are_decoded_in_the_pass_and_no_others() {
    let none: Vec<String> = Vec::new();
    // From right behind the table to the end of the page, without a gap.
    let plain = [raw(48, 4, 20), raw(72, 4, SIZE - 76)];
    assert_eq!(ways(leaf(LEAF, SIZE, &plain)), (2, 0, none.clone()));
    // A gap between two, or behind the table, is no fault, and no server leaves one.
    let gap = [raw(48, 4, 20), raw(76, 4, 8)];
    assert_eq!(ways(leaf(LEAF, SIZE, &gap)), (0, 2, none.clone()));
    let late = [raw(52, 4, 20), raw(76, 4, 8)];
    assert_eq!(ways(leaf(LEAF, SIZE, &late)), (2, 0, none.clone()));
    // Keys of another form.
    let other = [raw(48, 4, 20), raw(72, 5, 8)];
    assert_eq!(ways(leaf(LEAF, SIZE, &other)), (0, 2, none));
}

#[test]
fn what_is_wrong_with_a_leaf_is_named_by_the_scan() {
    let codes = |elements: &[Raw]| ways(leaf(LEAF, SIZE, elements)).2;
    assert_eq!(
        codes(&[raw(48, 4, 20), raw(72, 4, SIZE - 75)]),
        ["element.out-of-bounds"]
    );
    assert_eq!(codes(&[raw(31, 4, 20)]), ["element.overlap"]);
    assert_eq!(codes(&[raw(32, 4, 20)]), [""; 0]);
    assert_eq!(codes(&[raw(48, 4, 8), raw(48, 4, 8)]), ["key.duplicate"]);
    assert_eq!(codes(&[raw(96, 4, 8), raw(48, 4, 8)]), ["key.order"]);
    assert_eq!(codes(&[raw(32, 0, 8)]), ["key.empty"]);
    let flags = Raw {
        flags: 4,
        ..raw(32, 4, 8)
    };
    assert_eq!(codes(&[flags]), ["element.flags"]);
    // Together as many bytes as the page has, and one more.
    let sum = |value| [raw(500, 4, 508), raw(504, 4, value)];
    assert_eq!(codes(&sum(508)), [""; 0]);
    assert_eq!(codes(&sum(509)), ["element.sum"]);
    let most = (SIZE - 16) / 16;
    assert_eq!(
        codes(&vec![raw(SIZE, 0, 0); most + 1]),
        ["page.element-table"]
    );
    // A table that just fits; keys without bytes are another matter.
    let codes_of_most = codes(&vec![raw(SIZE, 0, 0); most]);
    assert!(!codes_of_most.contains(&"page.element-table".to_owned()));
    let mut long = leaf(LEAF, 40 * SIZE, &[raw(32, MAX_KEY_SIZE as usize, 0)]);
    assert_eq!(ways(long.clone()).2, [""; 0]);
    long[24..28].copy_from_slice(&(MAX_KEY_SIZE + 1).to_le_bytes());
    assert_eq!(ways(long).2, ["key.too-long"]);
}

#[test]
fn a_key_that_occurs_twice_is_found_without_reading_the_page_again() {
    for [first, second] in [["aaaa", "aaaa"], ["aaaaa", "aaaaa"]] {
        let mut image = Image::new(SIZE, 2, 4);
        image.leaf(2, &[nested("b", bucket(3)), nested("c", inline(&[]))]);
        image.leaf(3, &[pair(first, "1"), pair(second, "2")]);
        let codes = |findings: Vec<Finding>| findings.into_iter().map(|f| f.code).next();
        let visited = walk(&image.raw(), Counting::default()).into_report();
        let plain = walk(&image.raw(), Plain).into_report();
        assert_eq!(codes(visited.findings).as_deref(), Some("key.duplicate"));
        assert_eq!(codes(plain.findings).as_deref(), Some("key.duplicate"));
    }
}

/// A file whose bucket `b` is a branch over two leaves, on pages 4 and 5, with these separators.
fn tree(separators: [&str; 2], children: [u64; 2]) -> Image {
    let mut image = Image::new(SIZE, 2, 6);
    image.leaf(2, &[nested("b", bucket(3))]);
    let [first, second] = separators.map(|key| key.as_bytes().to_vec());
    image.branch(3, &[(first, children[0]), (second, children[1])]);
    image.leaf(4, &[pair("aaaa", "1"), pair("aaab", "2")]);
    image.leaf(5, &[pair("bbbb", "3"), pair("bbbc", "4")]);
    image
}

#[test]
fn separators_hold_the_keys_between_them() {
    let codes = |separators, children| -> Vec<String> {
        let mut walk = walk(&tree(separators, children).raw(), Counting::default());
        let findings = walk.structure().report.findings;
        findings.into_iter().map(|f| f.code).collect()
    };
    // The first key of a leaf may be its separator, and need not be.
    assert_eq!(codes(["aaaa", "bbbb"], [4, 5]), [""; 0]);
    assert_eq!(codes(["aaa", "b"], [4, 5]), [""; 0]);
    assert_eq!(codes(["aaaa", "bbba"], [4, 5]), [""; 0]);
    assert_eq!(codes(["aaab", "bbbb"], [4, 5]), ["key.below-separator"]);
    // The last key of a leaf is below the next separator, and not the separator.
    assert_eq!(codes(["aaaa", "aaac"], [4, 5]), [""; 0]);
    assert_eq!(codes(["aaaa", "aaab"], [4, 5]), ["key.above-separator"]);
    assert_eq!(
        codes(["bbbb", "bbbb"], [4, 5]).first().unwrap(),
        "key.duplicate"
    );
    assert_eq!(
        codes(["bbbb", "aaaa"], [5, 4]).first().unwrap(),
        "key.order"
    );
    // Data pages are 2 to 5.
    assert_eq!(codes(["aaaa", "bbbb"], [4, 6]), ["page.out-of-bounds"]);
    assert_eq!(codes(["aaaa", "bbbb"], [4, 1]), ["page.out-of-bounds"]);
    assert_eq!(
        codes(["aaaa", "bbbb"], [4, 2]),
        ["page.multiple-references"]
    );
}

#[test]
fn a_file_of_any_schema_has_a_verdict_and_sums() {
    let mut image = tree(["aaaa", "bbbb"], [4, 5]);
    let bytes = image.raw();
    let mut plain = walk(&bytes, Plain);
    let sums = plain.sums.unwrap();
    assert_eq!(sums.pairs, 4);
    let content = b"baaaa1aaab2bbbb3bbbc4";
    assert_eq!(sums.crc, crc32c::crc32c(content));
    let summary = plain.bucket(b"b").unwrap();
    assert_eq!((summary.pairs, summary.bytes), (4, 20));
    assert_eq!(plain.free(), Some(0));
    let structure = plain.structure();
    assert_eq!(structure.outcome, Outcome::Pass);
    assert_eq!(structure.evidence, "6 pages, each reached once");
    // Visited or not, the same.
    assert_eq!(walk(&bytes, Counting::default()).sums, Some(sums));

    image.page(5)[0] ^= 1;
    let bytes = image.raw();
    let mut plain = walk(&bytes, Plain);
    assert_eq!(plain.sums, None);
    assert!(!plain.is_known(b"b"));
    assert!(plain.is_known(b"c"));
    assert_eq!(plain.bucket(b"b").unwrap().pairs_lost, 2);
    let structure = plain.structure();
    assert_eq!(structure.outcome, Outcome::Fail);
    let finding = structure.report.find("page.id-mismatch").unwrap();
    // Nothing of etcd is said of a file that may be any program's.
    for finding in &structure.report.findings {
        let text = format!("{} {} {}", finding.what, finding.why, finding.todo);
        assert!(
            !text.contains("etcd") && !text.contains("snapshot"),
            "{text}"
        );
    }
    assert_eq!(finding.place.unwrap().page, Some(5));
}

/// Two schemas in one pass: what each says of the file is what it says alone.
fn shared_pass(bytes: &[u8]) -> (Walk<Plain>, Walk<Counting>) {
    let fed = || {
        let mut scanner = Scanner::with_second(Plain, Counting::default());
        bytes.chunks(777).for_each(|chunk| scanner.feed(chunk));
        scanner.finish()
    };
    (fed().walk(&bytes), fed().walk_second(&bytes))
}

#[test]
fn two_schemas_share_a_pass() {
    let mut overflow = Image::new(SIZE, 2, 7);
    overflow.leaf(2, &[nested("b", bucket(3)), nested("c", bucket(6))]);
    overflow.leaf(3, &[pair("aaaa", "1"), pair("aaab", "2".repeat(2 * SIZE))]);
    // Keys of another length, read again where they are visited.
    overflow.leaf(6, &[pair("aaaaa", "1"), pair("aaaab", "2")]);
    let mut empty = tree(["aaaa", "bbbb"], [4, 5]);
    empty.leaf(5, &[]);
    let images = [
        overflow,
        empty,
        tree(["aaaa", "bbbb"], [4, 5]),
        tree(["aaaa", "aaab"], [4, 5]),
        tree(["bbbb", "aaaa"], [5, 4]),
    ];
    for image in images {
        let bytes = image.raw();
        let (mut first, mut second) = shared_pass(&bytes);
        let (mut plain, mut counted) = (walk(&bytes, Plain), walk(&bytes, Counting::default()));
        let ways = |walk: &Walk<Counting>| (walk.taken.quick, walk.taken.streamed);
        assert_eq!(ways(&second), ways(&counted));
        assert!(counted.taken.quick > 0);
        assert_eq!((first.sums, &first.buckets), (plain.sums, &plain.buckets));
        assert_eq!(
            (second.sums, &second.buckets),
            (counted.sums, &counted.buckets)
        );
        assert_eq!(
            (&first.pages, &first.leaf_bytes),
            (&plain.pages, &plain.leaf_bytes)
        );
        assert_eq!(second.leaf_bytes, counted.leaf_bytes);
        assert_eq!(first.structure().report, plain.structure().report);
        assert_eq!(second.structure().report, counted.structure().report);
    }
}
