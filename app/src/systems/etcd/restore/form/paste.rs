//! A list of members as people have it at hand: flags, variables, unit files, or what `etcdctl member list` prints.
//! What is not understood is named, never dropped in silence.

use requorum_shared::etcd::recovery::restore::cluster::MAX_MEMBERS;
use requorum_shared::etcd::recovery::restore::typed::is_quote;
use serde::Deserialize;

/// The longest text that is read, in bytes: hundreds of members.
const MAX_TEXT: usize = 64 << 10;

/// What a text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pasted {
    /// The members, in their order.
    pub members: Vec<PastedMember>,
    /// What was left out, each with the reason: for the person to see before the list is used.
    pub left_out: Vec<String>,
}

/// One member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastedMember {
    /// The name; empty where the text has none.
    pub name: String,
    /// Peer URLs, as written.
    pub urls: Vec<String>,
}

/// Reads the text.
///
/// # Errors
/// When no member is in it, or more than can be restored.
pub fn read(text: &str) -> Result<Pasted, String> {
    if text.len() > MAX_TEXT {
        return Err(format!(
            "The text is too long: {} KiB, and at most {} KiB are read. Paste the list of members alone.",
            text.len() >> 10,
            MAX_TEXT >> 10
        ));
    }
    let pasted = from_json(text)
        .or_else(|| from_table(text))
        .or_else(|| from_simple(text))
        .or_else(|| from_fields(text))
        .unwrap_or_else(|| from_pairs(text));
    match pasted.members.len() {
        0 => Err(
            "No members found. Paste name=URL pairs such as m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380, \
             ETCD_INITIAL_CLUSTER=…, or the output of etcdctl member list."
                .into(),
        ),
        n if n > MAX_MEMBERS => Err(format!(
            "The text has {n} members; at most {MAX_MEMBERS} are restored at once."
        )),
        _ => Ok(pasted),
    }
}

impl Pasted {
    fn add(&mut self, name: &str, urls: impl IntoIterator<Item = String>) {
        let known = self
            .members
            .iter_mut()
            .find(|m| m.name == name && !name.is_empty());
        match known {
            // As etcd does with a name that comes twice.
            Some(member) => member.urls.extend(urls),
            None => self.members.push(PastedMember {
                name: name.to_owned(),
                urls: urls.into_iter().collect(),
            }),
        }
    }

    fn add_listed(&mut self, name: &str, urls: Vec<String>, learner: bool) {
        if learner {
            let name = if name.is_empty() { "unnamed" } else { name };
            self.left_out
                .push(format!("{name}: a learner, which has no vote"));
        } else {
            self.add(name, urls);
        }
    }

    /// `None` where the text was of another kind.
    fn found(self) -> Option<Self> {
        (!self.members.is_empty() || !self.left_out.is_empty()).then_some(self)
    }
}

#[derive(Deserialize)]
struct MemberList {
    members: Vec<ListedMember>,
}

#[derive(Deserialize)]
struct ListedMember {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "peerURLs")]
    peer_urls: Vec<String>,
    #[serde(default, rename = "isLearner")]
    learner: bool,
}

/// `etcdctl member list -w json`, with whatever a terminal put around it.
fn from_json(text: &str) -> Option<Pasted> {
    let json = &text[text.find('{')?..];
    let mut read = serde_json::Deserializer::from_str(json).into_iter::<MemberList>();
    let list = read.next()?.ok()?;
    let mut pasted = Pasted::default();
    for member in list.members {
        pasted.add_listed(&member.name, member.peer_urls, member.learner);
    }
    pasted.found()
}

/// `etcdctl member list -w table`.
fn from_table(text: &str) -> Option<Pasted> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let line = line.trim();
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(
            inner
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect(),
        )
    };
    let header = text
        .lines()
        .filter_map(cells)
        .find(|cells| at(cells, "PEER ADDRS").is_some())?;
    let (name, urls) = (at(&header, "NAME")?, at(&header, "PEER ADDRS")?);
    let learner = at(&header, "IS LEARNER");
    let mut pasted = Pasted::default();
    for line in text.lines() {
        let Some(row) = cells(line).filter(|row| row.len() == header.len()) else {
            pasted.note_line(line, |line| line.starts_with('+'));
            continue;
        };
        if row != header {
            let is_learner = learner.is_some_and(|at| row[at] == "true");
            pasted.add_listed(&row[name], urls_in(&row[urls]), is_learner);
        }
    }
    pasted.found()
}

