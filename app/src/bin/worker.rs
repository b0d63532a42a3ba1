//! The worker that reads files for the page.

fn main() {
    requorum_app::worker::start_reader();
}
