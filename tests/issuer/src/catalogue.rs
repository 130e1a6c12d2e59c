//! The credential configurations on offer.

use serde_json::{Map, Value, json};

use crate::data_integrity;
use crate::dialect::Dialect;
use crate::encoding::b64_standard;
use crate::formats::ldp;
use crate::images;
use crate::key_attestation;
use crate::keys::Curve;
use crate::options::{AttestationProof, IssuerKey, Options, Scopes};
use crate::subjects::{Kind, LICENCE_DOCTYPE, labels};

/// Formats that this issuer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    SdJwtVc,
    /// The same by its older name.
    VcSdJwt,
    JwtVc,
    JwtVcLd,
    Mdoc,
    LdpVc,
    /// One that no wallet knows.
    Unknown,
}

impl Format {
    pub(crate) const ALL: [Self; 7] =
        [Self::SdJwtVc, Self::VcSdJwt, Self::JwtVc, Self::JwtVcLd, Self::Mdoc, Self::LdpVc, Self::Unknown];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::SdJwtVc => "dc+sd-jwt",
            Self::VcSdJwt => "vc+sd-jwt",
            Self::JwtVc => "jwt_vc_json",
            Self::JwtVcLd => "jwt_vc_json-ld",
            Self::Mdoc => "mso_mdoc",
            Self::LdpVc => "ldp_vc",
            Self::Unknown => "x-unheard-of",
        }
    }

    pub(crate) fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.id() == id)
    }

    /// Where claims about the subject stand.
    pub(crate) fn claims_prefix(self) -> &'static [&'static str] {
        match self {
            Self::SdJwtVc | Self::VcSdJwt | Self::Mdoc | Self::Unknown => &[],
            Self::JwtVc | Self::JwtVcLd | Self::LdpVc => &["credentialSubject"],
        }
    }
}

/// What sets a credential apart from others of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    Plain,
    /// Version 2.0 of the W3C data model, secured as a JWT.
    Version2,
    /// Secured with a Data Integrity proof.
    Suite(ldp::Suite),
}

/// One credential configuration.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) id: String,
    pub(crate) format: Format,
    pub(crate) flavor: Flavor,
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

