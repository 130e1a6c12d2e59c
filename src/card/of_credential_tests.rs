use serde_json::json;

use super::*;
use crate::dialect::read;
use crate::model::format::Format;
use crate::model::ids::{ConfigurationId, CredentialId, IssuerId};
use crate::model::report::{Check, Outcome, Reason};
use crate::model::report::{Report, VerificationPolicy};
use crate::model::status::StatusFound;
use crate::model::type_metadata::{CredentialMetadata, SelectiveDisclosure, TypeMetadata};

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
            ("Anschrift", "City: Bern, Street name: Weg"),
            ("Staatsangehörigkeit", "CH, FR"),
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

fn named(name: &str, locale: Option<&str>) -> Display {
    Display { name: Some(name.to_owned()), locale: locale.map(str::to_owned), ..Display::default() }
}

// covers: META-33
#[test]
fn what_came_with_it_speaks_before_its_type_and_that_before_its_issuer() {
    let mut credential = credential(json!({ "name": "Mira", "age": 7 }), CredentialKind::Vct("x".into()));
    let logo = |uri: &str| Some(Logo { uri: uri.to_owned(), alt_text: Some("arms".to_owned()), integrity: None });
    credential.display[0].background_color = Some("navy".to_owned());
    credential.display[0].text_color = Some("navy".to_owned());
    credential.display[0].logo = logo("https://issuer.example/logo.png");
    let issuers = credential.card(Some("en"));
    assert_eq!((issuers.title.as_str(), issuers.locale.as_deref()), ("Card", Some("en")));
    assert_eq!(issuers.background_color, Color::parse("navy"));
    assert_eq!(issuers.text_color, Color::WHITE, "the issuer's cannot be read");

    let label = |path: &str, label: &str| (vec![PathStep::from(path)], vec![named(label, None)]);
    let (path, display) = label("age", "Years");
    let of_type = TypeClaim { path, display, sd: SelectiveDisclosure::default(), mandatory: true, svg_id: None };
    let mut published = named("Type", None);
    published.background_color = Some("no colour".to_owned());
    published.logo = logo("https://type.example/logo.png");
    credential.type_metadata =
        Some(TypeMetadata { display: vec![published], claims: vec![of_type], ..TypeMetadata::default() });
    let of_type = credential.card(Some("en"));
    assert_eq!((of_type.title.as_str(), of_type.locale), ("Type", None));
    assert_eq!(of_type.background_color, Color::parse("navy"), "what can't be read counts for nothing");
    assert_eq!(of_type.logo.map(|logo| logo.uri).as_deref(), Some("https://type.example/logo.png"));
    let lines: Vec<_> = of_type.claims.iter().map(|line| (line.label.as_str(), line.mandatory)).collect();
    assert_eq!(lines, [("Years", true), ("Full name", false)]);

    let (path, display) = label("name", "Called");
    let with_it = ClaimDescription { path, display, mandatory: true };
    let mut display = named("Answer", Some("fr"));
    display.background_color = Some("#fff".to_owned());
    display.description = Some("x".repeat(2000));
    credential.response_metadata = Some(CredentialMetadata { display: vec![display], claims: vec![with_it] });
    let card = credential.card(Some("en"));
    assert_eq!((card.title.as_str(), card.locale.as_deref()), ("Answer", Some("fr")));
    assert_eq!((card.background_color, card.text_color.to_css().as_str()), (Some(Color::WHITE), "#000080"));
    assert_eq!(card.description.map(|text| text.chars().count()), Some(LONGEST_DESCRIPTION + 1));
    let lines: Vec<_> = card.claims.iter().map(|line| (line.label.as_str(), line.mandatory)).collect();
    assert_eq!(lines, [("Called", true), ("Years", true)]);
}

