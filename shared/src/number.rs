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

#[cfg(test)]
mod tests {
    use super::grouped;

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
