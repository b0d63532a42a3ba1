//! What a row of a list says of a plan, or of its job.

use leptos::prelude::*;
use requorum_shared::api::v1::HeadlineValue;

use crate::format;
use crate::headline::number;

/// The value whose label the column has.
const REVISION: &str = "revision";

/// The name, which leads to its page, and how many parts come out.
#[component]
pub fn ShortName(
    /// The address of its page.
    to: String,
    /// `prod-etcd #7`.
    name: String,
    /// The headline, which has how many, where that is known.
    headline: Vec<HeadlineValue>,
) -> impl IntoView {
    let count = count(&headline).map(|count| format!(" · {count}"));
    view! { <span class="clip"><a href=to>{name}</a><span class="muted">{count}</span></span> }
}

/// The first value that is how many of something, in words: `3 members`.
fn count(headline: &[HeadlineValue]) -> Option<String> {
    let of = headline.iter().find(|of| !of.one.is_empty())?;
    let n = number(headline, &of.key)?.unsigned_abs();
    let [one, many] = [&of.one, &of.label].map(|noun| noun.to_lowercase());
    Some(format::count(n, &one, &many))
}

/// What the column of revisions says of a headline: the revision alone, and any other value with its label. A dash
/// where that is nothing.
pub fn content(headline: &[HeadlineValue]) -> String {
    let shown = headline.iter().filter(|of| of.one.is_empty());
    let values: Vec<_> = shown
        .filter_map(|of| match of.key.as_str() {
            REVISION => number(headline, REVISION).map(format::signed),
            _ => Some(format!("{} {}", of.label, format::visible(&of.value))),
        })
        .collect();
    match values.is_empty() {
        true => "–".into(),
        false => values.join(", "),
    }
}

/// The names of the files that it rests on.
pub fn files(names: &[String]) -> String {
    format::visible(&names.join(", "))
}

/// Where the result goes.
pub fn target(target: &str) -> String {
    match target {
        "" => "Download".into(),
        target => format::visible(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_shows_the_headline_of_any_system() {
        let value = |key: &str, label: &str, value: &str| HeadlineValue {
            key: key.into(),
            label: label.into(),
            value: value.into(),
            one: String::new(),
        };
        let of = |one: &str, value| HeadlineValue {
            one: one.into(),
            ..value
        };
        let counted = [
            value("revision", "Revision", "1200007"),
            of("Server", value("servers", "Servers", "3")),
        ];
        assert_eq!(content(&counted), "1\u{202f}200\u{202f}007");
        assert_eq!(count(&counted).as_deref(), Some("3 servers"));
        let alone = [of("Server", value("servers", "Servers", "1"))];
        assert_eq!(count(&alone).as_deref(), Some("1 server"));
        let unknown = [value("revision", "Revision", "unknown")];
        assert_eq!((content(&unknown).as_str(), count(&unknown)), ("–", None));
        let other = [value("index", "Raft index", "12")];
        assert_eq!(content(&other), "Raft index 12");
        assert_eq!(files(&["a.db".into(), "b.wal".into()]), "a.db, b.wal");
    }
}
