//! `verify`: a credential that came from anywhere, held against what the command line names.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;

use billfold::model::metadata::CredentialKind;
use billfold::{Format, Jwk, Timestamp, Verifier};
use serde_json::Value;

use crate::args::{Refused, usage};
use crate::output::Output;
use crate::settings::Global;
use crate::setup::{did_resolver, read, transport};
use crate::trouble::{Ending, Result, Trouble};

/// The most that is read of a file. No credential is that long.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// What to check, and against what.
#[derive(Debug)]
pub(crate) struct Verify {
    pub(crate) file: OsString,
    pub(crate) format: Format,
    pub(crate) against: Against,
}

/// The options of `verify`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Against {
    pub(crate) format: Option<Format>,
    pub(crate) issuer_key: Option<OsString>,
    pub(crate) holder_key: Option<OsString>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) type_name: Option<String>,
    pub(crate) online: bool,
}

/// A time as `--at` takes it: RFC 3339, a day (its first second in UTC), or seconds since 1970.
pub(crate) fn time(text: &str) -> Result<Timestamp, Refused> {
    let seconds = text.parse().ok().map(Timestamp::from_seconds);
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    seconds
        .or_else(|| Timestamp::parse_rfc3339(text))
        .or_else(day)
        .ok_or_else(|| usage(format!("--at: `{text}` is no time, as 2026-01-31T12:00:00Z or 2026-01-31 are")))
}

/// Checks and reports. Only what may be used ends well.
pub(crate) async fn run(global: &Global, output: &Output, wanted: &Verify) -> Result<Ending> {
    let Verify { file, format, against } = wanted;
    let mut verifier =
        Verifier::new().policy(global.policy.clone()).profile(global.profile).allow_loopback_http(global.dev);
    if against.online {
        verifier = verifier.http(transport(global)?);
        if let Some(resolver) = did_resolver(global)? {
            verifier = verifier.did_resolver(resolver);
        }
    }
    if let Some(file) = &global.trust {
        verifier = verifier.trust_anchors(read(file)?)?;
    }
    if let Some(key) = &against.issuer_key {
        verifier = verifier.issuer_keys(json(key, "--issuer-key")?);
    }
    if let Some(key) = &against.holder_key {
        let jwk = Jwk::from_value(&json(key, "--holder-key")?);
        let unusable = |error| Trouble::command("key_unusable", format!("--holder-key: {error}"));
        verifier = verifier.holder_keys([jwk.map_err(unusable)?]);
    }
    if let Some(at) = against.at {
        verifier = verifier.at(at);
    }
    if let Some(name) = &against.type_name {
        verifier = verifier.kind(kind(format, name)?);
    }
    let credential = content(file)?;
    let verification = output.during("checking", verifier.verify(format, &credential)).await?;
    output.verified(format, &verification);
    Ok(if verification.report.verdict.is_usable() { Ending::Done } else { Ending::Failed })
}

/// The type as the format says it. A W3C credential has several, by commas; that it is one need not be said.
fn kind(format: &Format, name: &str) -> Result<CredentialKind> {
    Ok(match format {
        Format::SdJwtVc | Format::VcSdJwt => CredentialKind::Vct(name.to_owned()),
        Format::MsoMdoc => CredentialKind::Doctype(name.to_owned()),
        Format::JwtVcJson | Format::JwtVcJsonLd | Format::LdpVc => {
            let mut types: Vec<_> = name.split(',').map(|name| name.trim().to_owned()).collect();
            if !types.iter().any(|name| name == "VerifiableCredential") {
                types.insert(0, "VerifiableCredential".to_owned());
            }
            CredentialKind::Types(types)
        }
        other => return Err(Trouble::usage(format!("--type: nothing is known of types in the format {other}"))),
    })
}

/// JSON from a file, or the JSON itself.
fn json(word: &OsString, option: &str) -> Result<Value> {
    let inline = word.to_str().filter(|text| text.trim_start().starts_with('{'));
    let content = match inline {
        Some(text) => text.as_bytes().to_vec(),
        None => read(Path::new(word))?,
    };
    let unusable = |_| Trouble::command("key_unusable", format!("{option} is neither JSON nor a file with JSON"));
    serde_json::from_slice(&content).map_err(unusable)
}

fn content(file: &OsString) -> Result<Vec<u8>> {
    let name = if file == "-" { "standard input".to_owned() } else { file.to_string_lossy().into_owned() };
    let unreadable = |why: &str| Trouble::command("file_unreadable", format!("cannot read {name}: {why}"));
    let mut content = Vec::new();
    let read = if file == "-" {
        std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut content)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut content))
    };
    read.map_err(|error| unreadable(&error.to_string()))?;
    if content.len() as u64 > MOST_BYTES {
        return Err(unreadable("it is longer than 8 MiB"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_three_ways() {
        let expected = Timestamp::from_seconds(1_769_817_600);
        for text in ["2026-01-31T00:00:00Z", "2026-01-31", "1769817600", "2026-01-31T01:00:00+01:00"] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        for text in ["", "soon", "2026-13-01", "31.1.2026"] {
            assert!(matches!(time(text), Err(Refused::Usage(_))), "{text}");
        }
    }

    #[test]
    fn types_as_each_format_has_them() {
        let types = |names: &[&str]| CredentialKind::Types(names.iter().map(ToString::to_string).collect());
        for (format, name, expected) in [
            (Format::SdJwtVc, "urn:x", CredentialKind::Vct("urn:x".to_owned())),
            (Format::MsoMdoc, "org.x", CredentialKind::Doctype("org.x".to_owned())),
            (Format::LdpVc, "Degree", types(&["VerifiableCredential", "Degree"])),
            (Format::JwtVcJson, "Degree, VerifiableCredential", types(&["Degree", "VerifiableCredential"])),
        ] {
            assert_eq!(kind(&format, name).expect("a type"), expected);
        }
        assert!(kind(&Format::Other("x".to_owned()), "y").is_err());
    }
}
