//! The host names of the members, looked up at once and for a bounded time: a name server that does not answer must
//! not hold up a restore.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use requorum_shared::etcd::recovery::restore::peer_url;
use requorum_shared::finding::Finding;

/// All look-ups together take no longer.
const PATIENCE: Duration = Duration::from_millis(1200);

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Its first address.
    Found(SocketAddr),
    /// There is none, in the resolver's words.
    Unknown(String),
    /// No answer in time.
    Slow,
}

/// Names with their ports, and what is known of them.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, Lookup>);

impl Names {
    /// Looks up every host of these URLs that is a name.
    pub(super) fn look_up<'u>(urls: impl Iterator<Item = &'u str>) -> Self {
        Self::with(urls, |name| name.to_socket_addrs().map(Iterator::collect))
    }

    fn with<'u>(
        urls: impl Iterator<Item = &'u str>,
        resolve: impl Fn(&str) -> std::io::Result<Vec<SocketAddr>> + Clone + Send + 'static,
    ) -> Self {
        let mut names: BTreeMap<String, Lookup> = urls
            .filter_map(|url| peer_url::normalize(url).ok())
            .filter_map(|url| peer_url::host_and_port(&url).map(ToOwned::to_owned))
            .filter(|address| address.parse::<SocketAddr>().is_err())
            .filter(|address| !address.starts_with("localhost:") && !address.starts_with('['))
            .map(|address| (address, Lookup::Slow))
            .collect();
        let (sender, answers) = channel();
        for name in names.keys().cloned() {
            let (sender, resolve) = (sender.clone(), resolve.clone());
            let look = move || {
                let found = resolve(&name);
                // After its time nobody listens.
                let _ = sender.send((name, found));
            };
            // Without a thread the name stays unanswered, which is said.
            let _ = thread::Builder::new().spawn(look);
        }
        drop(sender);
        let until = Instant::now() + PATIENCE;
        while let Ok((name, found)) =
            answers.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            let found = match found {
                Ok(addresses) => match addresses.first() {
                    Some(address) => Lookup::Found(*address),
                    None => Lookup::Unknown("it has no address".to_owned()),
                },
                Err(error) => Lookup::Unknown(error.to_string()),
            };
            names.insert(name, found);
        }
        Self(names)
    }

    /// What is known of `host:port`.
    pub(super) fn get(&self, address: &str) -> Lookup {
        self.0.get(address).cloned().unwrap_or(Lookup::Slow)
    }

    /// What to say about names without an answer: a member will look them up too.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let hosts = |of: &dyn Fn(&Lookup) -> bool| {
            let mut hosts: Vec<&str> = self
                .0
                .iter()
                .filter(|(_, lookup)| of(lookup))
                .map(|(address, _)| {
                    address
                        .rsplit_once(':')
                        .map_or(&**address, |(host, _)| host)
                })
                .collect();
            hosts.dedup();
            hosts.join(", ")
        };
        let warning = |code: &str, what: String| {
            Finding::warning(code, "--initial-cluster", what)
                .because(
                    "Members find each other by these names, and stop at start when they cannot.",
                )
                .todo("Check the spelling; names that only the members' machines know are fine.")
        };
        let mut findings = Vec::new();
        let unknown = hosts(&|lookup| matches!(lookup, Lookup::Unknown(_)));
        if !unknown.is_empty() {
            let what = format!("This machine cannot resolve {unknown}.");
            findings.push(warning("member.name-unknown", what));
        }
        let slow = hosts(&|lookup| *lookup == Lookup::Slow);
        if !slow.is_empty() {
            let what = format!(
                "The name server did not answer for {slow} within {:.1} s.",
                PATIENCE.as_secs_f64()
            );
            findings.push(warning("member.name-slow", what));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_hangs_does_not_hold_up_the_others() {
        let urls = [
            "http://good:1",
            "http://hangs:1",
            "http://bad:1",
            "http://10.0.0.1:1",
            "http://localhost:1",
        ];
        let (keep, never) = channel::<()>();
        let never = std::sync::Arc::new(std::sync::Mutex::new(never));
        let began = Instant::now();
        let names = Names::with(urls.into_iter(), move |name| match name {
            "good:1" => Ok(vec![SocketAddr::from(([10, 0, 0, 2], 1))]),
            "bad:1" => Err(std::io::Error::other("no such name")),
            _ => {
                let _ = never.lock().map(|never| never.recv());
                Ok(Vec::new())
            }
        });
        assert!(began.elapsed() < Duration::from_secs(2));
        assert_eq!(
            names.get("good:1"),
            Lookup::Found(SocketAddr::from(([10, 0, 0, 2], 1)))
        );
        let said: Vec<_> = names.findings().into_iter().map(|f| f.what).collect();
        assert_eq!(
            said,
            [
                "This machine cannot resolve bad.",
                "The name server did not answer for hangs within 1.2 s."
            ]
        );
        drop(keep);
    }
}
