//! What a person dropped, chose or pasted.

use web_sys::{DataTransfer, File};

/// What a person dropped, chose or pasted.
#[derive(Debug, Default)]
pub struct Dropped {
    /// Files.
    pub files: Vec<File>,
    /// Names of folders, which are not files.
    pub folders: Vec<String>,
}

impl Dropped {
    /// What is dragged or in the clipboard.
    pub fn from_transfer(transfer: &DataTransfer) -> Self {
        let mut dropped = Self::default();
        let items = transfer.items();
        for i in 0..items.length() {
            let Some(item) = items.get(i) else { continue };
            if item.kind() != "file" {
                continue;
            }
            let folder = item
                .webkit_get_as_entry()
                .ok()
                .flatten()
                .filter(|entry| entry.is_directory());
            if let Some(folder) = folder {
                dropped.folders.push(folder.name());
            } else if let Ok(Some(file)) = item.get_as_file() {
                dropped.files.push(file);
            }
        }
        dropped
    }

    /// The file with this name; none when several have it, of which nothing says what belongs to what.
    pub fn only(&self, name: &str) -> Option<&File> {
        let mut named = self.files.iter().filter(|file| file.name() == name);
        named.next().filter(|_| named.next().is_none())
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }
}
