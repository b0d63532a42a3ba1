//! Checkpoints and notes against the formats' own examples, and against another implementation.

use proptest::prelude::*;
use signed_note::{Note as TheirNote, StandardSigner, StandardVerifier, VerifierList};

use super::super::merkle::leaf_hash;
use super::*;

/// The example key and note of Go's `sumdb/note`, which is where the format comes from.
const PETER_SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("requorum/test", [seed; 32]).unwrap()
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint {
        origin: "requorum/test".to_owned(),
        size,
        root: leaf_hash(b"hello world"),
    }
}

#[test]
fn keys_are_those_of_the_format() {
    let secret = SigningKey::parse_secret_text(PETER_SECRET).unwrap();
    assert_eq!(secret.verifying().to_string(), PETER);
    assert_eq!(secret.to_secret_text(), PETER_SECRET);
    assert_eq!(VerifyingKey::parse(PETER).unwrap(), secret.verifying());
    assert_eq!(format!("{secret:?}"), "SigningKey(PeterNeumann+c74f20a3)");
}

#[test]
fn the_formats_own_note_is_believed() {
    let key = VerifyingKey::parse(PETER).unwrap();
    // Its signature holds; its text is no checkpoint, and that is what is said.
    let error = Checkpoint::open(PETER_NOTE, &key).unwrap_err();
    assert_eq!(
        error,
        CheckpointError::Malformed("its size is not a number")
    );
    let changed = PETER_NOTE.replace("answer", "reason");
    let error = Checkpoint::open(&changed, &key).unwrap_err();
    assert!(
        matches!(error, CheckpointError::Signature { .. }),
        "{error}"
    );
}

#[test]
fn a_checkpoint_has_the_text_of_the_specification() {
    assert_eq!(
        checkpoint(123).text(),
        "requorum/test\n123\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
    );
    let note = checkpoint(123).sign(&key(1));
    assert_eq!(
        Checkpoint::open(&note, &key(1).verifying()).unwrap(),
        checkpoint(123)
    );
}

/// What we sign, another implementation believes; what it signs, we believe.
#[test]
fn notes_are_exchanged_with_another_implementation() {
    let ours = key(7);
    let note = checkpoint(42).sign(&ours);
    let verifier = StandardVerifier::new(&ours.verifying().to_string()).unwrap();
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let theirs = TheirNote::from_bytes(note.as_bytes()).unwrap();
    let (verified, unverified) = theirs.verify(&known).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    assert_eq!(
        tlog_tiles::Checkpoint::from_bytes(theirs.text())
            .unwrap()
            .size(),
        42
    );

    let signer = StandardSigner::new(&ours.to_secret_text()).unwrap();
    let other = StandardSigner::new(PETER_SECRET).unwrap();
    let mut note = TheirNote::new(checkpoint(43).text().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&other, &signer]).unwrap();
    let note = String::from_utf8(note.to_bytes()).unwrap();
    assert_eq!(Checkpoint::open(&note, &ours.verifying()).unwrap().size, 43);
}

#[test]
fn another_consoles_key_is_named() {
    let note = checkpoint(5).sign(&key(1));
    let error = Checkpoint::open(&note, &key(2).verifying()).unwrap_err();
    assert!(matches!(error, CheckpointError::OtherKey { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&key(1).verifying().short()) && text.contains(&key(2).verifying().short()),
        "{text}"
    );

    let mut elsewhere = checkpoint(5);
    elsewhere.origin = "requorum/other".to_owned();
    let error = Checkpoint::open(&elsewhere.sign(&key(1)), &key(1).verifying()).unwrap_err();
    assert!(
        matches!(error, CheckpointError::OtherLedger { .. }),
        "{error}"
    );
}

#[test]
fn what_is_not_a_checkpoint_is_refused() {
    let root = "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=";
    let sign = |text: &str| {
        let signed = key(1).key.sign(text.as_bytes()).to_bytes();
        let id = key(1).verifying().id.to_be_bytes();
        let signature = BASE64_STANDARD.encode([&id[..], &signed].concat());
        format!("{text}\n\u{2014} requorum/test {signature}\n")
    };
    let open = |note: &str| Checkpoint::open(note, &key(1).verifying());
    assert!(open(&sign(&format!("requorum/test\n0\n{root}\n"))).is_ok());
    assert!(open(&sign(&format!("requorum/test\n0\n{root}\nextension\n"))).is_ok());
    for text in [
        format!("\n1\n{root}\n"),
        format!("requorum/test\n\n{root}\n"),
        format!("requorum/test\n01\n{root}\n"),
        format!("requorum/test\n+1\n{root}\n"),
        format!("requorum/test\n-1\n{root}\n"),
        format!("requorum/test\n18446744073709551616\n{root}\n"),
        format!("requorum/test\n18446744073709551615\n{root}\n"),
        "requorum/test\n1\n".to_owned(),
        "requorum/test\n1\nTszz\n".to_owned(),
        format!("requorum/test\n1\n{root}\n\nx\n"),
        "requorum/test\n".to_owned(),
    ] {
        let error = open(&sign(&text)).unwrap_err();
        assert!(
            matches!(error, CheckpointError::Malformed(_)),
            "{text:?}: {error}"
        );
    }
    let good = checkpoint(1).sign(&key(1));
    for note in [
        String::new(),
        "\n\n".to_owned(),
        good.trim_end().to_owned(),
        good.replace("\n\n", "\n"),
        good.replace('\u{2014}', "-"),
        good.replace("requorum/test ", "requorum/test  "),
        format!("{good}\u{2014} x \n"),
        format!("{good}\u{2014} x AAAA\n"),
        format!("{good}{}", "\u{2014} x AAAAAAA=\n".repeat(100)),
        format!("\t{good}"),
        "x".repeat(MAX_NOTE_BYTES + 1),
    ] {
        assert!(open(&note).is_err(), "{note:?}");
    }
}

#[test]
fn what_is_not_a_key_is_refused() {
    for text in [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc",
        "PeterNeumann+c74f20a3+\u{e9}",
    ] {
        assert!(VerifyingKey::parse(text).is_err(), "{text:?}");
        let secret = format!("PRIVATE+KEY+{text}");
        let error = SigningKey::parse_secret_text(&secret).unwrap_err();
        assert!(
            text.is_empty() || !error.to_string().contains(text),
            "a secret is not repeated"
        );
    }
    assert!(SigningKey::from_seed("a b", [0; 32]).is_err());
    assert!(SigningKey::parse_secret_text(PETER).is_err());
}

proptest! {
    #[test]
    fn no_note_panics(note in "(requorum/test\n[0-9]{0,21}\n)?[A-Za-z0-9+/=\n \u{2014}]{0,120}") {
        prop_assert!(Checkpoint::open(&note, &key(1).verifying()).is_err());
    }

    /// One character changed anywhere: never another checkpoint.
    #[test]
    fn a_changed_note_never_says_something_else(at: prop::sample::Index, with in "[ -~\n]") {
        let good = checkpoint(4_711).sign(&key(1));
        let mut chars: Vec<_> = good.chars().collect();
        let at = at.index(chars.len());
        chars[at] = with.chars().next().unwrap();
        let changed: String = chars.into_iter().collect();
        if let Ok(read) = Checkpoint::open(&changed, &key(1).verifying()) {
            prop_assert_eq!(read, checkpoint(4_711));
        }
    }
}
