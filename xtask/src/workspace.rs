//! Where things are in the work tree, and how tasks run other programs in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The root of the work tree.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies one level below the root")
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A command that runs at the root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The cargo that runs this task.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var("CARGO").unwrap_or_else(|_| String::from("cargo"));
    command(&program, arguments)
}

/// Runs the command to its end, its output shown as it comes.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown = describe(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}`: {status}")),
        Err(error) => Err(format!("`{shown}` did not start: {error}")),
    }
}

/// Runs the command to its end, its output shown as it comes, and also returns the lines of both
/// streams without terminal colours.
pub(crate) fn watch(command: &mut Command) -> Result<(ExitStatus, Vec<String>), String> {
    watch_for(command, Duration::MAX)
}

/// The same, for so long at most; then the command is stopped, which is an error.
pub(crate) fn watch_for(command: &mut Command, limit: Duration) -> Result<(ExitStatus, Vec<String>), String> {
    let shown = describe(command);
    let failed = |error| format!("`{shown}` did not run: {error}");
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let output = child.stdout.take().expect("stdout is piped");
    let errors = child.stderr.take().expect("stderr is piped");
    let output = thread::spawn(move || echo(output, &mut std::io::stdout()));
    let errors = thread::spawn(move || echo(errors, &mut std::io::stderr()));
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if begin.elapsed() > limit {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Err(format!("`{shown}` was not done after {} s", limit.as_secs()));
        }
        thread::sleep(Duration::from_millis(20));
    };
    let mut lines = output.join().expect("a reader of lines does not panic");
    lines.extend(errors.join().expect("a reader of lines does not panic"));
    Ok((status, lines))
}

/// Copies what comes, line by line, and keeps it.
fn echo(from: impl Read, to: &mut impl Write) -> Vec<String> {
    let mut from = BufReader::new(from);
    let mut lines = Vec::new();
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        // Nobody may be listening any more; the command runs on all the same.
        let _ = to.write_all(&bytes).and_then(|()| to.flush());
        lines.push(plain(String::from_utf8_lossy(&bytes).trim_end()));
        bytes.clear();
    }
    lines
}

/// The text without escape sequences that colour it.
pub(crate) fn plain(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        let sequence = &rest[start + 2..];
        let end = sequence.find(|letter: char| letter.is_ascii_alphabetic());
        rest = end.map_or("", |end| &sequence[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

/// The command as one would type it.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let mut text = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// The name of a dynamic library on this system.
pub(crate) fn dynamic_library(name: &str) -> String {
    format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("test result: \u{1b}[32mok\u{1b}[m. 1 passed"), "test result: ok. 1 passed");
        assert_eq!(plain("\u{1b}[1;31mFAILED\u{1b}[0m"), "FAILED");
        assert_eq!(plain("no colour"), "no colour");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }
}
