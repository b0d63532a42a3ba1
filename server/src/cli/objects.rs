//! Where the stored files are, as the command line says it.

use clap::Args;

use crate::files::objects::place::{BucketPlace, KEEP_FETCHED};

/// Where the stored files are.
#[derive(Debug, Args)]
pub(super) struct ObjectsArguments {
    /// The bucket for stored files, as s3://BUCKET/PREFIX. Region and credentials come from AWS_REGION,
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the like. By default they lie in the data directory.
    #[arg(long, env = "REQUORUM_OBJECTS", value_name = "URL")]
    objects: Option<String>,
    /// The S3 server, if it is not Amazon's; takes precedence over AWS_ENDPOINT_URL.
    #[arg(long, env = "REQUORUM_S3_ENDPOINT", value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Use plain HTTP to an S3 server on another machine: every stored file can be read on the network.
    #[arg(long, env = "REQUORUM_S3_ALLOW_HTTP")]
    s3_allow_http: bool,
    /// How many bytes of files fetched from the bucket are kept in the data directory as a cache.
    #[arg(
        long,
        env = "REQUORUM_KEEP_FETCHED_BYTES",
        value_name = "N",
        default_value_t = KEEP_FETCHED
    )]
    keep_fetched_bytes: u64,
}

impl ObjectsArguments {
    /// Whether a bucket was named.
    pub(super) fn is_named(&self) -> bool {
        self.objects.as_ref().is_some_and(|url| !url.is_empty())
    }

    /// The bucket that was named, if one was.
    pub(super) fn place(self) -> anyhow::Result<Option<BucketPlace>> {
        let Some(url) = self.objects.filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let endpoint = self.s3_endpoint.as_deref().filter(|url| !url.is_empty());
        // Names and values that are no Unicode are none of AWS's.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let mut place = BucketPlace::parse(&url, endpoint, self.s3_allow_http, environment)?;
        place.keep_fetched = self.keep_fetched_bytes;
        Ok(Some(place))
    }
}
