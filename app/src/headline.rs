//! The headline of a file, a plan or a job: the values that lists show of it.

use requorum_shared::api::v1::HeadlineValue;

/// A value that is a whole number, by its key; none where there is no such value, or it is not known.
pub fn number(headline: &[HeadlineValue], key: &str) -> Option<i64> {
    let value = headline.iter().find(|value| value.key == key)?;
    let digits = |c: &char| !c.is_whitespace() && *c != '\u{202f}' && *c != '\u{a0}';
    let digits: String = value.value.chars().filter(digits).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_no_number() {
        let headline = [("revision", "1 200 007"), ("servers", "unknown")];
        let headline = headline.map(|(key, value)| HeadlineValue {
            key: key.into(),
            value: value.into(),
            ..HeadlineValue::default()
        });
        assert_eq!(number(&headline, "revision"), Some(1_200_007));
        assert_eq!(number(&headline, "servers"), None);
        assert_eq!(number(&headline, "keys"), None);
    }
}
