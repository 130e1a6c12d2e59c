//! Made-up contents of a store, for tests and benches of what works on many; and what reads files from outside, for
//! fuzzers.

use serde_json::json;

use crate::backup;
use crate::error::Result;
use crate::model::credential::{Credential, HolderKey, Instance};
use crate::model::display::{ClaimDescription, Display};
use crate::model::format::Format;
use crate::model::ids::IssuerId;
use crate::model::jwk::Jwk;
use crate::model::metadata::CredentialKind;
use crate::model::profile::Profile;
use crate::model::report::{Check, CheckKind, Outcome, Report, VerificationPolicy};
use crate::model::time::Timestamp;
use crate::platform::store::{Change, Expected};
use crate::setup::put_credential;

/// A credential of usual size (about 4 KB), as an issuance would leave it: three issuers and two formats in turn, one
/// in eight in quarantine. Its id and what it holds follow from the number. It is nothing that could be verified.
pub fn credential(number: u32) -> Credential {
    let (issuer, is_mdoc) = (number % 3, number % 2 == 1);
    let claims = json!({
        "given_name": format!("Erika {number}"), "family_name": "Mustermann", "birthdate": "1964-08-12",
        "address": { "street_address": "Heidestraße 17", "locality": "Köln", "postal_code": "51147", "country": "DE" },
        "nationalities": ["DE", "CH"], "document_number": format!("T{number:08}"), "age_over_18": true,
    });
    let display = |name: &str, locale: &str| Display {
        name: Some(name.to_owned()),
        locale: Some(locale.to_owned()),
        background_color: Some("#12107c".to_owned()),
        text_color: Some("#ffffff".to_owned()),
        ..Display::default()
    };
    let described =
        ["given_name", "family_name", "birthdate", "address", "nationalities"].map(|name| ClaimDescription {
            path: vec![name.into()],
            mandatory: true,
            display: vec![display(name, "en"), display(name, "de")],
        });
    let kinds = [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::HolderBinding, CheckKind::Type];
    let quarantined = number % 8 == 7;
    let checks = kinds.map(|kind| Check {
        kind,
        outcome: if quarantined { Outcome::Failed } else { Outcome::Passed },
        detail: "as it should be, by the key that the issuer's metadata names".to_owned(),
    });
    let instance = |copy: u32| {
        let handle = format!("key-{number}-{copy}");
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let key = Jwk::from_value(&jwk).expect("the key of RFC 8037");
        Instance::new(json!(format!("{}.{number}.{copy}", "eyJhbGciOiJFUzI1NiJ9".repeat(40))), {
            Some(HolderKey::new(handle, key))
        })
    };
    Credential {
        id: format!("{number:032x}").into(),
        credential_issuer: IssuerId::parse(&format!("https://issuer-{issuer}.example")).expect("legal"),
        credential_configuration_id: "identity".into(),
        format: if is_mdoc { Format::MsoMdoc } else { Format::SdJwtVc },
        contexts: Vec::new(),
        kind: if is_mdoc {
            CredentialKind::Doctype("org.iso.18013.5.1.mDL".to_owned())
        } else {
            CredentialKind::Vct(format!("https://issuer-{issuer}.example/identity"))
        },
        issued_at: Timestamp::from_seconds(1_750_000_000 + i64::from(number)),
        valid_from: None,
        expires_at: (number % 5 != 4).then(|| Timestamp::from_seconds(1_800_000_000 + i64::from(number) * 3600)),
        status: None,
        status_found: None,
        instances: vec![instance(0), instance(1)],
        report: Report::judge(&checks, &VerificationPolicy::default()),
        claims,
        disclosable: Vec::new(),
        quarantined,
        issuer_display: vec![display("Ministry of the Interior", "en"), display("Innenministerium", "de")],
        display: vec![display("Identity card", "en"), display("Personalausweis", "de")],
        claim_descriptions: described.into(),
        type_metadata: None,
        response_metadata: None,
        issuer_jwks: None,
        identifier: None,
        profile: Profile::Base,
        authorization: None,
        contact: None,
    }
}

/// The change that stores it, where nothing is stored under its id.
pub fn store(credential: &Credential) -> Change {
    put_credential(credential, Expected::Nothing)
}

/// Opens a file that may be a backup, and says how many credentials are in it.
pub fn open_backup(file: &[u8], passphrase: &str) -> Result<usize> {
    backup::open_file(file, passphrase)
}

/// Reads what a backup holds beneath its seal: a line about it, and one a credential.
pub fn read_backup_lines(text: &[u8]) -> Result<usize> {
    backup::read_lines(text)
}
