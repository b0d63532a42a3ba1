//! `requorum snapshot restore FILE`: the data directory of one member, as etcdutl makes it, or of all at once.

mod advertise;
mod interrupt;
mod lookup;
mod progress;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use clap::Args;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{
    CleanUp, DEFAULT_TOKEN, RestoreRequest, Target, TargetVersion, check_file, check_request,
    initial_cluster,
};
use requorum_shared::finding::{Finding, Report, Severity};
use requorum_shared::number;

use self::lookup::Names;
use self::progress::ProgressLine;
use crate::cli::inspect_file::{InspectedFile, Unpacked};
use crate::cli::reading::unpacked_words;
use crate::cli::terminal;
use crate::random;
use crate::system;
use crate::systems::etcd::members::{Built, Dest, Order, Restore, RestoreError, Spot, Watch};

/// Exit code of a failed operation or a bad file.
const FAILED: u8 = 1;
/// Exit code of arguments that make no sense.
const USAGE: u8 = 2;

/// Restore an etcd snapshot into a data directory, or into one per member of a new cluster.
///
/// Flags and defaults are etcdutl's. The snapshot is verified while it is copied: its SHA-256, every page of its tree,
/// and its keys. Nothing appears at the destination before the result is complete.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The snapshot, or a copy of a member's member/snap/db (with --skip-hash-check). Packed by ZIP, gzip or Zstandard
    /// it is unpacked in the folder that TMPDIR names.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the member's data goes [default: NAME.etcd]
    #[arg(long, value_name = "DIR", conflicts_with = "all_members")]
    data_dir: Option<PathBuf>,
    /// Where its WAL goes [default: DATA_DIR/member/wal]
    #[arg(long, value_name = "DIR", conflicts_with = "all_members")]
    wal_dir: Option<PathBuf>,
    /// The member's name.
    #[arg(long, default_value = "default", conflicts_with = "all_members")]
    name: String,
    /// All members of the new cluster: NAME=URL,NAME=URL,…
    #[arg(
        long,
        default_value = "default=http://localhost:2380",
        value_name = "MEMBERS"
    )]
    initial_cluster: String,
    /// The new cluster's token; use one that was never used before.
    #[arg(long, default_value = DEFAULT_TOKEN, value_name = "TOKEN")]
    initial_cluster_token: String,
    /// This member's peer URLs, as --initial-cluster has them.
    #[arg(
        long,
        default_value = "http://localhost:2380",
        value_name = "URLS",
        conflicts_with = "all_members"
    )]
    initial_advertise_peer_urls: String,
    /// Accept a file without a trailer, or with one that differs.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    skip_hash_check: bool,
    /// Accept a file whose newest meta page cannot be used: what the last commit wrote is not in the result.
    #[arg(long)]
    accept_older_meta: bool,
    /// Bump the revision by this much; needs --mark-compacted.
    #[arg(long, value_name = "N", default_value_t = 0)]
    bump_revision: u64,
    /// Mark all older revisions compacted; needs --bump-revision.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    mark_compacted: bool,
    /// Accepted for compatibility with etcdutl; has no effect.
    #[arg(long, value_name = "BYTES", hide = true)]
    initial_memory_map_size: Option<u64>,
    /// Restore every member in one pass, each into DIR/NAME.
    #[arg(long, value_name = "DIR")]
    all_members: Option<PathBuf>,
    /// Which etcd will run the result: 3.4, 3.5, 3.6 or 3.7.
    #[arg(long, value_name = "VERSION", default_value_t = TargetVersion::default())]
    target_version: TargetVersion,
    /// Clear alarms that are active in the file; etcdutl leaves them.
    #[arg(long)]
    clear_alarms: bool,
    /// Turn authentication off; etcdutl leaves it on.
    #[arg(long)]
    disable_auth: bool,
    /// Delete the state of a downgrade in progress; etcdutl leaves it.
    #[arg(long)]
    clear_downgrade: bool,
    /// Lower storageVersion and clusterVersion to the target version; etcdutl leaves them.
    #[arg(long)]
    lower_versions: bool,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    match restore(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let error = &failure.error;
            let text = format!("{error:#}");
            let limit = error
                .chain()
                .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
                .find_map(system::advice)
                .filter(|advice| !text.contains(advice));
            match limit {
                Some(advice) => terminal::complain(format_args!("requorum: {text}. {advice}")),
                None => terminal::complain(format_args!("requorum: {text}")),
            }
            ExitCode::from(failure.code)
        }
    }
}

/// Why it ended without a result, and the exit code that says so.
struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self {
            code: FAILED,
            error,
        }
    }
}

fn usage(text: impl Into<String>) -> Failure {
    Failure {
        code: USAGE,
        error: anyhow::anyhow!(text.into()),
    }
}

