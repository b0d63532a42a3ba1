//! A client of etcd's JSON gateway, which 3.4 to 3.7 share. Keys and values are bytes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A client of one member.
pub(crate) struct Client {
    endpoint: String,
    token: Option<String>,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// A key as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyValue {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) create_revision: i64,
    pub(crate) mod_revision: i64,
    pub(crate) version: i64,
    pub(crate) lease: i64,
}

/// What a watch gave first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Keys and revisions of the first events.
    Events(Vec<(Vec<u8>, i64)>),
    /// The server ended it: what was asked for is compacted.
    Compacted { compact_revision: i64 },
    /// Nothing came in time.
    Nothing,
}

impl Client {
    pub(crate) fn new(endpoint: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Self {
            endpoint: endpoint.to_owned(),
            token: None,
            http: http.unwrap(),
            runtime: runtime.unwrap(),
        }
    }

    /// Calls `/v3/PATH`.
    ///
    /// # Errors
    /// What the server said when it refused, or why it could not be asked.
    pub(crate) fn call(&self, path: &str, body: &Value) -> Result<Value, String> {
        let mut request = self.http.post(format!("{}/v3/{path}", self.endpoint));
        if let Some(token) = &self.token {
            request = request.header("Authorization", token);
        }
        let request = request.body(body.to_string());
        self.runtime.block_on(async {
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let good = answer.status().is_success();
            let text = answer.text().await.map_err(|error| error.to_string())?;
            if good {
                serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
            } else {
                Err(text)
            }
        })
    }

    #[track_caller]
    fn must(&self, path: &str, body: &Value) -> Value {
        let answer = self.call(path, body);
        answer.unwrap_or_else(|error| panic!("{} {path} {body}: {error}", self.endpoint))
    }

    /// Whether a linearizable read succeeds: the member runs, and its cluster has a leader.
    pub(crate) fn answers(&self) -> bool {
        match self.call("kv/range", &json!({ "key": encode(b"?") })) {
            Ok(_) => true,
            // With authentication on, a refusal is an answer.
            Err(said) => said.contains("user name is empty") || said.contains("permission denied"),
        }
    }

    /// Puts a key and gives the revision.
    #[track_caller]
    pub(crate) fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> i64 {
        self.put_leased(key, value, 0)
    }

    #[track_caller]
    pub(crate) fn put_leased(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        lease: i64,
    ) -> i64 {
        let body = json!({
            "key": encode(key), "value": encode(value), "lease": lease.to_string(),
        });
        revision(&self.must("kv/put", &body))
    }

