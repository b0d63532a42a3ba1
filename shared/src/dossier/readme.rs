//! `README.txt`: for whoever opens the archive years later.

use super::document::Content;
use super::{manifest, words};

/// The text.
pub(super) fn render(content: &Content<'_>) -> String {
    let interim = if content.view.state.is_over() {
        ""
    } else {
        "\nINTERIM: the job had not ended when this was made. Create another dossier once it has ended.\n"
    };
    let key = &content.key;
    format!(
        "Recovery dossier\n\
         ================\n\
         {interim}\n\
         {sentence}\n\n\
         Job   {job}\n\
         Plan  {plan}\n\
         Hash  {hash}\n\
         Made by {console}; format {format}.\n\n\
         What this is\n\
         ------------\n\
         The record of one recovery: what was planned, on what facts, who agreed, what\n\
         was done when, what was proven afterwards, and the entries of the console's\n\
         ledger about it with their proofs. It holds no keys, values or secrets of the\n\
         recovered cluster. Read dossier.html in any browser, or print it; the other\n\
         files are for programs.\n\n\
         How to verify it\n\
         ----------------\n\
         1. Drop the archive on the page /inspect of any Requorum console (nothing is\n\
         \x20  uploaded, no login is needed), or type\n\n\
         \x20      requorum dossier verify FILE --key KEY\n\n\
         \x20  KEY is the key of the console's ledger. Take it from somewhere else than\n\
         \x20  this archive: from the console, a colleague, your notes. This archive\n\
         \x20  claims to be by\n\n\
         \x20      {key}\n\n\
         \x20  Without a key you trust, an archive that was forged whole looks whole.\n\n\
         2. By hand, with nothing but sha256sum, in the unpacked folder:\n\n\
         \x20      sha256sum -c SHA256SUMS\n\n\
         \x20  compares every file with manifest.json. The SHA-256 of plan.json is the\n\
         \x20  plan's hash, which people approved. manifest.note is a signed note (C2SP)\n\
         \x20  over the SHA-256 of manifest.json, and ledger/checkpoint one over the root\n\
         \x20  of the ledger's tree; programs that read such notes can verify both.\n\n\
         A dossier proves what is in it. That nothing else was done is proven by the\n\
         whole ledger: requorum audit verify, on the console's data directory.\n",
        sentence = words::sentence(content.view, &content.plan.titles()),
        job = content.job,
        plan = content.plan.id,
        hash = content.approvals.plan_hash,
        console = content.console,
        format = manifest::FORMAT,
    )
}
