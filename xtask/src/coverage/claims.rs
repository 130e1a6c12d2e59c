//! The claims: comments of the form `covers: ID, ID` after two slashes and a space, right above a test.

use std::fs;

use super::rows::is_id;
use crate::workspace;

/// Where tests are looked for.
const PLACES: [&str; 7] = ["src", "tests", "bindings/ffi", "examples", "xtask", "android", "ios"];

/// What a claim begins with.
const TAG: &str = "// covers: ";

/// A test says that it proves a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: String,
    /// File, line and name of the test.
    pub(crate) place: String,
}

/// The languages that tests are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Rust,
    Kotlin,
    Swift,
}

impl Language {
    fn of(file: &str) -> Option<Self> {
        match file.rsplit_once('.')?.1 {
            "rs" => Some(Self::Rust),
            "kt" => Some(Self::Kotlin),
            "swift" => Some(Self::Swift),
            _ => None,
        }
    }

    /// Whether the line is an attribute, which may stand between a claim and its function.
    fn is_attribute(self, line: &str) -> bool {
        match self {
            Self::Rust => line.starts_with("#["),
            // Swift writes some of them in the line of the function.
            Self::Kotlin | Self::Swift => line.starts_with('@') && self.function(line).is_none(),
        }
    }

    fn marks_a_test(self, line: &str) -> bool {
        let named = |mark: &str| {
            line.strip_prefix(mark).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        match self {
            Self::Rust => named("#[test") || named("#[tokio::test"),
            Self::Kotlin | Self::Swift => named("@Test"),
        }
    }

    /// A test that does not run by itself proves nothing.
    fn switches_off(self, line: &str) -> bool {
        match self {
            Self::Rust => line.contains("ignore"),
            Self::Kotlin => line.starts_with("@Ignore") || line.starts_with("@Disabled"),
            Self::Swift => line.contains(".disabled("),
        }
    }

    /// The name of the function that the line declares.
    fn function(self, line: &str) -> Option<&str> {
        let word = match self {
            Self::Rust => "fn ",
            Self::Kotlin => "fun ",
            Self::Swift => "func ",
        };
        let at = line.find(word)?;
        if !line[..at].is_empty() && !line[..at].ends_with(' ') {
            return None;
        }
        let rest = &line[at + word.len()..];
        let name = rest.split('(').next().unwrap_or_default().trim();
        (!name.is_empty()).then_some(name)
    }
}

/// All claims of the work tree, and what is wrong with how some were made.
pub(crate) fn of_the_work_tree() -> Result<(Vec<Claim>, Vec<String>), String> {
    let mut arguments = vec!["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"];
    arguments.extend(PLACES);
    let listed = workspace::command("git", &arguments).output().map_err(|error| format!("git did not run: {error}"))?;
    let (mut claims, mut problems) = (Vec::new(), Vec::new());
    let names = String::from_utf8_lossy(&listed.stdout);
    for file in names.split('\0') {
        let Some(language) = Language::of(file) else { continue };
        // Listed, but deleted and not yet committed.
        let Ok(text) = fs::read_to_string(workspace::root().join(file)) else { continue };
        read(file, language, &text, &mut claims, &mut problems);
    }
    if claims.is_empty() && problems.is_empty() {
        return Err(String::from("found no claim in any test; is this a git work tree?"));
    }
    Ok((claims, problems))
}

fn read(file: &str, language: Language, text: &str, claims: &mut Vec<Claim>, problems: &mut Vec<String>) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for (index, line) in lines.iter().enumerate() {
        let place = format!("{file}:{}", index + 1);
        let Some(ids) = line.strip_prefix(TAG) else {
            if is_nearly(line) {
                problems.push(format!("{place}: a claim is written `{TAG}ID, ID`"));
            }
            continue;
        };
        let test = match test_below(language, &lines[index + 1..]) {
            Ok(test) => test,
            Err(problem) => {
                problems.push(format!("{place}: {problem}"));
                continue;
            }
        };
        for id in ids.split(',').map(str::trim) {
            if is_id(id) {
                claims.push(Claim { id: String::from(id), place: format!("{place} {test}") });
            } else {
                problems.push(format!("{place}: `{id}` is no requirement's ID"));
            }
        }
    }
}

/// A comment that was meant to be a claim, most likely.
fn is_nearly(line: &str) -> bool {
    let Some(comment) = line.strip_prefix("//") else { return false };
    let words = comment.trim_start_matches('/').trim_start().to_ascii_lowercase();
    words.strip_prefix("covers").is_some_and(|rest| rest.trim_start().starts_with(':'))
}

