//! From a stored credential to its card.

use serde_json::Value;

use super::claims::{Described, Lines, Place};
use super::words::Language;
use super::{Card, CardClaim, CardImage, CardState, Color, shown};
use crate::model::credential::Credential;
use crate::model::display::{self, ClaimDescription, Display, Logo, PathStep};
use crate::model::metadata::CredentialKind;
use crate::model::report::{CheckKind, Verdict};
use crate::model::status::StatusValue;
use crate::model::time::Timestamp;
use crate::model::type_metadata::TypeClaim;
use crate::platform::clock::{Clock as _, SystemClock};

/// The longest name of a credential or an issuer, in characters.
const LONGEST_NAME: usize = 200;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 1000;

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

fn is_envelope(name: &str) -> bool {
    ENVELOPE.contains(&name) || W3C_ENVELOPE.contains(&name)
}

/// What speaks for a credential in one language, what goes before in precedence first.
struct Shown<'a> {
    /// What came with the credential.
    response: Option<&'a Display>,
    /// What the publisher of its type says.
    published: Option<&'a Display>,
    /// What its issuer's metadata says.
    issuer: Option<&'a Display>,
}

impl<'a> Shown<'a> {
    fn all(&self) -> impl Iterator<Item = &'a Display> {
        [self.response, self.published, self.issuer].into_iter().flatten()
    }

    fn first<T>(&self, get: impl Fn(&'a Display) -> Option<T>) -> Option<T> {
        self.all().find_map(get)
    }
}

/// The pictures that a card asks for.
pub(super) struct Pictures<'a> {
    pub(super) logo: Option<&'a Logo>,
    pub(super) issuer_logo: Option<&'a Logo>,
    pub(super) background: Option<&'a Logo>,
}

impl Credential {
    /// The card as of now, in the language that suits `locale` (BCP 47) best.
    ///
    /// What came with the credential goes before what its type's publisher says, and that before what the
    /// issuer's metadata says (OpenID4VCI section 12.2.4). Nothing is fetched for it: of its pictures only those
    /// have bytes that came within the metadata. [`Wallet::card`](crate::Wallet::card) gets the others, too.
    pub fn card(&self, locale: Option<&str>) -> Card {
        self.card_at(locale, SystemClock.now())
    }

    /// The card as of some moment.
    pub fn card_at(&self, locale: Option<&str>, now: Timestamp) -> Card {
        let from = self.shown(locale);
        let language = Language::of(locale);
        let issuer = display::choose(&self.issuer_display, locale);
        let name = |text: &String| Some(shown(text, LONGEST_NAME)).filter(|text| !text.is_empty());
        let sentence = |text: &String| Some(shown(text, LONGEST_DESCRIPTION)).filter(|text| !text.is_empty());
        // A format's own words come between what came with the credential and what others say of its type.
        let title = (from.response.and_then(|display| display.name.as_ref()).and_then(name))
            .or_else(|| self.own_text("name", locale).as_ref().and_then(name))
            .or_else(|| from.first(|display| name(display.name.as_ref()?)))
            .unwrap_or_else(|| shown(&self.type_name(), LONGEST_NAME));
        let description = (from.response.and_then(|display| display.description.as_ref()).and_then(sentence))
            .or_else(|| self.own_text("description", locale).as_ref().and_then(sentence))
            .or_else(|| from.first(|display| sentence(display.description.as_ref()?)));
        let background_color = from.first(|display| Color::parse(display.background_color.as_deref()?));
        let text_color = from.first(|display| Color::parse(display.text_color.as_deref()?));
        let pictures = self.pictures(locale);
        let image = |logo: Option<&Logo>| {
            logo.map(|logo| CardImage::of(logo, logo.alt_text.as_deref().map(|text| shown(text, LONGEST_NAME))))
        };
        let state = self.state(now);
        let (claims, claims_left_out) = self.lines(locale);
        Card {
            title,
            issuer_name: issuer
                .and_then(|issuer| name(issuer.name.as_ref()?))
                .unwrap_or_else(|| self.credential_issuer.host()),
            description,
            logo: image(pictures.logo),
            issuer_logo: image(pictures.issuer_logo),
            background_image: image(pictures.background),
            background_color,
            text_color: Color::for_text(text_color, background_color),
            claims,
            claims_left_out,
            state,
            state_text: language.state(state).to_owned(),
            expires_at: self.expires_at,
            expiry_text: match (state, self.valid_from, self.expires_at) {
                (CardState::NotYetValid, Some(from), _) => Some(language.valid_from(from)),
                (_, _, Some(at)) if at <= now => Some(language.expired_on(at)),
                (_, _, Some(at)) => Some(language.valid_until(at)),
                (_, _, None) => None,
            },
            locale: from.first(|display| display.name.as_ref().map(|_| display.locale.clone())).flatten(),
        }
    }

