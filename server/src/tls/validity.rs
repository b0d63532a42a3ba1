//! From when and until when a certificate is good: the one thing of it that is for people.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Milliseconds since the Unix epoch, from and until; none when it is no certificate (RFC 5280, 4.1).
pub(super) fn of(certificate: &[u8]) -> Option<(i64, i64)> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut body, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, after)) = expect(body, VERSION) {
        body = after;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, body) = expect(body, tag)?;
    }
    let (validity, _) = expect(body, SEQUENCE)?;
    let (from, rest) = time(validity)?;
    let (until, _) = time(rest)?;
    Some((from, until))
}

/// The contents of the element in front, which must have this tag, and what follows it.
fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, contents, rest) = element(bytes)?;
    (found == tag).then_some((contents, rest))
}

fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&length, mut bytes) = bytes.split_first()?;
    let length = match length {
        short @ 0..=0x7f => usize::from(short),
        // Lengths of up to four bytes: more than any file that is read has.
        long @ 0x81..=0x84 => {
            let (digits, rest) = bytes.split_at_checked(usize::from(long & 0x7f))?;
            bytes = rest;
            digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit))
        }
        _ => return None,
    };
    let (contents, rest) = bytes.split_at_checked(length)?;
    Some((tag, contents, rest))
}

fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (tag, contents, rest) = element(bytes)?;
    let text = std::str::from_utf8(contents).ok()?.strip_suffix('Z')?;
    let text = match tag {
        GENERALIZED_TIME => text.to_owned(),
        // Two digits of a year: until 2049.
        UTC_TIME if *text.as_bytes().first()? >= b'5' => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?;
    Some((time.timestamp().as_millisecond(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_a_time_are_read() {
        for (from, until) in [
            ((1999, 12, 31), (2049, 12, 31)),
            ((2050, 1, 1), (3000, 2, 28)),
        ] {
            let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
            params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
            params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
            let certificate = params
                .self_signed(&rcgen::KeyPair::generate().unwrap())
                .unwrap();
            let ms = |(y, m, d): (i32, u8, u8)| {
                let date = jiff::civil::date(y as i16, m as i8, d as i8);
                date.to_zoned(TimeZone::UTC)
                    .unwrap()
                    .timestamp()
                    .as_millisecond()
            };
            let read = of(certificate.der());
            assert_eq!(read, Some((ms(from), ms(until))));
            // Cut anywhere, or with a byte flipped, it is read or refused, and nothing else.
            let whole = certificate.der().to_vec();
            for n in 0..whole.len() {
                assert_eq!(of(&whole[..n]), None, "cut at {n}");
                let mut damaged = whole.clone();
                damaged[n] ^= 0x80;
                let _ = of(&damaged);
            }
        }
    }
}
