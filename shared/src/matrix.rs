//! Checks of a result as a matrix: what must be true of each part of the target, part by part, and what must be true of
//! all of them. Rows and columns are known before anything is checked, and keep their order.

use crate::finding::{Check, Outcome};

/// What will be checked, as far as the plan says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The parts, in the plan's order.
    pub parts: Vec<String>,
    /// What must be true of each part.
    pub of_parts: Vec<String>,
    /// What must be true of all of them together.
    pub of_all: Vec<String>,
}

/// The checks in their places; `None` where nothing was checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The columns' names.
    pub parts: Vec<String>,
    /// A row for each check of parts: its name, and a cell for each column.
    pub rows: Vec<(String, Vec<Option<Check>>)>,
    /// The checks of all parts together.
    pub of_all: Vec<(String, Option<Check>)>,
}

impl Matrix {
    /// Puts checks in their places. Those that were not expected come last.
    pub fn of(expected: &Expected, checks: &[Check]) -> Self {
        let mut parts = expected.parts.clone();
        let (mut rows, mut of_all) = (expected.of_parts.clone(), expected.of_all.clone());
        for check in checks {
            let names = match &check.part {
                Some(part) => {
                    add(&mut parts, part);
                    &mut rows
                }
                None => &mut of_all,
            };
            add(names, &check.name);
        }
        let find = |name: &str, part: Option<&str>| {
            let same = |c: &&Check| c.name == name && c.part.as_deref() == part;
            checks.iter().find(same).cloned()
        };
        Self {
            rows: rows
                .into_iter()
                .map(|name| {
                    let cells = parts.iter().map(|part| find(&name, Some(part)));
                    let cells = cells.collect();
                    (name, cells)
                })
                .collect(),
            of_all: of_all
                .into_iter()
                .map(|name| {
                    let check = find(&name, None);
                    (name, check)
                })
                .collect(),
            parts,
        }
    }

    /// All checks, row by row, each row in the order of the columns, and then those of all parts.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        let rows = self.rows.iter().flat_map(|(_, cells)| cells).flatten();
        rows.chain(self.of_all.iter().filter_map(|(_, check)| check.as_ref()))
    }

    /// How many checks there will be, and how many have come out like this.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks().filter(|c| c.outcome == outcome).count()
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.rows.len() * self.parts.len() + self.of_all.len()
    }
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_plans_whatever_order_the_checks_come_in() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let expected = Expected {
            parts: names(&["n1", "n2"]),
            of_parts: names(&["opens", "boots"]),
            of_all: names(&["leader"]),
        };
        let empty = Matrix::of(&expected, &[]);
        assert_eq!((empty.places(), empty.checks().count()), (5, 0));
        let checks = [
            Check::new("opens", Outcome::Fail, "").of_part("n2"),
            Check::new("odd", Outcome::Pass, ""),
            Check::new("opens", Outcome::Pass, "").of_part("n1"),
        ];
        let matrix = Matrix::of(&expected, &checks);
        assert_eq!(matrix.parts, ["n1", "n2"]);
        let said = |cells: &[Option<Check>]| -> Vec<_> {
            cells
                .iter()
                .map(|c| c.as_ref().map(|c| c.outcome))
                .collect()
        };
        assert_eq!(matrix.rows[0].0, "opens");
        assert_eq!(
            said(&matrix.rows[0].1),
            [Some(Outcome::Pass), Some(Outcome::Fail)]
        );
        assert_eq!(said(&matrix.rows[1].1), [None, None]);
        assert_eq!(matrix.of_all[0], ("leader".to_owned(), None));
        assert_eq!(matrix.of_all[1].0, "odd");
        assert_eq!(matrix.count(Outcome::Pass), 2);
        let order: Vec<_> = matrix.checks().map(Check::full_name).collect();
        assert_eq!(order, ["n1: opens", "n2: opens", "odd"]);
    }
}
