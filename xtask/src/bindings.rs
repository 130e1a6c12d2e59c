//! `cargo xtask bindings kotlin|swift`: the generated half of the Kotlin and Swift packages.
//!
//! The sources are read out of the built library, so they always fit it. They are not committed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace;

/// A language that bindings are made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Kotlin,
    Swift,
}

impl Language {
    /// The language that the only argument names.
    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        match arguments {
            [name] if name == "kotlin" => Ok(Self::Kotlin),
            [name] if name == "swift" => Ok(Self::Swift),
            _ => Err(String::from("say which: `kotlin` or `swift`")),
        }
    }

    /// What the generator calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
        }
    }

    /// Where the package's build picks the sources up.
    fn folder(self) -> PathBuf {
        workspace::root().join(match self {
            Self::Kotlin => "android/billfold/target/generated-sources/uniffi",
            Self::Swift => "ios/generated",
        })
    }
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let language = Language::from_arguments(arguments)?;
    generate(language)?;
    println!("{}", language.folder().display());
    Ok(())
}

/// The folder of the library that the sources were read from, for a host build.
pub(crate) fn library_folder() -> PathBuf {
    workspace::target().join("debug")
}

/// Builds the library and writes the sources.
pub(crate) fn generate(language: Language) -> Result<(), String> {
    workspace::run(&mut workspace::cargo(&["build", "--package", "billfold-ffi", "--lib"]))?;
    let library = library_folder().join(workspace::dynamic_library("billfold_ffi"));
    let fresh = workspace::target().join("bindings").join(language.name());
    remove(&fresh)?;
    create(&fresh)?;
    workspace::run(
        workspace::cargo(&["run", "--quiet", "--package", "billfold-bindgen", "--"])
            .args(["generate", "--no-format", "--metadata-no-deps"])
            .args(["--config", "uniffi.toml", "--language", language.name()])
            .arg("--out-dir")
            .arg(&fresh)
            .arg(&library),
    )?;
    if language == Language::Swift {
        arrange_swift(&fresh)?;
    }
    replace(&fresh, &language.folder())
}

/// One folder a module, as SwiftPM wants it: the Swift source, and the C header with its module map.
fn arrange_swift(folder: &Path) -> Result<(), String> {
    let swift = folder.join("BillfoldFFI");
    let header = folder.join("CBillfoldFFI");
    create(&swift)?;
    create(&header)?;
    for (from, to) in [
        ("BillfoldFFI.swift", swift.join("BillfoldFFI.swift")),
        ("CBillfoldFFI.h", header.join("CBillfoldFFI.h")),
        ("CBillfoldFFI.modulemap", header.join("module.modulemap")),
    ] {
        let from = folder.join(from);
        fs::rename(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(())
}

/// Makes `old` hold what `new` holds. Files that did not change are left alone, so that the compilers
/// need not start anew.
fn replace(new: &Path, old: &Path) -> Result<(), String> {
    create(old)?;
    let wanted = names(new)?;
    for name in names(old)?.difference(&wanted) {
        remove(&old.join(name))?;
    }
    for name in &wanted {
        let (from, to) = (new.join(name), old.join(name));
        if from.is_dir() {
            replace(&from, &to)?;
            continue;
        }
        let text = fs::read(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        if fs::read(&to).ok().as_ref() != Some(&text) {
            fs::write(&to, text).map_err(|error| format!("{}: {error}", to.display()))?;
        }
    }
    Ok(())
}

fn names(folder: &Path) -> Result<BTreeSet<OsString>, String> {
    let shown = |error| format!("{}: {error}", folder.display());
    fs::read_dir(folder).map_err(shown)?.map(|entry| entry.map(|entry| entry.file_name()).map_err(shown)).collect()
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn remove(path: &Path) -> Result<(), String> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else if path.exists() {
        fs::remove_file(path)
    } else {
        return Ok(());
    };
    removed.map_err(|error| format!("{}: {error}", path.display()))
}
