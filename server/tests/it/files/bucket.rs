//! A real S3 server over a folder, and in front of it somebody who can break what passes: the answers of an
//! overloaded server, connections that end half-way, bytes that change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use requorum_server::files::objects::place::BucketPlace;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

/// The console's name at the server.
const KEY: &str = "console-key";
/// Its secret: must not be found anywhere.
pub(crate) const SECRET: &str = "marker-of-the-s3-secret";
/// The bucket that is there.
pub(crate) const BUCKET: &str = "recovery";

/// How something breaks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// This status and error, and the server never hears of it.
    Answer(u16, &'static str),
    /// This status, and an error whose text never ends.
    Endless(u16),
    /// The connection ends after so many bytes of the request's body.
    CutRequest(usize),
    /// The connection ends after so many bytes of the answer's body.
    CutAnswer(usize),
    /// The answer waits.
    Late(Duration),
    /// The answer's first byte is another.
    Flip,
}

struct Rule {
    method: &'static str,
    within: String,
    times: usize,
    fault: Fault,
}

#[derive(Default)]
struct Between {
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<String>>,
}

/// The server. It ends with the test's runtime.
pub(crate) struct Bucket {
    dir: tempfile::TempDir,
    between: Arc<Between>,
    pub(crate) endpoint: String,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let between = Arc::new(Between::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let passing = between.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (between, service) = (passing.clone(), service.clone());
                let front = tower::service_fn(move |request: Request<_>| {
                    let (between, service) = (between.clone(), service.clone());
                    async move { between.pass(request.map(Body::new), &service).await }
                });
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let service = TowerToHyperService::new(front);
                    // A connection that is cut is what this is for.
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            dir,
            between,
            endpoint,
        }
    }

    /// The place below `prefix`, with little patience.
    pub(crate) fn place(&self, prefix: &str) -> BucketPlace {
        self.place_as(prefix, SECRET)
    }

    pub(crate) fn place_as(&self, prefix: &str, secret: &str) -> BucketPlace {
        let environment = [
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", "us-east-1"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = format!("s3://{BUCKET}/{prefix}");
        let mut place = BucketPlace::parse(&url, Some(&self.endpoint), false, environment).unwrap();
        place.patience.retries = 2;
        place.patience.retry_within = Duration::from_secs(10);
        place.patience.silence = Duration::from_secs(20);
        place
    }

    /// The environment and arguments that name the place to a process.
    pub(crate) fn named(&self, prefix: &str) -> ([(&'static str, String); 2], Vec<String>) {
        let environment = [
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ];
        let arguments = vec![
            "--objects".to_owned(),
            format!("s3://{BUCKET}/{prefix}"),
            "--s3-endpoint".to_owned(),
            self.endpoint.clone(),
        ];
        (environment, arguments)
    }

    /// Breaks the next `times` requests of this method that have `within` in path, query or range.
    pub(crate) fn fail(
        &self,
        method: &'static str,
        within: impl Into<String>,
        times: usize,
        fault: Fault,
    ) {
        self.between.rules.lock().unwrap().push(Rule {
            method,
            within: within.into(),
            times,
            fault,
        });
    }

    /// Breaks nothing any more.
    pub(crate) fn heal(&self) {
        self.between.rules.lock().unwrap().clear();
    }

    /// The requests since the last time this was asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.between.asked.lock().unwrap())
    }

    /// The file behind an object.
    pub(crate) fn object(&self, prefix: &str, sha256: &str) -> PathBuf {
        let below = Path::new(BUCKET).join(prefix).join("sha256");
        self.dir.path().join(below).join(&sha256[..2]).join(sha256)
    }

    /// All objects of the bucket.
    pub(crate) fn objects(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => walk(&path, found),
                    false => found.push(path),
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.dir.path().join(BUCKET), &mut found);
        found
    }

    /// What lies at the server of files that are sent in parts and are not whole.
    pub(crate) fn parts(&self) -> usize {
        std::fs::read_dir(self.dir.path())
            .unwrap()
            .filter(|entry| {
                let name = entry.as_ref().unwrap().file_name();
                name.to_string_lossy().starts_with(".upload_id-")
            })
            .count()
    }
}

impl Between {
    fn fault(&self, request: &Request<Body>) -> Option<Fault> {
        let mut target = request.uri().to_string();
        if let Some(range) = request.headers().get("range") {
            target = format!("{target} {}", range.to_str().unwrap());
        }
        let mut asked = self.asked.lock().unwrap();
        asked.push(format!("{} {target}", request.method()));
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| {
            rule.times > 0 && request.method() == rule.method && target.contains(&rule.within)
        })?;
        rule.times -= 1;
        Some(rule.fault)
    }

    async fn pass(
        &self,
        request: Request<Body>,
        service: &S3Service,
    ) -> Result<Response<Body>, std::io::Error> {
        let fault = self.fault(&request);
        match fault {
            Some(Fault::Answer(status, code)) => return Ok(answer(status, code)),
            Some(Fault::Endless(status)) => return Ok(endless(status)),
            Some(Fault::CutRequest(after)) => {
                let mut body = request.into_body().into_data_stream();
                let mut read = 0;
                while read < after
                    && let Some(Ok(chunk)) = body.next().await
                {
                    read += chunk.len();
                }
                return Err(cut());
            }
            Some(Fault::Late(time)) => tokio::time::sleep(time).await,
            Some(Fault::CutAnswer(_) | Fault::Flip) | None => {}
        }
        let request = request.map(s3s::Body::http_body_unsync);
        let answer = service.call(request).await;
        let answer = answer.map_err(|_| cut())?.map(Body::new);
        Ok(match fault {
            Some(Fault::CutAnswer(after)) => answer.map(|body| cut_after(body, after)),
            Some(Fault::Flip) => answer.map(flipped),
            _ => answer,
        })
    }
}

fn cut() -> std::io::Error {
    std::io::Error::other("the connection is cut")
}

/// As servers answer: with more in it than anybody should see.
fn answer(status: u16, code: &str) -> Response<Body> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>No.</Message>\
         <AWSAccessKeyId>{KEY}</AWSAccessKeyId><StringToSign>{SECRET}</StringToSign></Error>"
    );
    Response::builder()
        .status(status)
        .body(Body::from(body))
        .unwrap()
}

/// After 64 MiB the rest is waited for: whoever reads it all learns of no status.
fn endless(status: u16) -> Response<Body> {
    let words = Bytes::from("No, never. ".repeat(1 << 10));
    let begins = stream::iter([Bytes::from("<Error><Code>No</Code><Message>")]);
    let text = begins.chain(stream::repeat(words).take(6_000));
    let text = text.chain(stream::pending());
    let body = Body::from_stream(text.map(Ok::<_, std::io::Error>));
    Response::builder().status(status).body(body).unwrap()
}

fn cut_after(body: Body, after: usize) -> Body {
    let mut left = after;
    let chunks = body.into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(|_| cut())?;
        if left == 0 {
            return Err(cut());
        }
        let part = chunk.slice(..chunk.len().min(left));
        left -= part.len();
        Ok(part)
    });
    Body::from_stream(chunks)
}

fn flipped(body: Body) -> Body {
    let mut first = true;
    let chunks = body.into_data_stream().map(move |chunk| {
        let mut chunk = chunk.map_err(|_| cut())?.to_vec();
        if let Some(byte) = chunk.first_mut().filter(|_| std::mem::take(&mut first)) {
            *byte ^= 1;
        }
        Ok::<_, std::io::Error>(Bytes::from(chunk))
    });
    Body::from_stream(chunks)
}
