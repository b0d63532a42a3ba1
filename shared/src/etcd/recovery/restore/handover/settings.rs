//! What only people know of the members' hosts, with the values that most clusters have.

use std::collections::BTreeMap;

use crate::etcd::recovery::restore::{MemberRequest, peer_url};
use crate::handover::Setting;

/// The values that the commands are written with.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    data_dir: Value,
    client_url: Value,
    user: Value,
    login: Value,
}

#[derive(Debug, Clone)]
struct Value {
    /// What is used.
    value: String,
    /// Why what was given is not.
    error: Option<String>,
}

impl Settings {
    /// Those given, by key; the usual ones for the rest.
    pub(super) fn of(members: &[MemberRequest], given: &BTreeMap<String, String>) -> Self {
        let mut hosts: Vec<_> = members.iter().map(host_of).collect();
        hosts.sort();
        let shared = hosts.windows(2).any(|pair| pair[0] == pair[1]);
        let tls = members.iter().any(|m| first_url(m).starts_with("https://"));
        let scheme = if tls { "https" } else { "http" };
        let (data_dir, client_url) = if shared {
            // Several members on one host need a folder and a port each.
            (
                "/var/lib/etcd-{name}".to_owned(),
                format!("{scheme}://{{host}}:{{port}}"),
            )
        } else {
            (
                "/var/lib/etcd".to_owned(),
                format!("{scheme}://{{host}}:2379"),
            )
        };
        let value = |key: &str, usual: String, fits: &dyn Fn(&str) -> Result<(), String>| {
            let Some(given) = given.get(key).map(|text| text.trim()) else {
                return Value {
                    value: usual,
                    error: None,
                };
            };
            match fits(given) {
                Ok(()) => Value {
                    value: given.to_owned(),
                    error: None,
                },
                Err(why) => Value {
                    value: usual,
                    error: Some(why),
                },
            }
        };
        Self {
            data_dir: value("data-dir", data_dir, &|text| {
                is_folder(text, members.len(), shared)
            }),
            client_url: value("client-url", client_url, &|text| {
                let mut urls: Vec<_> = members.iter().map(|m| filled(text, m)).collect();
                for url in &urls {
                    peer_url::normalize(url).map_err(|error| format!("Not a URL: {error}."))?;
                }
                urls.sort();
                if urls.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err("Two members would have the same address: write {host}.".to_owned());
                }
                Ok(())
            }),
            user: value("user", "etcd".to_owned(), &is_account),
            login: value("login", "root".to_owned(), &is_account),
        }
    }

    /// For a form.
    pub(super) fn listed(&self) -> Vec<Setting> {
        let setting = |key: &str, label: &str, hint: &str, value: &Value| Setting {
            key: key.to_owned(),
            label: label.to_owned(),
            hint: hint.to_owned(),
            value: value.value.clone(),
            error: value.error.clone(),
        };
        vec![
            setting(
                "data-dir",
                "Data directory on the hosts",
                "{name} stands for the member's name.",
                &self.data_dir,
            ),
            setting(
                "client-url",
                "Client URL of a member",
                "{host} stands for the host of its peer URL, {port} for its peer port minus one, {name} for its name.",
                &self.client_url,
            ),
            setting(
                "user",
                "User that runs etcd",
                "Owner of the files; root for static pods.",
                &self.user,
            ),
            setting(
                "login",
                "Login for copying",
                "The account on the hosts that rsync uses over ssh; it must be able to change owners.",
                &self.login,
            ),
        ]
    }

    pub(super) fn data_dir(&self, member: &MemberRequest) -> String {
        filled(&self.data_dir.value, member)
    }

    /// As etcd takes it and clients use it.
    pub(super) fn client_url(&self, member: &MemberRequest) -> String {
        let url = filled(&self.client_url.value, member);
        peer_url::normalize(&url).unwrap_or(url)
    }

    pub(super) fn clients_use_tls(&self) -> bool {
        self.client_url.value.starts_with("https://")
            || self.client_url.value.starts_with("unixs://")
    }

    pub(super) fn user(&self) -> String {
        self.user.value.clone()
    }

    pub(super) fn login(&self) -> &str {
        &self.login.value
    }

    /// The host of its first peer URL, an IPv6 address in brackets.
    pub(super) fn host(&self, member: &MemberRequest) -> String {
        host_of(member)
    }
}

fn first_url(member: &MemberRequest) -> String {
    let url = member.peer_urls.first().map_or("", |url| url.as_str());
    peer_url::normalize(url).unwrap_or_else(|_| url.trim().to_owned())
}

/// Host and port of a URL, an IPv6 address with its brackets.
pub(super) fn host_and_port(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    }
}

fn host_of(member: &MemberRequest) -> String {
    let url = first_url(member);
    host_and_port(&url).0.to_owned()
}

fn filled(text: &str, member: &MemberRequest) -> String {
    let url = first_url(member);
    let (host, port) = host_and_port(&url);
    let port = port
        .parse::<u16>()
        .map_or(2379, |port| port.saturating_sub(1).max(1));
    // One pass: a name may itself look like a placeholder.
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [
            ("{name}", member.name.clone()),
            ("{host}", host.to_owned()),
            ("{port}", port.to_string()),
        ];
        match known.into_iter().find(|(mark, _)| rest.starts_with(mark)) {
            Some((mark, value)) => {
                out.push_str(&value);
                rest = &rest[mark.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_folder(text: &str, members: usize, shared: bool) -> Result<(), String> {
    let depth = text.split('/').filter(|part| !part.is_empty()).count();
    if !text.starts_with('/') || depth < 2 || text.chars().any(char::is_control) {
        return Err(
            "Write an absolute path of at least two folders, such as /var/lib/etcd.".into(),
        );
    }
    if text.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("Write the path without . and .. in it.".into());
    }
    if shared && members > 1 && !text.contains("{name}") {
        return Err("Several members share a host: write {name} in it.".into());
    }
    Ok(())
}

fn is_account(text: &str) -> Result<(), String> {
    let mut chars = text.chars();
    let first = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    if first && chars.all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        Ok(())
    } else {
        Err("Write the name of an account, such as etcd.".into())
    }
}
