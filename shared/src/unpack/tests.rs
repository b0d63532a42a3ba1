use super::*;

const SMALL: Limits = Limits {
    bytes: 8 << 20,
    ratio: 100,
    any_ratio: 1 << 20,
};

fn unpack_with(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, UnpackError> {
    let source: &dyn Source = &bytes;
    let mut unpacker = Unpacker::open(source, limits)?.expect("a packed file");
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    while unpacker.next(&mut piece)? {
        all.extend_from_slice(&piece);
    }
    assert_eq!(unpacker.written(), all.len() as u64);
    Ok(all)
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, UnpackError> {
    unpack_with(bytes, Limits::DEFAULT)
}

/// Bytes that neither repeat nor are random.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * i / 7 + i / 300) as u8).collect()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(bytes, 6)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
    out.extend_from_slice(b"../../etc/passwd\0");
    out.extend(deflate(bytes));
    out.extend(crc32fast::hash(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// A ZIP archive with these entries: name, content, whether it is deflated.
fn zip(entries: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content, deflated) in entries {
        let packed = if *deflated {
            deflate(content)
        } else {
            content.to_vec()
        };
        let mut common = vec![20, 0, 0, 0, if *deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        common.extend(crc32fast::hash(content).to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(packed);
    }
    let start = out.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// A Zstandard frame of stored blocks.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = zstd_head();
    let mut blocks = bytes.chunks(100_000).peekable();
    while let Some(block) = blocks.next() {
        let header = (block.len() as u32) << 3 | u32::from(blocks.peek().is_none());
        out.extend(&header.to_le_bytes()[..3]);
        out.extend(block);
    }
    out
}

/// A window of 1 MiB, no checksum, no length.
fn zstd_head() -> Vec<u8> {
    vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x50]
}

/// So many blocks of 128 KiB of zeros: 4 bytes each.
fn zstd_zeros(blocks: u32) -> Vec<u8> {
    let mut out = zstd_head();
    for block in 1..=blocks {
        let header = (128 << 10) << 3 | 1 << 1 | u32::from(block == blocks);
        out.extend(&header.to_le_bytes()[..3]);
        out.push(0);
    }
    out
}

#[test]
fn what_was_packed_comes_out() {
    for len in [1, 100, 300_000, 2_000_000] {
        let content = content(len);
        assert!(unpack(&gzip(&content)).unwrap() == content, "gzip {len}");
        assert!(unpack(&zstd(&content)).unwrap() == content, "zstd {len}");
        for deflated in [true, false] {
            let zip = zip(&[("snap", &content, deflated)]);
            assert!(unpack(&zip).unwrap() == content, "zip {len} {deflated}");
        }
    }
}

#[test]
fn members_and_frames_behind_each_other_are_one_file() {
    let (a, b) = (content(300_000), content(5));
    let whole = [a.as_slice(), &b].concat();
    assert!(unpack(&[gzip(&a), gzip(&b)].concat()).unwrap() == whole);
    assert!(unpack(&[zstd(&a), zstd(&b)].concat()).unwrap() == whole);
    // Zeros behind a gzip file, and a frame without data between two others.
    assert!(unpack(&[gzip(&a), vec![0; 512]].concat()).unwrap() == a);
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..]].concat();
    assert!(unpack(&[zstd(&a), skipped, zstd(&b)].concat()).unwrap() == whole);
}

#[test]
fn a_name_is_shown_and_never_a_path() {
    for name in ["../../etc/cron.d/x", "/etc/passwd", "C:\\x", "a\u{202e}b\n"] {
        let bytes = zip(&[(name, b"content", false)]);
        let source: &dyn Source = &bytes.as_slice();
        let unpacker = Unpacker::open(source, Limits::DEFAULT).unwrap().unwrap();
        assert_eq!(unpacker.entry(), Some(name));
        assert_eq!(unpack(&bytes).unwrap(), b"content");
    }
}

#[test]
fn an_archive_of_several_files_is_not_read_through() {
    let two = zip(&[("a", b"1", false), ("b", b"2", true)]);
    assert_eq!(unpack(&two), Err(UnpackError::Entries(2)));
    assert_eq!(unpack(&zip(&[])), Err(UnpackError::Entries(0)));
    let whole = zip(&[("a", &content(1000), true)]);
    let directory = whole.len() - 22 - 47;
    for cut in [whole.len() - 1, directory, 40] {
        assert_eq!(
            unpack(&whole[..cut]),
            Err(UnpackError::NoDirectory),
            "{cut}"
        );
    }
}

#[test]
fn a_directory_that_says_something_else_than_the_entry() {
    let whole = zip(&[("a", &content(1000), true)]);
    for at in [8, 14, 18, 22, 30] {
        let mut other = whole.clone();
        other[at] ^= 1;
        assert_eq!(unpack(&other), Err(UnpackError::Contradiction), "{at}");
    }
}

#[test]
fn what_is_cut_off_or_changed_is_said_to_be() {
    let content = content(500_000);
    for packed in [gzip(&content), zstd(&content)] {
        for len in [packed.len() - 1, packed.len() / 2] {
            assert_eq!(unpack(&packed[..len]), Err(UnpackError::CutOff), "{len}");
        }
    }
    let mut changed = gzip(&content);
    let at = changed.len() - 6;
    changed[at] ^= 1;
    assert!(matches!(unpack(&changed), Err(UnpackError::Damaged(_))));
    let mut changed = zip(&[("a", &content, false)]);
    changed[1000] ^= 1;
    assert!(matches!(unpack(&changed), Err(UnpackError::Damaged(_))));
}

#[test]
fn four_gib_of_zeros_as_zstd_are_not_read_through() {
    let bomb = zstd_zeros(32 << 10);
    assert!(bomb.len() < 150 << 10);
    match unpack_sizes(&bomb, Limits::DEFAULT) {
        Err(UnpackError::Bomb { written, .. }) => {
            assert!(written < Limits::DEFAULT.any_ratio + (2 << 20), "{written}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gzip_bomb_is_not_read_through() {
    let bomb = gzip(&vec![0; 4 << 20]);
    assert!(matches!(
        unpack_sizes(&bomb, SMALL),
        Err(UnpackError::Bomb { .. })
    ));
    // Small files may be nearly all zeros.
    assert_eq!(unpack_sizes(&gzip(&vec![0; 1 << 20]), SMALL), Ok(1 << 20));
    let many = gzip(&content(9 << 20));
    assert_eq!(
        unpack_sizes(&many, SMALL),
        Err(UnpackError::TooMuch { limit: 8 << 20 })
    );
}

/// How much comes out, without keeping it.
fn unpack_sizes(bytes: &[u8], limits: Limits) -> Result<u64, UnpackError> {
    let source: &dyn Source = &bytes;
    let mut unpacker = Unpacker::open(source, limits)?.expect("a packed file");
    let mut piece = Vec::new();
    while unpacker.next(&mut piece)? {
        assert!(piece.len() <= 4 << 20, "{}", piece.len());
    }
    Ok(unpacker.written())
}

#[test]
fn a_window_that_would_not_fit_is_refused_before_it_is_allocated() {
    let mut frame = zstd(b"x");
    frame[5] = 0xf8;
    assert!(matches!(unpack(&frame), Err(UnpackError::Damaged(_))));
}

#[test]
fn other_files_are_not_packed() {
    for bytes in [&b""[..], b"P", b"PK", b"\x1f\x8b\x07\x00", b"plain text"] {
        let source: &dyn Source = &bytes;
        assert!(Unpacker::open(source, Limits::DEFAULT).unwrap().is_none());
    }
}

#[test]
fn the_name_of_the_content() {
    for (name, content) in [
        ("snap.db.gz", "snap.db"),
        ("etcd-snapshot-1.ZIP", "etcd-snapshot-1"),
        ("x.zst", "x"),
        (".gz", ".gz"),
        ("plain", "plain"),
    ] {
        assert_eq!(content_name(name), content);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever is done to a packed file, the answer is an error or the content, and never more than allowed.
    #[test]
    fn damage_never_panics(which in 0usize..4, at in 0usize..4000, bit in 0u8..8, cut in 0usize..4000) {
        let content = content(3000);
        let mut packed = match which {
            0 => gzip(&content),
            1 => zstd(&content),
            2 => zip(&[("a", &content, true)]),
            _ => zip(&[("a", &content, false)]),
        };
        let len = packed.len();
        packed[at % len] ^= 1 << bit;
        packed.truncate(len - cut % len);
        let source: &dyn Source = &packed.as_slice();
        if let Ok(Some(mut unpacker)) = Unpacker::open(source, SMALL) {
            let mut piece = Vec::new();
            while let Ok(true) = unpacker.next(&mut piece) {}
            assert!(unpacker.written() <= SMALL.bytes + (1 << 20));
        }
    }
}
