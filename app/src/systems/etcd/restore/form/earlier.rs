//! A form filled from an earlier plan: after a rejection, an expiry or a drift nothing is typed again.

use requorum_shared::etcd::recovery::restore::bump::WHEN_UNKNOWN;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target};

use super::{MemberRow, RestoreForm, span};

impl RestoreForm {
    /// The form that gives this request.
    pub fn of(request: &RestoreRequest) -> Self {
        let members = request.members.iter().zip(0..);
        let members = members.map(|(member, key)| MemberRow {
            key,
            name: member.name.clone(),
            urls: member.peer_urls.join(", "),
        });
        let bump_on = request.bump_revision > 0;
        let seen = request.last_seen;
        let (download, root, path) = match &request.target {
            Target::Folder { root, path } => (false, root.clone(), path.clone()),
            Target::Download => (true, String::new(), request.token.clone()),
        };
        Self {
            members: members.collect(),
            token: request.token.clone(),
            bump_on,
            bump: if bump_on {
                request.bump_revision
            } else {
                WHEN_UNKNOWN
            }
            .to_string(),
            mark_compacted: !bump_on || request.mark_compacted,
            seen: seen
                .map(|seen| seen.revision.to_string())
                .unwrap_or_default(),
            rate: seen
                .and_then(|seen| seen.per_hour)
                .map(|rate| rate.to_string())
                .unwrap_or_default(),
            unobserved: seen
                .and_then(|seen| seen.unwatched_seconds)
                .map(span::render)
                .unwrap_or_default(),
            skip_hash_check: request.skip_hash_check,
            accept_older_meta: request.accept_older_meta,
            target_version: request.target_version,
            clean_up: request.clean_up,
            download,
            root,
            path,
        }
    }
}
