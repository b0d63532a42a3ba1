//! Whether the parts are those that the manifest names, and what follows from others follows from them.

use std::collections::BTreeMap;

use super::open::{self, Opened, Parts};
use super::{Failure, Finding, fail, unknown};
use crate::canonical::sha256_hex;
use crate::document::Document;
use crate::dossier::document::Content;
use crate::dossier::manifest::{self, Manifest, PartFacts, RENDERING};
use crate::dossier::{html, name, parts, readme, record, seal, words, zip};
use crate::job::fold::JobView;
use crate::number;
use crate::recovery::Input;

pub(super) fn exact(archive: &zip::Archive<'_>) -> Finding {
    if !archive.exact {
        return Err(fail(
            "Packing its parts again gives a different file: something was changed in it, or added around them.",
        ));
    }
    let names: Vec<_> = archive.parts.iter().map(|(name, _)| *name).collect();
    let in_order = names.first() == Some(&name::MANIFEST) && names.iter().skip(1).is_sorted();
    if !in_order {
        return Err(fail(
            "Its parts are not in the order in which a console packs them.",
        ));
    }
    Ok(format!(
        "{} parts, and nothing between or after them.",
        names.len()
    ))
}

pub(super) fn every_part(parts: &Parts<'_>, manifest: &Manifest) -> Finding {
    let mut wrong = Vec::new();
    for (name, facts) in &manifest.parts {
        match parts.get(name.as_str()) {
            None => wrong.push(format!("{name} is missing")),
            Some(bytes) if PartFacts::of(bytes) != *facts => {
                wrong.push(format!("{name} was changed: its SHA-256 differs"));
            }
            Some(_) => {}
        }
    }
    for name in open::REQUIRED {
        if !manifest.parts.contains_key(*name) {
            wrong.push(format!("the manifest does not name {name}"));
        }
    }
    let beside = [name::MANIFEST, name::SEAL, name::SUMS];
    for name in parts.keys() {
        if !manifest.parts.contains_key(*name) && !beside.contains(name) {
            wrong.push(format!(
                "{name} is in the archive, and the manifest does not name it"
            ));
        }
    }
    let manifest_bytes = parts.get(name::MANIFEST).copied().unwrap_or_default();
    let sums = manifest::sums(manifest, manifest_bytes);
    if parts.get(name::SUMS).copied() != Some(sums.as_bytes()) {
        wrong.push(format!(
            "{} is not the list of the manifest's hashes",
            name::SUMS
        ));
    }
    if wrong.is_empty() {
        Ok(format!(
            "{} parts have the SHA-256 that it names.",
            manifest.parts.len()
        ))
    } else {
        Err(fail(format!("{}.", words::listed(&wrong))))
    }
}

pub(super) fn sealed(parts: &Parts<'_>, manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    let key = opened.key.as_ref().map_err(|why| unknown(why.clone()))?;
    let seal = parts
        .get(name::SEAL)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .ok_or_else(|| fail(format!("{} is missing, or is not text.", name::SEAL)))?;
    let sha256 = sha256_hex(parts.get(name::MANIFEST).copied().unwrap_or_default());
    match seal::open(seal, &manifest.job, &sha256, key) {
        Ok(true) => Ok(format!("{} signed it.", key.short())),
        Ok(false) => Err(fail(
            "What is signed is another manifest: this one was changed, or put in its place.",
        )),
        Err(error) => Err(fail(format!(
            "{} is not the signature of {}: {error}.",
            name::SEAL,
            key.short()
        ))),
    }
}

pub(super) fn plan(manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    let (plan, hash) = opened.plan.as_ref().map_err(|why| fail(why.clone()))?;
    if *hash != manifest.plan_hash {
        return Err(fail(format!(
            "Its SHA-256 is {hash}, and the manifest names {}: it is another plan, or was changed.",
            manifest.plan_hash
        )));
    }
    if plan.id != manifest.plan {
        return Err(fail(format!(
            "It is plan {}, and the manifest names {}.",
            plan.id, manifest.plan
        )));
    }
    Ok(format!("Computed again: {hash}."))
}

