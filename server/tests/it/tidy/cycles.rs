//! Modules beside each other that need each other are one module, or hide a third: none may.

use std::collections::{BTreeMap, BTreeSet};

use super::paths;

/// Which sibling uses which, by the module that they are in.
type Uses = BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>>;

/// The groups of siblings that need each other, in words: `server::jobs: engine, feed`.
pub(super) fn cycles<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut uses = Uses::new();
    let mut there = BTreeSet::new();
    let mut read = Vec::new();
    for (path, text) in files {
        if let Some(module) = paths::module_of(path) {
            for length in 1..=module.len() {
                there.insert(module[..length].to_vec());
            }
            read.push((module, text));
        }
    }
    for (module, text) in read {
        for used in paths::used(text, &module) {
            note(&mut uses, &there, &module, &used);
        }
    }
    let mut found = Vec::new();
    for (parent, edges) in &uses {
        for group in groups(edges) {
            found.push(format!("{}: {}", parent.join("::"), group.join(", ")));
        }
    }
    found
}

/// Notes that `module` uses `used` where their ways part.
fn note(uses: &mut Uses, there: &BTreeSet<Vec<String>>, module: &[String], used: &[String]) {
    let same = module
        .iter()
        .zip(used)
        .take_while(|(one, other)| one == other)
        .count();
    // One lies in the other: a module may use what is in it, and what it is in.
    if same == 0 || same >= module.len() || same >= used.len() {
        return;
    }
    // What is no module is an item of the parent.
    if !there.contains(&used[..=same]) {
        return;
    }
    uses.entry(module[..same].to_vec())
        .or_default()
        .entry(module[same].clone())
        .or_default()
        .insert(used[same].clone());
}

/// Sets of more than one name from each of which every other can be reached.
fn groups(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reach = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut left = vec![from];
        while let Some(name) = left.pop() {
            for next in edges.get(name).into_iter().flatten() {
                if seen.insert(next) {
                    left.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = edges.keys().map(|name| (name, reach(name))).collect();
    let mut groups = BTreeSet::new();
    for (name, seen) in &reached {
        if !seen.contains(name) {
            continue;
        }
        let group: Vec<String> = seen
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|back| back.contains(name)))
            .map(|other| (*other).clone())
            .collect();
        groups.insert(group);
    }
    groups.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        cycles(files.iter().copied())
    }

    #[test]
    fn two_that_need_each_other_are_found_wherever_they_are() {
        let two = [
            ("server/src/a.rs", "use crate::b::Thing;"),
            ("server/src/b/deep.rs", "use crate::a::Other;"),
            ("server/src/b.rs", "mod deep;"),
        ];
        assert_eq!(found(&two), ["server: a, b"]);
        let below = [
            ("app/src/x.rs", ""),
            ("app/src/x/a.rs", "use super::b::Thing;"),
            ("app/src/x/b.rs", "use crate::x::c;"),
            ("app/src/x/c.rs", "fn f() { super::a::g() }"),
        ];
        assert_eq!(found(&below), ["app::x: a, b, c"]);
    }

    #[test]
    fn one_direction_and_what_a_module_contains_are_fine() {
        let fine = [
            (
                "server/src/a.rs",
                "mod inner; use crate::b::Thing; use inner::X;",
            ),
            ("server/src/a/inner.rs", "use super::Item;"),
            ("server/src/b.rs", "use crate::c::f;"),
            ("server/src/c.rs", ""),
        ];
        assert_eq!(found(&fine), [""; 0]);
    }
}
