//! What pages are made of. Data and callbacks come in; a component never fetches.

pub mod button;
pub mod bytes;
pub mod checks;
pub mod command;
pub mod dialog;
pub mod empty;
pub mod error_view;
pub mod field;
pub mod file_drop;
pub mod findings;
pub mod frame;
pub mod hash;
pub mod inspection;
pub mod keys;
pub mod lead;
pub mod load;
pub mod meter;
pub mod palette;
pub mod properties;
pub mod status;
pub mod strip;
pub mod table;
pub mod tabs;
pub mod time;
pub mod verdict;
