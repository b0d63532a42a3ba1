//! Asking the provider: within seconds, without following it anywhere, and never for more than an answer's worth.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{Refusal, Result};

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long an answer may take to its last byte.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The longest answer, in bytes. Keys, claims and metadata are a few KiB.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// How the console makes itself known at the token endpoint.
pub(super) enum ClientProof<'a> {
    /// In a header.
    Basic { id: &'a str, secret: &'a str },
    /// In the form.
    Form { id: &'a str, secret: &'a str },
    /// By its name alone: PKCE is the proof.
    Public { id: &'a str },
}

/// The HTTP client.
#[derive(Default)]
pub(super) struct Fetch {
    client: OnceLock<Client>,
}

impl Fetch {
    /// The JSON at `url`.
    ///
    /// # Errors
    /// When it cannot be had; `what` says in the log what it was to be.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        what: &str,
        url: &Url,
        bearer: Option<&str>,
    ) -> Result<T> {
        let mut request = self.client()?.get(url.clone());
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        json(what, request).await
    }

    /// Sends a form to the token endpoint.
    ///
    /// # Errors
    /// When it gives nothing for it.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        client: ClientProof<'_>,
    ) -> Result<T> {
        let mut request = self.client()?.post(url.clone());
        let mut form = form.to_vec();
        match client {
            ClientProof::Basic { id, secret } => {
                // RFC 6749, 2.3.1: both are form-encoded first.
                request = request.basic_auth(encoded(id), Some(encoded(secret)));
            }
            ClientProof::Form { id, secret } => {
                form.extend([("client_id", id), ("client_secret", secret)]);
            }
            ClientProof::Public { id } => form.push(("client_id", id)),
        }
        json("tokens", request.form(&form)).await
    }

    /// Made when it is first needed: it reads the certificates that this machine trusts.
    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .redirect(Policy::none())
            .user_agent("requorum")
            .build()
            .map_err(|error| Refusal::server(error.into()))?;
        Ok(self.client.get_or_init(|| client))
    }
}

async fn json<T: DeserializeOwned>(what: &str, request: RequestBuilder) -> Result<T> {
    let down = |error: reqwest::Error| {
        // The address may hold what no log should.
        let error = error.without_url();
        Refusal::down(format_args!("{what}: {:#}", anyhow::Error::new(error)))
    };
    let mut response = request
        .header(ACCEPT, "application/json")
        .send()
        .await
        .map_err(down)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(down)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Refusal::answer(format_args!(
                "{what}: more than {MAX_ANSWER_BYTES} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_server_error() {
        return Err(Refusal::down(format_args!("{what}: it answers {status}")));
    }
    if !status.is_success() {
        let said = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let error: String = said["error"]
            .as_str()
            .unwrap_or_default()
            .chars()
            .take(60)
            .collect();
        return Err(Refusal::answer(format_args!("{what}: {status} {error:?}")));
    }
    // The error would quote what was sent.
    serde_json::from_slice(&body)
        .map_err(|_| Refusal::answer(format_args!("{what}: not the JSON that it should be")))
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
