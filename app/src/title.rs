//! What the page says of itself to the frame: the tab's title, with how much waits for the person, and the way to it.

use leptos::prelude::*;

/// The title, for all pages.
#[derive(Debug, Clone, Copy)]
pub struct Title {
    page: RwSignal<String>,
    waiting: RwSignal<u64>,
    way: RwSignal<Vec<(String, String)>>,
}

impl Title {
    /// Keeps the document's title in step.
    pub fn provide() -> Self {
        let title = Self {
            page: RwSignal::new(String::new()),
            waiting: RwSignal::new(0),
            way: RwSignal::new(Vec::new()),
        };
        provide_context(title);
        Effect::new(move |_| {
            document().set_title(&title.page.with(|page| words(page, title.waiting.get())));
        });
        title
    }

    /// The one given by [`Title::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// The page's sentence: a person finds the tab again by it.
    pub fn page(self, sentence: String) {
        self.page.set(sentence);
    }

    /// Labels for addresses on the way to the page.
    pub fn set_way(self, way: Vec<(String, String)>) {
        if self.way.with_untracked(|before| *before != way) {
            self.way.set(way);
        }
    }

    /// What the page said of the way to it.
    pub fn way(self) -> Signal<Vec<(String, String)>> {
        self.way.into()
    }

    /// How many items wait for the person.
    pub fn waiting(self, count: u64) {
        if self.waiting.get_untracked() != count {
            self.waiting.set(count);
        }
    }
}

/// `(2) Plans – Requorum`.
fn words(page: &str, waiting: u64) -> String {
    let count = match waiting {
        0 => String::new(),
        n => format!("({n}) "),
    };
    match page.trim_end_matches('.') {
        "" => format!("{count}Requorum"),
        page => format!("{count}{page} – Requorum"),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_title_begins_with_what_waits() {
        assert_eq!(words("", 0), "Requorum");
        assert_eq!(words("", 1), "(1) Requorum");
        assert_eq!(words("No open plans.", 12), "(12) No open plans – Requorum");
    }
}