fn restore(arguments: &Arguments) -> Result<(), Failure> {
    let cluster = initial_cluster::parse(&arguments.initial_cluster);
    let request = RestoreRequest {
        snapshot: String::new(),
        members: cluster.members,
        token: arguments.initial_cluster_token.clone(),
        bump_revision: arguments.bump_revision,
        mark_compacted: arguments.mark_compacted,
        skip_hash_check: arguments.skip_hash_check,
        accept_older_meta: arguments.accept_older_meta,
        target_version: arguments.target_version,
        clean_up: CleanUp {
            alarms: arguments.clear_alarms,
            auth: arguments.disable_auth,
            downgrade: arguments.clear_downgrade,
            versions: arguments.lower_versions,
        },
        target: Target::Download,
        last_seen: None,
    };
    let mut report = check_request(&request);
    for name in cluster.repeated {
        report.push(Finding::warning(
            "member.name-repeated",
            format!("member {name}"),
            "It is named twice in --initial-cluster: it becomes one member with all those URLs.",
        ));
    }
    let names = if report.blocks() {
        Names::default()
    } else {
        look_up(arguments, &request)
    };
    for finding in names.findings() {
        report.push(finding);
    }
    print(&report);
    if report.blocks() {
        return Err(usage("nothing was restored, for the reasons above"));
    }
    if arguments.all_members.is_none() {
        check_own_member(arguments, &request, &names)?;
    }

    let source = open_source(&arguments.file)?;
    let dest = destination(arguments)?;
    let name = arguments.file.display().to_string();
    let progress = ProgressLine::new();
    let cancel = interrupt::watch()?;
    let watch = Watch {
        progress: &|now| progress.show(now),
        cancel: &cancel,
        fault: None,
    };
    let kin = id_of(&request, arguments);
    let id = format!("{kin}{}", &random::id()[..8]);
    let order = Order {
        source: Some(&source),
        source_name: &name,
        request: &request,
        dest: &dest,
        id: &id,
    };
    let restore = Restore::new(order, watch).map_err(anyhow::Error::new)?;
    clear_leftovers(&restore, order, watch, &kin).map_err(anyhow::Error::new)?;
    let built = restore.build().inspect_err(|_| progress.clear());
    progress.clear();
    let built = match built {
        // The findings come one by one; the error would repeat those that block.
        Err(RestoreError::Refused(report)) => {
            print(&report);
            return Err(anyhow::anyhow!("nothing was restored, for the reasons above").into());
        }
        other => other.map_err(anyhow::Error::new)?,
    };
    print(&findings(&request, &built));
    if let Err(error) = restore.place() {
        // Nobody takes it up again from here; what cannot be removed, the next run of the same command removes.
        let _ = restore.discard();
        return Err(anyhow::Error::new(error).into());
    }
    if let Err(error) = restore.release() {
        terminal::complain(format_args!(
            "warning: the restore is complete, but its mark could not be removed: {error}"
        ));
    }
    tell(&restore, &dest, &built);
    Ok(())
}

