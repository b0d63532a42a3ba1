//! What a server says when it fails, up to a bound: the client reads such an answer to its end, and it may have none.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};

/// Bytes of the answer to a request that failed which are read. The name of the error is at its beginning.
const MAX_BYTES: usize = 16 << 10;

/// Makes clients that read no more than that.
#[derive(Debug)]
pub(super) struct BoundedErrors;

impl HttpConnector for BoundedErrors {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Bounded(client)))
    }
}

#[derive(Debug)]
struct Bounded(HttpClient);

#[async_trait]
impl HttpService for Bounded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.execute(request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = beginning(body).await?;
        Ok(HttpResponse::from_parts(parts, body))
    }
}

async fn beginning(body: HttpResponseBody) -> Result<HttpResponseBody, HttpError> {
    let mut pieces = body.bytes_stream();
    let mut read = Vec::new();
    while read.len() < MAX_BYTES
        && let Some(piece) = pieces.next().await
    {
        read.extend_from_slice(&piece?);
    }
    read.truncate(MAX_BYTES);
    // A character that was cut in two must not make the rest unreadable.
    Ok(String::from_utf8_lossy(&read).into_owned().into())
}
