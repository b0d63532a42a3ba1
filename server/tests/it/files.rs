//! Files: uploaded, stored, told apart.

pub(crate) mod any_file;
pub(crate) mod bucket;
pub(crate) mod foreign_files;
pub(crate) mod kinds;
pub(crate) mod known_files;
pub(crate) mod objects;
pub(crate) mod removal;
pub(crate) mod sound_files;
pub(crate) mod uploads;
pub(crate) mod values;
