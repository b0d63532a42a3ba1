//! What `requorum serve` is told of the identity provider.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use requorum_shared::permission::Grant;
use url::Url;

use crate::auth::oidc::config::{ClientSecret, GroupRole, OidcConfig};
use crate::small_file;

/// Holds the client secret itself, where it is not in a file.
const SECRET_VARIABLE: &str = "REQUORUM_OIDC_CLIENT_SECRET";

/// More than any client secret has, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Signing in at an identity provider, by OpenID Connect.
#[derive(Debug, Args)]
#[command(next_help_heading = "Identity provider")]
pub(super) struct OidcArguments {
    /// The provider's issuer URL, exactly as the provider states it. People can sign in there as well as with a
    /// password. Register the console's address with /api/oidc/callback behind it as the redirect URI.
    #[arg(long = "oidc-issuer", env = "REQUORUM_OIDC_ISSUER", value_name = "URL")]
    issuer: Option<String>,
    /// What the provider calls this console.
    #[arg(
        long = "oidc-client-id",
        env = "REQUORUM_OIDC_CLIENT_ID",
        value_name = "ID",
        requires = "issuer"
    )]
    client_id: Option<String>,
    /// The file with the client secret; without one the console is a public client. REQUORUM_OIDC_CLIENT_SECRET may
    /// hold the secret itself instead.
    #[arg(
        long = "oidc-client-secret-file",
        env = "REQUORUM_OIDC_CLIENT_SECRET_FILE",
        value_name = "FILE",
        requires = "issuer"
    )]
    client_secret_file: Option<PathBuf>,
    /// What people call the provider: `Sign in with NAME`. The issuer's host by default.
    #[arg(
        long = "oidc-name",
        env = "REQUORUM_OIDC_NAME",
        value_name = "NAME",
        requires = "issuer"
    )]
    name: Option<String>,
    /// The claim that lists a person's groups.
    #[arg(
        long = "oidc-groups-claim",
        env = "REQUORUM_OIDC_GROUPS_CLAIM",
        value_name = "CLAIM",
        default_value = "groups"
    )]
    groups_claim: String,
    /// The scopes to request besides openid. Default: those of profile, email and the groups claim that the provider
    /// offers.
    #[arg(
        long = "oidc-scopes",
        env = "REQUORUM_OIDC_SCOPES",
        value_name = "SCOPES",
        value_delimiter = ' '
    )]
    scopes: Vec<String>,
    /// What the members of a group may do; may be given several times. Roles follow the groups at each sign-in.
    #[arg(
        long = "oidc-role",
        env = "REQUORUM_OIDC_ROLES",
        value_name = "GROUP=ROLE[@CLUSTER]",
        value_delimiter = ';'
    )]
    roles: Vec<GroupRole>,
    /// What people in none of these groups may do; may be given several times. Without it they are refused.
    #[arg(
        long = "oidc-others",
        env = "REQUORUM_OIDC_OTHERS",
        value_name = "ROLE[@CLUSTER]",
        value_delimiter = ','
    )]
    others: Vec<Grant>,
}

impl OidcArguments {
    /// The provider that was named, if one was.
    pub(super) fn config(self) -> anyhow::Result<Option<OidcConfig>> {
        let Some(issuer) = self.issuer else {
            ensure!(
                self.roles.is_empty() && self.others.is_empty(),
                "--oidc-role and --oidc-others say what people of an identity provider may do; name it with \
                 --oidc-issuer"
            );
            return Ok(None);
        };
        let given = std::env::var(SECRET_VARIABLE)
            .ok()
            .filter(|text| !text.is_empty());
        let client_secret = match (given, &self.client_secret_file) {
            (Some(_), Some(_)) => anyhow::bail!(
                "--oidc-client-secret-file and {SECRET_VARIABLE} both name a client secret; give one of them"
            ),
            (Some(text), None) => Some(ClientSecret::new(&text).context(SECRET_VARIABLE)?),
            (None, Some(path)) => {
                let what = || format!("the client secret in {}", path.display());
                let text = small_file::read_text_or_pipe(path, MAX_SECRET_BYTES);
                let text = text.with_context(what)?;
                Some(ClientSecret::new(&text).with_context(what)?)
            }
            (None, None) => None,
        };
        let host = || {
            let url = issuer.parse::<Url>().ok()?;
            url.host_str().map(ToOwned::to_owned)
        };
        Ok(Some(OidcConfig {
            client_id: self.client_id.unwrap_or_default(),
            client_secret,
            name: self
                .name
                .or_else(host)
                .unwrap_or_else(|| "the identity provider".into()),
            groups_claim: self.groups_claim,
            scopes: self.scopes,
            roles: self.roles,
            others: self.others.into(),
            issuer,
        }))
    }
}
