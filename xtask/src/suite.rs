//! Test runners: running one, and reading from its output how many tests there were.

use std::fmt;
use std::ops::AddAssign;
use std::process::Command;

use crate::workspace;

/// What a test runner said of one suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Left out by the runner, on the word of the test itself.
    pub(crate) ignored: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.ignored > 0 {
            write!(formatter, ", {} ignored", self.ignored)?;
        }
        Ok(())
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// How a suite ended: what was counted, and what is wrong with it, if anything is.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) problem: Option<String>,
    /// Why it could not be run, where that is no fault of the code.
    pub(crate) not_run: Option<&'static str>,
}

/// Reads the counts out of a runner's output.
pub(crate) type Reader = fn(&[String]) -> Counts;

/// Runs a test runner. One that broke off, or ran no test at all, has a problem too.
pub(crate) fn run(command: &mut Command, reader: Reader) -> Result<Outcome, String> {
    let (status, lines) = workspace::watch(command)?;
    let counts = reader(&lines);
    let shown = workspace::describe(command);
    let problem = if counts.failed > 0 {
        Some(format!("`{shown}`: {} failed", counts.failed))
    } else if !status.success() {
        Some(format!("`{shown}` broke off ({status})"))
    } else if counts.passed == 0 {
        Some(format!("`{shown}` ran no test"))
    } else {
        None
    };
    Ok(Outcome { counts, problem, not_run: None })
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`, one line a test binary. A test that found its foreign
/// data missing says `skipped: …` and passes; it is counted among those that were left out.
pub(crate) fn cargo(lines: &[String]) -> Counts {
    let mut counts = Counts::default();
    for line in lines.iter().filter(|line| line.starts_with("test result: ")) {
        counts += Counts {
            passed: number_before(line, " passed;"),
            failed: number_before(line, " failed;"),
            ignored: number_before(line, " ignored;"),
        };
    }
    let skipped = lines.iter().filter(|line| line.starts_with("skipped: ")).count();
    counts.passed = counts.passed.saturating_sub(skipped);
    counts.ignored += skipped;
    counts
}

/// `Tests run: 5, Failures: 0, Errors: 0, Skipped: 1`, one line a module; the lines of the single
/// classes say how long they took and are passed over.
pub(crate) fn surefire(lines: &[String]) -> Counts {
    let mut counts = Counts::default();
    for line in lines.iter().filter(|line| line.contains("Tests run: ") && !line.contains("Time elapsed")) {
        let run = number_after(line, "Tests run: ");
        let failed = number_after(line, "Failures: ") + number_after(line, "Errors: ");
        let ignored = number_after(line, "Skipped: ");
        counts += Counts { passed: run.saturating_sub(failed + ignored), failed, ignored };
    }
    counts
}

/// Swift runs two libraries one after the other. `XCTest` ends with `Executed 3 tests, with 1 test
/// skipped and 0 failures`, where a failure is one assertion; Swift Testing ends with `Test run with 4
/// tests passed`, or `failed`. How many tests failed is counted from the line that each one gets.
pub(crate) fn swift(lines: &[String]) -> Counts {
    let count = |wanted: fn(&str) -> bool| lines.iter().filter(|line| wanted(line)).count();
    let mut counts = Counts::default();

    // Every enclosing suite repeats the sum; the last line is that of the outermost.
    if let Some(line) = lines.iter().rev().find(|line| line.trim_start().starts_with("Executed ")) {
        let run = number_after(line, "Executed ");
        let failed = count(|line| line.starts_with("Test Case '") && line.contains("' failed ("));
        let ignored = number_before(line, " skipped").max(count(|line| line.contains("' skipped (")));
        counts += Counts { passed: run.saturating_sub(failed + ignored), failed, ignored };
    }
    let ending = lines.iter().rev().filter_map(|line| swift_testing(line)).find(|line| line.starts_with("run with "));
    if let Some(line) = ending {
        let run = number_after(line, "run with ");
        let of_tests = |wanted: &str| {
            lines
                .iter()
                .filter_map(|line| swift_testing(line))
                .filter(|line| !line.starts_with("run with ") && line.contains(wanted))
                .count()
        };
        let (failed, ignored) = (of_tests(" failed after "), of_tests(" skipped"));
        counts += Counts { passed: run.saturating_sub(failed + ignored), failed, ignored };
    }
    counts
}

/// What Swift Testing says of a test: such a line begins with a symbol and the word `Test`.
fn swift_testing(line: &str) -> Option<&str> {
    let symbol = line.chars().next().filter(|letter| !letter.is_ascii())?;
    line[symbol.len_utf8()..].trim_start().strip_prefix("Test ")
}

/// The number that stands right before the text; none is 0.
fn number_before(line: &str, text: &str) -> usize {
    let Some(end) = line.find(text) else { return 0 };
    // Swift says "1 test skipped": the number may be a word away.
    line[..end]
        .rsplit(|letter: char| !letter.is_ascii_alphanumeric())
        .take(2)
        .find_map(|word| word.parse().ok())
        .unwrap_or(0)
}

/// The number that stands right after the text; none is 0.
fn number_after(line: &str, text: &str) -> usize {
    let Some(start) = line.find(text) else { return 0 };
    let rest = &line[start + text.len()..];
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Counts, cargo, surefire, swift};

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(String::from).collect()
    }

    #[test]
    fn cargo_binaries_are_summed() {
        let output = lines(
            "running 2 tests\n\
             test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
             test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        assert_eq!(cargo(&output), Counts { passed: 15, failed: 2, ignored: 1 });
        assert_eq!(cargo(&lines("error: could not compile")), Counts::default());
        let output =
            lines("skipped: a::b: no test vectors\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured");
        assert_eq!(cargo(&output), Counts { passed: 1, failed: 0, ignored: 1 });
    }

    #[test]
    fn surefire_classes_are_not_counted_twice() {
        let output = lines(
            "[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s - in dev.billfold.ATest\n\
             [ERROR] Tests run: 3, Failures: 1, Errors: 1, Skipped: 1, Time elapsed: 0.1 s <<< FAILURE! - in dev.B\n\
             [ERROR] Tests run: 7, Failures: 1, Errors: 1, Skipped: 1",
        );
        assert_eq!(surefire(&output), Counts { passed: 4, failed: 2, ignored: 1 });
    }

    #[test]
    fn both_swift_libraries_are_summed() {
        let output = lines(
            "Test Case 'X.testA' passed (0.001 seconds)\n\
             /src/A.swift:10: error: X.testB : XCTAssertTrue failed - \n\
             Test Case 'X.testB' failed (0.0 seconds)\n\
             /src/A.swift:11: X.testC : Test skipped - no\n\
             Test Case 'X.testC' skipped (0.0 seconds)\n\
             \t Executed 3 tests, with 1 test skipped and 2 failures (0 unexpected) in 0.001 (0.001) seconds\n\
             Test Suite 'All tests' failed at 2026-01-01 11:45:44.593\n\
             \t Executed 3 tests, with 1 test skipped and 2 failures (0 unexpected) in 0.001 (0.001) seconds\n\
             ◇ Test run started.\n\
             ✘ Test off() skipped: \"why\"\n\
             ◇ Passing 1 argument n → 1 to many(n:)\n\
             ✘ Test bad() recorded an issue at A.swift:4:20: Expectation failed: 1 == 2\n\
             ✔ Test good() passed after 0.001 seconds.\n\
             ✘ Test bad() failed after 0.001 seconds with 1 issue.\n\
             ✘ Test many(n:) failed after 0.001 seconds with 1 issue.\n\
             ✘ Test inside() failed after 0.001 seconds with 1 issue.\n\
             ✘ Suite S failed after 0.001 seconds with 1 issue.\n\
             ✘ Test run with 5 tests failed after 0.001 seconds with 3 issues.",
        );
        assert_eq!(swift(&output), Counts { passed: 2, failed: 4, ignored: 2 });
    }

    #[test]
    fn one_swift_library_is_enough() {
        let output = lines(
            "\t Executed 0 tests, with 0 failures (0 unexpected) in 0.0 (0.0) seconds\n\
             ✔ Test run with 4 tests passed after 0.004 seconds.",
        );
        assert_eq!(swift(&output), Counts { passed: 4, failed: 0, ignored: 0 });
    }
}
