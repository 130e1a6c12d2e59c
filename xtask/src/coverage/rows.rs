//! The tables: requirements with their levels, and exceptions with their reasons.

use std::collections::BTreeMap;

/// How binding a row is for a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Also a duty of the issuer that the wallet relies on, `MUST*`.
    Must,
    Should,
    May,
    /// No requirement of a specification: a note of our own, or a remark.
    Note,
}

impl Level {
    fn read(text: &str) -> Option<Self> {
        match text.trim_end_matches('*') {
            "MUST" => Some(Self::Must),
            "SHOULD" => Some(Self::Should),
            "MAY" => Some(Self::May),
            "–" => Some(Self::Note),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
            Self::Note => "note",
        }
    }
}

/// One requirement.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) level: Level,
    pub(crate) text: String,
}

/// Requirements that are counted together.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

/// Reads a list of requirements. Tables whose second column is no level hold notes, and make a list
/// of their own.
pub(crate) fn read(name: &str, text: &str) -> Result<Vec<List>, String> {
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    let mut has_levels = true;
    for line in text.lines() {
        let Some(cells) = cells(line) else { continue };
        match cells.as_slice() {
            ["ID", second, ..] => has_levels = *second == "Level",
            [id, level, text, ..] if is_id(id) && has_levels => {
                let level = Level::read(level).ok_or_else(|| format!("{id} has no level that is known: {level}"))?;
                rows.push(Row { id: String::from(*id), level, text: String::from(*text) });
            }
            [id, text, ..] if is_id(id) => {
                notes.push(Row { id: String::from(*id), level: Level::Note, text: String::from(*text) });
            }
            _ => {}
        }
    }
    if rows.is_empty() {
        return Err(String::from("holds no row"));
    }
    let mut ids: Vec<&str> = rows.iter().chain(&notes).map(|row| row.id.as_str()).collect();
    ids.sort_unstable();
    if let Some([twice, ..]) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("has {twice} twice"));
    }
    let mut lists = vec![List { name: String::from(name), rows }];
    if !notes.is_empty() {
        lists.push(List { name: format!("{name} notes"), rows: notes });
    }
    Ok(lists)
}

/// Reads the table `| ID | why not |`. A row without a reason is no exception but an excuse.
pub(crate) fn exceptions(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    let mut inside = false;
    for line in text.lines() {
        let Some(cells) = cells(line) else {
            inside = false;
            continue;
        };
        match cells.as_slice() {
            ["ID", "why not"] => inside = true,
            [id, why] if inside && is_id(id) => {
                if why.is_empty() {
                    return Err(format!("{id} has no reason"));
                }
                if found.insert(String::from(*id), String::from(*why)).is_some() {
                    return Err(format!("{id} stands there twice"));
                }
            }
            [id, ..] if inside && !id.starts_with('-') => return Err(format!("`{id}` is no requirement's ID")),
            _ => {}
        }
    }
    Ok(found)
}

/// The cells of a line of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// `OFFER-01`: capitals, a hyphen, two digits.
pub(crate) fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(series, number)| {
        !series.is_empty()
            && series.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.len() == 2
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::{Level, exceptions, is_id, read};

    #[test]
    fn rows_have_levels_and_notes_have_none() {
        let text = "# Title\n| ID | Level | Requirement | x |\n|---|---|---|---|\n\
            | A-01 | MUST* | one | x |\n| A-02 | MAY | two | x |\n| HAIP-31 | – | three | x |\n\
            ## 21 Notes\n| ID | Note | x | y |\n|---|---|---|---|\n| A-03 | four | x | y |\n";
        let lists = read("list", text).expect("a list");
        let rows: Vec<_> = lists[0].rows.iter().map(|row| (row.id.as_str(), row.level)).collect();
        assert_eq!(rows, [("A-01", Level::Must), ("A-02", Level::May), ("HAIP-31", Level::Note)]);
        assert_eq!(lists[1].name, "list notes");
        assert_eq!((lists[1].rows[0].id.as_str(), lists[1].rows[0].text.as_str()), ("A-03", "four"));
        assert!(read("list", "nothing").is_err());
        assert!(read("list", &text.replace("MAY", "MIGHT")).is_err());
        assert!(read("list", &text.replace("A-03", "A-01")).is_err());
    }

    #[test]
    fn exceptions_need_a_reason() {
        let table = |rows: &str| format!("text\n\n| ID | why not |\n|---|---|\n{rows}\n\n| ID | other |\n| X | y |\n");
        let found = exceptions(&table("| A-01 | no such suite |\n| A-02 | not here |")).expect("two exceptions");
        assert_eq!(found.len(), 2);
        assert_eq!(found["A-01"], "no such suite");
        assert!(exceptions(&table("| A-01 | |")).is_err());
        assert!(exceptions(&table("| A-01 | x |\n| A-01 | y |")).is_err());
        assert!(exceptions(&table("| A-1 | x |")).is_err());
    }

    #[test]
    fn ids_have_one_form() {
        assert!(is_id("OFFER-01") && is_id("HAIP-33"));
        for wrong in ["offer-01", "OFFER-1", "OFFER-001", "OFFER01", "-01", "OFFER-0x", ""] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }
}
