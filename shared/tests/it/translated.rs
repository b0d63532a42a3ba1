//! Line ends that were translated on the way, by programs that translate all of them and by those that leave some alone.

use requorum_shared::kinds::recognise;

use crate::fixtures::fixture;

const PAGE: usize = 4096;
/// Where a CRLF is planted: at the end of each page, where it is in nobody's way.
const PLANTED: std::ops::Range<usize> = 4..16;

/// A whole snapshot with a CRLF here and there.
fn with_crlf() -> Vec<u8> {
    let mut bytes = fixture("3.6.14-mixed").bytes;
    for page in PLANTED {
        let at = (page + 1) * PAGE - 2;
        bytes[at..at + 2].copy_from_slice(b"\r\n");
    }
    bytes
}

/// As `unix2dos` and git do it: a CRLF stays one. Gives how many were put in too.
fn lone_lf_to_crlf(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    for byte in bytes {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    let places = out.len() - bytes.len();
    (out, places)
}

fn crlf_to_lf(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for byte in bytes {
        if *byte == b'\n' && out.last() == Some(&b'\r') {
            out.pop();
        }
        out.push(*byte);
    }
    out
}

/// Why it says that line ends were converted; none where it does not.
fn converted(bytes: &[u8]) -> Option<String> {
    let found = recognise(&bytes, "s.db").filter(|found| found.code == "translated");
    found.map(|found| found.words())
}

#[test]
fn a_crlf_that_was_there_before_does_not_hide_that_the_others_were_made() {
    let sound = with_crlf();
    assert_eq!(converted(&sound), None);
    let (bytes, places) = lone_lf_to_crlf(&sound);
    let words = converted(&bytes).unwrap();
    let about = format!("LF became CRLF in about {places} places");
    assert!(
        words.contains(&about) && words.contains("as binary"),
        "{words}"
    );
    // A copy of the database, without a trailer.
    let (bytes, _) = lone_lf_to_crlf(&sound[..sound.len() - 32]);
    let words = converted(&bytes).unwrap();
    assert!(words.contains("LF became CRLF in about"), "{words}");
    // All of them are counted where all were converted, those that were there too.
    let all: Vec<u8> = sound
        .iter()
        .flat_map(|byte| match byte {
            b'\n' => vec![b'\r', b'\n'],
            byte => vec![*byte],
        })
        .collect();
    let places = all.len() - sound.len();
    let words = converted(&all).unwrap();
    assert!(words.contains(&format!("in {places} places")), "{words}");
}

#[test]
fn few_were_converted_among_many_that_were_there() {
    for left in [1, 31, 32, 33, 40] {
        // All but the first ones are CRLF already. What is in the pages does not matter to what is told here.
        let mut sound = with_crlf();
        let is_lone = |at: &usize| sound[*at] == b'\n' && sound[at - 1] != b'\r';
        let lone: Vec<_> = (2 * PAGE..sound.len() - 32).filter(is_lone).collect();
        for at in &lone[left..] {
            sound[at - 1] = b'\r';
        }
        let (image, trailer) = sound.split_at(sound.len() - 32);
        let (copy, places) = lone_lf_to_crlf(image);
        assert_eq!(places, left);
        // A copy of the database, and a snapshot: their lengths may be the same as with and without a trailer.
        let trailer: Vec<u8> = trailer.iter().map(|byte| byte | 0x80).collect();
        for bytes in [copy.clone(), [copy, trailer].concat()] {
            let words = converted(&bytes).unwrap_or_else(|| panic!("{left}"));
            assert!(words.contains("LF became CRLF in"), "{left}: {words}");
        }
    }
}

#[test]
fn crlf_that_became_lf_is_told_as_ever() {
    let bytes = crlf_to_lf(&with_crlf());
    let words = converted(&bytes).unwrap();
    let about = format!("CRLF became LF in about {} places", PLANTED.len());
    assert!(words.contains(&about), "{words}");
}

#[test]
fn what_is_only_damaged_was_not_translated() {
    let sound = with_crlf();
    // Not one LF by itself, and longer than it should be: as if it had been translated, but every page is in its place.
    let mut without: Vec<u8> = sound.clone();
    for at in 0..without.len() {
        if without[at] == b'\n' && without[at - 1] != b'\r' {
            without[at] = 0x0b;
        }
    }
    for more in [1, 5, 13, 40, 43] {
        let longer = [&without[..], &vec![7; more]].concat();
        assert_eq!(converted(&longer), None, "{more} bytes too many");
    }
    assert_eq!(converted(&without), None);
    // Bytes that were lost, put in, or are others.
    let (translated, _) = lone_lf_to_crlf(&sound);
    let put_in = [&sound[..20_000], &[0; 100], &sound[20_000..]].concat();
    let lost = [&sound[..20_000], &sound[20_100..]].concat();
    let plain = fixture("3.6.14-mixed").bytes;
    assert!(!plain.windows(2).any(|two| two == b"\r\n"));
    let cut_out = [&plain[..20_000], &plain[20_100..]].concat();
    let mut other = sound.clone();
    other[30_000..30_500].fill(0xee);
    let half = [&translated[..40_000], &sound[40_000..]].concat();
    for bytes in [put_in, lost, cut_out, other, half] {
        assert_eq!(converted(&bytes), None);
    }
}
