//! Several files on the axis of their cluster's revisions: how far each is behind the newest.

use leptos::prelude::*;

use crate::format;

/// A file on the axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its name.
    pub name: String,
    /// Its revision.
    pub revision: i64,
    /// The class of its verdict.
    pub class: &'static str,
    /// When the file was last written: milliseconds since 1970.
    pub modified_ms: Option<i64>,
}

/// One line per file, oldest revision at the left.
#[component]
pub fn RevisionAxis(
    /// The files, at least two.
    points: Vec<Point>,
) -> impl IntoView {
    let newest = points.iter().map(|point| point.revision).max().unwrap_or(0);
    let oldest = points.iter().map(|point| point.revision).min().unwrap_or(0);
    let latest = points
        .iter()
        .filter(|point| point.revision == newest)
        .find_map(|point| point.modified_ms);
    let items = points
        .into_iter()
        .map(|point| {
            let left = format!("{:.2}%", position(point.revision, oldest, newest));
            let behind = newest.saturating_sub(point.revision).unsigned_abs();
            let mut note = vec![match behind {
                0 => "newest revision".to_owned(),
                n => format!("{} behind the newest", format::count(n, "revision", "revisions")),
            }];
            if let (Some(own), Some(latest)) = (point.modified_ms, latest)
                && behind > 0
                && own < latest
            {
                let gap = format::duration((latest - own) as f64);
                note.push(format!("file written {gap} earlier"));
            }
            view! {
                <li>
                    <span class="axis-name">{format::visible(&point.name)}</span>
                    <span class="axis-track" aria-hidden="true"><i class=point.class style:left=left></i></span>
                    <span class="axis-note">
                        <strong>{format::signed(point.revision)}</strong> " " {note.join(" · ")}
                    </span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="axis tabular" aria-label="Revisions, oldest at the left">{items}</ul> }
}

/// Where a revision is between the oldest and the newest, in percent.
fn position(revision: i64, oldest: i64, newest: i64) -> f64 {
    let span = newest.saturating_sub(oldest);
    if span <= 0 {
        return 100.0;
    }
    revision.saturating_sub(oldest) as f64 / span as f64 * 100.0
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn the_newest_is_at_the_right_and_equal_ones_are_together() {
        assert_eq!(position(10, 10, 20), 0.0);
        assert_eq!(position(15, 10, 20), 50.0);
        assert_eq!(position(20, 10, 20), 100.0);
        assert_eq!(position(7, 7, 7), 100.0);
        let ends = (i64::MIN, i64::MAX);
        assert!((0.0..=100.0).contains(&position(0, ends.0, ends.1)));
    }
}