/// Removes what killed runs of the same command left at the same place. A run that is still at it is left alone.
fn clear_leftovers(
    restore: &Restore<'_>,
    order: Order<'_>,
    watch: Watch<'_>,
    kin: &str,
) -> Result<(), RestoreError> {
    for id in restore.leftovers(kin)? {
        let earlier = Restore::new(Order { id: &id, ..order }, watch)?;
        match earlier.discard() {
            Err(RestoreError::Busy(_)) => {}
            // Only what this run needs the place of is in its way, and it will say so.
            Err(error) => terminal::complain(format_args!(
                "note: an earlier restore left something behind: {error}"
            )),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// What the ids of all runs of the same command at the same place begin with.
fn id_of(request: &RestoreRequest, arguments: &Arguments) -> String {
    let what = format!("{request:?}{:?}", arguments.file);
    let mut id = sha256_hex(what.as_bytes());
    id.truncate(12);
    id.push('-');
    id
}

/// `--name` and `--initial-advertise-peer-urls` against `--initial-cluster`.
fn check_own_member(
    arguments: &Arguments,
    request: &RestoreRequest,
    names: &Names,
) -> Result<(), Failure> {
    let name = &arguments.name;
    let Some(member) = request.members.iter().find(|member| member.name == *name) else {
        return Err(usage(format!(
            "couldn't find local name {name:?} in the initial cluster configuration {:?}. Give --name one of its \
             names",
            arguments.initial_cluster
        )));
    };
    let advertised = &arguments.initial_advertise_peer_urls;
    advertise::check(advertised, member, &request.members, names).map_err(usage)
}

/// The names of all members, and of this one as it is advertised.
fn look_up(arguments: &Arguments, request: &RestoreRequest) -> Names {
    let advertised = match arguments.all_members {
        Some(_) => "",
        None => &arguments.initial_advertise_peer_urls,
    };
    let members = request.members.iter().flat_map(|member| &member.peer_urls);
    Names::look_up(members.map(String::as_str).chain(advertised.split(',')))
}

/// The snapshot; of a packed file what is in it. A packed file that is not read through is refused by what it is.
fn open_source(path: &Path) -> Result<File, Failure> {
    let file = InspectedFile::open(path).map_err(anyhow::Error::new)?;
    let content = file.unpacked(|_| ()).map_err(anyhow::Error::new)?;
    match content {
        Some(Unpacked::Content { content, from }) => {
            let words = unpacked_words(&from, content.size());
            terminal::complain(format_args!("note: {words}"));
            Ok(content.into_file())
        }
        Some(Unpacked::Refused(error)) if error.is_too_much() => {
            Err(anyhow::anyhow!("{}: it was not unpacked: {error}", path.display()).into())
        }
        Some(Unpacked::Refused(_)) | None => Ok(file.into_file()),
    }
}

fn destination(arguments: &Arguments) -> Result<Dest, Failure> {
    if let Some(folder) = &arguments.all_members {
        return Ok(Dest::Folder(spot(folder)?));
    }
    let data_dir = match &arguments.data_dir {
        Some(data_dir) => data_dir.clone(),
        None => PathBuf::from(format!("{}.etcd", arguments.name)),
    };
    if arguments.target_version == TargetVersion::V3_4 && data_dir.exists() {
        let error = anyhow::anyhow!(
            "{} already exists, and etcd 3.4's restore creates it itself. Choose another place, or remove it \
             if it is empty",
            data_dir.display()
        );
        return Err(error.into());
    }
    if let Some(wal_dir) = arguments
        .wal_dir
        .as_deref()
        .filter(|dir| dir.starts_with(&data_dir))
    {
        return Err(usage(format!(
            "--wal-dir {} lies inside the data directory; leave it out, or name one outside",
            wal_dir.display()
        )));
    }
    let wal = arguments.wal_dir.as_deref().map(spot).transpose()?;
    Ok(Dest::Member {
        name: arguments.name.clone(),
        data: spot(&data_dir)?,
        wal,
    })
}

/// The folder above a path, and the name in it. A path that exists is followed to where it is, because only the
/// folder above it is entered.
fn spot(path: &Path) -> Result<Spot, Failure> {
    let shown = path.display().to_string();
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = real
        .file_name()
        .and_then(|name| name.to_str())
        .with_context(|| {
            format!("{shown} cannot be made: it has no name of its own; name a folder")
        })?
        .to_owned();
    let parent = match real.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = Dir::open_ambient_dir(parent, ambient_authority()).with_context(|| {
        format!(
            "the folder above {shown} cannot be entered; create it first, or choose another place"
        )
    })?;
    Ok(Spot {
        parent,
        name,
        shown,
    })
}

/// What the file itself gives reason to say.
fn findings(request: &RestoreRequest, built: &Built) -> Report {
    let request = RestoreRequest {
        snapshot: built.inspection.file.sha256.clone(),
        ..request.clone()
    };
    let observation = Observation {
        source: SourceFacts::from(&built.inspection),
        target: TargetFacts {
            place: String::new(),
            root_known: true,
            state: TargetState::Missing,
            free_bytes: None,
        },
        cluster: String::new(),
    };
    check_file(&request, &observation)
}

fn print(report: &Report) {
    for finding in &report.findings {
        let word = match finding.severity {
            Severity::Blocking => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let mut line = format!("{word}: {}: {}", finding.subject, finding.what);
        for sentence in [&finding.why, &finding.todo] {
            if !sentence.is_empty() {
                line.push(' ');
                line.push_str(sentence);
            }
        }
        terminal::complain(format_args!("{line}"));
    }
}

/// What came out, on stderr, as etcdutl does.
fn tell(restore: &Restore<'_>, dest: &Dest, built: &Built) {
    let cluster = restore.cluster();
    let edit = &built.edit;
    terminal::complain(format_args!(
        "cluster {}: revision {}, {} per member",
        cluster.id(),
        number::signed(edit.start_revision()),
        number::bytes(edit.database_size)
    ));
    for member in cluster.members() {
        let place = match dest {
            Dest::Folder(spot) => format!("{}/{}", spot.shown, member.name),
            Dest::Member { name, data, .. } if *name == member.name => data.shown.clone(),
            Dest::Member { .. } => continue,
        };
        terminal::complain(format_args!(
            "member {} {} is in {place}",
            member.id, member.name
        ));
    }
    if rustix::process::geteuid().is_root() {
        terminal::complain(format_args!(
            "all of it belongs to root: give it to the user that etcd runs as (chown -R)"
        ));
    }
}
