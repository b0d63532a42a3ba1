//! The folders that keys are in, in bounded memory: what is before a `/`, up to four levels deep.

use hashbrown::HashTable;

use super::user_key::hash;

/// Levels that are told apart: `/registry/example.com/widgets/default/`.
const MAX_DEPTH: usize = 4;
/// Bytes of a key in which folders are looked for.
const MAX_BYTES: usize = 512;
/// How many folders there may be when one of that depth is added. What finds no room is counted at the folder above,
/// so those on top have the more room.
const ROOM: [usize; MAX_DEPTH] = [16_384, 16_128, 14_336, 12_288];

/// Folders by number. 0 is the top, which has no name.
#[derive(Debug)]
pub(super) struct Folders {
    names: Vec<Box<[u8]>>,
    index: HashTable<u16>,
    /// Whether one found no room.
    pub(super) merged: bool,
}

impl Default for Folders {
    fn default() -> Self {
        Self {
            names: vec![Box::default()],
            index: HashTable::new(),
            merged: false,
        }
    }
}

impl Folders {
    /// The folder that a key is in. A slash at its beginning makes no folder.
    #[inline]
    pub(super) fn of(&mut self, key: &[u8]) -> u16 {
        let mut ends = [0; MAX_DEPTH];
        let mut depth = 0;
        let searched = key.get(..MAX_BYTES).unwrap_or(key);
        for (at, _) in searched
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, b)| **b == b'/')
        {
            ends[depth] = at + 1;
            depth += 1;
            if depth == MAX_DEPTH {
                break;
            }
        }
        while let Some(level) = depth.checked_sub(1) {
            let name = &key[..ends[level]];
            let hash = hash(name);
            let same = |folder: &u16| *self.names[usize::from(*folder)] == *name;
            if let Some(folder) = self.index.find(hash, same) {
                return *folder;
            }
            if self.names.len() < ROOM[level] {
                return self.add(name, hash);
            }
            self.merged = true;
            depth = level;
        }
        0
    }

    fn add(&mut self, name: &[u8], hashed: u64) -> u16 {
        // Below the room there is.
        let folder = self.names.len() as u16;
        self.names.push(name.into());
        let names = &self.names;
        self.index
            .insert_unique(hashed, folder, |folder| hash(&names[usize::from(*folder)]));
        folder
    }

    /// Their names, by number.
    pub(super) fn names(&self) -> &[Box<[u8]>] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(folders: &Folders, folder: u16) -> &str {
        std::str::from_utf8(&folders.names()[usize::from(folder)]).unwrap()
    }

    #[test]
    fn a_key_is_in_the_folder_before_its_last_slash_four_levels_deep() {
        let mut folders = Folders::default();
        for (key, expected) in [
            ("", ""),
            ("/", ""),
            ("key", ""),
            ("/health", ""),
            ("a/b", "a/"),
            ("/registry/pods/default/web", "/registry/pods/default/"),
            ("/registry/pods/default/", "/registry/pods/default/"),
            ("/a/b/c/d/e/f", "/a/b/c/d/"),
            ("//a", "//"),
        ] {
            let folder = folders.of(key.as_bytes());
            assert_eq!(name(&folders, folder), expected, "{key}");
            assert_eq!(folders.of(key.as_bytes()), folder, "{key} again");
        }
        let long = [b"/x/".as_slice(), &[b'y'; 2 * MAX_BYTES], b"/z/k"].concat();
        let folder = folders.of(&long);
        assert_eq!(name(&folders, folder), "/x/");
        assert!(!folders.merged);
    }

    #[test]
    fn a_folder_for_each_key_fills_no_memory_and_loses_no_key() {
        let mut folders = Folders::default();
        for i in 0..100_000 {
            folders.of(format!("/jobs/{i}/a/b/c").as_bytes());
        }
        assert!(folders.merged);
        assert_eq!(
            folders.names().len(),
            ROOM[1] + 1,
            "two levels are full, the third keeps what has no room at the one above"
        );
        let last = folders.of(b"/jobs/99999/a/b/c");
        assert_eq!(name(&folders, last), "/jobs/");
        for i in 0..1000 {
            folders.of(format!("/other-{i}/a").as_bytes());
        }
        assert!(folders.names().len() <= ROOM[0]);
        let new = folders.of(b"/quite/new");
        assert!(["/quite/", ""].contains(&name(&folders, new)));
    }
}
