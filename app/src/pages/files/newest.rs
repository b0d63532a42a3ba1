//! How far a file is behind the newest one of its cluster: by when both were uploaded, and by their revisions.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use leptos::prelude::*;
use requorum_shared::api::v1::{FileOrigin, FileSummary, ListFilesRequest, Trust};

use crate::client::grpc;
use crate::format;
use crate::headline;
use crate::paths;
use crate::systems;

/// Clusters of one page that are asked about.
const MOST: usize = 10;
const MINUTE_MS: i64 = 60_000;

/// The newest file of each cluster, by the cluster's name.
pub(super) type Newest = BTreeMap<String, FileSummary>;

/// The newest files of the clusters that these belong to, asked for at the same time. What cannot be had is left out: the list does without.
pub(super) async fn of_all(files: &[FileSummary]) -> Newest {
    let clusters: BTreeSet<_> = files.iter().map(|file| file.cluster.clone()).collect();
    let asked = clusters
        .into_iter()
        .filter(|name| !name.is_empty())
        .take(MOST)
        .map(|cluster| async move {
            let file = of_cluster(&cluster).await?;
            Some((cluster, file))
        });
    join_all(asked).await.into_iter().flatten().collect()
}

/// The file of a cluster that was uploaded last, of those that can be restored from.
pub(super) async fn of_cluster(cluster: &str) -> Option<FileSummary> {
    let request = ListFilesRequest {
        page_size: 1,
        cluster: Some(cluster.to_owned()),
        order_by: "-uploaded".into(),
        kinds: systems::file_kinds().map(str::to_owned).collect(),
        trusts: vec![Trust::Verified.into(), Trust::Unproven.into()],
        origins: vec![FileOrigin::Upload.into()],
        ..ListFilesRequest::default()
    };
    grpc::call(request).await.ok()?.files.into_iter().next()
}

/// A file beside the newest of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recency {
    /// It is the newest.
    Newest,
    /// It was uploaded so much earlier, and is so many revisions behind where both are known.
    Earlier { ms: i64, behind: Option<i64> },
}

impl Recency {
    /// None where the two are not compared: the file is of no cluster, or was removed.
    pub(super) fn of(file: &FileSummary, newest: Option<&FileSummary>) -> Option<Self> {
        let newest = newest.filter(|newest| {
            newest.cluster == file.cluster && !file.cluster.is_empty() && file.removed_at_ms == 0
        })?;
        if newest.id == file.id {
            return Some(Self::Newest);
        }
        let ms = newest.uploaded_at_ms - file.uploaded_at_ms;
        let behind = revision(newest).zip(revision(file));
        (ms >= 0).then(|| Self::Earlier {
            ms,
            behind: behind.map(|(newest, own)| newest.saturating_sub(own)),
        })
    }

    /// For a column: `newest`, `−3 d`.
    pub(super) fn short(&self) -> String {
        let ms = match self {
            Self::Newest => return "newest".into(),
            Self::Earlier { ms, .. } => *ms,
        };
        match ms / MINUTE_MS {
            minutes @ 0..=119 => format!("−{} min", minutes.max(1)),
            minutes @ 120..=2_879 => format!("−{} h", minutes / 60),
            minutes => format!("−{} d", minutes / 1_440),
        }
    }

    /// `Uploaded 3 d 4 h before next.db, the newest file of prod; 12 345 revisions behind it.`
    pub(super) fn words(&self, newest: &FileSummary) -> String {
        let (name, cluster) = (
            format::visible(&newest.name),
            format::visible(&newest.cluster),
        );
        match self {
            Self::Newest => format!("The newest file of {cluster}."),
            Self::Earlier { ms, behind } => {
                let span = format::duration(*ms as f64);
                format!(
                    "Uploaded {span} before {name}, the newest file of {cluster}; {}.",
                    revisions(*behind)
                )
            }
        }
    }
}

fn revisions(behind: Option<i64>) -> String {
    let count = |n: i64| format::count(n.unsigned_abs(), "revision", "revisions");
    match behind {
        None => "how many revisions it is behind is unknown".into(),
        Some(0) => "both have the same revision".into(),
        Some(n @ 1..) => format!("{} behind it", count(n)),
        Some(n) => format!("{} ahead of it", count(n)),
    }
}

/// The revision that the list shows of a file; none where it shows none.
fn revision(file: &FileSummary) -> Option<i64> {
    headline::number(&file.headline, "revision")
}

/// The same in the page of a file, with the way to the newest.
pub(super) fn line(file: FileSummary) -> impl IntoView {
    let cluster = file.cluster.clone();
    let newest = LocalResource::new(move || {
        let cluster = cluster.clone();
        async move {
            match cluster.is_empty() {
                true => None,
                false => of_cluster(&cluster).await,
            }
        }
    });
    move || {
        let newest = newest.get().flatten()?;
        let place = Recency::of(&file, Some(&newest))?;
        let to = (place != Recency::Newest).then(|| {
            view! { " " <a href=paths::file(&newest.id)>"Open the newest"</a> }
        });
        Some(view! { <span>{place.words(&newest)}</span> {to} })
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::api::v1::HeadlineValue;

    use super::*;

    fn file(id: &str, uploaded_at_ms: i64, revision: &str) -> FileSummary {
        FileSummary {
            id: id.into(),
            name: format!("{id}.db"),
            cluster: "prod".into(),
            uploaded_at_ms,
            headline: vec![HeadlineValue {
                key: "revision".into(),
                label: "Revision".into(),
                value: revision.into(),
                ..HeadlineValue::default()
            }],
            ..FileSummary::default()
        }
    }

    #[test]
    fn a_file_is_placed_by_time_and_by_revision() {
        const HOUR: i64 = 60 * MINUTE_MS;
        let newest = file("new", 100 * HOUR, "1 200 007");
        let of = |file: &FileSummary| Recency::of(file, Some(&newest));
        assert_eq!(of(&newest), Some(Recency::Newest));
        let old = file("old", 24 * HOUR, "1 200 000");
        let place = of(&old).unwrap();
        assert_eq!(place.short(), "−3 d");
        assert_eq!(
            place.words(&newest),
            "Uploaded 3 d 4 h before new.db, the newest file of prod; 7 revisions behind it."
        );
        let place = of(&file("x", 98 * HOUR, "unknown")).unwrap();
        assert_eq!(place.short(), "−2 h");
        assert!(place.words(&newest).contains("is unknown"), "{place:?}");
        // What is of no cluster, or of another, is not compared.
        for cluster in ["", "test"] {
            let other = FileSummary {
                cluster: cluster.into(),
                ..old.clone()
            };
            assert_eq!(of(&other), None);
        }
        assert_eq!(Recency::of(&old, None), None);
    }
}
