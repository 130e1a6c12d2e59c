//! What to show of a stored credential.

mod color;
mod image;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::color::Color;
pub use self::image::{CardImage, ImageType};
use crate::model::claim_path::{self, ClaimModel};
use crate::model::credential::Credential;
use crate::model::display::{self, ClaimDescription, Display, PathStep, plain_text};
use crate::model::metadata::CredentialKind;
use crate::model::time::Timestamp;
use crate::platform::clock::{Clock as _, SystemClock};

/// A credential as a person would see it, in one language and at one moment.
///
/// All texts are without control and bidirectional characters, and of bounded length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The name of the credential.
    pub title: String,
    /// The name of its issuer.
    pub issuer_name: String,
    /// A sentence about it.
    pub description: Option<String>,
    /// The credential's own picture.
    pub logo: Option<CardImage>,
    /// Its issuer's picture.
    pub issuer_logo: Option<CardImage>,
    /// A picture to put behind everything.
    pub background_image: Option<CardImage>,
    /// The colour behind everything; none if the issuer gives none that can be read. The card is then to be
    /// drawn on a light ground.
    pub background_color: Option<Color>,
    /// The colour for texts, readable on the background: the issuer's, or black or white.
    pub text_color: Color,
    /// The claims: those that the issuer described, in its order, then the others.
    pub claims: Vec<CardClaim>,
    /// How many claims are not among them, because there are more than anyone could look at.
    pub claims_left_out: u32,
    /// Whether it can be used.
    pub state: CardState,
    /// The same in words.
    pub state_text: String,
    /// When it stops being valid, if it says so.
    pub expires_at: Option<Timestamp>,
    /// The same in words, with the day in UTC; of one that is not valid yet, from when it is.
    pub expiry_text: Option<String>,
    /// The language of title and colours as the issuer marked it (BCP 47); none if it said nothing.
    pub locale: Option<String>,
}

/// Whether a credential can be used, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CardState {
    /// It can.
    Valid,
    /// Not before some day.
    NotYetValid,
    /// Not any more.
    Expired,
    /// Its issuer took it back.
    Revoked,
    /// Its issuer took it back for a while.
    Suspended,
    /// It is kept aside: a check failed.
    Quarantined,
    /// It is kept aside: a check could not be decided. It can be checked again.
    Unchecked,
}

/// One line of a card. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardClaim {
    /// Where the claim is; in an mdoc its namespace and element.
    pub path: Vec<PathStep>,
    /// Its label, in the user's language where the issuer gives one.
    pub label: String,
    /// Its value by its type.
    pub value: ClaimValue,
    /// Its value as text, whatever its type.
    pub text: String,
    /// Whether the holder can withhold it when the credential is shown to somebody.
    pub disclosable: bool,
    /// Whether the issuer says that it is always there.
    pub mandatory: bool,
}

/// The value of a claim by its type. `Debug` shows the type only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClaimValue {
    /// Text.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// Yes or no.
    Boolean(bool),
    /// A day, as `2026-01-31`.
    Date(String),
    /// A moment.
    DateTime(Timestamp),
    /// A picture that is part of the credential.
    Image(CardImage),
    /// Several values.
    List(Vec<ClaimValue>),
    /// Claims within a claim.
    Group(Vec<CardClaim>),
    /// The claim is there, without a value.
    Absent,
}

impl fmt::Debug for CardClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardClaim").field("path", &self.path).field("value", &self.value).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClaimValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Number(_) => "Number",
            Self::Boolean(_) => "Boolean",
            Self::Date(_) => "Date",
            Self::DateTime(_) => "DateTime",
            Self::Image(_) => "Image",
            Self::List(_) => "List",
            Self::Group(_) => "Group",
            Self::Absent => "Absent",
        })
    }
}