/// Every configuration of an issuer.
pub(crate) fn configurations(options: &Options, dialect: &Dialect) -> Vec<Configuration> {
    let main_key = options.issuer_key;
    let entry = |id: &str, format, kind, binding, issuer_key| Configuration {
        id: id.to_owned(),
        format,
        flavor: Flavor::Plain,
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
    all.push(entry("UniversityDegree_vc_sd_jwt", Format::VcSdJwt, Kind::Degree, JWK, main_key));
    let mut version2 = entry("UniversityDegree_jwt_vc_json_v2", Format::JwtVc, Kind::Degree, BOTH, main_key);
    version2.flavor = Flavor::Version2;
    all.push(version2);
    all.push(entry("UniversityDegree_jwt_vc_json_ld", Format::JwtVcLd, Kind::Degree, BOTH, main_key));
    all.push(entry("DrivingLicence_mso_mdoc", Format::Mdoc, Kind::Licence, dialect.mdoc_binding, IssuerKey::X5c));
    for suite in ldp::Suite::ALL {
        let id = format!("UniversityDegree_ldp_vc_{}", suite.slug());
        let mut secured = entry(&id, Format::LdpVc, Kind::Degree, DID, suite.issuer_key());
        secured.flavor = Flavor::Suite(suite);
        all.push(secured);
    }
    all.push(entry("EmployeeBadge_dc_sd_jwt", Format::SdJwtVc, Kind::Badge, JWK, main_key));
    if options.unknown_format {
        all.push(entry("StudentCard_unheard_of", Format::Unknown, Kind::Student, JWK, main_key));
    }
    if !dialect.formats.contains(&Format::SdJwtVc) && dialect.formats.contains(&Format::VcSdJwt) {
        use_the_older_name(&mut all);
    }
    all.retain(|configuration| dialect.formats.contains(&configuration.format));
    for configuration in &mut all {
        match options.scopes {
            Scopes::Most => {}
            Scopes::All => configuration.scope = Some(configuration.id.clone()),
            Scopes::None => configuration.scope = None,
        }
    }
    all
}

/// Makes every SD-JWT VC one by its older name.
fn use_the_older_name(all: &mut Vec<Configuration>) {
    all.retain(|configuration| configuration.format != Format::VcSdJwt);
    for configuration in all.iter_mut().filter(|configuration| configuration.format == Format::SdJwtVc) {
        configuration.format = Format::VcSdJwt;
        configuration.id = configuration.id.replace("dc_sd_jwt", "vc_sd_jwt");
        if let Some(scope) = &mut configuration.scope {
            scope.clone_from(&configuration.id);
        }
    }
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
        self.takes_bare_keys()
    }

    /// Whether proofs may show a key that goes by no name.
    pub(crate) fn takes_bare_keys(&self) -> bool {
        ["jwk", "cose_key", "mso"].iter().any(|method| self.binding.contains(method))
    }

    /// The proof types that are listed and taken, with their requirements.
    pub(crate) fn proof_types(&self, options: &Options, dialect: &Dialect) -> Map<String, Value> {
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
        let presentation = dialect.presentation.filter(|_| options.di_vp_proof && takes_dids);
        if let Some(kind) = presentation {
            types.insert(kind.into(), json!({"proof_signing_alg_values_supported": data_integrity::SUITES}));
        }
        if let Some(required) = key_attestation::required(options).filter(|_| self.takes_key_attestations()) {
            for (_, entry) in types.iter_mut().filter(|(kind, _)| Some(kind.as_str()) != presentation) {
                entry["key_attestations_required"] = required.clone();
            }
        }
        types
    }

    /// The entry in the issuer's metadata, in the shape of 1.0.
    pub(crate) fn metadata(&self, issuer: &str, options: &Options, dialect: &Dialect) -> Value {
        let mut entry = json!({
            "format": self.format.id(),
            "credential_signing_alg_values_supported": [self.signing_alg(options.signer)],
        });
        // The names of a badge are in its type metadata.
        if self.kind != Kind::Badge {
            entry["credential_metadata"] = self.credential_metadata(issuer);
        }
        let object = entry.as_object_mut().expect("made as an object");
        if let Some(scope) = &self.scope {
            object.insert("scope".into(), json!(scope));
        }
        if self.is_bound() {
            object.insert("cryptographic_binding_methods_supported".into(), json!(self.binding));
            object.insert("proof_types_supported".into(), Value::Object(self.proof_types(options, dialect)));
        }
        let definition = || json!({"type": ["VerifiableCredential", self.kind.type_name()]});
        match self.format {
            Format::SdJwtVc | Format::VcSdJwt => {
                object.insert("vct".into(), json!(self.vct(issuer)));
            }
            Format::JwtVc => {
                object.insert("credential_definition".into(), definition());
            }
            Format::JwtVcLd | Format::LdpVc => {
                let mut definition = definition();
                definition["@context"] = ldp::contexts(self);
                object.insert("credential_definition".into(), definition);
            }
            Format::Mdoc => {
                object.insert("doctype".into(), json!(LICENCE_DOCTYPE));
            }
            Format::Unknown => {
                object.insert("unheard_of".into(), json!({"schema": self.kind.slug()}));
            }
        }
        entry
    }

    /// Display and claims, as the issuer's metadata and 1.1's credential responses have them.
    pub(crate) fn credential_metadata(&self, issuer: &str) -> Value {
        json!({"display": self.display(issuer), "claims": self.claims()})
    }

    /// The same for one response of 1.1: its names tell that they come from there.
    pub(crate) fn response_metadata(&self, issuer: &str) -> Value {
        let mut metadata = self.credential_metadata(issuer);
        for entry in metadata["display"].as_array_mut().into_iter().flatten() {
            if let Some(name) = entry["name"].as_str().map(|name| format!("{name} (yours)")) {
                entry["name"] = json!(name);
            }
        }
        metadata
    }

    /// The algorithm that the credential is signed with, as the metadata has it.
    fn signing_alg(&self, signer: Option<Curve>) -> Value {
        let curve = curve_of(self.issuer_key, signer);
        match (self.format, self.flavor) {
            (Format::Mdoc, _) => json!(curve.cose_alg()),
            (_, Flavor::Suite(suite)) => json!(suite.name()),
            _ => json!(curve.alg()),
        }
    }

    fn display(&self, issuer: &str) -> Value {
        let (background, text) = self.kind.colors();
        self.kind
            .names()
            .iter()
            .map(|(locale, name)| {
                let mut entry = json!({
                    "name": name,
                    "locale": locale,
                    "logo": {"uri": logo(), "alt_text": "A square with a round hole"},
                    "description": "Made by a test issuer",
                    "background_color": background,
                    "text_color": text,
                });
                if self.kind == Kind::Licence {
                    let logo = images::url(issuer, "licence.png");
                    entry["logo"] = json!({"uri": logo, "alt_text": "A card with a face"});
                    entry["background_image"] = json!({"uri": images::url(issuer, "card.svg")});
                }
                entry
            })
            .collect()
    }

    fn claims(&self) -> Value {
        let prefix = self.format.claims_prefix();
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

/// The curve of the key that is found in a way, unless one was chosen for all of them.
pub(crate) fn curve_of(key: IssuerKey, chosen: Option<Curve>) -> Curve {
    chosen.unwrap_or(match key {
        IssuerKey::X5c | IssuerKey::JwtVcIssuerMetadata | IssuerKey::DidJwk => Curve::P256,
        IssuerKey::DidKey => Curve::Ed25519,
        IssuerKey::DidWeb => Curve::P384,
    })
}

/// A small picture that needs no request.
pub(crate) fn logo() -> String {
    let svg = concat!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">"#,
        r##"<path fill="#12107c" d="M0 0h8v8H0z"/><circle cx="4" cy="4" r="2" fill="#fff"/></svg>"##,
    );
    format!("data:image/svg+xml;base64,{}", b64_standard(svg))
}
