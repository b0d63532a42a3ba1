//! How numbers are printed.

use std::io::Write as _;

pub(crate) fn heading(text: &str) {
    say(&format!("\n{text}"));
}

pub(crate) fn at_most(what: &str, seen: f64, target: f64, unit: &str) {
    let met = if seen <= target { "met" } else { "NOT met" };
    line(
        what,
        &format!("{seen:.2}{unit}"),
        Some(&format!("at most {target}{unit}: {met}")),
    );
}

pub(crate) fn at_least(what: &str, seen: f64, target: f64, unit: &str) {
    let met = if seen >= target { "met" } else { "NOT met" };
    line(
        what,
        &format!("{seen:.0}{unit}"),
        Some(&format!("at least {target}{unit}: {met}")),
    );
}

pub(crate) fn line(what: &str, seen: &str, target: Option<&str>) {
    say(format!("  {what:<46} {seen:<26} {}", target.unwrap_or_default()).trim_end());
}

pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
