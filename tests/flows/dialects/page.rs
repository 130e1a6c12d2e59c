//! What was found, as it stands in `docs/dialects.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use billfold_test_issuer::{By, Grant};

use super::absent::{ABSENCES, FORMATS, absent};
use super::counts::Count;
use super::holder::grant_name;
use super::table::Row;

const BEGIN: &str = "<!-- what follows is written by the test of the table -->\n";

/// The part of the page that is written by the test.
pub(super) fn page(rows: &[Row]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "## What each system gives\n\nBy value, by reference.\n");
    let _ = writeln!(text, "| system | grant | {} |", FORMATS.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(FORMATS.len()));
    for row in rows {
        for grant in [Grant::PreAuthorized, Grant::Code] {
            let cells: Vec<_> = FORMATS.iter().map(|format| cell(row, grant, format)).collect();
            let _ = writeln!(text, "| {} | {} | {} |", row.system.name, grant_name(grant), cells.join(" | "));
        }
    }
    let _ = writeln!(text, "\n`—` does not exist there:\n");
    for absence in ABSENCES {
        let _ = writeln!(text, "- {}: {}", absence.systems.join(", "), absence.because);
    }
    let _ = writeln!(text, "\n## Requests\n");
    let _ = writeln!(text, "| system | grant | first issuance | in vain | next issuance | in vain |");
    let _ = writeln!(text, "|---|---|---|---|---|---|");
    for row in rows {
        for (grant, counts) in &row.counts {
            let (Count { requests, fallbacks }, next) = (counts.first, counts.second);
            let grant = grant_name(*grant);
            let (more, vain) = (next.requests, next.fallbacks);
            let _ = writeln!(text, "| {} | {grant} | {requests} | {fallbacks} | {more} | {vain} |", row.system.name);
        }
    }
    let _ = writeln!(text, "\n## What is put up with\n");
    let _ = writeln!(text, "| system | `tolerated` |\n|---|---|");
    for row in rows {
        let names: Vec<_> = row.tolerated.iter().map(|one| format!("`{}`", one.as_str())).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let _ = writeln!(text, "| {} | {names} |", row.system.name);
    }
    text
}

fn cell(row: &Row, grant: Grant, format: &str) -> String {
    let ways = [(By::Value, "value"), (By::Reference, "reference")].map(|(by, way)| {
        match row.cells.get(&(grant_name(grant), format.to_owned(), way)) {
            Some(problems) if problems.is_empty() => "ok",
            Some(_) => "FAIL",
            None if absent(row.system.name, grant, format, by).is_some() => "—",
            None => "?",
        }
    });
    if ways == ["—", "—"] { "—".to_owned() } else { ways.join(" ") }
}

/// Whether the page in the repository says the same.
pub(super) fn check(found: &str) {
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dialects.md");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dialects.md");
    let text = fs::read_to_string(&page).expect("the page").replace("\r\n", "\n");
    let (before, written) = text.split_once(BEGIN).expect("the page has its mark");
    fs::write(&new, format!("{before}{BEGIN}\n{found}")).expect("written");
    assert!(written.trim() == found.trim(), "docs/dialects.md is out of date; as it should be: {}", new.display());
}
