//! One function per page address. Links and redirects call these and never hold a literal path.

/// Overview.
pub fn overview() -> String {
    "/".into()
}

/// Sign in; `next` is where to go afterwards.
pub fn login(next: Option<&str>) -> String {
    match next {
        Some(next) if next != "/" && !next.starts_with("/login") => {
            format!("/login?next={}", encode(next))
        }
        _ => "/login".into(),
    }
}

/// Inspect files in the browser.
pub fn inspect() -> String {
    "/inspect".into()
}

/// Terms, keys and how approvals work.
pub fn help() -> String {
    "/help".into()
}

/// One term of the help page.
pub fn help_on(term: &str) -> String {
    format!("/help#{}", encode(term))
}

/// Stored files.
pub fn files() -> String {
    "/files".into()
}

/// One stored file.
pub fn file(id: &str) -> String {
    format!("/files/{}", encode(id))
}

/// The page of a new plan, without what it plans.
pub fn new_plan_page() -> String {
    "/new-plan".into()
}

/// The form for a kind of recovery that uses these files.
pub fn new_plan<'a>(recovery: &str, files: impl IntoIterator<Item = &'a str>) -> String {
    let mut address = format!("{}?recovery={}", new_plan_page(), encode(recovery));
    for file in files {
        address.push_str("&file=");
        address.push_str(&encode(file));
    }
    address
}

/// The same, filled in from an earlier plan.
pub fn new_plan_from<'a>(
    recovery: &str,
    files: impl IntoIterator<Item = &'a str>,
    plan: &str,
) -> String {
    format!("{}&from={}", new_plan(recovery, files), encode(plan))
}

/// Plans.
pub fn plans() -> String {
    "/plans".into()
}

/// Plans that rest on a file.
pub fn plans_of(file: &str) -> String {
    format!("/plans?input={}", encode(file))
}

/// One plan.
pub fn plan(id: &str) -> String {
    format!("/plans/{}", encode(id))
}

/// Reviews of plans that were run without approval.
pub fn reviews() -> String {
    "/reviews".into()
}

/// Who must agree to what.
pub fn policies() -> String {
    "/settings/policies".into()
}

/// Jobs.
pub fn jobs() -> String {
    "/jobs".into()
}

/// One job.
pub fn job(id: &str) -> String {
    format!("/jobs/{}", encode(id))
}

/// The ledger.
pub fn ledger() -> String {
    "/ledger".into()
}

/// The ledger with a query that is already written.
pub fn ledger_with(query: &str) -> String {
    if query.is_empty() {
        ledger()
    } else {
        format!("/ledger?{query}")
    }
}

/// One entry of the ledger.
pub fn ledger_entry(index: u64) -> String {
    format!("/ledger/{index}")
}

/// What this browser knows of the ledger. Not `/ledger/checkpoint`: that is where clients of transparency logs read
/// the checkpoint itself.
pub fn ledger_verification() -> String {
    "/ledger/verification".into()
}

/// Settings.
pub fn settings() -> String {
    "/settings".into()
}

/// One section of the settings.
pub fn settings_section(key: &str) -> String {
    format!("/settings/{}", encode(key))
}

/// One person, for administrators.
pub fn person(id: &str) -> String {
    format!("/settings/people/{}", encode(id))
}

/// The one-time link that lets its owner set a password. The token stands behind `#`, so that it reaches no server
/// log.
pub fn join_link(origin: &str, token: &str) -> String {
    format!("{origin}/join#token={}", encode(token))
}

/// The bytes of a stored file: served by the server, not a page.
pub fn file_content(id: &str) -> String {
    format!("/api/files/{}/content", encode(id))
}

/// What a job made, to download: served by the server, not a page.
pub fn artifact(job: &str, name: &str) -> String {
    format!("/api/jobs/{}/artifacts/{}", encode(job), encode(name))
}

/// The dossier of a job: served by the server, not a page.
pub fn dossier(job: &str) -> String {
    format!("/api/jobs/{}/dossier", encode(job))
}

/// The address `path?query` with parameter `key` set to `value`, or removed when that is empty. What else the
/// query holds is kept, in order.
pub fn with_query(path: &str, query: &str, key: &str, value: &str) -> String {
    let mut pairs: Vec<String> = query
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(key))
        .map(str::to_owned)
        .collect();
    if !value.is_empty() {
        pairs.push(format!("{key}={}", encode(value)));
    }
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

/// The address of the first page of the same list: [`with_query`] without what names a page.
pub fn first_page(path: &str, query: &str) -> String {
    let to = with_query(path, query, "after", "");
    let query = to.split_once('?').map_or("", |(_, query)| query);
    with_query(path, query, "from", "")
}