#[test]
fn the_state_in_one_word_and_in_the_users_language() {
    let now = Timestamp::parse_rfc3339("2031-05-17T12:00:00Z").expect("a time");
    let check = |kind, outcome| Check { kind, outcome, detail: String::new() };
    let failed = |kind| Some(check(kind, Outcome::Failed));
    let found = |value| Some(StatusFound { value, checked_at: now });
    let unreachable = Some(check(CheckKind::IssuerKey, Outcome::Unknown(Reason::Unreachable)));
    let (day, none) = (86_400, None::<StatusFound>);
    let until = |text: &str| Some(format!("{text} 2031-05-18"));
    for (check, from, until, found, state, words, expiry) in [
        (None, -1, 1, none, CardState::Valid, "Gültig", until("Gültig bis")),
        (None, -1, 1, found(StatusValue::Valid), CardState::Valid, "Gültig", until("Gültig bis")),
        (None, -1, 1, found(StatusValue::Other(3)), CardState::Valid, "Gültig", until("Gültig bis")),
        (None, -2, -1, none, CardState::Expired, "Abgelaufen", Some("Abgelaufen am 2031-05-16".to_owned())),
        (
            failed(CheckKind::Validity),
            -2,
            -1,
            none,
            CardState::Expired,
            "Abgelaufen",
            Some("Abgelaufen am 2031-05-16".to_owned()),
        ),
        (failed(CheckKind::Validity), 1, 2, none, CardState::NotYetValid, "Noch nicht gültig", until("Gültig ab")),
        (
            failed(CheckKind::Status),
            -1,
            1,
            found(StatusValue::Invalid),
            CardState::Revoked,
            "Vom Aussteller widerrufen",
            until("Gültig bis"),
        ),
        (
            failed(CheckKind::Status),
            -1,
            1,
            found(StatusValue::Suspended),
            CardState::Suspended,
            "Vom Aussteller ausgesetzt",
            until("Gültig bis"),
        ),
        // A forgery's word on its status and time counts for nothing.
        (
            failed(CheckKind::Signature),
            -1,
            1,
            found(StatusValue::Invalid),
            CardState::Quarantined,
            "Zurückgestellt: eine Prüfung ist fehlgeschlagen",
            until("Gültig bis"),
        ),
        (
            failed(CheckKind::Signature),
            1,
            1,
            none,
            CardState::Quarantined,
            "Zurückgestellt: eine Prüfung ist fehlgeschlagen",
            until("Gültig bis"),
        ),
        (
            failed(CheckKind::Status),
            -1,
            1,
            none,
            CardState::Quarantined,
            "Zurückgestellt: eine Prüfung ist fehlgeschlagen",
            until("Gültig bis"),
        ),
        (
            unreachable,
            -1,
            1,
            none,
            CardState::Unchecked,
            "Zurückgestellt: noch nicht vollständig geprüft",
            until("Gültig bis"),
        ),
    ] {
        let mut credential = credential(json!({}), CredentialKind::Unknown);
        credential.report = Report::judge(check.as_slice(), &VerificationPolicy::default());
        credential.quarantined = !credential.report.verdict.is_usable();
        credential.valid_from = Some(now + from * day);
        credential.expires_at = Some(now + until * day);
        credential.status_found = found;
        let card = credential.card_at(Some("de-CH"), now);
        assert_eq!((card.state, card.state_text.as_str(), card.expiry_text), (state, words, expiry), "{check:?}");
    }
    let card = credential(json!({}), CredentialKind::Unknown).card_at(Some("ja"), now);
    assert_eq!((card.state_text.as_str(), card.expiry_text), ("Valid", None));
}

#[test]
fn each_format_has_its_claims_in_its_own_place() {
    let types = CredentialKind::Types(vec!["VerifiableCredential".into(), "Degree".into()]);
    let mut several = credential(
        json!({ "issuer": "x", "validFrom": "y", "other": 1, "credentialSubject": [{ "id": "a", "name": "Mira" }, { "name": "Tom" }] }),
        types,
    );
    several.claim_descriptions.clear();
    let paths: Vec<_> = several.card(None).claims.into_iter().map(|line| serde_json::json!(line.path)).collect();
    assert_eq!(paths, [json!(["credentialSubject", 0, "name"]), json!(["credentialSubject", 1, "name"])]);

    let mut licence = credential(
        json!({
            "org.iso.18013.5.1": { "family_name": "Muster", "exp": "kept", "birth_date": "1994-02-17", "age_over_18": true },
            "org.iso.18013.5.1.aamva": { "name_suffix": "Jr" }
        }),
        CredentialKind::Doctype("org.iso.18013.5.1.mDL".into()),
    );
    let namespace = || PathStep::from("org.iso.18013.5.1");
    licence.claim_descriptions = vec![
        ClaimDescription {
            path: vec!["org.iso.18013.5.1.aamva".into(), "name_suffix".into()],
            display: vec![named("Suffix", Some("en"))],
            mandatory: false,
        },
        ClaimDescription { path: vec![namespace(), "family_name".into()], display: Vec::new(), mandatory: true },
    ];
    licence.disclosable = vec![vec![namespace(), "family_name".into()]];
    let card = licence.card(Some("en"));
    assert_eq!(
        lines(&card),
        [
            ("Suffix", "Jr"),
            ("Family name", "Muster"),
            ("Over 18", "Yes"),
            ("Date of birth", "1994-02-17"),
            ("Exp", "kept")
        ]
    );
    let line = &card.claims[1];
    assert_eq!(json!(line.path), json!(["org.iso.18013.5.1", "family_name"]));
    assert_eq!((line.disclosable, line.mandatory, card.claims[0].disclosable), (true, true, false));

    let nothing = credential(Value::Null, CredentialKind::Unknown);
    assert!(nothing.card(None).claims.is_empty());
}

#[test]
fn a_card_goes_through_json() {
    let credential =
        credential(json!({ "name": "Mira", "when": "2031-05-17T12:00:00Z", "none": null }), CredentialKind::Unknown);
    let card = credential.card_at(Some("en"), Timestamp::from_seconds(0));
    let json = serde_json::to_value(&card).expect("json");
    assert_eq!(json["claims"][0]["value"], json!({ "text": "Mira" }));
    assert_eq!(json["claims"][1]["value"], json!("absent"));
    assert_eq!(serde_json::from_value::<Card>(json).expect("a card"), card);
    assert!(!format!("{card:?}").contains("Mira"));
}
