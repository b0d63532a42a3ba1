//! Where the members of a boot check listen: on sockets in a folder that only this server's user may enter. A port on
//! loopback would be open to every user of the machine, and authentication is off in the throw-away cluster.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of a boot check's sockets and logs. etcd runs in it, so that the sockets' names are short: a socket's
/// path holds 107 bytes at most, and a data directory may lie deeper.
#[derive(Debug)]
pub(super) struct Sockets {
    folder: Arc<File>,
    path: PathBuf,
}

/// Where one member listens.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    folder: Arc<File>,
    /// The working folder of the member's process.
    pub(super) working: PathBuf,
    number: usize,
}

impl Sockets {
    /// Makes the folder, which must not be there.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(path)?;
        Ok(Self {
            folder: Arc::new(File::open(path)?),
            path: path.to_owned(),
        })
    }

    /// Where the member with this number listens. A number is used by one process only: etcd does not take a socket
    /// that an earlier one left.
    pub(super) fn of(&self, number: usize) -> Socket {
        Socket {
            folder: self.folder.clone(),
            working: self.path.clone(),
            number,
        }
    }

    /// A file beside the sockets.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Socket {
    /// For its peers, from within the folder. etcd takes the host of such a URL for the socket's name, and wants a
    /// port in it.
    pub(super) fn peer_url(&self) -> String {
        format!("unix://{}", self.name(1))
    }

    /// For clients, from within the folder.
    pub(super) fn client_url(&self) -> String {
        format!("unix://{}", self.name(2))
    }

    /// The client socket's path for this process, short wherever the folder is. Good as long as this value is there.
    pub(super) fn client_path(&self) -> String {
        format!("/proc/self/fd/{}/{}", self.folder.as_raw_fd(), self.name(2))
    }

    fn name(&self, end: usize) -> String {
        format!("localhost:{}", 2 * self.number + end)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_socket_is_reached_however_deep_its_folder_lies() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&deep).unwrap();
        let sockets = Sockets::make(&deep.join("run")).unwrap();
        let mode = deep.join("run").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let socket = sockets.of(3);
        let _listener = UnixListener::bind(socket.client_path()).unwrap();
        UnixStream::connect(socket.client_path()).unwrap();
        assert!(deep.join("run/localhost:8").exists());
        assert!(Sockets::make(&deep.join("run")).is_err());
    }

    #[test]
    fn no_two_members_share_a_socket() {
        let dir = tempfile::tempdir().unwrap();
        let sockets = Sockets::make(&dir.path().join("run")).unwrap();
        let urls = (0..40).flat_map(|n| {
            let socket = sockets.of(n);
            [socket.peer_url(), socket.client_url()]
        });
        let all: std::collections::BTreeSet<String> = urls.collect();
        assert_eq!(all.len(), 80);
    }
}
