//! Which columns of a list are shown, as the person chose in this browser.

use leptos::prelude::*;

/// A column that may be hidden: its word in what is remembered, and its heading.
pub type Column = (&'static str, &'static str);

/// The choice for one list.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    list: &'static str,
    /// All columns after the name, in the table's order.
    optional: &'static [Column],
    hidden: RwSignal<Vec<&'static str>>,
}

impl Columns {
    /// Takes up what is remembered of `list`, whose columns after the name are `optional`.
    pub fn remembered(list: &'static str, optional: &'static [Column]) -> Self {
        let text = storage().and_then(|storage| storage.get_item(&key(list)).ok().flatten());
        Self {
            list,
            optional,
            hidden: RwSignal::new(read(&text.unwrap_or_default(), optional)),
        }
    }

    /// The columns that may be hidden.
    pub fn optional(self) -> &'static [Column] {
        self.optional
    }

    /// Whether this one is shown.
    pub fn shows(self, column: &str) -> bool {
        self.hidden.with(|hidden| !hidden.contains(&column))
    }

    /// Shows or hides one, and remembers it.
    pub fn show(self, column: &'static str, shown: bool) {
        self.hidden.update(|hidden| {
            hidden.retain(|this| *this != column);
            if !shown {
                hidden.push(column);
            }
        });
        // Storage may be forbidden; the choice then lasts as long as the page.
        if let Some(storage) = storage() {
            let text = self.hidden.with_untracked(|hidden| hidden.join(" "));
            let _ = match text.is_empty() {
                true => storage.remove_item(&key(self.list)),
                false => storage.set_item(&key(self.list), &text),
            };
        }
    }

    /// The places of the hidden columns in a row, for the table's `data-without`: `3 5`.
    pub fn without(self) -> String {
        self.hidden.with(|hidden| places(hidden, self.optional))
    }
}

/// The hidden columns are remembered, not the shown ones: a column that comes with a later version is shown.
fn read(text: &str, optional: &[Column]) -> Vec<&'static str> {
    let known = optional.iter().map(|(name, _)| *name);
    known
        .filter(|name| text.split_whitespace().any(|word| word == *name))
        .collect()
}

/// The name is in the first place.
fn places(hidden: &[&str], optional: &[Column]) -> String {
    let places = (2..).zip(optional);
    let hidden = places.filter(|(_, (name, _))| hidden.contains(name));
    let places: Vec<_> = hidden.map(|(place, _)| i32::to_string(&place)).collect();
    places.join(" ")
}

fn key(list: &str) -> String {
    format!("requorum.columns.{list}")
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONAL: &[Column] = &[("file", "Snapshot"), ("state", "State"), ("by", "Author")];

    #[test]
    fn remembered_names_that_are_not_known_are_ignored() {
        assert!(read("", OPTIONAL).is_empty());
        assert_eq!(read("by file", OPTIONAL), ["file", "by"]);
        assert_eq!(read(" gone\nby  name filed by", OPTIONAL), ["by"]);
        assert!(read("file,by", OPTIONAL).is_empty());
    }

    #[test]
    fn places_are_counted_after_the_name() {
        assert_eq!(places(&[], OPTIONAL), "");
        assert_eq!(places(&["by", "file"], OPTIONAL), "2 4");
    }
}
