//! PostgreSQL clusters of the tests' own: in a temporary folder, on a free port of the loopback, by an account without
//! rights, with everything on that makes a commit durable. They end with the test program, however that ends.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Where Debian's package has the programs.
const BINARIES: &str = "/usr/lib/postgresql/15/bin";
/// Ends the server with this id of a process, and forgets its folder, once nobody holds the other end of its input.
const KEEPER: &str = r#"cat; kill -INT "$(head -n 1 "$1/data/postmaster.pid")" 2>/dev/null
while [ -e "$1/data/postmaster.pid" ] && kill -0 "$(head -n 1 "$1/data/postmaster.pid")" 2>/dev/null; do sleep 0.1; done
rm -rf "$1""#;

/// A running cluster.
pub(crate) struct Postgres {
    folder: PathBuf,
    port: u16,
    made: AtomicU32,
    keeper: Child,
    held: Option<ChildStdin>,
}

impl Postgres {
    /// The one that tests share, each with a database of its own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One that a test may do to as it likes.
    pub(crate) fn start() -> Self {
        assert!(
            Path::new(BINARIES).join("initdb").exists(),
            "these tests need PostgreSQL 15 in {BINARIES}: apt-get install postgresql-15"
        );
        let folder = tempfile::Builder::new().prefix("requorum-pg-").tempdir();
        let folder = folder.unwrap().keep();
        if rustix::process::getuid().is_root() {
            run(Command::new("chown").arg("postgres:").arg(&folder));
        }
        let data = folder.join("data");
        let (user, locale) = ("--username=requorum", "--locale=C.UTF-8");
        run(program("initdb")
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
                user,
                locale,
                "--pgdata",
            ])
            .arg(&data));
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Self {
            port: free_port(),
            made: AtomicU32::new(0),
            held: keeper.stdin.take(),
            keeper,
            folder,
        };
        cluster.go();
        cluster
    }

    /// Starts it, for the first time or again, and waits until it answers.
    pub(crate) fn go(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200",
            self.port
        );
        run(program("pg_ctl")
            .args(["start", "--wait", "--timeout=60", "--silent", "--options"])
            .arg(options)
            .arg("--log")
            .arg(self.folder.join("log"))
            .arg("--pgdata")
            .arg(self.folder.join("data")));
    }

    /// Ends it as a power cut would, as far as the programs can tell: no client is waited for, nothing is written.
    pub(crate) fn kill(&self) {
        let file = self.folder.join("data/postmaster.pid");
        let text = std::fs::read_to_string(&file).unwrap();
        let id = text.lines().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::QUIT).unwrap();
        while file.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A new empty database; its URL has a password, so that no test can miss that it is shown somewhere.
    pub(crate) async fn database(&self) -> String {
        let name = format!("test_{}", self.made.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        let make = format!("CREATE DATABASE {name} TEMPLATE template0");
        connection.execute(AssertSqlSafe(make)).await.unwrap();
        connection.close().await.unwrap();
        self.url(&name)
    }

    /// All rows of a database, as the documentation says to back them up.
    pub(crate) fn dump(&self, url: &str) -> Vec<u8> {
        let dump = program("pg_dump")
            .args(["--format=custom", "--dbname", url])
            .output()
            .unwrap();
        assert!(dump.status.success(), "{dump:?}");
        dump.stdout
    }

    /// A new database with what was dumped in it.
    pub(crate) async fn restored(&self, dump: &[u8]) -> String {
        let url = self.database().await;
        let mut restore = program("pg_restore")
            .args(["--exit-on-error", "--dbname", &url])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        restore.stdin.take().unwrap().write_all(dump).unwrap();
        assert!(restore.wait().unwrap().success());
        url
    }

    /// Lets nobody in any more whose connection is not encrypted; it shows this certificate.
    pub(crate) fn encrypt(&self, cert: &str, key: &str) {
        let data = self.folder.join("data");
        for (name, text) in [
            ("server.crt", cert),
            ("server.key", key),
            ("pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n"),
        ] {
            let file = data.join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            if rustix::process::getuid().is_root() {
                run(Command::new("chown").arg("postgres:").arg(&file));
            }
        }
        std::fs::write(data.join("postgresql.auto.conf"), "ssl = on\n").unwrap();
        run(program("pg_ctl").args(["reload", "--pgdata"]).arg(&data));
        // Reloading is not waited for by anybody.
        std::thread::sleep(Duration::from_millis(500));
    }

    fn url(&self, database: &str) -> String {
        let port = self.port;
        format!("postgres://requorum:{PASSWORD}@127.0.0.1:{port}/{database}")
    }
}

/// The password in every URL.
pub(crate) const PASSWORD: &str = "marker-of-a-database-password";

impl Drop for Postgres {
    fn drop(&mut self) {
        self.held.take();
        let _ = self.keeper.wait();
    }
}

/// A program of PostgreSQL's, as an account that it does not refuse.
fn program(name: &str) -> Command {
    let path = Path::new(BINARIES).join(name);
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "--",
            ])
            .arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir("/");
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A port that no outgoing connection takes between two starts, those are from 32768 on, and that no other cluster
/// of these tests was given.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + std::process::id() as u16 % 10_000;
    std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed))
        .take(2_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}
