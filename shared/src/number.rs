//! Numbers as sentences have them.

/// With spaces between thousands: `403 783`.
pub(crate) fn grouped(n: u64) -> String {
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

/// How much of a size is there, both in the unit of the larger where that can be: `110 of 220 KiB`. To the byte where
/// both would look the same.
pub(crate) fn part_of(part: u64, size: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit_of = |n: u64| {
        let (mut unit, mut scale) = (0, 1024.0);
        while n as f64 / scale >= 999.5 && unit + 1 < UNITS.len() {
            scale *= 1024.0;
            unit += 1;
        }
        (UNITS[unit], scale)
    };
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
    use super::{grouped, part_of};

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
    }
}
