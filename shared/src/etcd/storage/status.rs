//! The text of `snapshot status` and `hashkv`, byte for byte as etcdutl prints it (spec 3.4, 3.5).

use std::fmt::Write as _;

use super::inspection::{HashKv, Status};
use crate::number::human_size;

/// `-w`: how it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Values in one line.
    #[default]
    Simple,
    /// A box of ASCII characters.
    Table,
    /// One JSON object.
    Json,
    /// One line per value.
    Fields,
}

/// Whose numbers and columns are meant: TOTAL KEYS changed its meaning, and VERSION came with 3.6.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counting {
    /// 3.4 and 3.5: pairs of all buckets; no version.
    V3_5,
    /// 3.6 and later: live user keys.
    #[default]
    V3_6,
}

/// The text for a status, with its line end.
pub fn status_text(status: &Status, format: Format, counting: Counting) -> String {
    let Status {
        hash,
        revision,
        total_size,
        version,
        ..
    } = status;
    let new = counting == Counting::V3_6;
    let keys = if new {
        status.total_key
    } else {
        status.total_key_35
    };
    let size = human_size(*total_size);
    match format {
        Format::Simple if new => format!("{hash:x}, {revision}, {keys}, {size}, {version}\n"),
        Format::Simple => format!("{hash:x}, {revision}, {keys}, {size}\n"),
        Format::Json => {
            let version = match new {
                true => format!(",\"version\":{}", serde_json::Value::from(version.as_str())),
                false => String::new(),
            };
            format!(
                "{{\"hash\":{hash},\"revision\":{revision},\"totalKey\":{keys},\"totalSize\":{total_size}{version}}}\n"
            )
        }
        Format::Fields => {
            let mut text = format!(
                "\"Hash\" : {hash}\n\"Revision\" : {revision}\n\"Keys\" : {keys}\n\"Size\" : {total_size}\n"
            );
            if new {
                let _ = writeln!(text, "\"Version\" : {version}");
            }
            text
        }
        Format::Table => {
            let mut columns = vec![
                ("HASH", format!("{hash:x}")),
                ("REVISION", revision.to_string()),
                ("TOTAL KEYS", keys.to_string()),
                ("TOTAL SIZE", size),
            ];
            if new {
                columns.push(("VERSION", version.clone()));
            }
            table(&columns)
        }
    }
}

/// The text for a HashKV, with its line end.
pub fn hash_kv_text(hash_kv: &HashKv, format: Format) -> String {
    let HashKv {
        hash,
        hash_revision,
        compact_revision,
    } = hash_kv;
    match format {
        Format::Simple => format!("{hash}, {hash_revision}, {compact_revision}\n"),
        Format::Json => format!(
            "{{\"hash\":{hash},\"hashRevision\":{hash_revision},\"compactRevision\":{compact_revision}}}\n"
        ),
        Format::Fields => format!(
            "\"Hash\" : {hash}\n\"Hash revision\" : {hash_revision}\n\"Compact revision\" : {compact_revision}\n"
        ),
        Format::Table => table(&[
            ("HASH", hash.to_string()),
            ("HASH REVISION", hash_revision.to_string()),
            ("COMPACT REVISION", compact_revision.to_string()),
        ]),
    }
}

/// A box with one row: headers in the middle, values to the right.
fn table(columns: &[(&str, String)]) -> String {
    let (mut rule, mut header, mut row) = ("+".to_owned(), "|".to_owned(), "|".to_owned());
    for (name, value) in columns {
        let width = name.len().max(value.len());
        let _ = write!(rule, "{:-<1$}+", "", width + 2);
        let _ = write!(header, " {name:^width$} |");
        let _ = write!(row, " {value:>width$} |");
    }
    format!("{rule}\n{header}\n{rule}\n{row}\n{rule}\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn status() -> Status {
        Status {
            hash: 0x0abc_def1,
            revision: 339,
            total_key: 201,
            total_key_35: 275,
            total_size: 73728,
            version: "3.6.0".to_owned(),
        }
    }

    #[test]
    fn conformance_03_a_hash_has_no_leading_zero() {
        let text = status_text(&status(), Format::Simple, Counting::V3_6);
        assert_eq!(text, "abcdef1, 339, 201, 74 kB, 3.6.0\n");
        let text = status_text(&status(), Format::Simple, Counting::V3_5);
        assert_eq!(text, "abcdef1, 339, 275, 74 kB\n");
    }

    #[test]
    fn conformance_05_an_absent_version_leaves_its_place() {
        let status = Status {
            version: String::new(),
            ..status()
        };
        let text = status_text(&status, Format::Simple, Counting::V3_6);
        assert_eq!(text, "abcdef1, 339, 201, 74 kB, \n");
        expect![[r#"
            +---------+----------+------------+------------+---------+
            |  HASH   | REVISION | TOTAL KEYS | TOTAL SIZE | VERSION |
            +---------+----------+------------+------------+---------+
            | abcdef1 |      339 |        201 |      74 kB |         |
            +---------+----------+------------+------------+---------+
        "#]]
        .assert_eq(&status_text(&status, Format::Table, Counting::V3_6));
        expect![[r#"
            {"hash":180150001,"revision":339,"totalKey":201,"totalSize":73728,"version":""}
        "#]]
        .assert_eq(&status_text(&status, Format::Json, Counting::V3_6));
    }

    #[test]
    fn fields() {
        expect![[r#"
            "Hash" : 180150001
            "Revision" : 339
            "Keys" : 275
            "Size" : 73728
        "#]]
        .assert_eq(&status_text(&status(), Format::Fields, Counting::V3_5));
    }

    #[test]
    fn hash_kv() {
        let hash_kv = HashKv {
            hash: 553_020_763,
            hash_revision: 52,
            compact_revision: -1,
        };
        assert_eq!(
            hash_kv_text(&hash_kv, Format::Simple),
            "553020763, 52, -1\n"
        );
        expect![[r#"
            +-----------+---------------+------------------+
            |   HASH    | HASH REVISION | COMPACT REVISION |
            +-----------+---------------+------------------+
            | 553020763 |            52 |               -1 |
            +-----------+---------------+------------------+
        "#]]
        .assert_eq(&hash_kv_text(&hash_kv, Format::Table));
    }
}
