use super::*;

#[test]
fn nothing_is_an_empty_file() {
    let bytes: &[u8] = b"";
    assert_eq!(recognise(&bytes, "x", |_, _| None).unwrap().code, "empty");
}
