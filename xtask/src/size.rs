//! `cargo xtask size`: what an app has to carry, and how much code there is.

use std::fs;
use std::path::Path;

use crate::workspace;

/// The folders whose Rust code is counted, each with what it is called.
const COUNTED: &[(&str, &str)] = &[
    ("src", "library"),
    ("bindings/ffi", "border to Kotlin and Swift"),
    ("tests", "tests and test issuer"),
    ("examples", "examples"),
];

/// Builds the library as it ships in a phone, then prints its size and the line counts.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no argument, got `{unknown}`"));
    }
    workspace::run(&mut workspace::cargo(&["build", "--package", "billfold-ffi", "--lib", "--profile", "mobile"]))?;
    let library = workspace::target().join("mobile").join(workspace::dynamic_library("billfold_ffi"));
    let bytes = fs::metadata(&library).map_err(|error| format!("{}: {error}", library.display()))?.len();
    println!("billfold-ffi, profile mobile, stripped: {bytes} bytes ({})", mebibytes(bytes));
    println!("Rust lines that are not blank:");
    for (folder, what) in COUNTED {
        let lines = lines_below(&workspace::root().join(folder))?;
        println!("  {folder:<14} {lines:>7}  {what}");
    }
    Ok(())
}

/// The size in MiB with two places, rounded, without a detour over floating point.
fn mebibytes(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    let hundredths = (bytes * 100 + MIB / 2) / MIB;
    format!("{}.{:02} MiB", hundredths / 100, hundredths % 100)
}

/// Lines that are not blank in every Rust file below the folder; none if there is no such folder.
fn lines_below(folder: &Path) -> Result<usize, String> {
    if !folder.exists() {
        return Ok(0);
    }
    let shown = |error| format!("{}: {error}", folder.display());
    let mut lines = 0;
    for entry in fs::read_dir(folder).map_err(shown)? {
        let path = entry.map_err(shown)?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                lines += lines_below(&path)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            lines += text.lines().filter(|line| !line.trim().is_empty()).count();
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::mebibytes;

    #[test]
    fn sizes_are_rounded_to_hundredths() {
        assert_eq!(mebibytes(0), "0.00 MiB");
        assert_eq!(mebibytes(1 << 20), "1.00 MiB");
        assert_eq!(mebibytes(5_500_000), "5.25 MiB");
    }
}
