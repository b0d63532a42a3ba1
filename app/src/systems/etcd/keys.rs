//! What the live keys are: is my data in it? Names of folders and Kubernetes' kinds, and never a value.

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::{
    Inspection, KeyFacts, KubernetesFacts, PrefixFacts,
};

use crate::components::bytes::Bytes;
use crate::components::field::Field;
use crate::components::time::Time;
use crate::format;

/// Rows that are shown until all are asked for.
const SHOWN: usize = 15;

pub(super) fn keys(inspection: &Inspection) -> impl IntoView + use<> {
    let contents = inspection.details.contents.clone().unwrap_or_default();
    let Some(keys) = contents.keys else {
        return view! { <p class="muted">"The keys were not counted by prefix when this file was read. Open it on Inspect to count them."</p> }
            .into_any();
    };
    let incomplete = (!keys.complete).then(|| {
        view! { <div class="notice warning"><p>"Part of the keys cannot be read: these are counts of what is left."</p></div> }
    });
    let kubernetes = keys
        .kubernetes
        .clone()
        .map(|facts| kubernetes(facts, contents.current_revision));
    view! { {incomplete} {kubernetes} {prefixes(keys)} }.into_any()
}

/// The objects of an API server, by kind and by namespace.
fn kubernetes(facts: KubernetesFacts, revision: Option<i64>) -> impl IntoView {
    let mut parts = vec![
        format::count(facts.resource_count, "resource kind", "resource kinds"),
        format::count(facts.namespace_count, "namespace", "namespaces"),
        format::count(facts.keys, "object", "objects"),
    ];
    if let Some(revision) = revision {
        parts.push(format!(
            "newest write at revision {}",
            format::signed(revision)
        ));
    }
    let renewed = facts.last_lease_renewal.map(|seconds| {
        view! {
            <p>
                "Last lease renewal by a node or controller: " <Time ms=seconds.saturating_mul(1000) />
                <span class="muted">" (by its clock; the file is at least that new)"</span>
            </p>
        }
    });
    let total: u64 = facts.resources.iter().map(|resource| resource.bytes).sum();
    let kinds = facts.resources.into_iter();
    let kinds = kinds
        .map(|kind| (kind.name, kind.keys, kind.bytes))
        .collect();
    let namespaces = facts.namespaces.into_iter();
    let namespaces = namespaces
        .map(|one| (one.name, one.keys, one.bytes))
        .collect();
    view! {
        <p><strong>{format!("Looks like Kubernetes: {}.", parts.join(", "))}</strong></p>
        {renewed}
        <div class="columns">
            {counts("Kind", kinds, total)}
            {counts("Namespace", namespaces, total)}
        </div>
    }
}

/// A table of names with their live keys and bytes.
fn counts(name: &'static str, rows: Vec<(String, u64, u64)>, total: u64) -> impl IntoView {
    let many = rows.len();
    let all = RwSignal::new(many <= SHOWN);
    // There may be a thousand namespaces: what is not shown is not drawn.
    let body = move || {
        let shown = if all.get() { many } else { SHOWN };
        let rows = rows.iter().take(shown);
        rows.map(|(label, keys, bytes)| {
            view! {
                <tr>
                    <th scope="row" data-label=name>{format::visible(label)}</th>
                    <td data-label="Live keys" class="number">{format::number(*keys)}</td>
                    <td data-label="Size" class="number"><Bytes n=*bytes /></td>
                    <td data-label="Share">{share(*bytes, total)}</td>
                </tr>
            }
        })
        .collect_view()
    };
    view! {
        <div class="stack">
            <div class="table-wrap">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">{name}</th><th scope="col" class="number">"Live keys"</th>
                            <th scope="col" class="number">"Size"</th><th scope="col">"Share"</th>
                        </tr>
                    </thead>
                    <tbody>{body}</tbody>
                </table>
            </div>
            {show_all(all, many)}
        </div>
    }
}

fn show_all(all: RwSignal<bool>, many: usize) -> impl IntoView {
    move || {
        (!all.get()).then(|| {
            let label = format!("Show all {many}");
            view! { <div class="acts"><button type="button" class="button small" on:click=move |_| all.set(true)>{label}</button></div> }
        })
    }
}

/// A bar with its percentage.
fn share(bytes: u64, total: u64) -> impl IntoView {
    let percent = match total {
        0 => 0.0,
        total => (bytes as f64 / total as f64 * 100.0).min(100.0),
    };
    let width = format!("{percent:.2}%");
    view! {
        <span class="portion"><span class="portion-bar" aria-hidden="true"><i style:width=width></i></span> {format!("{percent:.1} %")}</span>
    }
}