fn at(header: &[String], name: &str) -> Option<usize> {
    header
        .iter()
        .position(|cell| cell.eq_ignore_ascii_case(name))
}

/// `etcdctl member list`, as it prints without `-w`: an id, a status, and commas with a space between.
fn from_simple(text: &str) -> Option<Pasted> {
    let is_id =
        |id: &str| (1..=16).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
    let row = |line: &str| -> Option<(String, Vec<String>, bool)> {
        let cells: Vec<&str> = line.trim().split(", ").map(str::trim).collect();
        match cells.as_slice() {
            [id, "started" | "unstarted", name, urls, rest @ ..] if is_id(id) => {
                let learner = rest.last().is_some_and(|last| *last == "true");
                Some(((*name).to_owned(), urls_in(urls), learner))
            }
            _ => None,
        }
    };
    text.lines().find_map(row)?;
    let mut pasted = Pasted::default();
    for line in text.lines() {
        match row(line) {
            Some((name, urls, learner)) => pasted.add_listed(&name, urls, learner),
            None => pasted.note_line(line, |_| false),
        }
    }
    pasted.found()
}

/// `etcdctl member list -w fields`: `"Name" : "m1"` and `"PeerURL" : "http://…"`, a line each.
fn from_fields(text: &str) -> Option<Pasted> {
    let field = |line: &str| -> Option<(String, String)> {
        let (key, value) = line.trim().split_once(" : ")?;
        Some((unquoted(key).to_owned(), unquoted(value).to_owned()))
    };
    let mut members: Vec<(PastedMember, bool)> = Vec::new();
    for (key, value) in text.lines().filter_map(field) {
        match (key.as_str(), members.last_mut()) {
            ("ID", _) => members.push(Default::default()),
            ("Name", Some((member, _))) => member.name = value,
            ("PeerURL", Some((member, _))) => member.urls.push(value),
            ("IsLearner", Some((_, learner))) => *learner = value == "true",
            _ => {}
        }
    }
    members.retain(|(member, _)| !member.urls.is_empty());
    let mut pasted = Pasted::default();
    for (member, learner) in members {
        pasted.add_listed(&member.name, member.urls, learner);
    }
    pasted.found()
}

impl Pasted {
    /// Notes a line that is no row, unless it is empty or of no meaning.
    fn note_line(&mut self, line: &str, idle: impl Fn(&str) -> bool) {
        let line = line.trim();
        if !line.is_empty() && !idle(line) {
            self.left_out.push(format!("not understood: {line}"));
        }
    }
}

fn urls_in(cell: &str) -> Vec<String> {
    let urls = cell.split(',').map(|url| unquoted(url).to_owned());
    urls.filter(|url| !url.is_empty()).collect()
}

/// `name=URL` pairs between commas, semicolons, spaces or line ends; or a name and its URL with a space between; in a
/// flag, a variable, a unit file or a manifest, or alone.
fn from_pairs(text: &str) -> Pasted {
    let mut pasted = Pasted::default();
    let (list, beside) = value_of_flag(text).unwrap_or((text, false));
    if beside {
        pasted
            .left_out
            .push("other flags and variables in the text".into());
    }
    let list = without_space_around_equals(list);
    let mut waiting: Option<&str> = None;
    let mut last: Option<String> = None;
    for token in list.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')) {
        let token = unquoted(token);
        if token.is_empty() || token.chars().all(|c| "\\-{}[]|&".contains(c)) {
            continue;
        }
        if let Some((name, url)) = pair(token) {
            pasted.forget(waiting.take());
            last = Some(name.to_owned());
            pasted.add(name, (!url.is_empty()).then(|| url.to_owned()));
        } else if is_address(token) {
            match (waiting.take(), &last) {
                (Some(name), _) => {
                    last = Some(name.to_owned());
                    pasted.add(name, [token.to_owned()]);
                }
                // Another URL of the same member.
                (None, Some(name)) => pasted.add(&name.clone(), [token.to_owned()]),
                (None, None) => {
                    pasted.add("", [token.to_owned()]);
                }
            }
        } else {
            pasted.forget(waiting.replace(token.trim_end_matches(':')));
        }
    }
    pasted.forget(waiting);
    pasted
}

