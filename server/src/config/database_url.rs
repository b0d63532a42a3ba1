//! The address of a PostgreSQL database. It may hold a password: nothing here shows it.

use std::fmt;
use std::net::IpAddr;

use anyhow::{Context as _, ensure};

/// `postgres://user:password@host/database`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Host and database: neither who, nor the password, nor options, which may hold one too.
    pub fn place(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let place = rest.split(['?', '#']).next().unwrap_or_default();
        place.rsplit_once('@').map_or(place, |(_, place)| place)
    }

    /// Whether the database is on this machine: at a loopback address or a socket.
    fn is_at_hand(&self) -> bool {
        let (authority, _) = self.place().split_once('/').unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        };
        let host = match self.option("host") {
            Some(host) => host,
            None => host,
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host.is_empty()
            || host.starts_with(['/', '%'])
            || host == "localhost"
            || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// An option of the query.
    fn option(&self, name: &str) -> Option<&str> {
        let (_, query) = self.0.split_once('?')?;
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The whole of it, for the driver alone.
    pub(crate) fn with_password(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = anyhow::Error;

    /// What is wrong is said without repeating what was given.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = text
            .split_once("://")
            .context("the database's URL is postgres://USER:PASSWORD@HOST/DATABASE")?;
        ensure!(
            matches!(scheme, "postgres" | "postgresql"),
            "the database's URL begins with postgres://; without one, the console keeps a SQLite file in its data \
             directory"
        );
        ensure!(
            !text.chars().any(|c| c.is_control() || c.is_whitespace()),
            "the database's URL has a space or a line break in it; write %20 and the like instead"
        );
        ensure!(
            rest.split(['?', '#'])
                .next()
                .and_then(|place| place.split_once('/'))
                .is_some_and(|(_, database)| !database.is_empty()),
            "the database's URL names no database: postgres://USER:PASSWORD@HOST/DATABASE"
        );
        let url = Self(text.to_owned());
        ensure!(
            url.is_at_hand() || url.option("sslmode").is_some(),
            "the database's URL does not say whether the way to {} is encrypted: add \
             ?sslmode=verify-full&sslrootcert=FILE with the certificate of its authority, or ?sslmode=disable where the \
             network between is your own",
            url.place()
        );
        Ok(url)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL at {}", self.place())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_without_the_password() {
        for (text, shown) in [
            (
                "postgres://anna:hunter2@db.example:5432/requorum?sslmode=require",
                "PostgreSQL at db.example:5432/requorum",
            ),
            (
                "postgresql://db/requorum?password=hunter2&sslmode=verify-ca",
                "PostgreSQL at db/requorum",
            ),
            (
                "postgres:///requorum?host=/run/postgresql",
                "PostgreSQL at /requorum",
            ),
            (
                "postgres://a:hunter2@b@db/requorum?sslmode=disable",
                "PostgreSQL at db/requorum",
            ),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }

    #[test]
    fn the_way_to_another_machine_is_spoken_of() {
        for (text, good) in [
            ("postgres:///requorum", true),
            ("postgres:///requorum?host=/run/postgresql", true),
            ("postgres://%2Frun%2Fpostgresql/requorum", true),
            ("postgres://a:b@localhost:5432/requorum", true),
            ("postgres://127.0.0.1/requorum", true),
            ("postgres://[::1]:5432/requorum", true),
            ("postgres://[::1]/requorum", true),
            ("postgres://10.0.0.7/requorum", false),
            ("postgres://[fd00::1]:5432/requorum", false),
            ("postgres://db.example/requorum", false),
            ("postgres://localhost.example/requorum", false),
            ("postgres://localhost@db.example/requorum", false),
            ("postgres://localhost/requorum?host=10.0.0.7", false),
            ("postgres://db.example/requorum?application_name=x", false),
            ("postgres://db.example/requorum?sslmode=verify-full", true),
            ("postgres://db.example/requorum?a=b&sslmode=disable", true),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_repeating_it() {
        for text in [
            "hunter2",
            "mysql://a:hunter2@db/requorum",
            "postgres://a:hunter2@db",
            "postgres://a:hunter2@db/",
            "postgres://a:hunter2@db/requorum\n",
            "postgres://a:hunter2@db/requorum",
        ] {
            let error = format!("{:#}", text.parse::<DatabaseUrl>().unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
