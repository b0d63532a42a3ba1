//! Numbers, sizes, times and ids as people read them.

use requorum_shared::number as shared;

mod agent;
mod progress;
mod rate;
mod time;

pub use agent::browser;
pub use progress::Progress;
pub use rate::Rate;
pub use time::{
    Zone, ago, clock, day, duration, from_zone, full, minute, minute_zoned, parse_rfc3339,
    set_zone, stamp, utc, zone_name,
};

/// Narrow no-break space, between groups of three digits and before units.
const THIN: char = '\u{202f}';

/// A number as sentences of checks and of the server have it, kept in one line.
fn narrow(text: &str) -> String {
    text.replace(' ', &THIN.to_string())
}

/// A name or a text from a file or a server, with every character escaped that is invisible or changes the direction of
/// what follows: two names that look alike are alike.
pub fn visible(text: &str) -> String {
    requorum_shared::escape::value(text).into_owned()
}

/// A count with its digits in groups of three: `1 200 007`.
pub fn number(n: u64) -> String {
    narrow(&shared::grouped(n))
}

/// [`number`] for a value that may be negative.
pub fn signed(n: i64) -> String {
    if n < 0 {
        format!("−{}", number(n.unsigned_abs()))
    } else {
        number(n.unsigned_abs())
    }
}

/// A count with its noun: `1 key`, `600 000 keys`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// Several things in a sentence: `a`, `a and b`, `a, b and c`.
pub fn listed(things: &[&str]) -> String {
    match things {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A size in binary units, three significant digits: `512 bytes`, `20.0 KiB`, `1.54 GiB`.
pub fn bytes(n: u64) -> String {
    narrow(&shared::size(n))
}

/// The same size to the byte: `1 651 234 bytes`.
pub fn exact_bytes(n: u64) -> String {
    count(n, "byte", "bytes")
}

/// A speed: `212 MiB/s`.
pub fn per_second(bytes_per_second: f64) -> String {
    format!("{}/s", bytes(bytes_per_second.max(0.0) as u64))
}

/// How much of `total` is `done`, in whole percent, never 100 before the end.
pub fn percent(done: u64, total: u64) -> u64 {
    if total == 0 || done >= total {
        return 100;
    }
    (done as u128 * 100 / u128::from(total)) as u64
}

/// An id shortened in the middle: `9f31a2…e8c2`. Short ones stay whole.
pub fn short_id(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    if chars.len() <= 16 {
        return id.to_owned();
    }
    let head: String = chars[..6].iter().collect();
    let tail: String = chars[chars.len() - 4..].iter().collect();
    format!("{head}…{tail}")
}

/// A CRC as etcd's tools print it: eight hexadecimal digits or fewer.
pub fn crc(hash: u32) -> String {
    format!("{hash:x}")
}

/// `text` as one word of a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else if text.starts_with('-') {
        // A file name that looks like a flag.
        shell_word(&format!("./{text}"))
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Lowercase with a capital first letter, for the beginning of a line.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: String) -> String {
        text.replace(THIN, " ")
    }

    #[test]
    fn digits_come_in_groups_of_three() {
        assert_eq!(plain(number(0)), "0");
        assert_eq!(plain(number(999)), "999");
        assert_eq!(plain(number(1_200_007)), "1 200 007");
        assert_eq!(plain(number(u64::MAX)), "18 446 744 073 709 551 615");
        assert_eq!(plain(signed(-1234)), "−1 234");
        assert_eq!(plain(count(1, "key", "keys")), "1 key");
    }

    #[test]
    fn sizes_have_three_digits_and_change_unit_before_four() {
        for (n, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1 023 bytes"),
            (1024, "1.00 KiB"),
            (20_480, "20.0 KiB"),
            (1_023_487, "999 KiB"),
            (1_023_488, "0.98 MiB"),
            (1_653_562_409, "1.54 GiB"),
            (20_000_000_000, "18.6 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(plain(bytes(n)), text, "{n}");
        }
    }

    #[test]
    fn percent_says_hundred_only_at_the_end() {
        assert_eq!(percent(0, 10), 0);
        assert_eq!(percent(999_999, 1_000_000), 99);
        assert_eq!(percent(10, 10), 100);
        assert_eq!(percent(0, 0), 100);
        assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
    }

    #[test]
    fn names_are_one_word_for_a_shell() {
        assert_eq!(shell_word("prod-etcd.db"), "prod-etcd.db");
        assert_eq!(shell_word("my file.db"), "'my file.db'");
        assert_eq!(shell_word("it's; rm -rf $HOME"), "'it'\\''s; rm -rf $HOME'");
        assert_eq!(shell_word("-w"), "./-w");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn ids_are_shortened_in_the_middle() {
        assert_eq!(short_id("8e9e05c52164694d"), "8e9e05c52164694d");
        assert_eq!(short_id(&"ab".repeat(32)), "ababab…abab");
    }
}
