//! `cargo xtask coverage`: which requirements of the specifications have a test.
//!
//! The requirements are rows of two tables outside the repository; a test names those that it proves
//! in a comment right above it, see [`claims`]. What no test can prove stands with its reason in
//! `docs/conformance.md`.

mod claims;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use claims::Claim;
use rows::{Level, List, Row};

use crate::suite::Outcome;
use crate::workspace;

/// What is read below the folder with the lists, and how each is called in the summary.
const LISTS: [(&str, &str); 2] = [("spec/requirements.md", "requirements"), ("spec/haip.md", "haip")];

/// Where exceptions are written down.
const EXCEPTIONS: &str = "docs/conformance.md";

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (mut allow_missing, mut show) = (false, false);
    for argument in arguments {
        match argument.as_str() {
            "--allow-missing" => allow_missing = true,
            "--list" => show = true,
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    let Some(lists) = lists()? else {
        println!("{}", absent());
        return if allow_missing { Ok(()) } else { Err(String::from("no requirements to hold the tests against")) };
    };
    let report = report(&lists)?;
    if show {
        report.show();
    }
    report.judge()
}

/// The same as a step of the check. Without the lists there is nothing to hold the tests against,
/// which is no fault of the code; `.ci/run` sets `CI`, and there it is one.
pub(crate) fn step() -> Result<Outcome, String> {
    match lists()? {
        Some(lists) => report(&lists)?.judge().map(|()| Outcome::default()),
        None if std::env::var_os("CI").is_some() => Err(absent()),
        None => {
            println!("{}", absent());
            Ok(Outcome { not_run: Some("there are no lists of requirements here"), ..Outcome::default() })
        }
    }
}

/// The folder that holds the lists: the one that is named, or the one beside the repository.
fn folder() -> PathBuf {
    std::env::var_os("BILLFOLD_VECTORS").map_or_else(|| workspace::root().join("../shared"), PathBuf::from)
}

fn absent() -> String {
    let names = LISTS.map(|(file, _)| file).join(" and ");
    format!("{} has no {names}: set BILLFOLD_VECTORS to the folder that has them", folder().display())
}

/// All lists, or nothing where the folder does not have them.
fn lists() -> Result<Option<Vec<List>>, String> {
    let mut lists = Vec::new();
    for (file, name) in LISTS {
        let path = folder().join(file);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        lists.extend(rows::read(name, &text).map_err(|problem| format!("{}: {problem}", path.display()))?);
    }
    Ok(Some(lists))
}

fn report(lists: &[List]) -> Result<Report, String> {
    let (claims, mut problems) = claims::of_the_work_tree()?;
    let path = workspace::root().join(EXCEPTIONS);
    let text = fs::read_to_string(&path).map_err(|error| format!("{EXCEPTIONS}: {error}"))?;
    let exceptions = rows::exceptions(&text).unwrap_or_else(|problem| {
        problems.push(format!("{EXCEPTIONS}: {problem}"));
        BTreeMap::new()
    });
    Ok(compare(lists, claims, &exceptions, problems))
}

/// What the comparison found.
#[derive(Debug, Default)]
struct Report {
    /// One line a list.
    counts: Vec<String>,
    /// Rows that nobody claims, in their order.
    missing: Vec<Row>,
    problems: Vec<String>,
    claims: Vec<(Row, Vec<Claim>)>,
}

/// Holds the tests and the exceptions against the lists.
fn compare(lists: &[List], claims: Vec<Claim>, exceptions: &BTreeMap<String, String>, problems: Vec<String>) -> Report {
    let mut report = Report { problems, ..Report::default() };
    let known: BTreeSet<&str> = lists.iter().flat_map(|list| &list.rows).map(|row| row.id.as_str()).collect();
    let mut by_id: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        if known.contains(claim.id.as_str()) {
            by_id.entry(claim.id.clone()).or_default().push(claim);
        } else {
            report.problems.push(format!("{}: there is no requirement {}", claim.place, claim.id));
        }
    }
    for id in exceptions.keys().filter(|id| !known.contains(id.as_str())) {
        report.problems.push(format!("{EXCEPTIONS}: there is no requirement {id}"));
    }
    for list in lists {
        let (mut claimed, mut by_name) = (0, Vec::new());
        for row in &list.rows {
            let tests = by_id.remove(&row.id).unwrap_or_default();
            let excepted = exceptions.contains_key(&row.id);
            match (tests.first(), excepted) {
                (Some(test), true) => {
                    report.problems.push(format!("{EXCEPTIONS}: {} has a test, {}", row.id, test.place));
                }
                (None, true) if row.level == Level::Must => {
                    report.problems.push(format!("{EXCEPTIONS}: {} is a MUST, a test has to prove it", row.id));
                }
                (None, true) => by_name.push(row.id.clone()),
                (None, false) => report.missing.push(row.clone()),
                (Some(_), false) => {}
            }
            claimed += usize::from(!tests.is_empty());
            report.claims.push((row.clone(), tests));
        }
        let mut line = format!("{}: {claimed}/{} rows claimed", list.name, list.rows.len());
        if !by_name.is_empty() {
            let names = by_name.join(", ");
            write!(line, " and {} by name ({names})", by_name.len()).expect("a String takes every write");
        }
        report.counts.push(line);
    }
    report
}

