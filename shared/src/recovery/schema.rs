//! The kinds of requests that can be planned for, and the JSON Schema of each: what automation writes its requests by.

use serde_json::{Map, Value};

use super::{ETCD_RESTORE, Request};
use crate::etcd::recovery::restore::RestoreRequest;

/// All kinds.
pub const KINDS: &[&str] = &[ETCD_RESTORE];

/// Reads a request of a kind, as its schema describes it. The JSON may name the kind too.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(kind: &str, json: &str) -> Result<Request, String> {
    let mut value: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| error.to_string())?;
    let named = value.insert("kind".into(), kind.into());
    if named.is_some_and(|named| named != kind) {
        return Err(format!("it names a kind other than {kind}"));
    }
    serde_json::from_value(value.into()).map_err(|error| error.to_string())
}

/// The JSON Schema (draft 2020-12) of the requests of a kind, as it is published; `None` for a kind that is not known.
pub fn schema(kind: &str) -> Option<String> {
    let mut schema = match kind {
        ETCD_RESTORE => schemars::schema_for!(RestoreRequest),
        _ => return None,
    };
    schema.insert("title".into(), kind.into());
    // A value of strings, numbers and lists cannot fail to be written.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::recovery::restore::{SeenRevision, samples};

    /// What a schema requires and allows, held against a real request: a field that is added to one is in the other.
    #[test]
    fn a_schema_names_what_a_request_has() {
        let published: Value = serde_json::from_str(&schema(ETCD_RESTORE).unwrap()).unwrap();
        assert_eq!(published["title"], ETCD_RESTORE);
        let mut request = samples::request();
        request.accept_older_meta = true;
        request.last_seen = Some(SeenRevision {
            revision: 1,
            unwatched_seconds: Some(2),
            per_hour: Some(3),
        });
        let request = serde_json::to_value(&request).unwrap();
        let mut said: Vec<_> = published["properties"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        let mut has: Vec<_> = request.as_object().unwrap().keys().collect();
        said.sort();
        has.sort();
        assert_eq!(said, has);
        let required = published["required"].as_array().unwrap();
        assert!(required.contains(&"snapshot".into()));
        assert!(!required.contains(&"accept_older_meta".into()));
        let versions = published["$defs"]["TargetVersion"].to_string();
        assert!(versions.contains("3.6"), "{versions}");
    }

    #[test]
    fn every_kind_is_one_of_the_plans() {
        for kind in KINDS {
            assert!(schema(kind).is_some(), "{kind}");
            for json in ["{}".to_owned(), format!(r#"{{"kind": "{kind}"}}"#)] {
                let error = read(kind, &json).unwrap_err();
                assert!(error.contains("missing field"), "{error}");
            }
            let error = read(kind, r#"{"kind": "other"}"#).unwrap_err();
            assert!(error.contains("names a kind other than"), "{error}");
        }
        let request = samples::request();
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(read(ETCD_RESTORE, &json), Ok(Request::EtcdRestore(request)));
        assert_eq!(schema("etcd.nothing"), None);
    }
}
