//! The commands of etcd's own tools that do the same, ready for a POSIX shell.

mod source;

pub use self::source::{NativeSource, Unfit};

use super::{MemberRequest, RestoreRequest, TargetVersion, initial_cluster, peer_url};

/// One command per member, in the order of the request. `snapshot_file` is the path of the file, `folder` the
/// one that the members' folders go into; without it each is called as the tools call it by default.
///
/// They do what the request asks for except for the clean-ups, which the native tools do not have. Whether the tools
/// take the file is for [`NativeSource`] to say.
pub fn native_commands(
    request: &RestoreRequest,
    snapshot_file: &str,
    folder: Option<&str>,
) -> Vec<String> {
    let members: Vec<MemberRequest> = request
        .members
        .iter()
        .map(|member| MemberRequest {
            name: member.name.clone(),
            peer_urls: member.peer_urls.iter().map(|url| written(url)).collect(),
        })
        .collect();
    members
        .iter()
        .map(|member| command(request, snapshot_file, folder, &members, member))
        .collect()
}

/// What to type to have etcd's own tools do the same from a file as it is, line by line: where they refuse it, what
/// makes a file of it that they take comes first.
///
/// # Errors
/// Why there is no such command, as the end of a sentence.
pub fn native_lines(
    request: &RestoreRequest,
    snapshot_file: &str,
    source: &NativeSource,
    folder: Option<&str>,
) -> Result<Vec<String>, &'static str> {
    match source {
        NativeSource::AsItIs => Ok(native_commands(request, snapshot_file, folder)),
        NativeSource::Cut { start, size } => {
            let cut = format!("{snapshot_file}.cut");
            let mut lines = vec![source::cut_command(snapshot_file, *start, *size, &cut)];
            lines.extend(native_commands(request, &cut, folder));
            Ok(lines)
        }
        NativeSource::Unfit { why } => Err(why.why()),
    }
}

fn command(
    request: &RestoreRequest,
    snapshot_file: &str,
    folder: Option<&str>,
    members: &[MemberRequest],
    member: &MemberRequest,
) -> String {
    let mut words: Vec<String> = match request.target_version {
        TargetVersion::V3_4 => vec!["ETCDCTL_API=3".into(), "etcdctl".into()],
        _ => vec!["etcdutl".into()],
    };
    words.extend([
        "snapshot".into(),
        "restore".into(),
        quote(&path_word(snapshot_file)),
    ]);
    let mut flag = |name: &str, value: &str| {
        words.push(format!("--{name}"));
        words.push(quote(value));
    };
    flag("name", &member.name);
    flag("initial-cluster", &initial_cluster::render(members));
    flag("initial-cluster-token", &request.token);
    flag("initial-advertise-peer-urls", &member.peer_urls.join(","));
    if request.bump_revision > 0 {
        flag("bump-revision", &request.bump_revision.to_string());
    }
    let data_dir = match folder {
        Some(folder) => format!("{}/{}", folder.trim_end_matches('/'), member.name),
        None => format!("{}.etcd", member.name),
    };
    flag("data-dir", &path_word(&data_dir));
    if request.mark_compacted {
        words.push("--mark-compacted".into());
    }
    if request.skip_hash_check {
        words.push("--skip-hash-check".into());
    }
    words.join(" ")
}

/// The URL as etcd writes it, or as it was typed while it is still wrong.
fn written(url: &str) -> String {
    peer_url::normalize(url).unwrap_or_else(|_| url.trim().to_owned())
}

/// A path that no tool takes for a flag.
fn path_word(path: &str) -> String {
    if path.starts_with('-') {
        format!("./{path}")
    } else {
        path.to_owned()
    }
}

/// `word` as a POSIX shell reads it back unchanged.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::recovery::restore::{CleanUp, Target};

    #[test]
    fn one_command_per_member_with_every_choice() {
        let request = RestoreRequest {
            snapshot: String::new(),
            members: initial_cluster::parse("m1=HTTP://a:1,m2=http://[::1]:2").members,
            token: "new token".to_owned(),
            bump_revision: 1000,
            mark_compacted: true,
            skip_hash_check: true,
            accept_older_meta: false,
            target_version: TargetVersion::V3_6,
            clean_up: CleanUp::default(),
            target: Target::Download,
            last_seen: None,
        };
        let commands = native_commands(&request, "-my snapshot.db", Some("/srv/new/"));
        assert_eq!(
            commands,
            [
                "etcdutl snapshot restore './-my snapshot.db' --name m1 --initial-cluster \
                 'm1=http://a:1,m2=http://[::1]:2' --initial-cluster-token 'new token' \
                 --initial-advertise-peer-urls http://a:1 --bump-revision 1000 --data-dir /srv/new/m1 \
                 --mark-compacted --skip-hash-check",
                "etcdutl snapshot restore './-my snapshot.db' --name m2 --initial-cluster \
                 'm1=http://a:1,m2=http://[::1]:2' --initial-cluster-token 'new token' \
                 --initial-advertise-peer-urls 'http://[::1]:2' --bump-revision 1000 --data-dir /srv/new/m2 \
                 --mark-compacted --skip-hash-check",
            ]
        );
        let old = RestoreRequest {
            target_version: TargetVersion::V3_4,
            ..request
        };
        let commands = native_commands(&old, "a.db", None);
        assert!(commands[0].starts_with("ETCDCTL_API=3 etcdctl snapshot restore a.db --name m1 "));
        assert!(commands[0].contains(" --data-dir m1.etcd "));
    }

    #[test]
    fn a_file_that_the_tools_refuse_is_cut_first_or_has_no_command() {
        let request = crate::etcd::recovery::restore::samples::request();
        let lines = |source: NativeSource| {
            let lines = native_lines(&request, "-my snapshot.db", &source, None);
            lines.map_err(str::to_owned)
        };
        let whole = lines(NativeSource::AsItIs).unwrap();
        assert_eq!(whole.len(), 3);
        let cut = |start| {
            lines(NativeSource::Cut {
                start,
                size: 73_760,
            })
            .unwrap()
        };
        assert_eq!(
            cut(53)[0],
            "tail -c +54 './-my snapshot.db' | head -c 73760 > './-my snapshot.db.cut'"
        );
        assert_eq!(
            cut(0)[0],
            "head -c 73760 './-my snapshot.db' > './-my snapshot.db.cut'"
        );
        let renamed = |line: &String| line.replace("snapshot.db", "snapshot.db.cut");
        let whole: Vec<_> = whole.iter().map(renamed).collect();
        assert_eq!(cut(53)[1..], whole);
        let why = Unfit::PlainPairs;
        assert_eq!(
            lines(NativeSource::Unfit { why }),
            Err(why.why().to_owned())
        );
    }

    #[test]
    fn words_are_quoted_for_a_posix_shell() {
        for (word, quoted) in [
            ("a-b_c.d/e:f,g=h", "a-b_c.d/e:f,g=h"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(rm -rf ~)", "'$(rm -rf ~)'"),
            ("http://[::1]:1", "'http://[::1]:1'"),
            ("~root", "'~root'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }
}
