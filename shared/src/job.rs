//! A job: what happens to it, as events; where it is, folded from them; what happened, as lines; and all that in words.

pub mod events;
pub mod fold;
pub mod history;
pub mod text;
