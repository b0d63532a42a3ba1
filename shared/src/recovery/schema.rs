//! The kinds of requests that can be planned for, and the JSON Schema of each: what automation writes its requests by.

use serde_json::{Map, Value};

use super::{ETCD_RESTORE, Request};
use crate::escape;
use crate::etcd::recovery::restore::RestoreRequest;

/// All kinds.
pub const KINDS: &[&str] = &[ETCD_RESTORE];

/// Reads a request of a kind, as its schema describes it. The JSON may name the kind too. A field that the schema does
/// not have is refused: a misspelled one would be left out of the plan without a word.
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
    let value = Value::from(value);
    let request = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let schema = of(kind).unwrap_or_default();
    match unknown_field(&schema, &schema, &value) {
        Some(field) => Err(format!("it has no field `{}`", escape::value(&field))),
        None => Ok(request),
    }
}

/// The first field that a schema does not have, by its path: `members[0].peer_url`.
fn unknown_field(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let named = root.pointer(name.strip_prefix('#')?)?;
        return unknown_field(root, named, value);
    }
    let choices = ["oneOf", "anyOf"].map(|of| schema[of].as_array());
    if let Some(choices) = choices.into_iter().flatten().next() {
        // The value was read, so that one of them fits; that one is told by its tag.
        let tag = |choice: &&Value| {
            let own = &choice["properties"]["kind"]["const"];
            own.is_null() || *own == value["kind"]
        };
        let unknown = choices.iter().filter(tag);
        let unknown: Vec<_> = unknown.map(|of| unknown_field(root, of, value)).collect();
        return match unknown.iter().any(Option::is_none) {
            true => None,
            false => unknown.into_iter().flatten().next(),
        };
    }
    match value {
        Value::Object(fields) => {
            let Some(known) = schema["properties"].as_object() else {
                // Where nothing is allowed to be there, an object is not.
                let none = schema["type"] == "null";
                return fields.keys().next().filter(|_| none).cloned();
            };
            fields.iter().find_map(|(name, value)| {
                let Some(schema) = known.get(name) else {
                    return Some(name.clone());
                };
                let below = unknown_field(root, schema, value)?;
                let dot = if below.starts_with('[') { "" } else { "." };
                Some(format!("{name}{dot}{below}"))
            })
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
            let below = unknown_field(root, &schema["items"], item)?;
            Some(format!("[{at}].{below}"))
        }),
        _ => None,
    }
}

/// Says of every object that it has no other fields.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(of) => {
            if of.contains_key("properties") {
                of.insert("additionalProperties".into(), false.into());
            }
            of.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The JSON Schema (draft 2020-12) of the requests of a kind, as it is published; `None` for a kind that is not known.
pub fn schema(kind: &str) -> Option<String> {
    let schema = of(kind)?;
    // A value of strings, numbers and lists cannot fail to be written.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    Some(text)
}

fn of(kind: &str) -> Option<Value> {
    let mut schema = match kind {
        ETCD_RESTORE => schemars::schema_for!(RestoreRequest),
        _ => return None,
    };
    schema.insert("title".into(), kind.into());
    let mut schema = schema.to_value();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.insert("kind".into(), serde_json::json!({ "const": kind }));
    }
    close(&mut schema);
    Some(schema)
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
        let request = serde_json::to_value(Request::EtcdRestore(request)).unwrap();
        assert_eq!(published["additionalProperties"], false);
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
    fn a_misspelled_field_is_named_wherever_it_is() {
        let mut request = samples::request();
        request.last_seen = Some(SeenRevision {
            revision: 1,
            unwatched_seconds: Some(2),
            per_hour: None,
        });
        let whole = serde_json::to_value(&request).unwrap();
        assert!(read(ETCD_RESTORE, &whole.to_string()).is_ok());
        for (within, field, named) in [
            ("", "last_sen", "last_sen"),
            ("/last_seen", "unwatched", "last_seen.unwatched"),
            ("/members/1", "peer_url", "members[1].peer_url"),
            ("/clean_up", "alarm", "clean_up.alarm"),
            ("/target", "folder", "target.folder"),
        ] {
            let mut wrong = whole.clone();
            let object = wrong.pointer_mut(within).unwrap().as_object_mut().unwrap();
            object.insert(field.into(), serde_json::json!({"x": 1}));
            let error = read(ETCD_RESTORE, &wrong.to_string()).unwrap_err();
            assert_eq!(error, format!("it has no field `{named}`"));
        }
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
