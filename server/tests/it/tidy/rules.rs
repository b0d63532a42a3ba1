//! Who may not import whom, and why.

use super::rule::{Rule, closed};

/// Every system, and the library that several of them have in common: those that are here and those that come.
pub(super) const SYSTEMS: &[&str] = &[
    "shared::etcd",
    "shared::raft",
    "shared::pd",
    "shared::dkron",
    "shared::pegasus",
];

/// What only one system has on the server and on the page.
pub(super) const SYSTEMS_OF_SERVER: &[&str] = &[
    "server::systems::etcd",
    "server::systems::pd",
    "server::systems::dkron",
    "server::systems::pegasus",
];

/// What shows something on the page.
const STATE_SHOWS: &[&str] = &["app::components", "app::pages"];
const STATE_SHOWS_NOTHING: &str = "what holds state shows nothing";

/// Why general rooms import none of them.
pub(super) const KNOW_NO_SYSTEM: &str =
    "a general room knows no system: recovery and kinds have the registries";

/// All closed directions. What is not named here is open.
pub(super) const RULES: &[Rule] = &[
    // Between the crates.
    closed("shared", &["server", "app"], "shared imports none of ours"),
    closed("server", &["app"], "app and server never import each other"),
    closed("app", &["server"], "app and server never import each other"),
    // General rooms know no system: they use what `kinds` and `recovery` close, and on the server and the page `systems`.
    closed("shared", SYSTEMS, KNOW_NO_SYSTEM).except(&[
        "shared::etcd",
        "shared::raft",
        "shared::pd",
        "shared::dkron",
        "shared::pegasus",
        "shared::kinds",
        "shared::recognise",
        "shared::recovery",
        // A recovery for the tests of dossiers.
        "shared::dossier::samples",
    ]),
    closed("server", SYSTEMS, KNOW_NO_SYSTEM).except(&[
        "server::systems",
        // Commands of one system, and the restore that a demo asks for.
        "server::cli::dkron",
        "server::cli::slips",
        "server::cli::snapshot",
        "server::demo",
    ]),
    closed("server", SYSTEMS_OF_SERVER, "systems is the one place that knows them all")
        .except(&["server::systems", "server::cli::snapshot"]),
    closed("app", SYSTEMS, KNOW_NO_SYSTEM).except(&["app::systems"]),
    // The pure core.
    closed(
        "shared",
        &[
            "std::fs",
            "std::net::TcpListener",
            "std::net::TcpStream",
            "std::net::UdpSocket",
            "std::net::ToSocketAddrs",
            "std::process",
            "std::env",
            "std::thread",
            "std::time::Instant",
            "std::time::SystemTime",
            "std::io::stdin",
            "std::io::stdout",
            "std::io::stderr",
            "tokio",
            "tracing",
            "log",
            "rand",
            "web_sys",
            "js_sys",
        ],
        "shared is pure: no files, network, clock, environment, threads, logging or dice",
    ),
    closed(
        "shared::bbolt",
        &[
            "shared::plan",
            "shared::job",
            "shared::recovery",
            "shared::api",
        ],
        "the parser knows no system",
    ),
    closed(
        "shared::etcd",
        &[
            "shared::pd",
            "shared::dkron",
            "shared::pegasus",
            "shared::job",
            "shared::recovery",
            "shared::api",
        ],
        "a system imports no other system, and nothing of a run",
    ),
    closed(
        "shared::etcd::storage",
        &["shared::etcd::recovery", "shared::plan"],
        "what etcd's files hold is for all that read them, also for a system that embeds etcd",
    ),
    closed(
        "shared::dkron",
        &[
            "shared::etcd",
            "shared::pd",
            "shared::pegasus",
            "shared::job",
            "shared::recovery",
            "shared::api",
        ],
        "a system imports no other system, and nothing of a run",
    ),
    closed(
        "shared::pd",
        &[
            // What etcd's files hold is open to it: it embeds etcd.
            "shared::etcd::inspect",
            "shared::etcd::recovery",
            "shared::dkron",
            "shared::pegasus",
            "shared::job",
            "shared::recovery",
            "shared::api",
        ],
        "a system imports no other system, and nothing of a run",
    )
    .ahead(),
    closed(
        "shared::pegasus",
        &[
            "shared::etcd",
            "shared::pd",
            "shared::dkron",
            "shared::job",
            "shared::recovery",
            "shared::api",
        ],
        "a system imports no other system, and nothing of a run",
    )
    .ahead(),
    closed(
        "shared::finding",
        &[
            "shared::bbolt",
            "shared::plan",
            "shared::api",
            "shared::job",
        ],
        "findings are the shape that everybody shares",
    ),
    closed(
        "shared::inspection",
        &[
            "shared::kinds",
            "shared::recognise",
            "shared::recovery",
        ],
        "what is known of any file is the same for all kinds: kinds has the registry",
    ),
    closed(
        "shared::document",
        &[
            "shared::dossier",
            "shared::inspection",
            "shared::recovery",
        ],
        "something to read, whatever it is about",
    ),
    closed(
        "shared::handover",
        &[
            "shared::api",
            "shared::job",
            "shared::recovery",
            "shared::bbolt",
        ],
        "what people do after a recovery has one shape, whatever it is of",
    ),
    closed(
        "shared::matrix",
        &[
            "shared::api",
            "shared::job",
            "shared::recovery",
            "shared::bbolt",
        ],
        "checks have places, whatever they are of",
    ),
    closed(
        "shared::raft",
        &[
            "shared::etcd",
            "shared::kinds",
            "shared::plan",
            "shared::job",
            "shared::recovery",
            "shared::dossier",
        ],
        "HashiCorp's Raft library is of several systems, and knows none",
    ),
    closed(
        "shared::unpack",
        &["shared::kinds", "shared::recognise"],
        "unpacking does not look at what comes out",
    ),
    closed(
        "shared::kinds",
        &["shared::dossier", "shared::plan", "shared::job", "shared::recovery"],
        "what a file is does not depend on what is done with it",
    ),
    closed(
        "app::components",
        &["app::systems"],
        "what only one system has comes in as data and views",
    ),
    closed(
        "app::worker",
        &["app::systems"],
        "the worker looks at any file: kinds has the registry",
    ),
    closed(
        "app::open_files",
        &["app::systems", "app::components", "app::pages"],
        "files are open whatever they are of, and what holds state shows nothing",
    ),
    closed(
        "app::uploads",
        &["app::systems", "app::components", "app::pages"],
        "files are sent whatever they are of, and what holds state shows nothing",
    ),
    closed(
        "shared::plan",
        &[
            "shared::api",
            "shared::job",
            "shared::recovery",
            "shared::bbolt",
        ],
        "a plan knows no run and no system",
    ),
    closed(
        "shared::replan",
        &[
            "shared::api",
            "shared::job",
            "shared::recovery",
            "shared::bbolt",
            "shared::ledger",
            "shared::permission",
        ],
        "two plans are compared, whatever they are of and whoever asks",
    ),
    closed(
        "shared::job",
        &[
            "shared::api",
            "shared::recovery",
            "shared::bbolt",
        ],
        "a job's state is folded from events alone, whatever its plan is of",
    ),
    closed(
        "shared::recovery",
        &[
            "shared::api",
            "shared::job",
            "shared::dossier",
            "shared::ledger",
            "shared::permission",
            "shared::bbolt",
        ],
        "the closed match knows every system, and nothing of a run",
    ),
    closed(
        "shared::approval",
        &[
            "shared::recovery",
            "shared::bbolt",
        ],
        "an approval depends on the weight of a plan, whatever it is of",
    ),
    closed(
        "shared::ledger",
        &[
            "shared::bbolt",
            "shared::plan",
            "shared::job",
            "shared::api",
        ],
        "a proof does not depend on what was done",
    ),
    closed(
        "shared::dossier",
        &["shared::api", "shared::bbolt"],
        "a dossier is made of the record, not of how it is asked for",
    ),
    closed(
        "shared::permission",
        &[
            "shared::bbolt",
            "shared::plan",
            "shared::job",
            "shared::api",
        ],
        "who may do what does not depend on how it is done",
    ),
    // The server.
    closed(
        "server",
        &["server::db"],
        "the stores are put in place in app alone: a handler holds no SQL",
    )
    .except(&["server::app", "server::db"]),
    closed(
        "server",
        &["sqlx"],
        "a store holds the SQL, and nobody else",
    )
    .except(&["server::db", "server::error"]),
    closed(
        "server::http",
        &["server::hosts", "server::systems"],
        "HTTP and gRPC call ops, which holds the rules",
    ),
    closed(
        "server::grpc",
        &["server::hosts", "server::systems", "server::http"],
        "HTTP and gRPC call ops, which holds the rules",
    ),
    closed(
        "server::ops",
        &["server::http", "server::grpc", "axum", "tonic"],
        "ops does not know how it was called",
    ),
    closed(
        "server::jobs",
        &[
            "server::systems",
            "server::hosts",
            "server::http",
            "server::grpc",
            "server::ops",
            "server::files",
            "shared::bbolt",
            "axum",
            "tonic",
        ],
        "the job engine knows no system, no host and no caller",
    ),
    closed(
        "server::systems",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::auth",
            "axum",
            "tonic",
        ],
        "what carries a step out does not know who asked",
    )
    .except(&["server::systems::etcd::client"]),
    closed(
        "server::files",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::jobs",
            "server::systems",
            "server::plans",
            "axum",
            "tonic",
        ],
        "the store of files knows no recovery",
    ),
    closed(
        "server",
        &["object_store"],
        "where files are stored is known in one place",
    )
    .except(&["server::files::objects"]),
    closed(
        "server::demo",
        &["server::db", "server::http", "server::grpc", "server::files", "server::jobs", "server::plans"],
        "what a demo shows was done by the operations, and not written into a store",
    ),
    closed(
        "server::backup",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::app",
            "server::jobs",
            "server::systems",
            "server::files",
            "server::plans",
            "server::ledger",
            "axum",
            "tonic",
        ],
        "a copy of files does not know what is in them",
    ),
    closed(
        "server::auth",
        &[
            "server::grpc",
            "server::ops",
            "server::jobs",
            "server::systems",
            "server::files",
            "server::plans",
        ],
        "who someone is does not depend on what they want",
    ),
    closed(
        "server::auth::oidc",
        &["server::http", "axum", "tonic"],
        "the provider is asked the same, however somebody came",
    ),
    closed(
        "server::tls",
        &[
            "server::app",
            "server::http",
            "server::grpc",
            "server::ops",
            "server::auth",
            "axum",
            "tonic",
        ],
        "how bytes are kept secret on the way does not depend on what they say",
    ),
    closed(
        "server",
        &["server::router"],
        "the router is the top: only serve and the tests call it",
    )
    .except(&["server::serve", "server::router"]),
    closed(
        "server::systems::etcd::members",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::auth",
            "server::jobs",
            "server::systems::etcd::run",
            "server::systems::etcd::steps",
            "server::systems::etcd::boot",
            "server::files",
            "axum",
            "tonic",
        ],
        "writing members knows files alone: the command line does it without a server",
    ),
    closed(
        "server::secrets",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::jobs",
            "server::systems",
            "server::files",
            "server::plans",
            "server::auth",
            "axum",
            "tonic",
        ],
        "sealed credentials do not know what they are for",
    ),
    closed(
        "server::plans",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::systems",
            "axum",
            "tonic",
        ],
        "the store of plans does not know who carries them out",
    ),
    closed(
        "server::ledger",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::jobs",
            "server::systems",
            "server::files",
            "server::plans",
            "axum",
            "tonic",
        ],
        "the ledger records acts and knows none",
    ),
    closed(
        "server::dossier",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::systems",
            "server::auth",
            "axum",
            "tonic",
        ],
        "a dossier is the same whoever asks for it",
    ),
    closed(
        "server::servers",
        &[
            "server::http",
            "server::grpc",
            "server::ops",
            "server::jobs",
            "server::ledger",
            "server::systems",
            "server::files",
            "server::plans",
            "server::auth",
            "axum",
            "tonic",
        ],
        "who is alive does not depend on what they do",
    ),
    // The page.
    closed(
        "app::components",
        &["app::client", "app::pages", "app::identity", "gloo_net"],
        "a component never fetches: data and callbacks come in",
    ),
    closed(
        "app::forms",
        &[
            "leptos",
            "web_sys",
            "app::client",
            "app::pages",
            "app::components",
        ],
        "forms are plain logic, tested natively",
    ),
    closed(
        "app::systems::etcd::restore::form",
        &[
            "leptos",
            "web_sys",
            "app::client",
            "app::pages",
            "app::components",
        ],
        "forms are plain logic, tested natively",
    ),
    closed(
        "app::systems",
        &["app::pages", "app::client"],
        "what a system shows stands on general pages, which fetch for it",
    ),
    closed(
        "app::plan_form",
        &["app::systems", "app::pages", "app::client"],
        "what a form consists of is the same for all systems",
    ),
    closed(
        "app::client",
        &["app::pages", "app::components", "app::forms"],
        "the client knows the server, not the screen",
    ),
    closed(
        "app",
        &["app::console"],
        "the page's binary fetches the console after the first load: whoever names it puts it into that load",
    )
    .except(&["app::console"]),
    closed(
        "app::pages::inspect",
        &["app::client::grpc", "tonic"],
        "Inspect is the first load, and the typed API comes later",
    ),
    closed(
        "app::activity",
        &["app::client::grpc", "tonic"],
        "every page shows it, Inspect too: it asks what comes later",
    ),
    closed("app::activity", STATE_SHOWS, STATE_SHOWS_NOTHING),
    closed("app::waiting", STATE_SHOWS, STATE_SHOWS_NOTHING),
    closed("app::identity", STATE_SHOWS, STATE_SHOWS_NOTHING),
    closed("app::notifications", STATE_SHOWS, STATE_SHOWS_NOTHING),
    closed("app::dropped", STATE_SHOWS, STATE_SHOWS_NOTHING),
    closed(
        "app::app",
        &["app::client::grpc", "tonic"],
        "the frame is in the first load, and the typed API comes later",
    ),
    closed(
        "app::ledger",
        &[
            "leptos",
            "web_sys",
            "app::client",
            "app::pages",
            "app::components",
            "app::identity",
        ],
        "what is known of the ledger, and its words, are plain logic; only the watch over it talks to others",
    )
    .except(&["app::ledger::watch"]),
    closed("app::ledger", &["app::pages", "app::components"], "what outlives a page knows none"),
    closed(
        "app::worker",
        &["leptos", "app::pages", "app::components", "app::client"],
        "the worker reads and verifies, and shows nothing",
    ),
];