/// The name of the test that begins in these lines.
fn test_below<'a>(language: Language, lines: &[&'a str]) -> Result<&'a str, String> {
    let mut is_test = false;
    for line in lines {
        if line.starts_with(TAG) {
            continue;
        }
        is_test |= language.marks_a_test(line);
        if language.switches_off(line) && (language.is_attribute(line) || is_test) {
            return Err(String::from("the test below is switched off"));
        }
        if language.is_attribute(line) {
            continue;
        }
        let Some(name) = language.function(line) else { break };
        // XCTest goes by the name alone.
        if is_test || (language == Language::Swift && name.starts_with("test")) {
            return Ok(name);
        }
        break;
    }
    Err(String::from("no test begins right below"))
}

#[cfg(test)]
mod tests {
    use super::{Language, TAG, read};

    /// The claims as `ID name`, and the problems. A `TAG` in the text stands for the real one, which
    /// must not begin a line here.
    fn of(language: Language, text: &str) -> (Vec<String>, Vec<String>) {
        let (mut claims, mut problems) = (Vec::new(), Vec::new());
        read("f", language, &text.replace("TAG ", TAG), &mut claims, &mut problems);
        let short = |place: &str| place.split(' ').skip(1).collect::<Vec<_>>().join(" ");
        (claims.into_iter().map(|claim| format!("{} {}", claim.id, short(&claim.place))).collect(), problems)
    }

    #[test]
    fn rust_tests_claim_by_attribute() {
        let (claims, problems) = of(
            Language::Rust,
            "/// Doc.\n  TAG A-01, A-02\n  #[test]\n  fn one() {}\n\n\
             TAG A-03\nTAG A-04\n#[tokio::test(flavor = \"multi_thread\")]\n#[cfg(unix)]\nasync fn two() {}\n",
        );
        assert_eq!(claims, ["A-01 one", "A-02 one", "A-03 two", "A-04 two"]);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn kotlin_and_swift_tests_claim_too() {
        let kotlin = "TAG A-01\n@Test\nfun `a thing happens`() = runBlocking {\n";
        assert_eq!(of(Language::Kotlin, kotlin).0, ["A-01 `a thing happens`"]);
        let xctest = "TAG A-01\n    func testOne() async throws {\n";
        assert_eq!(of(Language::Swift, xctest).0, ["A-01 testOne"]);
        let testing = "TAG A-01\n@Test(\"words\") func one() {\nTAG A-02\n@MainActor\n@Test\nfunc two() {\n";
        assert_eq!(of(Language::Swift, testing).0, ["A-01 one", "A-02 two"]);
    }

    #[test]
    fn a_claim_without_a_test_is_a_problem() {
        for (language, text) in [
            (Language::Rust, "TAG A-01\nfn helper() {}\n"),
            (Language::Rust, "TAG A-01\n\n#[test]\nfn far() {}\n"),
            (Language::Rust, "TAG A-01\n#[derive(Debug)]\nstruct NoTest;\n"),
            (Language::Rust, "TAG A-01\n#[test_case]\nfn other() {}\n"),
            (Language::Rust, "TAG A-01\n#[test]\n#[ignore = \"slow\"]\nfn off() {}\n"),
            (Language::Rust, "TAG A-01"),
            (Language::Kotlin, "TAG A-01\nfun helper() {\n"),
            (Language::Kotlin, "TAG A-01\n@Test\n@Ignore\nfun off() {\n"),
            (Language::Swift, "TAG A-01\nfunc helper() {\n"),
            (Language::Swift, "TAG A-01\n@Test(.disabled(\"x\")) func off() {\n"),
        ] {
            let (claims, problems) = of(language, text);
            assert_eq!((claims.len(), problems.len()), (0, 1), "{text}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_no_silent_loss() {
        for line in ["//covers: A-01", "// Covers: A-01", "/// covers: A-01", "// covers : A-01", "// covers:A-01"] {
            let (claims, problems) = of(Language::Rust, &format!("{line}\n#[test]\nfn one() {{}}\n"));
            assert_eq!((claims.len(), problems.len()), (0, 1), "{line}");
        }
        let (claims, problems) = of(Language::Rust, "TAG A-01 A-02, A-3\n#[test]\nfn one() {}\n");
        assert!(claims.is_empty());
        assert_eq!(problems, ["f:1: `A-01 A-02` is no requirement's ID", "f:1: `A-3` is no requirement's ID"]);
        assert!(of(Language::Rust, "let text = \"// covers: A-01\"; // covers what is below\n").1.is_empty());
    }
}
