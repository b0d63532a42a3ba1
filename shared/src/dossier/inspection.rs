//! Which files are dossiers, and a verified one as the inspection of a file.

use super::verify::{Verdict, verify};
use super::{name, zip};
use crate::canonical::sha256_hex;
use crate::document::{Block, Mark, outcome, section, status, table, text};
use crate::finding::Outcome;
use crate::inspection::{FileFacts, Judgement, Kind, Labelled, PartName};
use crate::kinds::{Details, Inspection};
use crate::source::{Source, SourceError};
use crate::value::Value;

/// The record of a recovery.
pub const DOSSIER: Kind = Kind::new("dossier");

/// Bytes from the beginning of a file that tell a dossier: its manifest lies there, as it is.
const HEAD: u64 = 16 << 10;
/// What the format of every dossier begins with.
const FORMATS: &[u8] = b"requorum.dossier/";

/// Whether a file is a dossier, by how it begins and whatever its name: command line, page and upload ask here. What is
/// longer than any dossier is an archive like others.
///
/// # Errors
/// When it cannot be read.
pub fn is_dossier(source: &dyn Source) -> Result<bool, SourceError> {
    let size = source.size();
    if size > zip::MAX_ARCHIVE_BYTES as u64 {
        return Ok(false);
    }
    let mut head = vec![0; size.min(HEAD) as usize];
    source.read_at(0, &mut head)?;
    let names_format = head.windows(FORMATS.len()).any(|bytes| bytes == FORMATS);
    Ok(names_format && zip::first_name(&head) == Some(name::MANIFEST))
}

/// Verifies a file if it is a dossier; `None` of any other. No key is known here.
///
/// # Errors
/// When it cannot be read.
pub fn inspect(source: &dyn Source, name: &str) -> Result<Option<Inspection>, SourceError> {
    if !is_dossier(source)? {
        return Ok(None);
    }
    // At most the longest dossier.
    let mut bytes = vec![0; source.size() as usize];
    source.read_at(0, &mut bytes)?;
    let file = FileFacts {
        name: name.to_owned(),
        size: source.size(),
        sha256: sha256_hex(&bytes),
    };
    Ok(Some(inspection(verify(&bytes, None), file)))
}

/// The inspection of a dossier that was verified.
fn inspection(mut verdict: Verdict, file: FileFacts) -> Inspection {
    let failed = verdict
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Fail)
        .count();
    let bytes = match (verdict.whole, failed) {
        (true, _) => Judgement::clean(Outcome::Pass, "every part is unchanged since it was signed"),
        (false, 1) => Judgement::clean(Outcome::Fail, "1 check fails"),
        (false, n) => Judgement::clean(Outcome::Fail, format!("{n} checks fail")),
    };
    let approval = match verdict.approval {
        Outcome::Pass => "enough people approved exactly this plan",
        Outcome::Fail => "not enough people approved this plan",
        Outcome::NotChecked => "whether enough people approved could not be checked",
    };
    let parts = [
        (PartName::Checksum, bytes),
        (
            PartName::Content,
            Judgement::clean(verdict.approval, approval),
        ),
    ];
    let checks = verdict.checks.iter().map(|check| {
        vec![
            text(&check.name),
            outcome(check.outcome),
            text(&check.evidence),
        ]
    });
    let checks = table(&["Check", "Outcome", "Evidence"], checks.collect());
    let mut sections = vec![section("Checks", vec![checks])];
    let document = verdict.document.take();
    if let Some(document) = document {
        let notices = document.notices.into_iter();
        let rows: Vec<_> = notices
            .map(|(mark, notice)| vec![status(mark, word(mark)), text(notice)])
            .collect();
        if !rows.is_empty() {
            sections.push(section("Notices", vec![table(&["", "Notice"], rows)]));
        }
        sections.push(section("Outcome", vec![Block::Text(document.sentence)]));
        sections.extend(document.sections);
    }
    let label = "the dossier of a recovery";
    let mut inspection =
        Inspection::judged(DOSSIER, label, file, verdict.sentence, parts, Details::None);
    if let Some(job) = verdict.job {
        inspection
            .headline
            .push(Labelled::new("job", "Job", Value::Id(job)));
    }
    inspection.sections = sections;
    inspection
}

fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Pass => "pass",
        Mark::Fail => "FAIL",
        Mark::Warning => "warning",
        Mark::NotChecked => "not checked",
        Mark::Note => "note",
    }
}
