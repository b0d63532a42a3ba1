//! Looks for secrets in bytes, in every form that programs write bytes in.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A secret, and the files that may hold it.
struct Marker {
    what: String,
    forms: Vec<(&'static str, Vec<u8>)>,
    /// Beginnings of paths below the data directory.
    belongs: &'static [&'static str],
}

/// A marker, the form's name, and what it looks like in that form.
type Form<'a> = (&'a Marker, &'a str, &'a [u8]);

/// All secrets that were planted.
#[derive(Default)]
pub(super) struct Markers {
    all: Vec<Marker>,
}

impl Markers {
    /// A secret that may be nowhere.
    pub(super) fn plant(&mut self, what: impl Into<String>, secret: impl AsRef<[u8]>) {
        self.plant_in(what, secret, &[]);
    }

    /// A secret that belongs in some files.
    pub(super) fn plant_in(
        &mut self,
        what: impl Into<String>,
        secret: impl AsRef<[u8]>,
        belongs: &'static [&'static str],
    ) {
        let secret = secret.as_ref();
        assert!(secret.len() >= 12, "too short to be told from chance");
        self.all.push(Marker {
            what: what.into(),
            forms: forms(secret),
            belongs,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// What of it is in these bytes, in words.
    pub(super) fn found_in(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        self.found(place, bytes, |_| false)
    }

    /// What of it is in a folder's files and in their names, but for what belongs there.
    pub(super) fn found_below(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for file in files(folder) {
            let name = file
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let bytes = std::fs::read(&file).unwrap();
            found.extend(self.found_in("a file's name", name.as_bytes()));
            found.extend(self.found(&name, &bytes, |marker| {
                marker.belongs.iter().any(|place| name.starts_with(place))
            }));
        }
        found
    }

    fn found(&self, place: &str, bytes: &[u8], belongs: impl Fn(&Marker) -> bool) -> Vec<String> {
        // Forms by their first bytes, so that one pass looks for all.
        let mut beginnings: HashMap<[u8; 4], Vec<Form<'_>>> = HashMap::new();
        let mut seen = vec![false; 1 << 16];
        for marker in self.all.iter().filter(|marker| !belongs(marker)) {
            for (form, pattern) in &marker.forms {
                let four = pattern[..4].try_into().unwrap();
                beginnings
                    .entry(four)
                    .or_default()
                    .push((marker, form, pattern));
                seen[usize::from(pattern[0]) << 8 | usize::from(pattern[1])] = true;
            }
        }
        let mut found = Vec::new();
        for (at, four) in bytes.windows(4).enumerate() {
            if !seen[usize::from(four[0]) << 8 | usize::from(four[1])] {
                continue;
            }
            for (marker, form, pattern) in beginnings.get(four).into_iter().flatten() {
                if bytes[at..].starts_with(pattern) {
                    found.push(format!("{} {form} in {place}, byte {at}", marker.what));
                }
            }
        }
        found
    }
}

/// As it is, in hexadecimal, in Base64 wherever in a longer text it stands, and as Rust prints a list of bytes.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let lower = hex::encode(secret);
    let list: Vec<_> = secret.iter().map(u8::to_string).collect();
    let mut forms = vec![
        ("as it is", secret.to_vec()),
        ("in hexadecimal", lower.to_uppercase().into_bytes()),
        ("in hexadecimal", lower.into_bytes()),
        ("as a list of bytes", list.join(", ").into_bytes()),
        ("as a list of bytes", list.join(",").into_bytes()),
    ];
    for before in 0..3 {
        let text = [&vec![0; before][..], secret].concat();
        // Only the characters that nothing before or behind has a part in.
        let (from, to) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
        for engine in [STANDARD, URL_SAFE] {
            forms.push((
                "in Base64",
                engine.encode(&text).as_bytes()[from..to].to_vec(),
            ));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_leak_would_be_found_in_every_form() {
    let secret = "Tr0ub4dor-and-3";
    let mut markers = Markers::default();
    markers.plant("the password", secret);
    markers.plant_in("the value", "belongs-in-objects", &["objects/"]);
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(markers.found_below(dir.path()), [""; 0]);

    let leaks = [
        (
            "log.txt",
            format!("INFO login name=ada password={secret}").into_bytes(),
        ),
        ("hex", hex::encode(secret).into_bytes()),
        ("HEX", hex::encode(secret).to_uppercase().into_bytes()),
        ("debug", format!("{:?}", secret.as_bytes()).into_bytes()),
        ("base64-0", STANDARD.encode(secret).into_bytes()),
        (
            "base64-1",
            STANDARD.encode(format!("x{secret}tail")).into_bytes(),
        ),
        (
            "base64-2",
            URL_SAFE
                .encode(format!("{{\"p\":\"{secret}\"}}"))
                .into_bytes(),
        ),
        (
            "deep/down/requorum.db-wal",
            [&[0xff; 5000], secret.as_bytes(), &[0; 99]].concat(),
        ),
    ];
    for (name, bytes) in &leaks {
        let file = dir.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes).unwrap();
        let found = markers.found_below(dir.path());
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(
            found[0].contains(name) && found[0].starts_with("the password"),
            "{found:?}"
        );
        std::fs::remove_file(file).unwrap();
    }
    std::fs::write(dir.path().join(secret), b"").unwrap();
    assert_eq!(markers.found_below(dir.path()).len(), 1, "in a name");

    std::fs::create_dir(dir.path().join("objects")).unwrap();
    for (place, times) in [("objects/ab", 1), ("elsewhere", 2)] {
        std::fs::write(dir.path().join(place), b"...belongs-in-objects...").unwrap();
        assert_eq!(markers.found_below(dir.path()).len(), times, "{place}");
    }
}