pub(super) fn journal(manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let events = opened.events.as_ref().map_err(|why| fail(why.clone()))?;
    open::in_order(plan, events).map_err(Failure::Fail)?;
    let view = record::view(plan, events);
    if manifest.events != events.len() as u64 {
        return Err(fail(format!(
            "It has {} events, and the manifest counts {}.",
            events.len(),
            manifest.events
        )));
    }
    if manifest.state != view.state || manifest.interim == view.state.is_over() {
        return Err(fail("It does not end as the manifest says."));
    }
    Ok(format!("{} events, numbered without a gap.", events.len()))
}

/// A part that follows from others is made again.
pub(super) fn derived(part: &'static str, parts: &Parts<'_>, opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let events = opened
        .events
        .as_ref()
        .map_err(|_| unknown("The journal cannot be read."))?;
    let approvals = opened
        .approvals
        .as_ref()
        .map_err(|_| unknown("The approvals cannot be read."))?;
    let view = record::view(plan, events);
    let again = parts::derived(plan, events, &view, approvals);
    if again.get(part).map(Vec::as_slice) != parts.get(part).copied() {
        return Err(fail(format!("{part} differs from what the journal gives.")));
    }
    Ok(match part {
        name::VERIFICATION => proven(&view),
        _ => "Computed again: the same.".to_owned(),
    })
}

fn proven(view: &JobView) -> String {
    if view.checks.is_empty() {
        return "Nothing was verified, and it says so.".to_owned();
    }
    format!("Computed again: {}.", words::tally(&view.checks))
}

pub(super) fn evidence(parts: &Parts<'_>, opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let report = crate::canonical::to_canonical_json(&plan.report);
    if parts.get(name::REPORT).copied() != Some(report.as_bytes()) {
        return Err(fail(format!(
            "{} is not the report of the plan.",
            name::REPORT
        )));
    }
    let inspections = opened
        .inspections
        .as_ref()
        .map_err(|why| fail(why.clone()))?;
    let inputs = plan.request.inputs();
    let wanted: Vec<&str> = inputs
        .iter()
        .map(|Input::File(sha256)| sha256.as_str())
        .collect();
    let sizes: BTreeMap<&str, u64> = plan
        .steps
        .iter()
        .filter_map(|step| step.action.file())
        .collect();
    for inspection in inspections {
        let file = &inspection.file;
        let sha256 = file.sha256.as_str();
        let other_size = sizes.get(sha256).is_some_and(|size| *size != file.size);
        if !wanted.contains(&sha256) || other_size {
            return Err(fail(format!(
                "It is of a file with the SHA-256 {sha256} and {}, and the plan uses {}.",
                number::bytes(file.size),
                wanted.join(", ")
            )));
        }
    }
    let there = |sha256: &&&str| inspections.iter().any(|of| of.file.sha256 == ***sha256);
    match wanted.iter().filter(there).count() {
        found if found == wanted.len() => {}
        0 => {
            return Err(unknown(
                "What was found in the plan's files is not in it: they were gone when this was made.",
            ));
        }
        found => {
            return Err(unknown(format!(
                "What was found in {found} of the plan's {} files is in it: the others were gone when this was made.",
                wanted.len()
            )));
        }
    }
    let of = inspections.iter().map(|inspection| {
        let file = &inspection.file;
        format!(
            "the {} with the SHA-256 {}",
            number::bytes(file.size),
            file.sha256
        )
    });
    Ok(format!(
        "It is of {}.",
        of.collect::<Vec<_>>().join(" and ")
    ))
}

pub(super) fn page(
    parts: &Parts<'_>,
    manifest: &Manifest,
    content: Option<&Content<'_>>,
    document: Option<&Document>,
) -> Finding {
    if manifest.rendering != RENDERING {
        return Err(unknown(format!(
            "It was rendered by another version ({}, this one is {RENDERING}). Its hash is in the manifest.",
            manifest.rendering
        )));
    }
    let (Some(content), Some(document)) = (content, document) else {
        return Err(unknown("Parts that it is made of cannot be read."));
    };
    for (name, again) in [
        (name::PAGE, html::render(document)),
        (name::README, readme::render(content)),
    ] {
        if parts.get(name).copied() != Some(again.as_bytes()) {
            return Err(fail(format!(
                "{name} differs from what the other parts give: read those, not it."
            )));
        }
    }
    Ok("Rendered again: the same, to the byte.".to_owned())
}