impl Pasted {
    fn forget(&mut self, waiting: Option<&str>) {
        if let Some(word) = waiting {
            self.left_out.push(format!("not understood: {word}"));
        }
    }
}

/// Splits at the first `=` before any URL.
fn pair(token: &str) -> Option<(&str, &str)> {
    let (name, url) = token.split_once('=')?;
    (!name.contains("://")).then(|| (unquoted(name), unquoted(url)))
}

/// Whether it is a URL, or `host:port` that lacks its scheme: the check says so then.
fn is_address(token: &str) -> bool {
    let port = token.rsplit_once(':').map(|(_, port)| port);
    token.contains("://")
        || port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_quote(c))
}

fn without_space_around_equals(text: &str) -> String {
    const SPACE: [char; 2] = [' ', '\t'];
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('=').peekable();
    let mut first = true;
    while let Some(mut part) = parts.next() {
        if !first {
            out.push('=');
            part = part.trim_start_matches(SPACE);
        }
        if parts.peek().is_some() {
            part = part.trim_end_matches(SPACE);
        }
        out.push_str(part);
        first = false;
    }
    out
}

/// The value of `--initial-cluster` or `ETCD_INITIAL_CLUSTER`, however it is set, and whether more was in the text.
fn value_of_flag(text: &str) -> Option<(&str, bool)> {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = ["initial-cluster", "initial_cluster"]
        .iter()
        .filter_map(|name| Some((lower[from..].find(name)? + from, name.len())))
        .min()
    {
        let (begin, end) = (found.0, found.0 + found.1);
        from = end;
        let next = text[end..].chars().next();
        // --initial-cluster-token and --initial-cluster-state are others.
        if next.is_none_or(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            continue;
        }
        let rest = &text[end..];
        let value = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || is_quote(c) || matches!(c, '=' | ':')
        });
        let opened = text[..begin]
            .chars()
            .rev()
            .find(|c| !"-_".contains(*c) && !c.is_ascii_alphanumeric());
        let skipped = &rest[..rest.len() - value.len()];
        let quote = skipped.chars().rev().find(|c| is_quote(*c));
        // `"--initial-cluster=m1=…"`: the quote was opened before the name, and closes after the value.
        let quote = quote.or(opened.filter(|c| is_quote(*c)));
        let length = match quote {
            Some(_) => value.find(is_quote).unwrap_or(value.len()),
            None => unquoted_length(value),
        };
        if length == 0 {
            continue;
        }
        let idle = |part: &str| {
            let part = part.to_ascii_lowercase();
            part.split(|c: char| !c.is_ascii_alphanumeric())
                .all(|word| matches!(word, "" | "export" | "etcd" | "environment" | "env"))
        };
        let beside = !idle(&text[..begin]) || !idle(&value[length..]);
        return Some((&value[..length], beside));
    }
    None
}