/// Members that are about the credential, not about its subject.
const ENVELOPE: [&str; 15] = [
    "iss",
    "iat",
    "nbf",
    "exp",
    "jti",
    "sub",
    "aud",
    "cnf",
    "vct",
    "vct#integrity",
    "status",
    "@context",
    "type",
    "id",
    "credentialStatus",
];

/// The same, of W3C credentials.
const W3C_ENVELOPE: [&str; 8] =
    ["issuer", "issuanceDate", "expirationDate", "validFrom", "validUntil", "credentialSchema", "proof", "evidence"];

impl Credential {
    /// The card as of now, in the language that suits `locale` (BCP 47) best. Nothing is fetched for it: of
    /// its pictures only those have bytes that came within the metadata.
    pub fn card(&self, locale: Option<&str>) -> Card {
        self.card_at(locale, SystemClock.now())
    }

    /// The card as of some moment.
    pub fn card_at(&self, locale: Option<&str>, now: Timestamp) -> Card {
        let shown = display::choose(&self.display, locale);
        let issuer = display::choose(&self.issuer_display, locale);
        // What a format says of itself goes before what the issuer's metadata says (OpenID4VCI section 12.2.4).
        let own = |name: &str| self.own_text(name, locale);
        let title = own("name").or_else(|| shown.and_then(|shown| shown.name.clone()));
        let expired = self.expires_at.is_some_and(|at| at <= now);
        let state = match (self.quarantined, self.report.failed().is_empty()) {
            (_, true) if expired => CardState::Expired,
            (false, _) => CardState::Valid,
            (true, true) => CardState::Unchecked,
            (true, false) => CardState::Quarantined,
        };
        let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
        Card {
            title: title.unwrap_or_else(|| self.type_name()),
            issuer_name: issuer.and_then(|issuer| issuer.name.clone()).unwrap_or_else(|| self.credential_issuer.host()),
            description: own("description").or_else(|| shown.and_then(|shown| shown.description.clone())),
            logo: shown.and_then(|shown| shown.logo.as_ref()).map(CardImage::of),
            issuer_logo: issuer.and_then(|issuer| issuer.logo.as_ref()).map(CardImage::of),
            background_image: shown.and_then(|shown| shown.background_image.as_ref()).map(CardImage::of),
            background_color: None,
            text_color: Color::BLACK,
            claims: self.card_claims(locale),
            claims_left_out: 0,
            state,
            state_text: match state {
                CardState::Valid => "Valid",
                CardState::NotYetValid => "Not valid yet",
                CardState::Expired => "Expired",
                CardState::Revoked => "Revoked",
                CardState::Suspended => "Suspended",
                CardState::Quarantined => "Not accepted",
                CardState::Unchecked => "Not checked",
            }
            .to_owned(),
            expires_at: self.expires_at,
            expiry_text: self
                .expires_at
                .map(|at| format!("{} {}", if expired { "Expired on" } else { "Valid until" }, day(at))),
            locale: shown.and_then(|shown| shown.locale.clone()),
        }
    }

    /// The name or description that a W3C credential of data model 2.0 gives itself (its section 4.6): text, or
    /// one or several objects with a language each.
    fn own_text(&self, name: &str, locale: Option<&str>) -> Option<String> {
        if !matches!(self.kind, CredentialKind::Types(_)) {
            return None;
        }
        let (one, several);
        let entries = match self.claims.get(name)? {
            Value::Array(entries) => {
                several = entries;
                several.as_slice()
            }
            entry => {
                one = [entry.clone()];
                &one
            }
        };
        let read = |entry: &Value| {
            let (text, language) = match entry {
                Value::String(text) => (text, None),
                entry => (
                    match entry.get("@value")? {
                        Value::String(text) => text,
                        _ => return None,
                    },
                    entry.get("@language").and_then(Value::as_str),
                ),
            };
            let name = Some(plain_text(text)).filter(|text| !text.is_empty())?;
            Some(Display { name: Some(name), locale: language.map(str::to_owned), ..Display::default() })
        };
        let read: Vec<_> = entries.iter().filter_map(read).collect();
        display::choose(&read, locale).and_then(|shown| shown.name.clone())
    }

