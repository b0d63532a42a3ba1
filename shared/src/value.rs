//! A value that is shown to people and read by programs: in facts, headlines and lists.
//!
//! Numbers are decimal strings in JSON: revisions, ids and sizes may exceed 2^53, which JavaScript and canonical JSON
//! round.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::number::bytes;

/// A typed value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum Value {
    /// A name or words, whatever they are.
    Text(String),
    /// One of a few words that programs know: `agrees`.
    Word(String),
    /// How many.
    Count(#[serde(with = "decimal")] u64),
    /// A span of time, in seconds.
    Seconds(#[serde(with = "decimal")] u64),
    /// A size in bytes.
    Bytes(#[serde(with = "decimal")] u64),
    /// A revision of a store.
    Revision(#[serde(with = "decimal")] i64),
    /// An index or a term of a log, or a transaction of a database.
    Index(#[serde(with = "decimal")] u64),
    /// An id as its system prints it.
    Id(String),
    /// SHA-256, hexadecimal.
    Sha256(String),
    /// A version.
    Version(String),
    /// Yes or no.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text)
            | Self::Word(text)
            | Self::Id(text)
            | Self::Sha256(text)
            | Self::Version(text) => f.write_str(text),
            Self::Seconds(n) => write!(f, "{n} s"),
            Self::Count(n) => write!(f, "{n}"),
            Self::Bytes(n) => f.write_str(&bytes(*n)),
            Self::Revision(n) => write!(f, "{n}"),
            Self::Index(n) => write!(f, "{n}"),
            Self::Flag(yes) => f.write_str(if *yes { "yes" } else { "no" }),
        }
    }
}

/// Whole numbers as decimal strings.
pub mod decimal {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    /// Writes the number's digits.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<T: Display, S: Serializer>(number: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    /// Reads them back.
    ///
    /// # Errors
    /// When it is no number of that type.
    pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }

    /// Whole numbers that may be absent: unknown is not zero.
    pub mod option {
        use std::fmt::Display;
        use std::str::FromStr;

        use serde::{Deserialize as _, Deserializer, Serializer, de};

        /// Writes the number's digits, where there is one.
        ///
        /// # Errors
        /// When the serializer fails.
        pub fn serialize<T, S>(number: &Option<T>, to: S) -> Result<S::Ok, S::Error>
        where
            T: Display,
            S: Serializer,
        {
            match number {
                Some(number) => to.collect_str(number),
                None => to.serialize_none(),
            }
        }

        /// Reads them back.
        ///
        /// # Errors
        /// When it is there, and no number of that type.
        pub fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
        where
            T: FromStr<Err: Display>,
            D: Deserializer<'de>,
        {
            let text = Option::<String>::deserialize(from)?;
            text.map(|text| text.parse().map_err(de::Error::custom))
                .transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_double_precision_survive_json() {
        for value in [
            Value::Count(u64::MAX),
            Value::Bytes((1 << 53) + 1),
            Value::Seconds(u64::MAX),
            Value::Word("agrees".to_owned()),
            Value::Revision(i64::MIN),
            Value::Flag(true),
            Value::Text("a \"b\"".to_owned()),
        ] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
        assert_eq!(
            serde_json::to_string(&Value::Count(u64::MAX)).unwrap(),
            r#"{"type":"count","value":"18446744073709551615"}"#
        );
        assert!(serde_json::from_str::<Value>(r#"{"type":"count","value":"-1"}"#).is_err());
    }
}
