//! What the console was told of its identity provider.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use requorum_shared::permission::{Grant, Grants};
use url::Url;
use zeroize::Zeroizing;

use super::is_private;

/// The longest name of a provider, in characters.
const MAX_NAME_CHARS: usize = 40;

/// All that was decided about it at start.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// The provider, exactly as it calls itself.
    pub issuer: String,
    /// What the provider calls this console.
    pub client_id: String,
    /// Proves to the provider that it is this console; none for a public client.
    pub client_secret: Option<ClientSecret>,
    /// What people call the provider.
    pub name: String,
    /// The claim that lists a person's groups.
    pub groups_claim: String,
    /// What is asked for beside `openid`; when empty, what the provider offers of the usual.
    pub scopes: Vec<String>,
    /// What the members of a group may do.
    pub roles: Vec<GroupRole>,
    /// What those may do who are in none of these groups; nothing: they are refused.
    pub others: Grants,
}

impl OidcConfig {
    /// Refuses what cannot work or would not be safe.
    ///
    /// # Errors
    /// When the issuer is no address or one in plain HTTP, or nobody could come in.
    pub fn check(&self) -> anyhow::Result<()> {
        let url: Url = self
            .issuer
            .parse()
            .with_context(|| format!("--oidc-issuer {}", self.issuer))?;
        ensure!(
            is_private(&url),
            "--oidc-issuer {}: tokens and secrets would cross the network in plain HTTP; give its https address",
            self.issuer
        );
        ensure!(
            url.query().is_none() && url.fragment().is_none() && url.username().is_empty(),
            "--oidc-issuer {}: an issuer has no query, no fragment and no user",
            self.issuer
        );
        ensure!(
            !self.client_id.is_empty(),
            "--oidc-client-id is missing: the name by which {} knows this console",
            self.issuer
        );
        ensure!(
            !self.name.trim().is_empty()
                && self.name.chars().count() <= MAX_NAME_CHARS
                && !self.name.chars().any(char::is_control),
            "--oidc-name has 1 to {MAX_NAME_CHARS} characters"
        );
        ensure!(
            !self.roles.is_empty() || !self.others.is_empty(),
            "no one could sign in at {}: give at least one --oidc-role GROUP=ROLE, or --oidc-others ROLE",
            self.issuer
        );
        Ok(())
    }

    /// What the members of these groups may do, together; nothing: they may not come in.
    pub fn grants(&self, groups: &[String]) -> Grants {
        let held: Grants = self
            .roles
            .iter()
            .filter(|rule| groups.contains(&rule.group))
            .map(|rule| rule.grant.clone())
            .collect();
        if held.is_empty() {
            return self.others.clone();
        }
        held
    }
}

/// The members of a group hold a role: `etcd-team=operator@prod-etcd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRole {
    /// The group, exactly as the provider writes it.
    pub group: String,
    /// What its members hold.
    pub grant: Grant,
}

impl FromStr for GroupRole {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        // Groups of directories have this sign in their names; roles have none.
        let (group, grant) = text
            .rsplit_once('=')
            .filter(|(group, _)| !group.trim().is_empty())
            .context("write GROUP=ROLE or GROUP=ROLE@CLUSTER, like etcd-team=operator@prod-etcd")?;
        Ok(Self {
            group: group.trim().into(),
            grant: grant.trim().parse()?,
        })
    }
}

/// The secret by which the provider knows this console.
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// From its text, white space around it aside.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        ensure!(!text.is_empty(), "the client secret is empty");
        Ok(Self(Zeroizing::new(text.into())))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(issuer: &str, roles: &[&str], others: &str) -> OidcConfig {
        OidcConfig {
            issuer: issuer.into(),
            client_id: "requorum".into(),
            client_secret: Some(ClientSecret::new("s3cret\n").unwrap()),
            name: "Example".into(),
            groups_claim: "groups".into(),
            scopes: Vec::new(),
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
            others: others.parse().unwrap(),
        }
    }

    #[test]
    fn a_group_may_have_any_name() {
        let rule: GroupRole = "cn=etcd,ou=teams=operator@prod-etcd".parse().unwrap();
        assert_eq!(rule.group, "cn=etcd,ou=teams");
        assert_eq!(rule.grant.to_string(), "operator@prod-etcd");
        for bad in [
            "operator",
            "=operator",
            "team=",
            "team=root",
            "team=admin@one",
        ] {
            assert!(bad.parse::<GroupRole>().is_err(), "{bad}");
        }
    }

    #[test]
    fn groups_add_up_and_others_are_refused_or_told_apart() {
        let groups = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let roles = [
            "a=viewer",
            "b=operator@prod",
            "b=approver@prod",
            "c=operator",
        ];
        let strict = config("https://id.example", &roles, "");
        assert_eq!(strict.grants(&groups(&["a"])).to_string(), "viewer");
        assert_eq!(
            strict.grants(&groups(&["b", "a", "x"])).to_string(),
            "viewer, operator@prod, approver@prod"
        );
        assert_eq!(strict.grants(&groups(&["b", "c"])).texts().len(), 2);
        assert!(strict.grants(&groups(&["A", "x"])).is_empty());
        assert!(strict.grants(&[]).is_empty());
        let open = config("https://id.example", &roles, "viewer@demo");
        assert_eq!(open.grants(&[]).to_string(), "viewer@demo");
        assert_eq!(open.grants(&groups(&["c"])).to_string(), "operator");
    }

    #[test]
    fn nothing_crosses_a_network_in_the_clear() {
        for (issuer, good) in [
            ("https://id.example", true),
            ("https://id.example/realms/ops", true),
            ("http://127.0.0.1:4000", true),
            ("http://localhost:4000/x", true),
            ("http://[::1]:4000", true),
            ("http://id.example", false),
            ("http://10.0.0.1", false),
            ("ftp://127.0.0.1", false),
            ("https://u@id.example", false),
            ("https://id.example?x=1", false),
            ("id.example", false),
        ] {
            let checked = config(issuer, &["a=viewer"], "").check();
            assert_eq!(checked.is_ok(), good, "{issuer}: {checked:?}");
        }
        assert!(config("https://id.example", &[], "").check().is_err());
        assert!(config("https://id.example", &[], "viewer").check().is_ok());
    }

    #[test]
    fn the_secret_is_not_shown() {
        let text = format!("{:?}", config("https://id.example", &[], ""));
        assert!(!text.contains("s3cret"), "{text}");
    }
}
