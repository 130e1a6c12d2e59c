//! What a run shows and keeps: every command and every event, without tokens, codes and credentials.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

/// Members of a JSON object whose values are never shown.
const SECRET_MEMBERS: &[&str] = &[
    "access_token",
    "refresh_token",
    "id_token",
    "pre-authorized_code",
    "tx_code",
    "c_nonce",
    "password",
    "issuer_state",
];
/// Parameters of a URL whose values are never shown.
const SECRET_PARAMETERS: &[&str] =
    &["code", "state", "session_state", "issuer_state", "request_uri", "credential_offer_uri", "credential_offer"];
const CUT: &str = "[cut]";
/// A run of token characters from this length on is taken for a secret, whatever its name.
const LONG: usize = 40;

/// Prints lines, and writes them to a file if there is one.
pub(super) struct Transcript {
    shown: bool,
    file: Option<File>,
}

impl Transcript {
    pub(super) fn new(path: Option<&Path>) -> Result<Self, String> {
        let file =
            path.map(|path| File::create(path).map_err(|error| format!("{}: {error}", path.display()))).transpose()?;
        Ok(Self { shown: true, file })
    }

    /// For calls that would only repeat what is there already.
    pub(super) fn silent() -> Self {
        Self { shown: false, file: None }
    }

    /// A line as it is; nothing secret may be in it.
    pub(super) fn print(&mut self, line: &str) {
        if self.shown {
            println!("{line}");
        }
        if let Some(file) = &mut self.file {
            // A transcript that cannot be written must not fail the run that it describes.
            if let Err(error) = writeln!(file, "{line}") {
                eprintln!("transcript: {error}");
            }
        }
    }

    /// A remark of the harness.
    pub(super) fn note(&mut self, line: &str) {
        self.print(&format!("# {line}"));
    }

    /// A command with its arguments.
    pub(super) fn command(&mut self, words: &[&str]) {
        let shown: Vec<String> = words.iter().map(|word| quoted(&cut_text(word))).collect();
        self.print(&format!("$ {}", shown.join(" ")));
    }

    /// One JSON value that a command printed.
    pub(super) fn event(&mut self, event: &Value) {
        self.print(&format!("  {}", cut(event)));
    }

    /// Free text that a command printed.
    pub(super) fn text(&mut self, text: &str) {
        for line in text.lines() {
            self.print(&format!("  {}", cut_text(line)));
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{word}'")
}

/// The value without its secrets.
pub(super) fn cut(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let secret = SECRET_MEMBERS.contains(&name.as_str()) && value.is_string();
                let value = if secret { CUT.into() } else { cut(value) };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(cut).collect(),
        Value::String(text) => cut_text(text).into(),
        other => other.clone(),
    }
}

/// The text without the values of secret parameters and without long runs of token characters.
pub(super) fn cut_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(|c| !token_character(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(run);
        if word.len() >= LONG {
            shown.push_str(&word[..6]);
            shown.push_str(CUT);
        } else {
            shown.push_str(word);
        }
        rest = after;
        if SECRET_PARAMETERS.contains(&word)
            && starts_parameter(&text[..text.len() - rest.len() - run])
            && let Some(value) = rest.strip_prefix('=')
        {
            shown.push('=');
            shown.push_str(CUT);
            let end = value.find(['&', '#', ' ', '"']).unwrap_or(value.len());
            rest = &value[end..];
        } else if let Some(next) = rest.chars().next() {
            shown.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    shown
}

fn token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn starts_parameter(before: &str) -> bool {
    before.is_empty() || before.ends_with(['?', '&', '#', ' '])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secret_members_are_cut_at_any_depth() {
        let shown = cut(&json!({"a": [{"access_token": "short"}], "code": "invalid_grant", "kind": "issuer"}));
        assert_eq!(shown, json!({"a": [{"access_token": CUT}], "code": "invalid_grant", "kind": "issuer"}));
    }

    #[test]
    fn secret_parameters_are_cut_and_the_others_stay() {
        assert_eq!(
            cut_text("http://127.0.0.1:1/cb?code=9519eee4-7b48.x&iss=http://h&state=s"),
            "http://127.0.0.1:1/cb?code=[cut]&iss=http://h&state=[cut]"
        );
        assert_eq!(cut_text("response_type=code&x=1"), "response_type=code&x=1");
        assert_eq!(
            cut_text("openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fh%2Fn"),
            "openid-credential-offer://?credential_offer_uri=[cut]"
        );
    }

    #[test]
    fn long_runs_are_cut_and_identifiers_stay() {
        let token = "a".repeat(64);
        assert_eq!(cut_text(&format!("x {token}.y")), "x aaaaaa[cut].y");
        let id = "9a278333-112c-49e6-a0da-cb0906b56554";
        assert_eq!(cut_text(id), id);
    }
}
