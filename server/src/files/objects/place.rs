//! Where the objects are when they are not in the data directory: a bucket, how to reach it, and as whom.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use http::Uri;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey as AwsKey};
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, RetryConfig};

use super::answers::BoundedErrors;
use crate::address::is_loopback;

/// Bytes of fetched objects that stay when nothing else was said: as many as the largest upload may have.
pub const KEEP_FETCHED: u64 = 64 << 30;

/// What is tried, and for how long, before a bucket counts as not there.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often a request is made again after an answer that may be better the next time.
    pub retries: usize,
    /// Time after the first attempt from which on none is made any more.
    pub retry_within: Duration,
    /// How long the server may be silent in the middle of an answer, or while a part is on its way to it.
    pub silence: Duration,
    /// How long a connection may take to be made.
    pub connect: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retries: 4,
            retry_within: Duration::from_secs(60),
            silence: Duration::from_secs(60),
            connect: Duration::from_secs(5),
        }
    }
}

/// A bucket of an S3-compatible server.
#[derive(Clone)]
pub struct BucketPlace {
    /// The bucket.
    pub(super) bucket: String,
    /// What all keys begin with; empty, or without a slash at either end.
    pub(super) prefix: String,
    /// The server, where it is not Amazon's.
    endpoint: Option<String>,
    /// Whether the server is spoken to without TLS.
    plain_http: bool,
    /// Region, credentials and the like, as the environment gives them.
    settings: Vec<(AwsKey, String)>,
    /// How long to go on trying.
    pub patience: Patience,
    /// Bytes of fetched objects that stay on this machine for the next time.
    pub keep_fetched: u64,
}

// Without the settings: the credentials are among them.
impl fmt::Debug for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketPlace")
            .field("place", &self.to_string())
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if !self.prefix.is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        Ok(())
    }
}

impl BucketPlace {
    /// Reads `s3://bucket/prefix`. The endpoint, region and credentials come from the usual AWS variables among
    /// `environment`; an `endpoint` that is given counts before theirs.
    ///
    /// # Errors
    /// When the URL is none of that form, nobody says who is asking, or files would cross a network in plain HTTP
    /// without that being allowed.
    pub fn parse(
        url: &str,
        endpoint: Option<&str>,
        allow_http: bool,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let (bucket, prefix) = split(url)?;
        let mut settings: Vec<(AwsKey, String)> = environment
            .into_iter()
            .filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)))
            // Whether that is allowed is decided here.
            .filter(|(key, _)| *key != AwsKey::Client(ClientConfigKey::AllowHttp))
            .collect();
        let mut named = |key: AwsKey| {
            let at = settings.iter().position(|(found, _)| *found == key)?;
            Some(settings.swap_remove(at).1)
        };
        let (for_s3, for_all) = (named(AwsKey::S3Endpoint), named(AwsKey::Endpoint));
        let endpoint = endpoint.map(str::to_owned).or(for_s3).or(for_all);
        let mut plain_http = false;
        if let Some(endpoint) = &endpoint {
            plain_http = is_plain(endpoint, allow_http)?;
            let has = |key| settings.iter().any(|(found, _)| *found == key);
            // Amazon's machines know by themselves who they are; others do not.
            ensure!(
                has(AwsKey::SkipSignature)
                    || has(AwsKey::AccessKeyId) && has(AwsKey::SecretAccessKey),
                "no credentials for {endpoint}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            );
        }
        Ok(Self {
            bucket,
            prefix,
            endpoint,
            plain_http,
            settings,
            patience: Patience::default(),
            keep_fetched: KEEP_FETCHED,
        })
    }

    /// The server, as people call it.
    pub(super) fn server(&self) -> &str {
        self.endpoint.as_deref().unwrap_or("Amazon S3")
    }

    /// A client of the bucket, which has not spoken to it yet.
    pub(super) fn client(&self) -> anyhow::Result<AmazonS3> {
        let patience = self.patience;
        let options = ClientOptions::new()
            .with_allow_http(self.plain_http)
            .with_connect_timeout(patience.connect)
            .with_read_timeout(patience.silence)
            // A large file takes as long as it takes.
            .with_timeout_disabled();
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: patience.retries,
            retry_timeout: patience.retry_within,
        };
        let mut builder = AmazonS3Builder::new()
            .with_client_options(options)
            .with_http_connector(BoundedErrors)
            .with_retry(retry);
        for (key, value) in &self.settings {
            builder = builder.with_config(*key, value);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let client = builder.with_bucket_name(&self.bucket).build();
        // Its errors quote the settings.
        client.ok().with_context(|| {
            format!(
                "the AWS_… settings for {self} are not complete: a key's id needs its secret, and the other way round"
            )
        })
    }
}

