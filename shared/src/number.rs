//! Numbers as sentences have them.

/// With spaces between thousands: `403 783`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// [`grouped`] for a revision or another count that is negative in a damaged file: `1 000 339`, `-7`.
pub fn signed(n: i64) -> String {
    let digits = grouped(n.unsigned_abs());
    match n < 0 {
        true => format!("-{digits}"),
        false => digits,
    }
}

/// To the byte: `65 845 551 104 bytes`.
pub fn bytes(n: u64) -> String {
    match n {
        1 => "1 byte".to_owned(),
        n => format!("{} bytes", grouped(n)),
    }
}

/// HashKV as etcdctl and etcdutl print it, in decimal, with the hexadecimal that logs have beside it:
/// `4084519641 (0xf374d2d9)`. Its digits are not grouped: it is compared and copied, not read as an amount.
pub fn hash_kv(hash: u32) -> String {
    format!("{hash} (0x{hash:08x})")
}

/// In three digits: `61.3 GiB`. To the byte below 1 KiB.
pub fn size(n: u64) -> String {
    if n < 1024 {
        return bytes(n);
    }
    let (unit, scale) = unit_of(n);
    let value = n as f64 / scale;
    let decimals = match value {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

/// Bytes in powers of a thousand, as etcdctl prints them: three digits at most, one of them behind the point below ten.
pub fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let power = (bytes as f64).ln() / 1000f64.ln();
    let power = power.floor();
    let scaled = bytes as f64 / 1000f64.powf(power) * 10.0 + 0.5;
    let value = scaled.floor() / 10.0;
    // The largest u64 has a power of 6.
    let unit = UNITS[(power as usize).min(UNITS.len() - 1)];
    if value < 10.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// Two sizes that a sentence compares: to the byte where they differ and would look the same.
pub fn sizes(one: u64, other: u64) -> (String, String) {
    match (size(one), size(other)) {
        (same, as_well) if same == as_well && one != other => (bytes(one), bytes(other)),
        both => both,
    }
}

/// The unit that a size is told in, and how many bytes that is.
fn unit_of(n: u64) -> (&'static str, f64) {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut unit, mut scale) = (0, 1024.0);
    while n as f64 / scale >= 999.5 && unit + 1 < UNITS.len() {
        scale *= 1024.0;
        unit += 1;
    }
    (UNITS[unit], scale)
}

/// How much of a size is there, both in the unit of the larger where that can be: `110 of 220 KiB`. To the byte where
/// both would look the same.
pub(crate) fn part_of(part: u64, size: u64) -> String {
    let in_unit = |n: u64, scale: f64| {
        let value = n as f64 / scale;
        let decimals = match value {
            v if v >= 99.95 => 0,
            v if v >= 9.995 => 1,
            _ => 2,
        };
        let text = format!("{value:.decimals$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    };
    let (unit, scale) = unit_of(size);
    let (shown, total) = (in_unit(part, scale), in_unit(size, scale));
    if size < 1024 || shown == total {
        return format!("{} of {} bytes", grouped(part), grouped(size));
    }
    if part >= 1024 && part as f64 / scale < 0.1 {
        let (own, scale) = unit_of(part);
        return format!("{} {own} of {total} {unit}", in_unit(part, scale));
    }
    format!("{shown} of {total} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{bytes, grouped, hash_kv, human_size, part_of, signed, size, sizes};

    #[test]
    fn hash_kv_is_what_etcdctl_prints_with_hex_beside() {
        assert_eq!(hash_kv(4_084_519_641), "4084519641 (0xf374d2d9)");
        assert_eq!(hash_kv(7), "7 (0x00000007)");
    }

    #[test]
    fn a_size_has_three_digits_and_two_that_differ_look_different() {
        for (n, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1 023 bytes"),
            (1024, "1.00 KiB"),
            (65_845_551_104, "61.3 GiB"),
            (1023 << 20, "1.00 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(n), text);
        }
        let texts = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(sizes(3 << 30, 1 << 20), texts("3.00 GiB", "1.00 MiB"));
        assert_eq!(
            sizes(1_048_576, 1_048_577),
            texts("1 048 576 bytes", "1 048 577 bytes")
        );
        assert_eq!(sizes(2048, 2048), texts("2.00 KiB", "2.00 KiB"));
        assert_eq!(bytes(65_845_551_104), "65 845 551 104 bytes");
    }

    #[test]
    fn a_human_size_is_what_etcdctl_prints() {
        let cases = [
            (0, "0 B"),
            (9, "9 B"),
            (10, "10 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (20_480, "20 kB"),
            (4_960_256, "5.0 MB"),
            (9_950_208, "10 MB"),
            (1_653_895_168, "1.7 GB"),
            (u64::MAX, "18 EB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(human_size(bytes), text);
        }
    }

    #[test]
    fn a_part_and_its_whole_have_one_unit_and_never_look_the_same() {
        let cases = [
            (112_656, 225_312, "110 of 220 KiB"),
            (225_280, 225_312, "225 280 of 225 312 bytes"),
            (3, 900, "3 of 900 bytes"),
            (0, 4096, "0 of 4 KiB"),
            (1 << 30, 3 << 30, "1 of 3 GiB"),
            (65_536, 1_653_562_409, "64 KiB of 1.54 GiB"),
            (
                u64::MAX - 1,
                u64::MAX,
                "18 446 744 073 709 551 614 of 18 446 744 073 709 551 615 bytes",
            ),
        ];
        for (part, size, text) in cases {
            assert_eq!(part_of(part, size), text);
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (403_783, "403 783"),
            (1_200_007, "1 200 007"),
        ];
        for (n, text) in cases {
            assert_eq!(grouped(n), text);
        }
        assert_eq!(signed(1_000_339), "1 000 339");
        assert_eq!(signed(-1000), "-1 000");
        assert_eq!(signed(i64::MIN), "-9 223 372 036 854 775 808");
    }
}