    /// Puts a key, or gives what the server said.
    pub(crate) fn try_put(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<i64, String> {
        let body = json!({ "key": encode(key), "value": encode(value) });
        self.call("kv/put", &body).map(|answer| revision(&answer))
    }

    /// Puts many keys in one transaction, so in one revision; at most 128 unless the server allows more.
    #[track_caller]
    pub(crate) fn put_all<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> i64 {
        let puts: Vec<_> = pairs
            .into_iter()
            .map(|(key, value)| json!({ "requestPut": { "key": encode(key), "value": encode(value) } }))
            .collect();
        revision(&self.must("kv/txn", &json!({ "success": puts })))
    }

    #[track_caller]
    pub(crate) fn delete(&self, key: impl AsRef<[u8]>) -> i64 {
        revision(&self.must("kv/deleterange", &json!({ "key": encode(key) })))
    }

    #[track_caller]
    pub(crate) fn delete_prefix(&self, prefix: impl AsRef<[u8]>) -> i64 {
        let (key, end) = (encode(&prefix), encode(after_prefix(prefix.as_ref())));
        revision(&self.must("kv/deleterange", &json!({ "key": key, "range_end": end })))
    }

    #[track_caller]
    pub(crate) fn get(&self, key: impl AsRef<[u8]>) -> Option<KeyValue> {
        let answer = self.must("kv/range", &json!({ "key": encode(key) }));
        key_values(&answer).pop()
    }

    /// Every key, in order.
    #[track_caller]
    pub(crate) fn all(&self) -> Vec<KeyValue> {
        self.all_at(0).unwrap()
    }

    /// Every key as of `at` (0: now), or what the server said.
    pub(crate) fn all_at(&self, at: i64) -> Result<Vec<KeyValue>, String> {
        let body = json!({
            "key": encode(b"\0"), "range_end": encode(b"\0"), "revision": at.to_string(),
        });
        self.call("kv/range", &body)
            .map(|answer| key_values(&answer))
    }

    /// The revision that the next write comes after.
    #[track_caller]
    pub(crate) fn revision(&self) -> i64 {
        revision(&self.must(
            "kv/range",
            &json!({ "key": encode(b"?"), "count_only": true }),
        ))
    }

    /// Compacts, and waits until it is done.
    #[track_caller]
    pub(crate) fn compact(&self, at: i64) {
        self.must(
            "kv/compaction",
            &json!({ "revision": at.to_string(), "physical": true }),
        );
    }

    #[track_caller]
    pub(crate) fn defragment(&self) {
        self.must("maintenance/defragment", &json!({}));
    }

    /// The id of a new lease; `id` 0 lets the server choose.
    #[track_caller]
    pub(crate) fn lease_grant(&self, id: i64, ttl_seconds: i64) -> i64 {
        let body = json!({ "ID": id.to_string(), "TTL": ttl_seconds.to_string() });
        number(&self.must("lease/grant", &body)["ID"])
    }

    /// A user `root` with `password` and role root, and authentication on; this client signs in.
    #[track_caller]
    pub(crate) fn auth_enable(&mut self, password: &str) {
        self.must(
            "auth/user/add",
            &json!({ "name": "root", "password": password }),
        );
        self.must("auth/role/add", &json!({ "name": "root" }));
        self.must(
            "auth/user/grant",
            &json!({ "user": "root", "role": "root" }),
        );
        self.must("auth/enable", &json!({}));
        self.sign_in("root", password);
    }

    #[track_caller]
    pub(crate) fn sign_in(&mut self, name: &str, password: &str) {
        let body = json!({ "name": name, "password": password });
        let answer = self.must("auth/authenticate", &body);
        self.token = Some(answer["token"].as_str().expect("a token").to_owned());
    }

    /// Active alarms: member id and name.
    #[track_caller]
    pub(crate) fn alarms(&self) -> Vec<(u64, String)> {
        let answer = self.must("maintenance/alarm", &json!({ "action": "GET" }));
        list(&answer["alarms"])
            .map(|alarm| {
                (
                    unsigned(&alarm["memberID"]),
                    alarm["alarm"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }

    /// Adds a member and gives its id.
    #[track_caller]
    pub(crate) fn member_add(&self, peer_url: &str, learner: bool) -> u64 {
        let body = json!({ "peerURLs": [peer_url], "isLearner": learner });
        unsigned(&self.must("cluster/member/add", &body)["member"]["ID"])
    }

    /// The answer of MemberList as it came.
    #[track_caller]
    pub(crate) fn member_list(&self) -> Value {
        self.must("cluster/member/list", &json!({}))
    }

    /// The answer of Status as it came.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        self.must("maintenance/status", &json!({}))
    }

    /// Watches all keys from `start` and gives what comes first.
    pub(crate) fn watch_from(&self, start: i64, wait: Duration) -> Watched {
        let body = json!({ "create_request": {
            "key": encode(b"\0"), "range_end": encode(b"\0"), "start_revision": start.to_string(),
        }});
        let mut request = self.http.post(format!("{}/v3/watch", self.endpoint));
        if let Some(token) = &self.token {
            request = request.header("Authorization", token);
        }
        let request = request.body(body.to_string());
        let first = async {
            let mut answer = request.send().await.unwrap();
            let mut buffer = Vec::new();
            while let Some(chunk) = answer.chunk().await.unwrap() {
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    let line: Value = serde_json::from_slice(&line).unwrap();
                    if let Some(watched) = watched(&line["result"]) {
                        return watched;
                    }
                }
            }
            Watched::Nothing
        };
        self.runtime
            .block_on(async { tokio::time::timeout(wait, first).await })
            .unwrap_or(Watched::Nothing)
    }
}

fn watched(result: &Value) -> Option<Watched> {
    let compact_revision = number(&result["compact_revision"]);
    if compact_revision > 0 {
        return Some(Watched::Compacted { compact_revision });
    }
    let events: Vec<_> = list(&result["events"])
        .map(|event| {
            (
                decode(&event["kv"]["key"]),
                number(&event["kv"]["mod_revision"]),
            )
        })
        .collect();
    (!events.is_empty()).then_some(Watched::Events(events))
}

fn key_values(answer: &Value) -> Vec<KeyValue> {
    list(&answer["kvs"])
        .map(|kv| KeyValue {
            key: decode(&kv["key"]),
            value: decode(&kv["value"]),
            create_revision: number(&kv["create_revision"]),
            mod_revision: number(&kv["mod_revision"]),
            version: number(&kv["version"]),
            lease: number(&kv["lease"]),
        })
        .collect()
}

fn revision(answer: &Value) -> i64 {
    number(&answer["header"]["revision"])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// 64-bit numbers are strings in this JSON, and absent when 0.
fn number(value: &Value) -> i64 {
    value.as_str().map_or_else(
        || value.as_i64().unwrap_or_default(),
        |text| text.parse().unwrap(),
    )
}

fn unsigned(value: &Value) -> u64 {
    value.as_str().map_or_else(
        || value.as_u64().unwrap_or_default(),
        |text| text.parse().unwrap(),
    )
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

fn decode(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap()
}

/// The first key after all that begin with `prefix`, which does not end in 0xff.
fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut after = prefix.to_vec();
    *after.last_mut().expect("a prefix") += 1;
    after
}