/// The keys by prefix, as a tree; flat where a part of a prefix is looked for.
fn prefixes(keys: KeyFacts) -> impl IntoView {
    if keys.prefixes.is_empty() {
        return view! { <p class="muted">"No live keys."</p> }.into_any();
    }
    let (unlisted, merged) = (keys.unlisted, keys.merged);
    let tree = tree(keys.prefixes);
    let total = tree.iter().filter(|(depth, _)| *depth == 0);
    let total: u64 = total.map(|(_, facts)| facts.bytes).sum();
    let many = tree.len();
    let (wanted, all) = (RwSignal::new(String::new()), RwSignal::new(many <= SHOWN));
    let rows = tree
        .into_iter()
        .enumerate()
        .map(|(at, (depth, facts))| {
            let PrefixFacts {
                prefix,
                keys,
                bytes,
                revisions,
                ..
            } = facts;
            let text = match prefix.as_str() {
                "" => "(no prefix)".to_owned(),
                prefix => format::visible(prefix),
            };
            let lower = prefix.to_lowercase();
            let hidden = move || {
                wanted.with(|wanted| match wanted.trim() {
                    "" => at >= SHOWN && !all.get(),
                    wanted => !lower.contains(&wanted.to_lowercase()),
                })
            };
            view! {
                <tr hidden=hidden>
                    <th scope="row" data-label="Prefix" class=format!("mono depth-{depth}")>{text}</th>
                    <td data-label="Live keys" class="number">{format::number(keys)}</td>
                    <td data-label="Size" class="number"><Bytes n=bytes /></td>
                    <td data-label="Share">{share(bytes, total)}</td>
                    <td data-label="Revisions" class="number">{format::number(revisions)}</td>
                </tr>
            }
        })
        .collect_view();
    let rest = match (unlisted, merged) {
        (0, false) => None,
        (0, true) => Some(
            "Too many prefixes to tell all apart: some keys are counted at a parent only."
                .to_owned(),
        ),
        (n, merged) => Some(format!(
            "{} not listed{}.",
            format::count(n, "smaller prefix is", "smaller prefixes are"),
            if merged {
                ", and there are too many to tell all apart"
            } else {
                ""
            }
        )),
    };
    view! {
        <h3>"Keys by prefix"</h3>
        <div class="filter">
            <Field id="find-prefix" kind="search" label="Find a prefix" value=wanted />
        </div>
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Prefix"</th><th scope="col" class="number">"Live keys"</th>
                        <th scope="col" class="number">"Size"</th><th scope="col">"Share"</th>
                        <th scope="col" class="number">"Revisions"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {move || wanted.with(|wanted| wanted.trim().is_empty()).then(|| show_all(all, many))}
        {rest.map(|rest| view! { <p class="muted">{rest}</p> })}
    }
    .into_any()
}

/// Depth and facts: what is within a prefix follows it, the largest first.
fn tree(prefixes: Vec<PrefixFacts>) -> Vec<(usize, PrefixFacts)> {
    let mut tree: Vec<(usize, PrefixFacts)> = Vec::with_capacity(prefixes.len());
    // Largest first, and those above one before it: the end of what is above is where the next of its own belongs.
    for facts in prefixes {
        let is_above = |above: &PrefixFacts| {
            !above.prefix.is_empty() && facts.prefix.starts_with(&above.prefix)
        };
        let above = tree.iter().rposition(|(_, above)| is_above(above));
        let (depth, at) = match above {
            None => (0, tree.len()),
            Some(above) => {
                let (depth, parent) = &tree[above];
                let within =
                    |(_, facts): &(usize, PrefixFacts)| facts.prefix.starts_with(&parent.prefix);
                let rest = tree[above + 1..].iter().take_while(|one| within(one));
                (depth + 1, above + 1 + rest.count())
            }
        };
        tree.insert(at, (depth, facts));
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_a_prefix_follows_it() {
        let prefixes = [
            "/r/",
            "/r/pods/",
            "/r/pods/b/",
            "/x/",
            "/r/leases/",
            "/r/pods/a/",
            "",
            "/r/leases/k/",
        ];
        let prefixes = prefixes.into_iter().map(|prefix| PrefixFacts {
            prefix: prefix.into(),
            ..PrefixFacts::default()
        });
        let tree = tree(prefixes.collect());
        let told: Vec<_> = tree
            .iter()
            .map(|(depth, facts)| (*depth, facts.prefix.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (0, "/r/"),
                (1, "/r/pods/"),
                (2, "/r/pods/b/"),
                (2, "/r/pods/a/"),
                (1, "/r/leases/"),
                (2, "/r/leases/k/"),
                (0, "/x/"),
                (0, ""),
            ]
        );
    }
}
