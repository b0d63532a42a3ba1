//! From one page of a list to the next. The address says which page it is, so that it can be sent and gone back to.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

use crate::format;
use crate::paths::{first_page, with_query};

/// The parameter of the address with the token of the page.
pub const AFTER: &str = "after";
/// The parameter with the number of the page's first row, for people.
pub const FROM: &str = "from";

/// Which page the address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageAt {
    /// The token; empty for the first page.
    pub after: String,
    /// How many rows come before it.
    pub before: u64,
}

/// What the address says.
pub fn place() -> Memo<PageAt> {
    let query = use_query_map();
    Memo::new(move |_| {
        query.with(|query| {
            let after = query.get(AFTER).unwrap_or_default();
            let from: u64 = query
                .get(FROM)
                .and_then(|from| from.parse().ok())
                .unwrap_or(1);
            PageAt {
                before: if after.is_empty() {
                    0
                } else {
                    from.saturating_sub(1)
                },
                after,
            }
        })
    })
}

/// How much there is, which part of it is shown, and the way to the rest.
#[component]
pub fn Pager(
    /// How many rows are shown.
    shown: usize,
    /// How many there are.
    total: u64,
    /// The token of the next page; empty after the last.
    next: String,
    /// One row.
    one: &'static str,
    /// Several rows.
    many: &'static str,
) -> impl IntoView {
    let location = use_location();
    // Of the rows that are shown: the address may be that of a page that is still being fetched.
    let place = place().get_untracked();
    let before = place.before;
    let words = words(before, shown as u64, total, one, many);
    let first = (!place.after.is_empty()).then(|| {
        let location = location.clone();
        let to = move || first_page(&location.pathname.get(), &location.search.get());
        view! { <a class="button" href=to>"First page"</a> }
    });
    let next = (!next.is_empty()).then(|| {
        let to = move || {
            let (path, query) = (location.pathname.get(), location.search.get());
            let from = before + shown as u64 + 1;
            let to = with_query(&path, &query, AFTER, &next);
            let query = to.split_once('?').map_or("", |(_, query)| query);
            with_query(&path, query, FROM, &from.to_string())
        };
        view! { <a class="button" rel="next" href=to>"Next page"</a> }
    });
    view! {
        <nav class="pager" aria-label="Pagination">
            <p class="muted" role="status">{words}</p>
            <div class="acts">{first} {next}</div>
        </nav>
    }
}

/// `51 to 100 of 5 000 plans`.
fn words(before: u64, shown: u64, total: u64, one: &str, many: &str) -> String {
    if before == 0 && shown >= total {
        return format::count(shown, one, many);
    }
    let of = format::count(total.max(before + shown), one, many);
    match shown {
        0 => format!("none further, of {of}"),
        _ => format!(
            "{} to {} of {of}",
            format::number(before + 1),
            format::number(before + shown)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_much_there_is_and_which_part_is_shown() {
        let plans = |before, shown, total| words(before, shown, total, "plan", "plans");
        assert_eq!(plans(0, 1, 1), "1 plan");
        assert_eq!(plans(0, 7, 7), "7 plans");
        assert_eq!(plans(0, 50, 5_000), "1 to 50 of 5\u{202f}000 plans");
        assert_eq!(plans(50, 50, 5_000), "51 to 100 of 5\u{202f}000 plans");
        // More came, or some went, between one page and the next.
        assert_eq!(plans(100, 7, 90), "101 to 107 of 107 plans");
        assert_eq!(plans(50, 0, 50), "none further, of 50 plans");
    }
}
