//! The address of a PostgreSQL database. It may hold a password: nothing here shows it.

use std::fmt;

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
        Ok(Self(text.to_owned()))
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
    fn what_is_wrong_is_said_without_repeating_it() {
        for text in [
            "hunter2",
            "mysql://a:hunter2@db/requorum",
            "postgres://a:hunter2@db",
            "postgres://a:hunter2@db/",
            "postgres://a:hunter2@db/requorum\n",
        ] {
            let error = format!("{:#}", text.parse::<DatabaseUrl>().unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
