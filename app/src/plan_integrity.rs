//! Is the plan that the server shows the one that its hash names? Computed here, from the sealed bytes.

use requorum_shared::canonical::sha256_hex;
use requorum_shared::recovery::Plan;

/// What the recomputation gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Seal {
    /// The sealed bytes have this hash, and are exactly the plan shown.
    Same(Box<Plan>),
    /// They do not: why, in words. The plan must not be approved or run.
    Broken(String),
}

/// Recomputes the hash of `plan_json` and compares it with `hash`.
pub fn verify(plan_json: &str, hash: &str) -> Seal {
    let computed = sha256_hex(plan_json.as_bytes());
    if computed != hash {
        return Seal::Broken(format!(
            "The plan has the hash {computed}, but the server says {hash}. One of them was changed after the plan was \
             sealed."
        ));
    }
    let plan = match serde_json::from_str::<Plan>(plan_json) {
        Ok(plan) => plan,
        Err(error) => {
            return Seal::Broken(format!("This page cannot read the sealed plan: {error}."));
        }
    };
    // Bytes that this page reads differently from another reader must not be approved by what is shown here.
    if plan.canonical_json() != plan_json {
        return Seal::Broken(
            "The sealed plan contains more than this page shows: it is not in canonical form, or a newer version \
             made it."
                .into(),
        );
    }
    Seal::Same(Box::new(plan))
}

#[cfg(test)]
mod tests {
    use requorum_shared::etcd::recovery::restore::{
        CleanUp, RestoreRequest, Target, TargetVersion,
    };
    use requorum_shared::finding::Report;
    use requorum_shared::plan::FORMAT;
    use requorum_shared::recovery::Request;

    use super::*;

    fn plan() -> Plan {
        Plan {
            format: FORMAT.into(),
            id: "p1".into(),
            author: "ak".into(),
            sealed_at: "2026-11-21T14:02:11Z".into(),
            cluster: String::new(),
            outcome: "A cluster.".into(),
            caveat: None,
            request: Request::EtcdRestore(RestoreRequest {
                snapshot: "ab".into(),
                members: Vec::new(),
                token: "t".into(),
                bump_revision: (1 << 53) - 1,
                mark_compacted: true,
                skip_hash_check: false,
                accept_older_meta: false,
                target_version: TargetVersion::V3_6,
                clean_up: CleanUp::default(),
                target: Target::Download,
                last_seen: None,
            }),
            facts: Vec::new(),
            report: Report::default(),
            steps: Vec::new(),
        }
    }

    #[test]
    fn the_sealed_plan_is_the_same() {
        let plan = plan();
        assert_eq!(
            verify(&plan.canonical_json(), &plan.hash()),
            Seal::Same(Box::new(plan))
        );
    }

    #[test]
    fn one_changed_byte_is_refused() {
        let plan = plan();
        let json = plan.canonical_json().replace("\"ak\"", "\"mk\"");
        assert!(matches!(verify(&json, &plan.hash()), Seal::Broken(_)));
        assert!(matches!(
            verify(&plan.canonical_json(), &"0".repeat(64)),
            Seal::Broken(_)
        ));
    }

    #[test]
    fn a_field_that_this_page_would_not_show_is_refused() {
        let json = plan()
            .canonical_json()
            .replacen('{', "{\"also\":\"rm -rf\",", 1);
        let hash = sha256_hex(json.as_bytes());
        let Seal::Broken(why) = verify(&json, &hash) else {
            panic!("it must be refused")
        };
        assert!(why.contains("more than this page shows"));
    }
}
