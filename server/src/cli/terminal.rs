//! The one way to the terminal: nothing that a file, a name or an argument holds reaches it as a control
//! character, and nothing in a value begins a line.

use std::fmt;
use std::io::{self, Write as _};

use requorum_shared::escape;

/// A text that is put together line by line: a line feed in a value ends none.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Adds one line.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        self.0.push_str(&escape::value(&line.to_string()));
        self.0.push('\n');
    }

    /// Adds an empty line.
    pub(super) fn blank(&mut self) {
        self.0.push('\n');
    }

    /// All of it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes lines to standard output. It does not fail when the reader has gone.
pub(super) fn print(text: &str) {
    let _ = write_out(&escape::lines(text));
}

/// Writes a JSON text to standard output.
pub(super) fn print_json(json: &str) {
    let json = json.trim_end();
    let _ = write_out(&format!("{}\n", escape::json(json)));
}

/// Writes a JSON text with its line ends to standard output.
///
/// # Errors
/// When it cannot be written: it may become a file.
pub(super) fn print_json_exactly(json: &str) -> io::Result<()> {
    write_out(&escape::json(json))
}

/// Writes one line to standard output.
///
/// # Errors
/// When it cannot be written: what is shown once must not be lost unnoticed.
pub(super) fn line(line: fmt::Arguments<'_>) -> io::Result<()> {
    write_out(&format!("{}\n", escape::value(&line.to_string())))
}

/// Writes one line to standard error.
pub(super) fn complain(line: fmt::Arguments<'_>) {
    let line = format!("{}\n", escape::value(&line.to_string()));
    // With standard error gone there is no other place to say so.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Replaces the current line of a terminal on standard error; an empty text clears it.
pub(super) fn progress(text: &str) {
    const START_OF_LINE_AND_CLEAR: &str = "\r\x1b[K";
    let line = format!("{START_OF_LINE_AND_CLEAR}{}", escape::value(text));
    let mut stderr = io::stderr().lock();
    // A terminal that is gone is no reason to stop.
    let _ = stderr.write_all(line.as_bytes());
    let _ = stderr.flush();
}

/// Asks on standard error, without ending the line.
pub(super) fn prompt(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(escape::value(text).as_bytes())?;
    stderr.flush()
}

fn write_out(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
