//! Whether the ledger's part is what its key has signed.

use super::open::Opened;
use super::{Finding, fail, unknown};
use crate::dossier::manifest::Manifest;
use crate::ledger::checkpoint::VerifyingKey;
use crate::ledger::merkle::{Hash, leaf_hash, verify_inclusion};

pub(super) fn checkpoint(manifest: &Manifest, opened: &Opened<'_>) -> Finding {
    opened.key.as_ref().map_err(|why| fail(why.clone()))?;
    let checkpoint = opened
        .checkpoint
        .as_ref()
        .map_err(|why| fail(why.clone()))?;
    if manifest.checkpoint != checkpoint.into() {
        return Err(fail("It is not the checkpoint that the manifest names."));
    }
    Ok(format!(
        "{} entries, root {}.",
        checkpoint.size,
        checkpoint.root.to_base64()
    ))
}

pub(super) fn entries(opened: &Opened<'_>) -> Finding {
    let checkpoint = opened
        .checkpoint
        .as_ref()
        .map_err(|_| unknown("The checkpoint cannot be trusted."))?;
    let (entries, lines) = opened.entries.as_ref().map_err(|why| fail(why.clone()))?;
    let proofs = opened.proofs.as_ref().map_err(|why| fail(why.clone()))?;
    if proofs.size != checkpoint.size || proofs.root != checkpoint.root.to_base64() {
        return Err(fail("The proofs lead to another checkpoint."));
    }
    if proofs.proofs.len() != entries.len() {
        return Err(fail(format!(
            "There are {} entries and {} proofs.",
            entries.len(),
            proofs.proofs.len()
        )));
    }
    let mut before = None;
    for ((entry, line), proof) in entries.iter().zip(lines).zip(&proofs.proofs) {
        let index = entry.index;
        if proof.index != index || before.is_some_and(|before| before >= index) {
            return Err(fail(format!("Entry {index} is in the place of another.")));
        }
        before = Some(index);
        let path: Option<Vec<_>> = proof
            .path
            .iter()
            .map(|text| Hash::from_base64(text))
            .collect();
        let path =
            path.ok_or_else(|| fail(format!("The proof of entry {index} cannot be read.")))?;
        verify_inclusion(
            index,
            checkpoint.size,
            leaf_hash(line),
            &path,
            checkpoint.root,
        )
        .map_err(|error| {
            fail(format!(
                "Entry {index} is not the one that was signed, or was changed: {error}."
            ))
        })?;
    }
    Ok(format!("{} entries, each proven.", entries.len()))
}

pub(super) fn acts(opened: &Opened<'_>) -> Finding {
    let (plan, _) = opened
        .plan
        .as_ref()
        .map_err(|_| unknown("The plan cannot be read."))?;
    let events = opened
        .events
        .as_ref()
        .map_err(|_| unknown("The journal cannot be read."))?;
    let acts = opened.acts.as_ref().map_err(|why| fail(why.clone()))?;
    acts.hold(plan, events)
}

pub(super) fn known_key(opened: &Opened<'_>, known: Option<&VerifyingKey>) -> Finding {
    let key = opened.key.as_ref().map_err(|why| fail(why.clone()))?;
    match known {
        Some(known) if known == key => Ok(format!("It is the key that you gave, {}.", key.short())),
        Some(known) => Err(fail(format!(
            "It is signed by {}, and you gave {}: it comes from another console, or was forged.",
            key.short(),
            known.short()
        ))),
        None => Err(unknown(format!(
            "No key was given. It claims to be by {}: compare its whole key with a copy that you trust, from the \
             console's settings, a colleague, or your notes.",
            key.short()
        ))),
    }
}
