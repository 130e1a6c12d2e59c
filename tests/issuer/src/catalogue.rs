//! The credential configurations on offer.

use serde_json::{Map, Value, json};

use crate::data_integrity;
use crate::encoding::b64_standard;
use crate::key_attestation;
use crate::options::{AttestationProof, IssuerKey, Options, Scopes};

/// Formats that this issuer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    SdJwtVc,
    JwtVc,
}

impl Format {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::SdJwtVc => "dc+sd-jwt",
            Self::JwtVc => "jwt_vc_json",
        }
    }

    pub(crate) fn from_id(id: &str) -> Option<Self> {
        [Self::SdJwtVc, Self::JwtVc].into_iter().find(|format| format.id() == id)
    }
}

/// What the credential says, and how it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Degree,
    Student,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Degree, Self::Student];

    /// Last part of the `vct`.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Degree => "university-degree",
            Self::Student => "student-card",
        }
    }

    /// Type for the W3C formats.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Degree => "UniversityDegreeCredential",
            Self::Student => "StudentCardCredential",
        }
    }

    /// Names by locale.
    pub(crate) fn names(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Degree => [("en-US", "University Degree"), ("de-DE", "Hochschulabschluss")],
            Self::Student => [("en-US", "Student Card"), ("de-DE", "Studierendenausweis")],
        }
    }
}

/// One credential configuration.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) id: String,
    pub(crate) format: Format,
    pub(crate) kind: Kind,
    pub(crate) scope: Option<String>,
    /// Binding methods; empty for a credential that is bound to no key.
    pub(crate) binding: &'static [&'static str],
    pub(crate) issuer_key: IssuerKey,
}

/// Proof algorithms that are accepted.
pub(crate) const PROOF_ALGS: [&str; 4] = ["ES256", "ES384", "EdDSA", "ES256K"];

const JWK: &[&str] = &["jwk"];
const DID: &[&str] = &["did:key", "did:jwk"];
const BOTH: &[&str] = &["jwk", "did:key", "did:jwk"];

/// Every configuration of an issuer whose main credentials are signed the given way.
pub(crate) fn configurations(main_key: IssuerKey, scopes: Scopes) -> Vec<Configuration> {
    let entry = |id: &str, format, kind, binding, issuer_key| Configuration {
        id: id.to_owned(),
        format,
        kind,
        scope: Some(id.to_owned()),
        binding,
        issuer_key,
    };
    let mut all = vec![
        entry("UniversityDegree_dc_sd_jwt", Format::SdJwtVc, Kind::Degree, JWK, main_key),
        entry("UniversityDegree_dc_sd_jwt_did", Format::SdJwtVc, Kind::Degree, DID, main_key),
        entry("UniversityDegree_jwt_vc_json", Format::JwtVc, Kind::Degree, BOTH, main_key),
        entry("UniversityDegree_jwt_vc_json_unbound", Format::JwtVc, Kind::Degree, &[], main_key),
    ];
    let mut no_scope = entry("StudentCard_dc_sd_jwt", Format::SdJwtVc, Kind::Student, JWK, main_key);
    no_scope.scope = None;
    all.push(no_scope);
    for (suffix, key) in [
        ("x5c", IssuerKey::X5c),
        ("jwt_vc_issuer", IssuerKey::JwtVcIssuerMetadata),
        ("did_key", IssuerKey::DidKey),
        ("did_jwk", IssuerKey::DidJwk),
        ("did_web", IssuerKey::DidWeb),
    ] {
        all.push(entry(&format!("StudentCard_dc_sd_jwt_by_{suffix}"), Format::SdJwtVc, Kind::Student, JWK, key));
        all.push(entry(&format!("StudentCard_jwt_vc_json_by_{suffix}"), Format::JwtVc, Kind::Student, BOTH, key));
    }
    for configuration in &mut all {
        match scopes {
            Scopes::Most => {}
            Scopes::All => configuration.scope = Some(configuration.id.clone()),
            Scopes::None => configuration.scope = None,
        }
    }
    all
}

impl Configuration {
    /// Whether the credential is bound to a key.
    pub(crate) fn is_bound(&self) -> bool {
        !self.binding.is_empty()
    }

    /// The `vct` of this configuration.
    pub(crate) fn vct(&self, issuer: &str) -> String {
        format!("{issuer}/vct/{}", self.kind.slug())
    }

    /// Whether key attestations can stand for this configuration's keys: they name keys, not DIDs.
    pub(crate) fn takes_key_attestations(&self) -> bool {
        self.binding.contains(&"jwk")
    }

    /// The proof types that are listed and taken, with their requirements.
    pub(crate) fn proof_types(&self, options: &Options) -> Map<String, Value> {
        let mut types = Map::new();
        if !self.is_bound() {
            return types;
        }
        let attestation = if self.takes_key_attestations() { options.attestation_proof } else { AttestationProof::Off };
        if attestation != AttestationProof::Only {
            types.insert("jwt".into(), json!({"proof_signing_alg_values_supported": PROOF_ALGS}));
        }
        if attestation != AttestationProof::Off {
            types.insert("attestation".into(), json!({"proof_signing_alg_values_supported": key_attestation::ALGS}));
        }
        let takes_dids = self.binding.iter().any(|method| method.starts_with("did:"));
        if options.di_vp_proof && takes_dids {
            types.insert("di_vp".into(), json!({"proof_signing_alg_values_supported": data_integrity::SUITES}));
        }
        if let Some(required) = key_attestation::required(options).filter(|_| self.takes_key_attestations()) {
            for (_, entry) in types.iter_mut().filter(|(kind, _)| *kind != "di_vp") {
                entry["key_attestations_required"] = required.clone();
            }
        }
        types
    }