    /// The type in words, when the issuer gives no name.
    fn type_name(&self) -> String {
        let name = match &self.kind {
            CredentialKind::Vct(vct) => vct.rsplit(['/', ':', '#']).find(|part| !part.is_empty()).map(str::to_owned),
            CredentialKind::Types(types) => types.iter().rfind(|name| *name != "VerifiableCredential").cloned(),
            CredentialKind::Doctype(doctype) => Some(doctype.clone()),
            CredentialKind::Unknown => None,
        };
        plain_text(&name.unwrap_or_else(|| self.credential_configuration_id.to_string()))
    }

    fn card_claims(&self, locale: Option<&str>) -> Vec<CardClaim> {
        let mut lines: Vec<CardClaim> = Vec::new();
        let model = match self.kind {
            CredentialKind::Doctype(_) => ClaimModel::Mdoc,
            _ => ClaimModel::Json,
        };
        for described in &self.claim_descriptions {
            // A description of what is not there, or is made otherwise, says nothing about this credential.
            let found = claim_path::select(&self.claims, &described.path, model).unwrap_or_default();
            // The issuer may describe a claim and its parts; the parts say more.
            let has_parts = |path: &[PathStep]| {
                self.claim_descriptions
                    .iter()
                    .any(|other| other.path.len() > path.len() && other.path.starts_with(path))
            };
            if has_parts(&described.path) {
                continue;
            }
            for (path, value) in found {
                lines.push(line(path, label(described, locale), value, described.mandatory));
            }
        }
        let subject = match &self.kind {
            CredentialKind::Types(_) => ("credentialSubject", self.claims.get("credentialSubject")),
            _ => ("", Some(&self.claims)),
        };
        let prefix: Vec<_> = if subject.0.is_empty() { Vec::new() } else { vec![PathStep::Key(subject.0.to_owned())] };
        if let Some(value) = subject.1 {
            others(value, &prefix, &mut lines);
        }
        lines
    }
}

/// Adds the leaves that no line shows yet.
fn others(value: &Value, path: &[PathStep], lines: &mut Vec<CardClaim>) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        let top = path.is_empty() || path == [PathStep::Key("credentialSubject".to_owned())];
        let about_the_credential = ENVELOPE.contains(&name.as_str()) || W3C_ENVELOPE.contains(&name.as_str());
        if top && about_the_credential {
            continue;
        }
        let mut path = path.to_vec();
        path.push(PathStep::Key(name.clone()));
        let related = |line: &CardClaim| line.path.starts_with(&path) || path.starts_with(&line.path);
        match value {
            Value::Object(inner) if !inner.is_empty() => others(value, &path, lines),
            _ if lines.iter().any(related) => {}
            _ => lines.push(line(path, words(name), value, false)),
        }
    }
}

fn line(path: Vec<PathStep>, label: String, value: &Value, mandatory: bool) -> CardClaim {
    CardClaim { path, label, value: typed(value), text: text(value), disclosable: false, mandatory }
}

fn typed(value: &Value) -> ClaimValue {
    match value {
        Value::Null => ClaimValue::Absent,
        Value::Bool(value) => ClaimValue::Boolean(*value),
        Value::Number(number) => ClaimValue::Number(number.to_string()),
        Value::Array(items) => ClaimValue::List(items.iter().map(typed).collect()),
        other => ClaimValue::Text(text(other)),
    }
}

fn label(described: &ClaimDescription, locale: Option<&str>) -> String {
    let given = display::choose(&described.display, locale).and_then(|shown| shown.name.clone());
    given.unwrap_or_else(|| {
        let key = described.path.iter().rev().find_map(|step| match step {
            PathStep::Key(key) => Some(key.as_str()),
            _ => None,
        });
        words(key.unwrap_or_default())
    })
}

