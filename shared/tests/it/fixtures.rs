//! The files in `testdata/etcd` and the facts beside them.

use std::path::PathBuf;

use serde_json::Value;

/// A file made by a real program, and what real programs said of it.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) facts: Value,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/etcd")
}

/// One of them, by name.
#[expect(clippy::disallowed_methods, reason = "tests may read files")]
pub(crate) fn fixture(name: &str) -> Fixture {
    let read = |extension: &str| {
        let path = folder().join(format!("{name}.{extension}"));
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    Fixture {
        name: name.to_owned(),
        bytes: read("db"),
        facts: serde_json::from_slice(&read("json")).unwrap(),
    }
}

/// All of them, by name.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".db").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() >= 50, "only {} fixtures", names.len());
    names.iter().map(|name| fixture(name)).collect()
}
