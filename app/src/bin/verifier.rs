//! The worker that verifies dossiers and the ledger.

fn main() {
    requorum_app::worker::start_verifier();
}