/// Up to the first white space that neither follows a comma nor comes before one.
fn unquoted_length(value: &str) -> usize {
    let mut before = ',';
    for (at, c) in value.char_indices() {
        if c.is_whitespace() && !before.is_whitespace() && before != ',' {
            let after = value[at..].trim_start().chars().next();
            if after != Some(',') {
                return at;
            }
        }
        // A run of white space is looked at once, where it begins; one after a comma is no end.
        if !(c.is_whitespace() && before == ',') {
            before = c;
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, members: &[(&str, &[&str])], left_out: &[&str]) {
        let pasted = read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let seen: Vec<(&str, Vec<&str>)> = pasted
            .members
            .iter()
            .map(|m| (m.name.as_str(), m.urls.iter().map(String::as_str).collect()))
            .collect();
        let wanted: Vec<_> = members.iter().map(|(n, u)| (*n, u.to_vec())).collect();
        assert_eq!(seen, wanted, "{text:?}");
        assert_eq!(pasted.left_out, left_out, "{text:?}");
    }

    const TWO: &[(&str, &[&str])] = &[("m1", &["https://a:1"]), ("m2", &["https://b:1"])];

    #[test]
    fn pairs_come_in_many_shapes() {
        for text in [
            "m1=https://a:1,m2=https://b:1",
            "m1=https://a:1, m2=https://b:1",
            "m1=https://a:1\nm2=https://b:1",
            "m1=https://a:1\r\nm2=https://b:1\r\n",
            "m1=https://a:1,\r\n  m2=https://b:1,",
            "m1=https://a:1 m2=https://b:1",
            "m1 = https://a:1 , m2 = https://b:1",
            "m1=https://a:1;m2=https://b:1",
            "'m1=https://a:1,m2=https://b:1'",
            "“m1=https://a:1”,“m2=https://b:1”",
            "m1 https://a:1\nm2 https://b:1",
            "m1: https://a:1\nm2: https://b:1",
            "- m1=https://a:1\n- m2=https://b:1",
            "\"m1\"=\"https://a:1\" \\\n \"m2\"=\"https://b:1\"",
            "--initial-cluster m1=https://a:1,m2=https://b:1",
            "--initial-cluster=m1=https://a:1,m2=https://b:1",
            "--initial-cluster='m1=https://a:1,m2=https://b:1'",
            "    - --initial-cluster=m1=https://a:1,m2=https://b:1",
            "\"--initial-cluster=m1=https://a:1,m2=https://b:1\",",
            "initial-cluster: m1=https://a:1,m2=https://b:1",
            "initial-cluster: \"m1=https://a:1,m2=https://b:1\"",
            "ETCD_INITIAL_CLUSTER=m1=https://a:1,m2=https://b:1",
            "ETCD_INITIAL_CLUSTER=\"m1=https://a:1,m2=https://b:1\"\r\n",
            "export ETCD_INITIAL_CLUSTER='m1=https://a:1,\n m2=https://b:1'",
            "Environment=\"ETCD_INITIAL_CLUSTER=m1=https://a:1,m2=https://b:1\"",
            "--initial-cluster m1=https://a:1,\n  m2=https://b:1",
        ] {
            reads(text, TWO, &[]);
        }
    }

    #[test]
    fn what_else_was_in_the_text_is_named() {
        reads(
            "etcd --name m1 --initial-cluster-token old --initial-cluster m1=https://a:1,m2=https://b:1 \
             --initial-cluster-state new",
            TWO,
            &["other flags and variables in the text"],
        );
        reads(
            "ETCD_INITIAL_CLUSTER_STATE=new\nETCD_INITIAL_CLUSTER=m1=https://a:1,m2=https://b:1\nETCD_NAME=m1",
            TWO,
            &["other flags and variables in the text"],
        );
        reads(
            "hello m1=https://a:1 world m2=https://b:1 end",
            TWO,
            &[
                "not understood: hello",
                "not understood: world",
                "not understood: end",
            ],
        );
    }

    #[test]
    fn what_is_wrong_in_it_stays_for_the_check_to_judge() {
        reads("m1=10.0.0.1:2380", &[("m1", &["10.0.0.1:2380"])], &[]);
        reads("m1 10.0.0.1:2380", &[("m1", &["10.0.0.1:2380"])], &[]);
        reads("m1=", &[("m1", &[])], &[]);
        reads("=https://a:1", &[("", &["https://a:1"])], &[]);
        reads(
            "https://a:1,https://b:1",
            &[("", &["https://a:1"]), ("", &["https://b:1"])],
            &[],
        );
        reads("m=http://b:1?x=y", &[("m", &["http://b:1?x=y"])], &[]);
    }

    #[test]
    fn a_member_may_have_several_urls() {
        let two: &[(&str, &[&str])] = &[
            ("m1", &["https://a:1", "https://b:1"]),
            ("m2", &["https://c:1"]),
        ];
        reads("m1=https://a:1,m1=https://b:1,m2=https://c:1", two, &[]);
        reads("m1=https://a:1,https://b:1,m2=https://c:1", two, &[]);
        reads(
            "8e9e05c52164694d, started, m1, https://a:1,https://b:1, https://a:2, false\r\n\
             91bc3c398fb3c146, started, m2, https://c:1, https://c:2, false",
            two,
            &[],
        );
    }

    #[test]
    fn member_lists_of_etcdctl_are_read_as_it_prints_them() {
        let left_out: &[&str] = &["l1: a learner, which has no vote"];
        let three: &[(&str, &[&str])] = &[
            ("n1", &["http://a:1"]),
            ("n2", &["http://b:1"]),
            ("", &["http://c:1"]),
        ];
        reads(
            "8211f1d0f64f3269, started, n1, http://a:1, http://a:2, false\n\
             91bc3c398fb3c146, started, n2, http://b:1, http://b:2, false\n\
             a1, unstarted, , http://c:1, , false\n\
             fd422379fda50e48, started, l1, http://d:1, http://d:2, true\n",
            three,
            left_out,
        );
        // 3.3 had no last column.
        reads(
            "8211f1d0f64f3269, started, n1, http://a:1, http://a:2",
            &three[..1],
            &[],
        );
        reads(
            "$ etcdctl member list -w table\n\
             +------------------+-----------+------+------------+-------------+------------+\n\
             |        ID        |  STATUS   | NAME | PEER ADDRS | CLIENT ADDRS | IS LEARNER |\n\
             +------------------+-----------+------+------------+-------------+------------+\n\
             | 8211f1d0f64f3269 |   started |   n1 | http://a:1 | http://a:2   |      false |\r\n\
             | 91bc3c398fb3c146 |   started |   n2 | http://b:1 | http://b:2   |      false |\n\
             |               a1 | unstarted |      | http://c:1 |              |      false |\n\
             | fd422379fda50e48 |   started |   l1 | http://d:1 | http://d:2   |       true |\n\
             +------------------+-----------+------+------------+-------------+------------+\n",
            three,
            &[
                "not understood: $ etcdctl member list -w table",
                left_out[0],
            ],
        );
        reads(
            r#"{"header":{"cluster_id":17237436991929493444,"member_id":9372538179322589801,"raft_term":2},"members":[
               {"ID":9372538179322589801,"name":"n1","peerURLs":["http://a:1"],"clientURLs":["http://a:2"]},
               {"ID":10501334649042878790,"name":"n2","peerURLs":["http://b:1"],"clientURLs":["http://b:2"]},
               {"ID":161,"peerURLs":["http://c:1"]},
               {"ID":18249187646912138824,"name":"l1","peerURLs":["http://d:1"],"isLearner":true}]}"#,
            three,
            left_out,
        );
        reads(
            "\"ClusterID\" : 1\n\"MemberID\" : 2\n\"Revision\" : 0\n\"RaftTerm\" : 2\n\
             \"ID\" : 2\n\"Name\" : \"n1\"\n\"PeerURL\" : \"http://a:1\"\n\"ClientURL\" : \"http://a:2\"\n\"IsLearner\" : false\n\n\
             \"ID\" : 3\n\"Name\" : \"n2\"\n\"PeerURL\" : \"http://b:1\"\n\"IsLearner\" : false\n",
            &three[..2],
            &[],
        );
    }

    #[test]
    fn a_text_without_members_and_one_with_hundreds_are_refused() {
        for text in [
            "",
            "  \n",
            "nonsense",
            "{\"members\":[]}",
            "--initial-cluster",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        let many: Vec<String> = (0..80_000).map(|n| format!("m{n}=http://a:{n}")).collect();
        let error = read(&many[..MAX_MEMBERS + 1].join(",")).unwrap_err();
        assert!(error.contains("at most 31"), "{error}");
        let error = read(&many.join(",")).unwrap_err();
        assert!(error.contains("too long"), "{error}");
        let spaces = format!("--initial-cluster m1=http://a:1{}x", " ".repeat(60_000));
        assert_eq!(read(&spaces).unwrap().members.len(), 1);
    }

    #[test]
    fn any_text_is_read_without_a_panic() {
        for text in [
            "ETCD_INITIAL_CLUSTER=é",
            "initial-cluster=",
            "|PEER ADDRS|",
            "é{",
            "a, started",
            "=,=;=",
            "İinitial-cluster=m=http://a:1",
        ] {
            let _ = read(text);
        }
    }
}