fn split(url: &str) -> anyhow::Result<(String, String)> {
    let rest = url
        .strip_prefix("s3://")
        .with_context(|| format!("the objects' URL is s3://BUCKET/PREFIX, not `{url}`"))?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    ensure!(
        (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b)),
        "`{bucket}` is not a bucket name: 3 to 63 lower-case letters, digits, dots and dashes"
    );
    let prefix = prefix.trim_matches('/');
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    ensure!(
        prefix.is_empty() || prefix.split('/').all(plain),
        "the prefix `{prefix}` may hold letters, digits, dots, dashes and underscores, in parts between slashes"
    );
    Ok((bucket.into(), prefix.into()))
}

/// Whether this server is spoken to in plain HTTP, and may be.
fn is_plain(endpoint: &str, allowed: bool) -> anyhow::Result<bool> {
    let uri: Uri = endpoint
        .parse()
        .ok()
        .with_context(|| "the S3 endpoint is not a URL: https://HOST:PORT".to_owned())?;
    let authority = uri
        .authority()
        .context("the S3 endpoint has no host: https://HOST:PORT")?;
    ensure!(
        !authority.as_str().contains('@') && uri.query().is_none(),
        "the S3 endpoint is https://HOST:PORT alone; credentials are in AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY"
    );
    match uri.scheme_str() {
        Some("https") => Ok(false),
        Some("http") if allowed || is_loopback(authority.host()) => Ok(true),
        Some("http") => bail!(
            "{endpoint} would send every stored file over the network in plain HTTP; give its https address, or \
             allow it with --s3-allow-http"
        ),
        _ => bail!("the S3 endpoint begins with neither https:// nor http://"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [(&str, &str); 2] = [
        ("AWS_ACCESS_KEY_ID", "console"),
        ("AWS_SECRET_ACCESS_KEY", "marker-secret"),
    ];

    fn parse(
        url: &str,
        endpoint: Option<&str>,
        allow: bool,
        more: &[(&str, &str)],
    ) -> anyhow::Result<BucketPlace> {
        let pairs = more.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        BucketPlace::parse(url, endpoint, allow, pairs)
    }

    #[test]
    fn a_bucket_and_its_prefix() {
        for (url, shown) in [
            ("s3://backups", "s3://backups"),
            ("s3://backups/", "s3://backups"),
            ("s3://backups/requorum/a/", "s3://backups/requorum/a"),
        ] {
            assert_eq!(parse(url, None, false, &[]).unwrap().to_string(), shown);
        }
        for bad in [
            "backups",
            "https://backups",
            "s3://",
            "s3://ab",
            "s3://Backups",
            "s3://user:pass@backups",
            "s3://backups/a//b",
            "s3://backups/../a",
            "s3://backups/a?b",
        ] {
            assert!(parse(bad, None, false, &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_never_cross_a_network_in_plain_http_unless_that_is_allowed() {
        for (endpoint, allowed, good) in [
            ("http://127.0.0.1:9000", false, true),
            ("http://[::1]:9000", false, true),
            ("http://localhost:9000", false, true),
            ("https://minio.example", false, true),
            ("http://minio.example", false, false),
            ("http://10.0.0.1:9000", false, false),
            ("http://10.0.0.1:9000", true, true),
            ("ftp://minio.example", true, false),
            ("minio.example", false, false),
            ("https://key:secret@minio.example", false, false),
        ] {
            let found = parse("s3://backups", Some(endpoint), allowed, &KEYS);
            assert_eq!(found.is_ok(), good, "{endpoint}: {found:?}");
            // The same rule for a server that the environment names.
            let mut named = KEYS.to_vec();
            named.push(("AWS_ENDPOINT_URL", endpoint));
            let found = parse("s3://backups", None, allowed, &named);
            assert_eq!(found.is_ok(), good, "{endpoint}: {found:?}");
        }
    }

    #[test]
    fn credentials_are_needed_and_never_shown() {
        let error = parse("s3://backups", Some("https://minio.example"), false, &[]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("AWS_SECRET_ACCESS_KEY"), "{error}");
        let place = parse("s3://backups", Some("https://minio.example"), false, &KEYS).unwrap();
        assert!(!format!("{place:?} {place}").contains("marker-secret"));
    }
}
