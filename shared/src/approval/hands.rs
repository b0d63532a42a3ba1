//! Whose hands accounts are in. An administrator can make an account, set another's password through a link, and give
//! it roles. For a while after that nobody can tell whether what the account does is done by its owner or by that
//! administrator, so for that while the two count as one person.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// For how long after such an act an account is in the administrator's hands, in milliseconds: one day, in which the
/// rest of the team can see it in the ledger.
pub const APART_AFTER_MS: i64 = 24 * 3_600_000;

/// For each account that is in others' hands, by its id: the ids of those others. Accounts that are in their owners'
/// hands alone are not named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hands(BTreeMap<String, BTreeSet<String>>);

impl Hands {
    /// From the acts that count now: each the id of an account and of who had it in their hands. Whoever has an
    /// administrator in their hands has what is in that one's hands too.
    pub fn new<'a>(acts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut hands = Self::default();
        for (account, by) in acts {
            if account != by && !by.is_empty() {
                let others = hands.0.entry(account.to_owned()).or_default();
                others.insert(by.to_owned());
            }
        }
        // A chain is at most as long as there are accounts in it.
        for _ in 0..hands.0.len() {
            let before = hands.clone();
            for others in hands.0.values_mut() {
                let further = others.iter().filter_map(|by| before.0.get(by));
                let further: Vec<_> = further.flatten().cloned().collect();
                others.extend(further);
            }
            if hands == before {
                break;
            }
        }
        hands
    }

    /// Whether every account is in its owner's hands.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids of those who have this account in their hands, beside its owner.
    pub fn of(&self, account: &str) -> impl Iterator<Item = &str> {
        self.0
            .get(account)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Whether one person may be behind both accounts.
    pub fn may_be_one(&self, one: &str, other: &str) -> bool {
        if one == other {
            return true;
        }
        let (of_one, of_other) = (self.0.get(one), self.0.get(other));
        let has = |hands: Option<&BTreeSet<String>>, by| hands.is_some_and(|all| all.contains(by));
        has(of_one, other)
            || has(of_other, one)
            || matches!((of_one, of_other), (Some(one), Some(other)) if !one.is_disjoint(other))
    }

    /// How many people are behind these accounts at least.
    pub fn people<'a>(&self, accounts: impl IntoIterator<Item = &'a str>) -> usize {
        let mut people: Vec<Vec<&str>> = Vec::new();
        for account in accounts {
            // All that this account may be one with become one, itself among them.
            let is_one =
                |person: &Vec<&str>| person.iter().any(|other| self.may_be_one(account, other));
            let (same, mut rest): (Vec<_>, Vec<_>) = people.into_iter().partition(is_one);
            let mut one = same.concat();
            one.push(account);
            rest.push(one);
            people = rest;
        }
        people.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_in_anothers_hands_is_not_another_person() {
        let hands = Hands::new([("puppet", "adm"), ("other", "adm"), ("ben", "eve")]);
        for (one, other, same) in [
            ("puppet", "adm", true),
            ("adm", "puppet", true),
            ("puppet", "other", true),
            ("puppet", "puppet", true),
            ("puppet", "ben", false),
            ("adm", "ben", false),
            ("eve", "ben", true),
            ("eve", "adm", false),
        ] {
            assert_eq!(hands.may_be_one(one, other), same, "{one} and {other}");
        }
        assert_eq!(hands.people(["puppet", "other", "adm"]), 1);
        assert_eq!(hands.people(["puppet", "ben", "zoe"]), 3);
        assert_eq!(hands.people(["puppet", "ben", "eve", "adm"]), 2);
        assert_eq!(Hands::default().people(["a", "b", "b"]), 2);
    }

    #[test]
    fn hands_reach_through_other_administrators() {
        let hands = Hands::new([("second", "adm"), ("third", "second"), ("ap", "third")]);
        assert!(hands.may_be_one("ap", "adm"));
        assert_eq!(
            hands.of("ap").collect::<Vec<_>>(),
            ["adm", "second", "third"]
        );
        // In a circle nobody is apart, and it ends.
        let circle = Hands::new([("a", "b"), ("b", "c"), ("c", "a")]);
        assert_eq!(circle.people(["a", "b", "c"]), 1);
    }

    #[test]
    fn one_account_between_two_makes_the_three_one() {
        // Both administrators had it: nobody can say which of them it is.
        let hands = Hands::new([("between", "anna"), ("between", "carl")]);
        assert_eq!(hands.people(["anna", "carl"]), 2);
        assert_eq!(hands.people(["anna", "carl", "between"]), 1);
        assert_eq!(hands.people(["between", "carl", "anna"]), 1);
    }

    #[test]
    fn nothing_is_written_of_accounts_in_their_owners_hands() {
        let hands = Hands::new([("anna", "anna"), ("ben", "")]);
        assert!(hands.is_empty());
        assert_eq!(serde_json::to_string(&hands).unwrap(), "{}");
    }
}
