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
    /// Its name beside the other two.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
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
    fn the_remembered_word_is_the_theme_again() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::from_word(theme.word()), theme);
        }
    }
}
