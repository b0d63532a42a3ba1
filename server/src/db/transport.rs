//! The way to a PostgreSQL server: encrypted, or at hand, or said not to be.

use std::net::IpAddr;

use anyhow::{anyhow, ensure};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::DatabaseUrl;

/// Refuses a way to another machine of which nobody has said how it is protected.
pub(super) fn check(url: &DatabaseUrl) -> anyhow::Result<()> {
    // As the driver reads it, which looks into the environment too. Its own words may repeat the URL.
    let options: PgConnectOptions = url.with_password().parse().map_err(|_| {
        anyhow!("the database's URL cannot be read: postgres://USER:PASSWORD@HOST/DATABASE")
    })?;
    ensure!(
        is_at_hand(&options) || is_decided(&options),
        "the database's URL does not say whether the way to {} is encrypted: add \
         ?sslmode=verify-full&sslrootcert=FILE with the certificate of its authority, or ?sslmode=disable where the \
         network between is your own",
        url.place()
    );
    Ok(())
}

/// Whether the database is on this machine: at a socket or a loopback address.
fn is_at_hand(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether it is known if the way is encrypted, whatever the server at the other end would rather have.
fn is_decided(options: &PgConnectOptions) -> bool {
    !matches!(options.get_ssl_mode(), PgSslMode::Prefer | PgSslMode::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spoken_of_where_it_leads_to_another_machine() {
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
            ("postgres://localhost/requorum?hostaddr=10.0.0.7", false),
            (
                "postgres://localhost/requorum?host=127.0.0.1&host=10.0.0.7",
                false,
            ),
            ("postgres://localhost/requorum?%68ost=10.0.0.7", false),
            ("postgres://%31%30.0.0.7/requorum", false),
            ("postgres://db.example/@localhost/requorum", false),
            ("postgres://db.example/requorum?sslmode=prefer", false),
            ("postgres://db.example/requorum?sslmode=allow", false),
            ("postgres://db.example/requorum?ssl-mode=require", true),
            ("postgres://db.example/requorum?sslmode=verify-full", true),
            ("postgres://db.example/requorum?a=b&sslmode=disable", true),
        ] {
            assert_eq!(check(&text.parse().unwrap()).is_ok(), good, "{text}");
        }
    }
}
