//! The numbers, against the tools that a person would use instead, measured in the same run. Prints; never
//! fails because of a number.
//!
//! `make bench` runs it. The snapshots are made once, by loading a real etcd, and kept in the cache folder:
//! about 0.25, 1.4 and 4.4 GB, each key written twice. `cargo bench --bench numbers -- ledger` runs a part:
//! files, extremes and raft (the parts of files that need no real etcd), ledger, console or lists.
#![allow(missing_docs)]

mod append;
mod calls;
mod console;
mod corpus;
mod filled;
mod lists;
mod measure;
mod raft_log;
mod say;
#[path = "../../tests/it/support/sparse.rs"]
mod sparse;
mod tail;
mod times;

use std::path::{Path, PathBuf};

use console::Console;
use corpus::Corpus;
use measure::{Cost, alternating, median};
use say::{at_most, heading, line, say};

/// Runs of what takes a second or two.
const RUNS: usize = 5;
/// Runs of what writes gigabytes.
const RESTORES: usize = 3;

fn main() {
    let cache = std::env::var_os("REQUORUM_CACHE").map(PathBuf::from);
    let cache = cache.expect("REQUORUM_CACHE is not set: run this with make bench");
    let folder = cache.join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    // Cargo adds `--bench` of its own.
    let parts: Vec<_> = std::env::args()
        .skip(1)
        .filter(|part| !part.starts_with('-'))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if wanted("extremes") && !wanted("files") {
        extremes(&folder);
    }
    if wanted("raft") && !wanted("files") {
        raft(&folder);
    }
    if wanted("files") {
        files(&folder, &cache.join("etcd-v3.5.1"));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if wanted("ledger") {
        runtime.block_on(append::measure(&folder));
        let data_dir = filled::data_dir(&folder);
        auditing(&data_dir);
        runtime.block_on(filled::decisions(&data_dir));
    }
    if wanted("console") {
        runtime.block_on(people(&folder));
    }
    if wanted("lists") {
        runtime.block_on(lists::measure(&folder));
    }
}

/// What is done with files, against etcdutl, cp and dd.
fn files(folder: &Path, tools: &Path) {
    let corpus = Corpus::make(folder, tools);
    let etcdutl = tools.join("etcdutl");
    say(&format!(
        "medians of {RUNS} runs ({RESTORES} of restores), page cache warm, tools taking turns"
    ));
    reading(&corpus, &etcdutl);
    growing(&corpus);
    restoring(&corpus, &etcdutl, folder);
    extremes(folder);
    raft(folder);
}

/// The log of a server of HashiCorp's Raft library, read in the pass that checks its pages.
fn raft(folder: &Path) {
    let file = folder.join("raft.db");
    if file.exists() {
        std::fs::remove_file(&file).unwrap();
    }
    raft_log::make(&file, 1 << 30);
    heading(&format!("a raft.db of {}", gigabytes(&file)));
    let path = file.to_str().unwrap();
    let cost = alternating(RUNS, &[(requorum(), &["inspect", path])])[0];
    at_most("inspect, time", cost.seconds, 3.0, " s");
    at_most("inspect, peak memory", cost.mebibytes, 128.0, " MiB");
    std::fs::remove_file(file).unwrap();
}

/// Files that are mostly holes: what is free, and what is one value, costs no memory.
fn extremes(folder: &Path) {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let base = base.join("../shared/testdata/etcd/3.6.14-mixed.db");
    let folder = folder.join("extremes");
    clear(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let shown = |path: &Path| path.to_str().unwrap().to_owned();

    heading("5 GiB of which 1.3 million pages are free");
    let free = folder.join("free.db");
    sparse::with_free_pages(&free, &base, (5 << 30) / 4096);
    let file = shown(&free);
    let cost = alternating(RESTORES, &[(requorum(), &["snapshot", "check", &file])])[0];
    at_most("check, time", cost.seconds, 4.0, " s");
    at_most("check, peak memory", cost.mebibytes, 40.0, " MiB");
    std::fs::remove_file(free).unwrap();

    for mebibytes in [130, 1024] {
        heading(&format!("one value of {mebibytes} MiB"));
        let large = folder.join(format!("{mebibytes}.db"));
        sparse::with_large_values(&large, &base, 1, mebibytes << 20);
        let file = shown(&large);
        for command in ["status", "check", "hashkv"] {
            let cost = measure::run(requorum(), &["snapshot", command, &file]);
            let what = format!("{command}, {:.2} s, peak memory", cost.seconds);
            at_most(&what, cost.mebibytes, 128.0, " MiB");
        }
        let bump = ["--bump-revision", "1000", "--mark-compacted"];
        for (what, more) in [("restore", &[][..]), ("restore with bump", &bump[..])] {
            let out = folder.join("out");
            let dir = shown(&out);
            let arguments = [
                &["snapshot", "restore", &file, "--data-dir", &dir][..],
                more,
            ]
            .concat();
            let cost = measure::run(requorum(), &arguments);
            let what = format!("{what}, {:.2} s, peak memory", cost.seconds);
            at_most(&what, cost.mebibytes, 128.0, " MiB");
            clear(&out);
        }
        std::fs::remove_file(large).unwrap();
    }
    clear(&folder);
}

/// A console with many people in it.
async fn people(folder: &Path) {
    let (console, admin) = Console::start(folder).await;
    let people = console.people(&admin, calls::USERS).await;
    calls::measure(&console, &admin, &people).await;
    tail::measure(&console, &admin, &people).await;
}

/// The binary that was built with this.
fn requorum() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_requorum"))
}

/// status and check against `etcdutl snapshot status` and `dd`.
fn reading(corpus: &Corpus, etcdutl: &Path) {
    let file = corpus.medium.to_str().unwrap();
    let dd = format!("if={file}");
    let costs = alternating(
        RUNS,
        &[
            (etcdutl, &["snapshot", "status", file]),
            (requorum(), &["snapshot", "status", file]),
            (requorum(), &["snapshot", "check", file]),
            (
                Path::new("dd"),
                &[&dd, "of=/dev/null", "bs=1M", "status=none"],
            ),
        ],
    );
    let [theirs, status, check, dd] = costs.try_into().unwrap();
    heading(&format!(
        "reading {} ({})",
        corpus.medium.display(),
        gigabytes(&corpus.medium)
    ));
    line("etcdutl 3.5.1 snapshot status", &theirs.to_string(), None);
    line("requorum snapshot status", &status.to_string(), None);
    line("requorum snapshot check", &check.to_string(), None);
    line("dd to /dev/null", &dd.to_string(), None);
    at_most(
        "status / etcdutl status, time",
        status.seconds / theirs.seconds,
        0.35,
        "",
    );
    at_most("status, peak memory", status.mebibytes, 64.0, " MiB");
    at_most(
        "check / etcdutl status, time",
        check.seconds / theirs.seconds,
        0.7,
        "",
    );
    at_most("check, peak memory", check.mebibytes, 96.0, " MiB");
    line(
        "status / dd, time",
        &format!("{:.2}", status.seconds / dd.seconds),
        None,
    );
}

/// Time per gigabyte from the smallest to the largest file.
fn growing(corpus: &Corpus) {
    heading("time per GB");
    let files = [&corpus.small, &corpus.medium, &corpus.large];
    for command in ["status", "check"] {
        // The three take turns, too: a busy minute must not look like a large file.
        let arguments = files.map(|file| ["snapshot", command, file.to_str().unwrap()]);
        let runs: Vec<_> = arguments
            .iter()
            .map(|given| (requorum(), given.as_slice()))
            .collect();
        let mut each = Vec::new();
        for (file, cost) in files.iter().zip(alternating(RUNS, &runs)) {
            let per_gigabyte = cost.seconds / (bytes(file) as f64 / 1e9);
            line(
                &format!("{command} of {}", gigabytes(file)),
                &format!("{per_gigabyte:.3} s per GB, {:.0} MiB", cost.mebibytes),
                None,
            );
            each.push(per_gigabyte);
        }
        let largest = each.iter().copied().fold(f64::MIN, f64::max);
        let smallest = each.iter().copied().fold(f64::MAX, f64::min);
        at_most(
            &format!("{command}, slowest GB / quickest GB"),
            largest / smallest,
            1.15,
            "",
        );
    }
}

/// Three members in one command against three runs of etcdutl, and against copying the file three times.
fn restoring(corpus: &Corpus, etcdutl: &Path, folder: &Path) {
    let file = corpus.medium.to_str().unwrap();
    let out = folder.join("restored");
    let cluster = "m1=http://127.0.0.1:12380,m2=http://127.0.0.1:22380,m3=http://127.0.0.1:32380";
    let members = [("m1", 12380), ("m2", 22380), ("m3", 32380)];
    let (mut theirs, mut ours, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RESTORES {
        clear(&out);
        let mut sum = Cost::default();
        for (name, port) in members {
            let dir = out.join(name);
            let url = format!("http://127.0.0.1:{port}");
            sum = sum.then(measure::run(
                etcdutl,
                &[
                    "snapshot",
                    "restore",
                    file,
                    "--name",
                    name,
                    "--data-dir",
                    dir.to_str().unwrap(),
                    "--initial-cluster",
                    cluster,
                    "--initial-advertise-peer-urls",
                    &url,
                ],
            ));
        }
        theirs.push(sum);

        clear(&out);
        ours.push(measure::run(
            requorum(),
            &[
                "snapshot",
                "restore",
                file,
                "--all-members",
                out.to_str().unwrap(),
                "--initial-cluster",
                cluster,
            ],
        ));

        clear(&out);
        std::fs::create_dir_all(&out).unwrap();
        let mut sum = Cost::default();
        for (name, _) in members {
            sum = sum.then(measure::run(
                Path::new("cp"),
                &[file, out.join(name).to_str().unwrap()],
            ));
        }
        copies.push(sum);
    }
    clear(&out);
    let (theirs, ours, copies) = (median(theirs), median(ours), median(copies));
    heading(&format!(
        "restoring three members of {}",
        gigabytes(&corpus.medium)
    ));
    line(
        "etcdutl 3.5.1 snapshot restore, three times",
        &theirs.to_string(),
        None,
    );
    line(
        "requorum snapshot restore --all-members",
        &ours.to_string(),
        None,
    );
    line("cp, three times", &copies.to_string(), None);
    at_most(
        "restore / etcdutl three times, time",
        ours.seconds / theirs.seconds,
        0.3,
        "",
    );
    at_most(
        "restore / cp three times, time",
        ours.seconds / copies.seconds,
        1.5,
        "",
    );
    at_most("restore, peak memory", ours.mebibytes, 128.0, " MiB");
}

/// A long ledger, read and verified on the command line; the browser's number follows on the same one.
fn auditing(data_dir: &Path) {
    let data_dir = data_dir.to_str().unwrap();
    let cost = alternating(
        RUNS,
        &[(requorum(), &["audit", "verify", "--data-dir", data_dir])],
    );
    heading("verifying a ledger of 100 000 entries");
    for cost in cost {
        line("requorum audit verify", &cost.to_string(), None);
    }
}

fn clear(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn bytes(file: &Path) -> u64 {
    std::fs::metadata(file).unwrap().len()
}

fn gigabytes(file: &Path) -> String {
    format!("{:.2} GB", bytes(file) as f64 / 1e9)
}
