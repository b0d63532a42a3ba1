use super::*;

fn grants(text: &str) -> Grants {
    text.parse().unwrap()
}

/// The table once more, as a person would draw it. A changed line must be changed here too.
#[test]
fn the_table_is_what_the_design_says() {
    let drawn: Vec<(Permission, &str)> = vec![
        (Permission::See, "viewer operator approver admin"),
        (Permission::ReadValues, "operator"),
        (Permission::OwnAccount, "viewer operator approver admin"),
        (Permission::Upload, "operator"),
        (Permission::RemoveFiles, "operator"),
        (Permission::Plan, "operator"),
        (Permission::Run, "operator"),
        (Permission::BreakGlass, "operator"),
        (Permission::Approve, "approver"),
        (Permission::People, "admin"),
        (Permission::Policies, "admin"),
        (Permission::ConfirmPolicy, "approver admin"),
        (Permission::Secrets, "admin"),
    ];
    assert_eq!(Permission::all().count(), drawn.len());
    for (permission, roles) in drawn {
        let have: Vec<_> = permission.roles().iter().map(|role| role.name()).collect();
        assert_eq!(have.join(" "), roles, "{permission:?}");
        for role in Role::ALL {
            let held = grants(role.name());
            let there = roles.split(' ').any(|name| name == role.name());
            for place in [Place::Console, Place::Cluster("prod"), Place::Anywhere] {
                let answer = held.allow(permission, place);
                assert_eq!(answer.is_ok(), there, "{role} {permission:?} {place:?}");
            }
            assert!(
                Grants::default()
                    .allow(permission, Place::Anywhere)
                    .is_err()
            );
        }
    }
}

#[test]
fn what_needs_judgement_needs_a_person() {
    let persons: Vec<_> = Permission::all().filter(|p| !p.programs()).collect();
    assert_eq!(
        persons,
        [
            Permission::OwnAccount,
            Permission::RemoveFiles,
            Permission::BreakGlass,
            Permission::Approve,
            Permission::People,
            Permission::Policies,
            Permission::ConfirmPolicy,
        ]
    );
    let useful: Vec<_> = Role::ALL
        .into_iter()
        .filter(|r| r.is_for_programs())
        .collect();
    assert_eq!(useful, [Role::Viewer, Role::Operator, Role::Admin]);
}

#[test]
fn a_role_for_one_cluster_is_worth_nothing_elsewhere() {
    let held = grants("operator@prod-etcd");
    for (place, good) in [
        (Place::Cluster("prod-etcd"), true),
        (Place::Anywhere, true),
        (Place::Cluster("prod-etcd2"), false),
        (Place::Cluster("Prod-etcd"), false),
        (Place::Cluster(""), false),
        (Place::Console, false),
    ] {
        assert_eq!(
            held.allow(Permission::Run, place).is_ok(),
            good,
            "{place:?}"
        );
    }
    let text = held
        .allow(Permission::Run, Place::Cluster("lab"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "To run and control jobs you need the role operator for lab or for all clusters. You have: \
         operator@prod-etcd. An administrator of this console can change that."
    );
    let text = grants("viewer")
        .allow(Permission::Approve, Place::Anywhere)
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "To approve or reject a plan you need the role approver. You have: viewer. An administrator of this \
         console can change that."
    );
    let text = Grants::default()
        .allow(Permission::People, Place::Console)
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "To manage users and roles you need the role admin for all clusters. You have no role. An \
         administrator of this console can change that."
    );
}

#[test]
fn who_can_is_said_in_a_line() {
    let line =
        |held: &str, permission, place| grants(held).allow(permission, place).unwrap_err().needs();
    assert_eq!(
        line("viewer", Permission::Approve, Place::Console),
        "Approving or rejecting a plan needs the role approver."
    );
    assert_eq!(
        line("approver@lab", Permission::Approve, Place::Console),
        "Approving or rejecting a plan needs the role approver for all clusters."
    );
    assert_eq!(
        line("", Permission::Run, Place::Cluster("prod")),
        "Running and controlling jobs needs the role operator for prod or for all clusters."
    );
    assert_eq!(
        line("", Permission::See, Place::Anywhere),
        "Looking at this needs the role viewer or operator or approver or admin."
    );
}

#[test]
fn a_token_can_do_no_more_than_its_owner() {
    for (token, owner, both) in [
        ("operator", "operator, admin", "operator"),
        (
            "operator",
            "operator@a, operator@b",
            "operator@a, operator@b",
        ),
        ("operator@a", "operator", "operator@a"),
        ("operator@a", "operator@b", ""),
        ("admin", "operator", ""),
        ("viewer", "viewer", "viewer"),
        ("viewer", "operator@a, admin", "viewer"),
        ("viewer", "operator@a", "viewer@a"),
        ("viewer@a", "approver", "viewer@a"),
        ("viewer@a", "operator@b", ""),
    ] {
        assert_eq!(
            grants(token).within(&grants(owner)).to_string(),
            both,
            "{token} within {owner}"
        );
    }
}

#[test]
fn grants_are_written_one_way() {
    for (text, written) in [
        ("admin,viewer", "viewer, admin"),
        (
            "operator@b, operator@a,operator@b",
            "operator@a, operator@b",
        ),
        ("operator@b,operator", "operator"),
        ("", ""),
    ] {
        assert_eq!(grants(text).to_string(), written);
        assert_eq!(grants(&grants(text).to_string()), grants(text));
        let json = serde_json::to_string(&grants(text)).unwrap();
        assert_eq!(serde_json::from_str::<Grants>(&json).unwrap(), grants(text));
    }
    for bad in [
        "root",
        "Admin",
        "operator@",
        "operator@a b",
        "operator@a@b",
        "@a",
        "admin@prod",
        "operator@ä",
    ] {
        assert!(bad.parse::<Grants>().is_err(), "{bad}");
    }
    assert!(
        format!("operator@{}", "x".repeat(64))
            .parse::<Grants>()
            .is_ok()
    );
    assert!(
        format!("operator@{}", "x".repeat(65))
            .parse::<Grants>()
            .is_err()
    );
    assert_eq!(
        Grants::everything().to_string(),
        "operator, approver, admin"
    );
}