impl Report {
    /// Each row with its tests.
    fn show(&self) {
        for (row, claims) in &self.claims {
            let places: Vec<&str> = claims.iter().map(|claim| claim.place.as_str()).collect();
            println!("{:<9} {:<7} {}", row.id, row.level.as_str(), places.join("  "));
        }
    }

    /// Says what is missing or wrong, then the counts.
    fn judge(&self) -> Result<(), String> {
        for row in &self.missing {
            println!("no test: {} ({}): {}", row.id, row.level.as_str(), row.text);
        }
        for problem in &self.problems {
            println!("{problem}");
        }
        println!("{}", self.counts.join(", "));
        if self.missing.is_empty() && self.problems.is_empty() {
            return Ok(());
        }
        Err(format!("{} rows without a test, {} wrong claims", self.missing.len(), self.problems.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Claim, Report, compare, rows};

    const LIST: &str = "## 1 One\n\
        | ID | Level | Requirement | Where | Test |\n|---|---|---|---|---|\n\
        | A-01 | MUST | first | 1 | x |\n| A-02 | SHOULD | second | 1 | x |\n| A-03 | MUST* | third | 1 | x |\n\
        ## 21 Engineering notes\n| ID | Note | Related | Test |\n|---|---|---|---|\n| A-04 | fourth | 1 | x |\n";

    fn report(claimed: &[&str], excepted: &[&str]) -> Report {
        let lists = rows::read("requirements", LIST).expect("a list");
        let claim = |id: &&str| Claim { id: String::from(*id), place: String::from("src/x.rs:1") };
        let except = |id: &&str| (String::from(*id), String::from("why"));
        let exceptions: BTreeMap<_, _> = excepted.iter().map(except).collect();
        compare(&lists, claimed.iter().map(claim).collect(), &exceptions, Vec::new())
    }

    #[test]
    fn all_claimed_is_well() {
        let all = report(&["A-01", "A-02", "A-03", "A-04", "A-01"], &[]);
        assert!(all.judge().is_ok());
        assert_eq!(all.counts, ["requirements: 3/3 rows claimed", "requirements notes: 1/1 rows claimed"]);
    }

    #[test]
    fn exceptions_count_by_name_and_never_for_a_must() {
        let named = report(&["A-01", "A-03"], &["A-02", "A-04"]);
        assert!(named.judge().is_ok());
        assert_eq!(named.counts[0], "requirements: 2/3 rows claimed and 1 by name (A-02)");
        for must in ["A-01", "A-03"] {
            let rest: Vec<&str> = ["A-01", "A-02", "A-03", "A-04"].into_iter().filter(|id| *id != must).collect();
            let excepted = report(&rest, &[must]);
            assert_eq!(excepted.problems, [format!("docs/conformance.md: {must} is a MUST, a test has to prove it")]);
            assert!(excepted.judge().is_err());
        }
    }

    #[test]
    fn what_is_missing_unknown_or_outdated_fails() {
        let missing = report(&["A-01", "A-02", "A-03"], &[]);
        assert_eq!(missing.missing.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["A-04"]);
        assert!(missing.judge().is_err());
        let unknown = report(&["A-01", "A-02", "A-03", "A-04", "A-05"], &[]);
        assert_eq!(unknown.problems, ["src/x.rs:1: there is no requirement A-05"]);
        let unknown = report(&["A-01", "A-02", "A-03", "A-04"], &["B-01"]);
        assert_eq!(unknown.problems, ["docs/conformance.md: there is no requirement B-01"]);
        let outdated = report(&["A-01", "A-02", "A-03", "A-04"], &["A-02"]);
        assert_eq!(outdated.problems, ["docs/conformance.md: A-02 has a test, src/x.rs:1"]);
    }
}