/// [`with_query`] for what narrows a list or puts it in another order: then it begins at its first page again.
pub fn narrowed(path: &str, query: &str, key: &str, value: &str) -> String {
    let to = first_page(path, query);
    let query = to.split_once('?').map_or("", |(_, query)| query);
    with_query(path, query, key, value)
}

/// Where to go after signing in. Only paths of this origin: anything else would let a crafted link send a
/// person, freshly signed in, to another site.
pub fn after_login(next: Option<&str>) -> String {
    match next {
        Some(next) if next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') => {
            next.to_owned()
        }
        _ => overview(),
    }
}

/// Signing in at the identity provider: served by the server, not a page. `again`: the provider asks who it is even
/// when it knows.
pub fn provider(next: &str, again: bool) -> String {
    let again = if again { "&again=true" } else { "" };
    format!("/api/oidc/start?next={}{again}", encode(next))
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address() {
        assert_eq!(overview(), "/");
        assert_eq!(login(None), "/login");
        assert_eq!(login(Some("/")), "/login");
        assert_eq!(
            login(Some("/plans/7?tab=x")),
            "/login?next=%2Fplans%2F7%3Ftab%3Dx"
        );
        assert_eq!(inspect(), "/inspect");
        assert_eq!(help(), "/help");
        assert_eq!(help_on("revision"), "/help#revision");
        assert_eq!(files(), "/files");
        assert_eq!(file("9f"), "/files/9f");
        assert_eq!(
            new_plan("etcd.restore", ["9f"]),
            "/new-plan?recovery=etcd.restore&file=9f"
        );
        assert_eq!(
            new_plan_from("dkron.peers", ["9f", "a&b"], "p 1"),
            "/new-plan?recovery=dkron.peers&file=9f&file=a%26b&from=p%201"
        );
        assert_eq!(plans(), "/plans");
        assert_eq!(plans_of("9f"), "/plans?input=9f");
        assert_eq!(plan("a b"), "/plans/a%20b");
        assert_eq!(reviews(), "/reviews");
        assert_eq!(policies(), "/settings/policies");
        assert_eq!(jobs(), "/jobs");
        assert_eq!(job("../x"), "/jobs/..%2Fx");
        assert_eq!(ledger(), "/ledger");
        assert_eq!(ledger_with(""), "/ledger");
        assert_eq!(ledger_with("who=ada"), "/ledger?who=ada");
        assert_eq!(ledger_entry(17), "/ledger/17");
        assert_eq!(ledger_verification(), "/ledger/verification");
        assert_eq!(settings(), "/settings");
        assert_eq!(provider("/", false), "/api/oidc/start?next=%2F");
        assert_eq!(
            provider("/plans/7?tab=x", true),
            "/api/oidc/start?next=%2Fplans%2F7%3Ftab%3Dx&again=true"
        );
        assert_eq!(settings_section("you"), "/settings/you");
        assert_eq!(person("a/b"), "/settings/people/a%2Fb");
        assert_eq!(
            join_link("https://console.example", "x-_y"),
            "https://console.example/join#token=x-_y"
        );
        assert_eq!(file_content("9f"), "/api/files/9f/content");
        assert_eq!(artifact("j", "m 1.tar"), "/api/jobs/j/artifacts/m%201.tar");
    }

    #[test]
    fn a_query_parameter_is_set_kept_and_removed() {
        assert_eq!(
            with_query("/inspect", "", "tab", "auth"),
            "/inspect?tab=auth"
        );
        assert_eq!(
            with_query("/inspect", "?file=2&tab=auth", "tab", "leases"),
            "/inspect?file=2&tab=leases"
        );
        assert_eq!(with_query("/inspect", "tab=auth", "tab", ""), "/inspect");
        assert_eq!(with_query("/s", "", "q", "a&b=c"), "/s?q=a%26b%3Dc");
    }

    #[test]
    fn a_list_that_is_narrowed_begins_at_its_first_page() {
        let query = "?cluster=prod&after=W1-&from=51";
        assert_eq!(first_page("/plans", query), "/plans?cluster=prod");
        assert_eq!(first_page("/plans", "after=x&from=51"), "/plans");
        assert_eq!(
            narrowed("/plans", query, "state", "sealed"),
            "/plans?cluster=prod&state=sealed"
        );
        assert_eq!(narrowed("/plans", query, "cluster", ""), "/plans");
    }

    #[test]
    fn only_paths_of_this_origin_follow_a_login() {
        assert_eq!(after_login(Some("/plans/7")), "/plans/7");
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "plans",
        ] {
            assert_eq!(after_login(Some(bad)), "/", "{bad}");
        }
        assert_eq!(after_login(None), "/");
    }
}
