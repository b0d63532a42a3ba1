//! Dark or light: what the system says, or what the person chose here.

use leptos::prelude::*;

const KEY: &str = "requorum.theme";

/// A choice of theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The next of the three, for a button that goes round.
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    /// Its name on a button.
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "Theme: as the system",
            Self::Light => "Theme: light",
            Self::Dark => "Theme: dark",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// Takes up the remembered choice and keeps the document in step with it.
pub fn provide() -> RwSignal<Theme> {
    let storage = || window().local_storage().ok().flatten();
    let stored = storage().and_then(|s| s.get_item(KEY).ok().flatten());
    let theme = RwSignal::new(Theme::from_word(stored.as_deref().unwrap_or("")));
    Effect::new(move |_| {
        let word = theme.get().word();
        if let Some(root) = document().document_element() {
            let _ = if word.is_empty() {
                root.remove_attribute("data-theme")
            } else {
                root.set_attribute("data-theme", word)
            };
        }
        // Storage may be forbidden; the choice then lasts as long as the page.
        if let Some(storage) = storage() {
            let _ = if word.is_empty() {
                storage.remove_item(KEY)
            } else {
                storage.set_item(KEY, word)
            };
        }
    });
    theme
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_button_goes_round_and_the_word_comes_back() {
        let mut theme = Theme::System;
        for _ in 0..3 {
            assert_eq!(Theme::from_word(theme.word()), theme);
            theme = theme.next();
        }
        assert_eq!(theme, Theme::System);
    }
}
