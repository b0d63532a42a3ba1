//! Versions as a database records them, and which of them we know.

use super::schema::is_semver;

/// The greatest minor that we know.
const NEWEST: (u64, u64) = (3, 7);
/// The first that records one.
const OLDEST: (u64, u64) = (3, 0);

/// `major.minor` of a semantic version.
pub fn minor_of(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.trim().splitn(3, '.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((major, minor))
}

/// What a recorded version says to a server that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Major and minor of one of etcd's that we know.
    Known((u64, u64)),
    /// Above all that we know.
    Newer,
    /// Below all that write it.
    Older,
    /// No semantic version at all.
    Nothing,
}

impl Recorded {
    /// Of `clusterVersion` or `storageVersion`.
    pub fn of(text: &str) -> Self {
        match minor_of(text).filter(|_| is_semver(text.as_bytes())) {
            None => Self::Nothing,
            Some(minor) if minor > NEWEST => Self::Newer,
            Some(minor) if minor < OLDEST => Self::Older,
            Some(minor) => Self::Known(minor),
        }
    }
}

/// Whether a server of a version that we know would make sense of a recorded one.
pub(super) fn is_known(text: &str) -> bool {
    matches!(Recorded::of(text), Recorded::Known(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recorded_version_says() {
        assert_eq!(Recorded::of("3.0.0"), Recorded::Known((3, 0)));
        assert_eq!(Recorded::of("3.7.1"), Recorded::Known((3, 7)));
        assert_eq!(Recorded::of("3.8.0"), Recorded::Newer);
        assert_eq!(Recorded::of("2.3.8"), Recorded::Older);
        assert_eq!(Recorded::of("3.6"), Recorded::Nothing);
        assert_eq!(Recorded::of(""), Recorded::Nothing);
    }
}
