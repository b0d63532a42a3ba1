//! Where the master key of the sealed credentials is when nothing else was said.

use std::path::Path;

use crate::secrets::master_key::KeyPlace;

/// The name of the master key's file in the data directory.
pub const KEY_FILE: &str = "master.key";

/// In the data directory.
pub fn default_key_path(data_dir: &Path) -> KeyPlace {
    KeyPlace::File(data_dir.join(KEY_FILE))
}
