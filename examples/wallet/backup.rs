//! Credentials in a sealed file, and out of one.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde_json::json;

use crate::output::Output;
use crate::settings::Global;
use crate::setup;
use crate::terminal::Input;
use crate::trouble::{Result, Trouble};

/// Where scripts put the passphrase; it does not belong on a command line, which others can read.
const VARIABLE: &str = "BILLFOLD_PASSPHRASE";

pub(crate) async fn backup(global: &Global, output: &Output, file: &Path) -> Result<()> {
    let wallet = setup::wallet(global, output, None).await?;
    let passphrase = passphrase(output, true).await?;
    let content = output.during("sealing", wallet.export_backup(passphrase)).await?;
    let failed = |error: std::io::Error| {
        let why =
            if error.kind() == ErrorKind::AlreadyExists { "it is there already".into() } else { error.to_string() };
        Trouble::command("file_failed", format!("{} could not be written: {why}", file.display()))
    };
    let mut made = options().open(file).map_err(failed)?;
    made.write_all(&content).and_then(|()| made.sync_all()).map_err(failed)?;
    let credentials = wallet.credentials().await?.len();
    output.event(&json!({"event": "backup", "file": file, "credentials": credentials, "bytes": content.len()}));
    output.say(&format!("{credentials} credentials are in {}, without their keys", file.display()));
    Ok(())
}

pub(crate) async fn restore(global: &Global, output: &Output, file: &Path) -> Result<()> {
    let content = std::fs::read(file)
        .map_err(|error| Trouble::command("file_failed", format!("{} could not be read: {error}", file.display())))?;
    let wallet = setup::wallet(global, output, None).await?;
    let passphrase = passphrase(output, false).await?;
    let imported = output.during("opening", wallet.import_backup(content, passphrase)).await?;
    output.event(&json!({
        "event": "restored", "added": imported.added, "replaced": imported.replaced, "known": imported.known,
        "without_key": imported.without_key,
    }));
    let (added, known) = (imported.added.len() + imported.replaced.len(), imported.known.len());
    output.say(&format!("{added} credentials came out of the backup, {known} were here already"));
    if !imported.without_key.is_empty() {
        let count = imported.without_key.len();
        output.note(&format!(
            "{count} lack their keys, which stayed where they were made: `wallet refresh` gets new ones."
        ));
    }
    Ok(())
}

/// A new file, for its owner only.
fn options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// From the environment, or a line of standard input.
async fn passphrase(output: &Output, is_new: bool) -> Result<String> {
    if let Ok(passphrase) = std::env::var(VARIABLE) {
        return Ok(passphrase);
    }
    let missing = || {
        let detail = format!("the backup's passphrase is missing: in {VARIABLE}, or a line of standard input");
        Trouble::command("passphrase_missing", detail)
    };
    let mut input = Input::default();
    output.ask("Passphrase of the backup: ");
    let passphrase = input.line().await.filter(|line| !line.is_empty()).ok_or_else(missing)?;
    if is_new && output.is_interactive() {
        output.ask("Once more: ");
        if input.line().await.as_ref() != Some(&passphrase) {
            return Err(Trouble::command("passphrase_missing", "these were two different passphrases"));
        }
    }
    Ok(passphrase)
}
