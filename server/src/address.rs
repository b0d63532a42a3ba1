//! Where a request comes from: the other end of the connection, or what a proxy that is named says of it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use http::HeaderMap;
use ipnet::IpNet;

/// How many bits of an IPv6 address tell one line from another: whoever has one address of a /64 has all of them.
const LINE_BITS: u32 = 64;

/// What is taken for one place on the network when attempts and connections are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The one that an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let line = u128::from(address) >> LINE_BITS << LINE_BITS;
                IpAddr::V6(Ipv6Addr::from(line))
            }
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/{LINE_BITS}"),
        }
    }
}

/// The header in which proxies say for whom they speak. Only one is believed: a proxy that writes the one passes on
/// whatever a client has written into the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, which most proxies write.
    #[default]
    #[value(name = "x-forwarded-for")]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies that are believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    networks: Arc<[IpNet]>,
    header: ForwardedHeader,
}

impl Proxies {
    /// Those in these networks, by this header.
    pub fn new(networks: Vec<IpNet>, header: ForwardedHeader) -> Self {
        Self {
            networks: networks.into(),
            header,
        }
    }

    /// Whether this is the address of one.
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|net| net.contains(&address))
    }

    /// Who sends a request: `peer`, unless that is a proxy. Each proxy adds on the right whom it heard, so the first
    /// from the right that is no proxy of ours is as far as the word of ours reaches; what is left of it anybody may
    /// have written.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.has(client) {
            return client;
        }
        let heard = match self.header {
            ForwardedHeader::XForwardedFor => x_forwarded_for(headers),
            ForwardedHeader::Forwarded => forwarded(headers),
        };
        for address in heard.into_iter().rev() {
            // One that hides its clients, or writes what we do not understand: its own address is what is known.
            let Some(address) = address else { break };
            client = address;
            if !self.has(client) {
                break;
            }
        }
        client
    }
}

impl FromStr for Proxies {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let networks = text.split(',').map(network).collect::<Result<_, _>>()?;
        Ok(Self::new(networks, ForwardedHeader::default()))
    }
}

/// An address, or a network like 10.0.0.0/8.
///
/// # Errors
/// When it is neither, or holds everybody.
pub fn network(text: &str) -> anyhow::Result<IpNet> {
    let text = text.trim();
    let net = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .with_context(|| format!("`{text}` is neither an address nor a network like 10.0.0.0/8"))?;
    if net.prefix_len() == 0 {
        bail!("`{text}` covers all addresses: any client could forge its own");
    }
    Ok(net.trunc())
}

/// From left to right; none for what is no address.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all("x-forwarded-for").iter();
    let entries = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    entries.map(|entry| node(text(entry)?)).collect()
}

/// The same, from `for=` of each element.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(http::header::FORWARDED).iter();
    let elements = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    let element = |element: &[u8]| {
        let mut pairs = text(element)?.split(';').filter_map(|p| p.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        node(value.trim().trim_matches('"'))
    };
    elements.map(element).collect()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().map(str::trim)
}

/// An address with or without a port, an IPv6 address with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(header: ForwardedHeader) -> Proxies {
        let networks = ["10.0.0.0/8", "::1", "2001:db8:1::/48"];
        Proxies::new(networks.map(|net| network(net).unwrap()).to_vec(), header)
    }

    #[track_caller]
    fn seen(header: ForwardedHeader, peer: &str, lines: &[&str], client: &str) {
        let name = match header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        // Always there, and never believed.
        headers.append("x-forwarded-for", "6.6.6.6".parse().unwrap());
        headers.append("forwarded", "for=6.6.6.6".parse().unwrap());
        headers.remove(name);
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        let found = proxies(header).client(peer.parse().unwrap(), &headers);
        assert_eq!(found.to_string(), client, "{peer} {lines:?}");
    }

    #[test]
    fn only_what_our_own_proxies_wrote_is_believed() {
        let x = ForwardedHeader::XForwardedFor;
        seen(x, "198.51.100.1", &["203.0.113.5"], "198.51.100.1");
        seen(x, "10.0.0.1", &["203.0.113.5"], "203.0.113.5");
        seen(x, "10.0.0.1", &["1.1.1.1, 203.0.113.5"], "203.0.113.5");
        seen(x, "10.0.0.1", &["1.1.1.1", "203.0.113.5"], "203.0.113.5");
        seen(x, "10.0.0.1", &["203.0.113.5, 10.9.9.9"], "203.0.113.5");
        seen(x, "10.0.0.1", &["1.1.1.1,10.9.9.9,10.8.8.8"], "1.1.1.1");
        seen(x, "10.0.0.1", &["10.9.9.9"], "10.9.9.9");
        seen(x, "10.0.0.1", &[], "10.0.0.1");
        for odd in [
            "",
            "unknown",
            "203.0.113.5, ",
            "203.0.113.5, x",
            "1.2.3.4:x",
        ] {
            seen(x, "10.0.0.1", &[odd], "10.0.0.1");
        }
        seen(x, "10.0.0.1", &["203.0.113.5, x, 10.9.9.9"], "10.9.9.9");
        seen(x, "::ffff:10.0.0.1", &["::ffff:203.0.113.5"], "203.0.113.5");
        seen(x, "::1", &["203.0.113.5:4711"], "203.0.113.5");
        seen(x, "2001:db8:1:2::3", &["2001:db8:2::1"], "2001:db8:2::1");
        seen(x, "10.0.0.1", &["[2001:db8:2::1]:80"], "2001:db8:2::1");
    }

    #[test]
    fn the_other_header_is_read_where_it_is_the_one() {
        let f = ForwardedHeader::Forwarded;
        seen(f, "10.0.0.1", &["for=203.0.113.5"], "203.0.113.5");
        let long = r#"for=1.1.1.1, by=x;For="[2001:db8:2::1]:4711";proto=https, for=10.9.9.9"#;
        seen(f, "10.0.0.1", &[long], "2001:db8:2::1");
        seen(f, "10.0.0.1", &["for=1.1.1.1, for=_hidden"], "10.0.0.1");
        seen(f, "10.0.0.1", &["for=1.1.1.1, proto=https"], "10.0.0.1");
        seen(f, "198.51.100.1", &["for=203.0.113.5"], "198.51.100.1");
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        assert_eq!(network(" 10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("::1").unwrap().to_string(), "::1/128");
        for bad in ["", "x", "10.0.0.0/33", "10.0.0.0/", "0.0.0.0/0", "::/0"] {
            assert!(network(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_line_is_one_network() {
        for (address, network) in [
            ("203.0.113.5", "203.0.113.5"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(Network::of(address.parse().unwrap()).to_string(), network);
        }
    }
}