/// `given_name` and `givenName` as "Given name".
fn words(name: &str) -> String {
    let mut text = String::new();
    let mut previous = ' ';
    for c in name.chars() {
        let c = if matches!(c, '_' | '-') { ' ' } else { c };
        if c.is_uppercase() && previous.is_lowercase() {
            text.push(' ');
            text.extend(c.to_lowercase());
        } else if text.is_empty() {
            text.extend(c.to_uppercase());
        } else {
            text.push(c);
        }
        previous = c;
    }
    plain_text(&text)
}

/// A value as text: lists by commas, nested objects as their JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => plain_text(text),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::read;
    use crate::model::format::Format;
    use crate::model::ids::{ConfigurationId, CredentialId, IssuerId};
    use crate::model::report::{Report, VerificationPolicy};
    use crate::model::time::Timestamp;

    fn credential(claims: Value, kind: CredentialKind) -> Credential {
        let issuer = read::issuer_metadata(&json!({
            "credential_issuer": "https://issuer.example",
            "credential_endpoint": "https://issuer.example/credential",
            "display": [{ "name": "Ministry", "locale": "en" }, { "name": "Ministerium", "locale": "de" }],
            "credential_configurations_supported": { "A": {
                "format": "dc+sd-jwt", "vct": "x",
                "credential_metadata": {
                    "display": [{ "name": "Card", "locale": "en" }, { "name": "Ausweis", "locale": "de" }],
                    "claims": [
                        { "path": ["name"], "display": [{ "name": "Full name", "locale": "en" }, { "name": "Name", "locale": "de" }] },
                        { "path": ["address"] },
                        { "path": ["address", "city"], "display": [{ "name": "City" }] },
                        { "path": ["nationalities", null] },
                        { "path": ["absent"] }
                    ]
                }
            } }
        }))
        .expect("metadata");
        let configuration = &issuer.credential_configurations_supported[&ConfigurationId::from("A")];
        Credential {
            id: CredentialId::random(),
            credential_issuer: IssuerId::parse("https://issuer.example").expect("legal"),
            credential_configuration_id: "A".into(),
            format: Format::SdJwtVc,
            kind,
            issued_at: Timestamp::from_seconds(0),
            valid_from: None,
            expires_at: None,
            status: None,
            status_found: None,
            instances: Vec::new(),
            report: Report::judge(&[], &VerificationPolicy::default()),
            claims,
            disclosable: Vec::new(),
            quarantined: false,
            issuer_display: issuer.display.clone(),
            display: configuration.display.clone(),
            claim_descriptions: configuration.claims.clone(),
            type_metadata: None,
            response_metadata: None,
            contexts: Vec::new(),
            issuer_jwks: None,
            identifier: None,
            profile: crate::model::profile::Profile::Base,
            authorization: None,
            contact: None,
        }
    }

    fn lines(card: &Card) -> Vec<(&str, &str)> {
        card.claims.iter().map(|line| (line.label.as_str(), line.text.as_str())).collect()
    }

    // covers: CLAIM-04
    #[test]
    fn described_claims_come_first_in_order_and_language() {
        let claims = json!({
            "iss": "https://issuer.example", "vct": "x", "exp": 1, "cnf": {},
            "zip_code": "0042", "name": "Mira\u{202e}", "address": { "city": "Bern", "streetName": "Weg" },
            "nationalities": ["CH", "FR"], "age": 7
        });
        let credential = credential(claims, CredentialKind::Vct("https://issuer.example/types/person_id".into()));
        let card = credential.card(Some("de-CH"));
        assert_eq!((card.title.as_str(), card.issuer_name.as_str()), ("Ausweis", "Ministerium"));
        assert_eq!(
            lines(&card),
            [
                ("Name", "Mira"),
                ("City", "Bern"),
                ("Nationalities", "CH"),
                ("Nationalities", "FR"),
                ("Street name", "Weg"),
                ("Age", "7"),
                ("Zip code", "0042"),
            ]
        );
    }

    #[test]
    fn debug_shows_no_claim() {
        let credential = credential(json!({ "name": "Mira" }), CredentialKind::Unknown);
        let text = format!("{credential:?}");
        assert!(!text.contains("Mira") && text.contains("issuer.example"), "{text}");
    }

    #[test]
    fn without_names_the_type_and_host_speak() {
        let mut credential = credential(
            json!({ "@context": [], "type": ["VerifiableCredential", "Degree"], "credentialSubject": { "id": "did:x", "gpa": 4.5 } }),
            CredentialKind::Types(vec!["VerifiableCredential".into(), "Degree".into()]),
        );
        credential.display.clear();
        credential.issuer_display.clear();
        credential.claim_descriptions.clear();
        let card = credential.card(None);
        assert_eq!((card.title.as_str(), card.issuer_name.as_str()), ("Degree", "issuer.example"));
        assert_eq!(lines(&card), [("Gpa", "4.5")]);
    }

    // covers: META-33
    #[test]
    fn a_credential_that_names_itself_is_called_by_that_name() {
        let types = || CredentialKind::Types(vec!["VerifiableCredential".into(), "Degree".into()]);
        let card = |own: Value, locale: &str| {
            let claims = json!({ "credentialSubject": {}, "name": own, "description": "Of an own kind" });
            credential(claims, types()).card(Some(locale))
        };
        let both = json!([
            { "@value": "Degree of Arts", "@language": "en" }, { "@value": "Abschluss", "@language": "de", "@direction": "ltr" }
        ]);
        for (own, locale, title) in [
            (json!("Degree"), "de", "Degree"),
            (both.clone(), "de-CH", "Abschluss"),
            (both, "fr", "Degree of Arts"),
            (json!({ "@value": "Einer", "@language": "de" }), "en", "Einer"),
            // Where it says nothing of use, the issuer's metadata does.
            (json!({ "de": "no such form" }), "de", "Ausweis"),
            (json!(""), "de", "Ausweis"),
            (json!(7), "en", "Card"),
        ] {
            let card = card(own.clone(), locale);
            assert_eq!(card.title, title, "{own} {locale}");
            assert_eq!(card.description.as_deref(), Some("Of an own kind"));
        }
        // In an SD-JWT VC, a `name` is the holder's.
        let card = credential(json!({ "name": "Mira" }), CredentialKind::Vct("x".into())).card(Some("en"));
        assert_eq!(card.title, "Card");
    }

    // covers: HAIP-19
    #[test]
    fn pictures_of_both_kinds_come_by_both_kinds_of_address() {
        for uri in [
            "https://issuer.example/logo.svg",
            "https://issuer.example/logo.png",
            "data:image/svg+xml;base64,PHN2Zy8+",
            "data:image/png;base64,iVBORw0KGgo=",
        ] {
            let issuer = read::issuer_metadata(&json!({
                "credential_issuer": "https://issuer.example",
                "credential_endpoint": "https://issuer.example/credential",
                "display": [{ "name": "Ministry", "logo": { "uri": uri, "alt_text": "arms" } }],
                "credential_configurations_supported": { "A": {
                    "format": "dc+sd-jwt", "vct": "x",
                    "credential_metadata": { "display": [{ "name": "Card", "background_image": { "uri": uri } }] }
                } }
            }))
            .expect("metadata");
            let mut credential = credential(json!({}), CredentialKind::Vct("x".into()));
            credential.issuer_display = issuer.display.clone();
            credential.display = issuer.credential_configurations_supported[&"A".into()].display.clone();
            let logo = credential.card(None).issuer_logo.expect("the issuer's");
            assert_eq!((logo.uri.as_str(), logo.alt_text.as_deref()), (uri, Some("arms")));
            let background = credential.display[0].background_image.as_ref();
            assert_eq!(background.map(|image| image.uri.as_str()), Some(uri));
        }
    }
}
