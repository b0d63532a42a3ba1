//! The picture of an inclusion proof: from the root down to the entry, at each level the side that the entry is on,
//! computed, beside its neighbour, which the proof brings.

use leptos::prelude::*;

use crate::components::hash::Id;
use crate::format::number;
use crate::worker::ledger::protocol::{Level, Proof};

/// One side of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Side {
    ours: bool,
    entries: (u64, u64),
    hash: String,
}

/// Left and right of each level, from the top down.
fn levels(index: u64, leaf: &str, steps: &[Level]) -> Vec<[Side; 2]> {
    let below = |at: usize| match at.checked_sub(1).and_then(|at| steps.get(at)) {
        Some(step) => (step.covers, step.hash.clone()),
        None => ((index, index + 1), leaf.to_owned()),
    };
    let level = |(at, step): (usize, &Level)| {
        let (entries, hash) = below(at);
        let ours = Side {
            ours: true,
            entries,
            hash,
        };
        let neighbour = Side {
            ours: false,
            entries: step.neighbour,
            hash: step.brought.clone(),
        };
        match step.neighbour_is_left {
            true => [neighbour, ours],
            false => [ours, neighbour],
        }
    };
    steps.iter().enumerate().rev().map(level).collect()
}

/// `entry 5`, `entries 4–5`.
fn entries((start, end): (u64, u64)) -> String {
    let last = end.saturating_sub(1);
    if start == last {
        format!("entry {}", number(start))
    } else {
        format!("entries {}–{}", number(start), number(last))
    }
}

/// The picture.
#[component]
pub fn ProofPath(
    /// Which entry.
    index: u64,
    /// Its way to the root.
    proof: Proof,
) -> impl IntoView {
    let computed = proof
        .steps
        .last()
        .map_or_else(|| proof.leaf.clone(), |step| step.hash.clone());
    let agrees = proof
        .point
        .as_ref()
        .is_some_and(|point| point.root == computed);
    let size = proof.point.as_ref().map_or(0, |point| point.size);
    let rows = levels(index, &proof.leaf, &proof.steps)
        .into_iter()
        .map(|sides| {
            let sides = sides
                .into_iter()
                .map(|side| {
                    let (class, how) = match side.ours {
                        true => ("climb-side ours", "computed here"),
                        false => ("climb-side", "from the proof"),
                    };
                    view! {
                        <div class=class>
                            <span>{entries(side.entries)}</span>
                            <Id value=side.hash />
                            <small class="muted">{how}</small>
                        </div>
                    }
                })
                .collect_view();
            view! { <li class="climb-level">{sides}</li> }
        })
        .collect_view();
    view! {
        <ol class="climb" aria-label="From the root down to the entry">
            <li class="climb-level">
                <div class=if agrees { "climb-side root ours" } else { "climb-side root wrong" }>
                    <span>{format!("root of {} entries", number(size))}</span>
                    <Id value=computed />
                    <small class="muted">
                        {if agrees { "computed here; matches the checkpoint" } else { "computed here; differs from the checkpoint" }}
                    </small>
                </div>
            </li>
            {rows}
        </ol>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_goes_down_through_its_own_sides() {
        let step = |left, neighbour, covers, hash: &str| Level {
            neighbour_is_left: left,
            neighbour,
            brought: "n".into(),
            covers,
            hash: hash.into(),
        };
        // Entry 5 of 7.
        let steps = [
            step(true, (4, 5), (4, 6), "h46"),
            step(false, (6, 7), (4, 7), "h47"),
            step(true, (0, 4), (0, 7), "root"),
        ];
        let drawn: Vec<_> = levels(5, "leaf", &steps)
            .into_iter()
            .map(|sides| sides.map(|side| format!("{} {}", entries(side.entries), side.hash)))
            .collect();
        assert_eq!(
            drawn,
            [
                ["entries 0–3 n", "entries 4–6 h47"],
                ["entries 4–5 h46", "entry 6 n"],
                ["entry 4 n", "entry 5 leaf"],
            ]
        );
        assert!(levels(0, "leaf", &[]).is_empty());
    }
}
