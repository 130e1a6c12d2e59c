//! Holds `docs/vectors.md` to the index of the foreign vectors: no file is forgotten, and what is said to be
//! asserted names tests that exist and read that folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::verify::testing::vectors;

/// A line of a table: which files, and what is said about them.
struct Line {
    section: String,
    pattern: String,
    said: String,
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first and the second cell of a table's line; none for its head.
fn cells(line: &str) -> Option<(&str, &str)> {
    let (first, rest) = line.strip_prefix('|')?.split_once('|')?;
    let cells = (first.trim(), rest.trim().trim_end_matches('|').trim());
    (first.contains('/') && !first.contains("---")).then_some(cells)
}

fn rows(index: &str) -> Vec<&str> {
    index.lines().filter_map(cells).map(|(file, _)| file).collect()
}

fn lines(page: &str) -> Vec<Line> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.to_owned();
        } else if let Some((pattern, said)) = cells(line) {
            let pattern = pattern.trim_matches('`').to_owned();
            lines.push(Line { section: section.clone(), pattern, said: said.to_owned() });
        }
    }
    lines
}

/// Whether a path is one of a pattern's: `*` stands for characters of one name, `**` for those of several.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == path };
    let Some(rest) = path.strip_prefix(before) else { return false };
    let (after, across) = after.strip_prefix('*').map_or((after, false), |after| (after, true));
    let ends = (0..=rest.len()).filter(|end| rest.is_char_boundary(*end));
    ends.take_while(|end| across || !rest[..*end].contains('/')).any(|end| fits(after, &rest[end..]))
}

#[test]
fn stars_stand_for_names() {
    assert!(fits("a/*.json", "a/b.json") && fits("a/**", "a/b/c.json") && fits("**/c-*-d", "a/b/c-x-d"));
    assert!(fits("a/b.json", "a/b.json") && fits("a/*", "a/") && fits("a/b*c*", "a/bxcx"));
    assert!(!fits("a/*.json", "a/b/c.json") && !fits("a/*", "b/a") && !fits("a/b", "a/bc"));
}

fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("tests")];
    let mut found = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = read(&path);
                found.insert(path, text);
            }
        }
    }
    found
}

#[test]
fn every_row_of_the_index_has_its_place() {
    let Some(folder) = vectors("") else { return };
    let index = read(&folder.join("INDEX.md"));
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/vectors.md"));
    let (rows, lines) = (rows(&index), lines(&page));
    assert!(rows.len() > 400, "{}", rows.len());
    let mut problems = BTreeSet::new();
    let mut used = vec![false; lines.len()];
    for row in &rows {
        let section = row.split('/').next().expect("a folder");
        let place = lines.iter().position(|line| line.section == section && fits(&line.pattern, row));
        match place {
            Some(place) => used[place] = true,
            None => {
                problems.insert(format!("{row}: in no line of the section `{section}`"));
            }
        }
    }
    let sources = sources();
    for (line, used) in lines.iter().zip(used) {
        let Line { section, pattern, said } = line;
        if !used {
            problems.insert(format!("{pattern}: there for nothing"));
        }
        if let Some(reason) = said.strip_prefix("left out:") {
            if reason.trim().len() < 10 {
                problems.insert(format!("{pattern}: left out without a reason"));
            }
            continue;
        }
        // What follows a colon is a remark.
        let tests = said.split(": ").next().unwrap_or_default();
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            problems.insert(format!("{pattern}: neither asserted by a test nor left out"));
        }
        for name in named {
            let is_its = |text: &&String| text.contains(&format!("fn {name}("));
            let files: Vec<_> = sources.values().filter(is_its).collect();
            if files.is_empty() {
                problems.insert(format!("{pattern}: there is no test `{name}`"));
            } else if !files.iter().any(|text| text.contains(&format!("vectors(\"{section}"))) {
                problems.insert(format!("{pattern}: `{name}` does not read the folder `{section}`"));
            }
        }
    }
    let problems: Vec<_> = problems.into_iter().collect();
    assert!(problems.is_empty(), "docs/vectors.md and the index:\n{}", problems.join("\n"));
}
