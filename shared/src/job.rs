//! A job: what happens to it, as events; where it is, folded from them; and that in words.

pub mod events;
pub mod fold;
pub mod text;
