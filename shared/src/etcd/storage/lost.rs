//! What an etcd database is called that did not come through whole: cut off, or carried as text.

use super::inspection::ETCD_DB;
use crate::inspection::{Recognised, State};
use crate::number::{grouped, part_of};

/// A database that ends before its last page, as its meta pages declare it. Only its walk can tell whether anything
/// of value was on the pages that are missing.
pub(crate) fn cut_off(size: u64, declared: u64, name: &str) -> Recognised {
    let on_save = name.ends_with(".part");
    let when = if on_save {
        "was cut off while it was saved"
    } else {
        "is cut off"
    };
    let declares = format!(
        "Its meta pages declare {} bytes, and the file has {}.",
        grouped(declared),
        grouped(size)
    );
    let inside = if on_save {
        format!("{declares} etcdctl calls a snapshot .part until all of it has arrived.")
    } else {
        declares
    };
    Recognised {
        still: Some(ETCD_DB),
        sentence: format!("The file {when}: {} are there.", part_of(size, declared)),
        ..Recognised::new(
            "cut-off",
            "an etcd database that was cut off",
            State::CutOff,
        )
    }
    .inside(inside)
    .todo("Save the snapshot again, or get the complete file.")
}

/// A database whose pages are not where they belong, since its bytes were taken for text.
pub(crate) fn translated(sentence: String) -> Recognised {
    Recognised {
        still: Some(ETCD_DB),
        sentence,
        ..Recognised::new("translated", "an etcd database that was translated", State::Damaged)
    }
    .inside("It was transferred as text. Everything after the first such place is moved, and none of it can be used.")
    .todo("Transfer it again as binary (in ftp: binary; in git: -text; through a terminal: base64).")
}