    /// The entry in the issuer's metadata.
    pub(crate) fn metadata(&self, issuer: &str, options: &Options) -> Value {
        let mut entry = json!({
            "format": self.format.id(),
            "credential_signing_alg_values_supported": [signing_alg(self.issuer_key)],
            "credential_metadata": {
                "display": self.display(),
                "claims": self.claims(),
            },
        });
        let object = entry.as_object_mut().expect("made as an object");
        if let Some(scope) = &self.scope {
            object.insert("scope".into(), json!(scope));
        }
        if self.is_bound() {
            object.insert("cryptographic_binding_methods_supported".into(), json!(self.binding));
            object.insert("proof_types_supported".into(), Value::Object(self.proof_types(options)));
        }
        match self.format {
            Format::SdJwtVc => object.insert("vct".into(), json!(self.vct(issuer))),
            Format::JwtVc => object.insert(
                "credential_definition".into(),
                json!({"type": ["VerifiableCredential", self.kind.type_name()]}),
            ),
        };
        entry
    }

    fn display(&self) -> Value {
        let (background, text) = match self.kind {
            Kind::Degree => ("#12107c", "#FFFFFF"),
            Kind::Student => ("#0b6e4f", "#ffffff"),
        };
        self.kind
            .names()
            .iter()
            .map(|(locale, name)| {
                json!({
                    "name": name,
                    "locale": locale,
                    "logo": {"uri": logo(), "alt_text": "A square with a round hole"},
                    "description": "Made by a test issuer",
                    "background_color": background,
                    "text_color": text,
                })
            })
            .collect()
    }

    fn claims(&self) -> Value {
        let prefix: &[&str] = match self.format {
            Format::SdJwtVc => &[],
            Format::JwtVc => &["credentialSubject"],
        };
        labels(self.kind)
            .iter()
            .map(|(path, mandatory, english, german)| {
                let path: Vec<Value> = prefix
                    .iter()
                    .map(|part| json!(part))
                    .chain(path.iter().map(|part| part.map_or(Value::Null, |name| json!(name))))
                    .collect();
                json!({
                    "path": path,
                    "mandatory": mandatory,
                    "display": [
                        {"name": english, "locale": "en-US"},
                        {"name": german, "locale": "de-DE"},
                    ],
                })
            })
            .collect()
    }
}

/// The algorithm that each way of finding the key signs with.
pub(crate) fn signing_alg(key: IssuerKey) -> &'static str {
    match key {
        IssuerKey::X5c | IssuerKey::JwtVcIssuerMetadata | IssuerKey::DidJwk => "ES256",
        IssuerKey::DidKey => "EdDSA",
        IssuerKey::DidWeb => "ES384",
    }
}

type Label = (&'static [Option<&'static str>], bool, &'static str, &'static str);

fn labels(kind: Kind) -> &'static [Label] {
    match kind {
        Kind::Degree => &[
            (&[Some("given_name")], true, "Given name", "Vorname"),
            (&[Some("family_name")], true, "Family name", "Nachname"),
            (&[Some("birthdate")], false, "Date of birth", "Geburtsdatum"),
            (&[Some("degree"), Some("name")], true, "Degree", "Abschluss"),
            (&[Some("degree"), Some("date")], false, "Awarded on", "Verliehen am"),
            (&[Some("address"), Some("locality")], false, "Town", "Ort"),
            (&[Some("nationalities"), None], false, "Nationality", "Nationalität"),
        ],
        Kind::Student => &[
            (&[Some("given_name")], true, "Given name", "Vorname"),
            (&[Some("family_name")], true, "Family name", "Nachname"),
            (&[Some("student_number")], true, "Student number", "Matrikelnummer"),
            (&[Some("university")], false, "University", "Hochschule"),
        ],
    }
}

/// Paths of the claims that every credential has.
pub(crate) fn mandatory_paths(kind: Kind) -> Vec<Vec<Value>> {
    let path = |parts: &[Option<&str>]| parts.iter().map(|part| json!(part)).collect();
    labels(kind).iter().filter(|(_, mandatory, ..)| *mandatory).map(|(parts, ..)| path(parts)).collect()
}

/// The claims about the subject, before any of them is hidden.
pub(crate) fn subject_claims(kind: Kind) -> Map<String, Value> {
    let claims = match kind {
        Kind::Degree => json!({
            "given_name": "Erika",
            "family_name": "Mustermann",
            "birthdate": "1984-01-26",
            "degree": {"type": "BachelorDegree", "name": "Bachelor of Science", "date": "2009-07-31"},
            "address": {"street_address": "Heidestraße 17", "locality": "Köln", "country": "DE"},
            "nationalities": ["DE", "FR"],
        }),
        Kind::Student => json!({
            "given_name": "Erika",
            "family_name": "Mustermann",
            "student_number": "0042311",
            "university": "Test University",
        }),
    };
    match claims {
        Value::Object(claims) => claims,
        _ => unreachable!("both are objects"),
    }
}

/// A small picture that needs no request.
pub(crate) fn logo() -> String {
    let svg = concat!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">"#,
        r##"<path fill="#12107c" d="M0 0h8v8H0z"/><circle cx="4" cy="4" r="2" fill="#fff"/></svg>"##,
    );
    format!("data:image/svg+xml;base64,{}", b64_standard(svg))
}