    fn shown(&self, locale: Option<&str>) -> Shown<'_> {
        Shown {
            response: self.response_metadata.as_ref().and_then(|said| display::choose(&said.display, locale)),
            published: self.type_metadata.as_ref().and_then(|said| display::choose(&said.display, locale)),
            issuer: display::choose(&self.display, locale),
        }
    }

    /// The pictures of the card in the language that suits best.
    pub(super) fn pictures(&self, locale: Option<&str>) -> Pictures<'_> {
        let from = self.shown(locale);
        Pictures {
            logo: from.first(|display| display.logo.as_ref()),
            issuer_logo: display::choose(&self.issuer_display, locale).and_then(|issuer| issuer.logo.as_ref()),
            background: from.first(|display| display.background_image.as_ref()),
        }
    }

    /// A credential of which more than its time and its status is in doubt may lie about these, too.
    fn state(&self, now: Timestamp) -> CardState {
        let failed = self.report.failed();
        let in_doubt = failed.iter().any(|kind| !matches!(kind, CheckKind::Validity | CheckKind::Status));
        if self.quarantined && in_doubt {
            return CardState::Quarantined;
        }
        match self.status_found.map(|found| found.value) {
            Some(StatusValue::Invalid) => return CardState::Revoked,
            Some(StatusValue::Suspended) => return CardState::Suspended,
            _ => {}
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            CardState::Expired
        } else if self.valid_from.is_some_and(|from| from > now) {
            CardState::NotYetValid
        } else if !self.quarantined {
            CardState::Valid
        } else if self.report.verdict == Verdict::Rejected {
            CardState::Quarantined
        } else {
            CardState::Unchecked
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
            let name = Some(shown(text, LONGEST_DESCRIPTION)).filter(|text| !text.is_empty())?;
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
        name.unwrap_or_else(|| self.credential_configuration_id.to_string())
    }

    /// The claims as lines, and how many are left out.
    fn lines(&self, locale: Option<&str>) -> (Vec<CardClaim>, u32) {
        fn described(claim: &ClaimDescription) -> Described<'_> {
            Described { path: &claim.path, display: &claim.display, mandatory: claim.mandatory }
        }
        fn published(claim: &TypeClaim) -> Described<'_> {
            Described { path: &claim.path, display: &claim.display, mandatory: claim.mandatory }
        }
        let with_it = self.response_metadata.iter().flat_map(|said| &said.claims).map(described);
        let of_type = self.type_metadata.iter().flat_map(|said| &said.claims).map(published);
        let of_issuer = self.claim_descriptions.iter().map(described);
        Lines::new(with_it.chain(of_type).chain(of_issuer), &self.disclosable, locale).read(&self.places())
    }

    /// Where the claims stand.
    fn places(&self) -> Vec<Place<'_>> {
        fn place<'a>(path: &[PathStep], value: &'a Value, hidden: fn(&str) -> bool) -> Option<Place<'a>> {
            value.as_object().map(|members| Place { path: path.to_vec(), members, hidden })
        }
        let subject = || PathStep::from("credentialSubject");
        match &self.kind {
            CredentialKind::Doctype(_) => {
                let namespaces = self.claims.as_object().into_iter().flatten();
                namespaces.filter_map(|(name, value)| place(&[name.as_str().into()], value, |_| false)).collect()
            }
            CredentialKind::Types(_) => {
                let whole = place(&[], &self.claims, |_| true).into_iter();
                let subjects: Vec<_> = match self.claims.get("credentialSubject") {
                    Some(Value::Array(several)) => (0_u64..)
                        .zip(several)
                        .filter_map(|(at, one)| place(&[subject(), PathStep::Index(at)], one, is_envelope))
                        .collect(),
                    Some(one) => place(&[subject()], one, is_envelope).into_iter().collect(),
                    None => Vec::new(),
                };
                whole.chain(subjects).collect()
            }
            _ => place(&[], &self.claims, is_envelope).into_iter().collect(),
        }
    }
}

#[cfg(test)]
#[path = "of_credential_tests.rs"]
mod tests;
