//! Everything that reads octets from outside, as functions of octets: for the fuzzers in `fuzz/`, and for the
//! inputs that they found, which the tests run again.
//!
//! None may panic, whatever it is given; what they make of it does not matter here.

use std::collections::BTreeSet;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::backup;
use crate::dialect::{self, Dialects, PinParameter, explain, lift, read};
use crate::error::Operation;
use crate::format;
use crate::model::format::Format;
use crate::model::ids::IssuerId;
use crate::model::jwk::Jwk;
use crate::model::metadata::CredentialKind;
use crate::model::profile::Profile;
use crate::model::report::{Outcome, VerificationPolicy};
use crate::model::time::Timestamp;
use crate::platform::http::HttpResponse;
use crate::protocol::encryption::AnswerKey;
use crate::protocol::metadata::{MetadataRules, SignedMetadata};
use crate::protocol::token::TokenGrant;
use crate::protocol::{self, message, offer as offers};
use crate::session::Session;
use crate::setup::read_credential;
use crate::verify::status::{self, Stated, StatusLists, Subject};
use crate::verify::x509::{At, TrustAnchors};
use crate::verify::{DocumentError, DocumentSource, Fetched, VerifyContext, Wanted, did};

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

/// A parser, by the name of its target.
pub type Target = fn(&[u8]);

/// All targets.
pub const TARGETS: &[(&str, Target)] = &[
    ("offer", offer),
    ("metadata", metadata),
    ("token", token),
    ("credential_answer", credential_answer),
    ("sd_jwt", sd_jwt),
    ("jwt", jwt),
    ("mdoc", mdoc),
    #[cfg(feature = "ldp-vc")]
    ("ldp_vc", ldp_vc),
    ("did_document", did_document),
    ("status_list", status_list),
    ("store_record", store_record),
    ("backup", backup),
];

const DIALECTS: [Dialects; 2] = [Dialects::Any, Dialects::Strict];

/// A link, and the document that it may lead to. An offer may bring the metadata along that settles what it means.
pub fn offer(octets: &[u8]) {
    if let Ok(document) = crate::json::parse(octets) {
        let offered = document.get("credential_offer").filter(|_| document.get("metadata").is_some());
        for dialects in DIALECTS {
            let Ok(read) = dialect::offer(offered.unwrap_or(&document), dialects) else { continue };
            let Some(metadata) = document.get("metadata") else { continue };
            if let Ok(mut issuer) = dialect::issuer_metadata(metadata, &issuer(), dialects) {
                drop(dialect::settle(&read, &mut issuer.metadata, &mut issuer.quirks));
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(octets) {
        if let Some((_, query)) = text.split_once('?')
            && let Some(document) = lift::offer::from_query(query)
        {
            drop(dialect::offer(&document, Dialects::Any));
        }
        drop(offers::parse_link(text, Dialects::Any));
        let mut link = Url::parse("openid-credential-offer://").expect("a URL");
        link.query_pairs_mut().append_pair("credential_offer", text);
        drop(offers::parse_link(link.as_str(), Dialects::Any));
    }
    drop(offers::response(&answer(octets), Dialects::Any));
}

/// The metadata of an issuer and of its authorization server.
pub fn metadata(octets: &[u8]) {
    let asked = issuer();
    let rules = MetadataRules { policy: SignedMetadata::Prefer, trust: TrustAnchors::default() };
    let at = At { now: NOW, skew: 60 };
    drop(protocol::metadata::issuer_response(&answer(octets), &asked, &rules, at, Dialects::Any));
    drop(protocol::metadata::server_response(&answer(octets), &asked, Dialects::Any));
    let Ok(document) = crate::json::parse(octets) else { return };
    for dialects in DIALECTS {
        drop(dialect::server_metadata(&document, &asked, dialects));
        if let Ok(read) = dialect::issuer_metadata(&document, &asked, dialects) {
            let report = explain::report(&read.quirks, read.metadata.nonce_endpoint.is_some(), &read.tolerated);
            assert!(dialects == Dialects::Any || report.tolerated.is_empty(), "nothing is tolerated there");
        }
    }
}

/// The answer of a token endpoint.
pub fn token(octets: &[u8]) {
    let grant = TokenGrant::PreAuthorizedCode {
        pre_authorized_code: "code".into(),
        tx_code: None,
        pin: PinParameter::TxCode,
        authorization_details: None,
    };
    let answer = answer(octets);
    drop(protocol::token::response(&answer, &grant, NOW, true, Dialects::Any));
    drop(message::issuer_error(&answer));
    if let Ok(document) = crate::json::parse(octets) {
        drop(lift::answers::nonce(&document));
        drop(read::token(&lift::answers::token(&document, NOW, &mut BTreeSet::new()), NOW));
    }
}

/// The answers of credential, deferred credential, nonce and notification endpoint.
pub fn credential_answer(octets: &[u8]) {
    let answer = answer(octets);
    drop(protocol::credential::response(&answer, AnswerKey::none(), Operation::Credential, Dialects::Any));
    let _ = protocol::credential::still_pending(&answer, Dialects::Any);
    drop(protocol::nonce::response(&answer));
    drop(protocol::notification::response(&answer));
    if let Ok(document) = crate::json::parse(octets) {
        drop(read::credential_response(&lift::answers::credential(&document, &mut BTreeSet::new()).0));
    }
}

/// A credential as SD-JWT VC.
pub fn sd_jwt(octets: &[u8]) {
    credential(&Format::SdJwtVc, &text(octets), octets);
}

/// A credential as JWT.
pub fn jwt(octets: &[u8]) {
    credential(&Format::JwtVcJson, &text(octets), octets);
}

/// A credential as mdoc: CBOR, or text that should hold some.
pub fn mdoc(octets: &[u8]) {
    credential(&Format::MsoMdoc, &json!(URL_SAFE_NO_PAD.encode(octets)), octets);
    if let Ok(text) = std::str::from_utf8(octets) {
        credential(&Format::MsoMdoc, &json!(text), octets);
    }
}

/// A credential with a Data Integrity proof.
#[cfg(feature = "ldp-vc")]
pub fn ldp_vc(octets: &[u8]) {
    if let Ok(raw) = crate::json::parse(octets) {
        credential(&Format::LdpVc, &raw, octets);
    }
}

/// The document of a DID.
pub fn did_document(octets: &[u8]) {
    let documents = Everywhere(octets);
    for did_url in ["did:web:issuer.example", "did:web:issuer.example#key-1"] {
        drop(now_or_panic(did::resolve(did_url, &documents)));
    }
    if let Ok(text) = std::str::from_utf8(octets) {
        drop(now_or_panic(did::resolve(text, &documents)));
    }
}

/// A status list, of either kind, whatever its form.
pub fn status_list(octets: &[u8]) {
    let places = [
        json!({ "status": { "status_list": { "idx": 3, "uri": "https://issuer.example/list" } } }),
        json!({ "credentialStatus": {
            "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "3",
            "statusListCredential": "https://issuer.example/list"
        } }),
    ];
    for place in places {
        let stated = match place.get("status") {
            Some(status) => Stated::in_claim(Some(status)),
            None => Stated::in_w3c(place.as_object().expect("an object"), None),
        };
        let of = Subject { issuer: Some("https://issuer.example"), keys: &[], checks: &[] };
        in_context(octets, Profile::Base, |context| {
            let (check, _) = now_or_panic(status::check(&stated, &of, context));
            assert_ne!(check.outcome, Outcome::Passed, "nobody has signed it");
        });
    }
}

/// A backup, and what lies beneath its seal.
pub fn backup(octets: &[u8]) {
    drop(backup::open_file(octets, "passphrase"));
    drop(backup::read_lines(octets));
}

/// What lies in a store.
pub fn store_record(octets: &[u8]) {
    drop(Session::from_bytes(octets));
    if let Ok(credential) = read_credential(octets) {
        drop(credential.card(Some("de")));
    }
}

/// An answer whose status and media type are chosen by its first octet.
fn answer(octets: &[u8]) -> HttpResponse {
    let (choice, body) = octets.split_first().unwrap_or((&0, &[]));
    let status = [200, 202, 400, 404, 500][usize::from(choice & 7) % 5];
    let media_type = ["application/json", "application/jwt", "text/html", ""][usize::from(choice >> 3) % 4];
    http::Response::builder()
        .status(status)
        .header("content-type", media_type)
        .body(body.to_vec())
        .expect("status and header are legal")
}

/// Text that is octets, or the octets as text.
fn text(octets: &[u8]) -> Value {
    // What is no text is taken for parts of a JWS, so that the fuzzer need not find base64url by itself.
    if let Ok(text) = std::str::from_utf8(octets) {
        return json!(text);
    }
    let mut parts = octets.split(|octet| *octet == 0xff).map(|part| URL_SAFE_NO_PAD.encode(part));
    let jws: Vec<_> = parts.by_ref().take(3).collect();
    let disclosures: Vec<_> = parts.collect();
    json!(format!("{}~{}~", jws.join("."), disclosures.join("~")))
}

/// A look at a credential, which finds the same octets wherever it fetches something.
fn credential(format: &Format, raw: &Value, octets: &[u8]) {
    for profile in [Profile::Base, Profile::Haip] {
        in_context(octets, profile, |context| {
            let found = now_or_panic(format::reader(format).examine(raw, context));
            assert!(!found.checks.is_empty(), "a report says something");
        });
    }
}

/// What a credential of this issuer is held against, where every address gives the same octets.
fn in_context(octets: &[u8], profile: Profile, look: impl FnOnce(&VerifyContext<'_>)) {
    let credential_issuer = issuer();
    let (policy, trust, status_lists) =
        (VerificationPolicy::default(), TrustAnchors::default(), StatusLists::default());
    let kind = CredentialKind::Vct("https://issuer.example/type".to_owned());
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let holder_keys = [Jwk::from_value(&key).expect("the key of RFC 8037")];
    look(&VerifyContext {
        credential_issuer: Some(&credential_issuer),
        issuer_jwks: None,
        kind: Some(&kind),
        holder_keys: &holder_keys,
        policy: &policy,
        profile,
        takes_type: true,
        now: NOW,
        skew: 60,
        trust: &trust,
        trusted_issuers: &[],
        documents: &Everywhere(octets),
        status_lists: &status_lists,
        asked_contexts: &[],
        #[cfg(feature = "ldp-vc")]
        contexts: &crate::verify::data_integrity::Contexts::default(),
    });
}

fn issuer() -> IssuerId {
    IssuerId::parse("https://issuer.example").expect("a legal identifier")
}

/// A network where every address gives the same.
struct Everywhere<'a>(&'a [u8]);

#[async_trait]
impl DocumentSource for Everywhere<'_> {
    async fn get(&self, _: &Url) -> Result<Value, DocumentError> {
        crate::json::parse(self.0).map_err(|error| DocumentError::Unusable(error.to_string()))
    }

    async fn fetch(&self, _: &Url, want: Wanted) -> Result<Fetched, DocumentError> {
        if self.0.len() > want.max_bytes {
            return Err(DocumentError::Unusable("too long".to_owned()));
        }
        let (choice, body) = self.0.split_first().unwrap_or((&0, &[]));
        let types = ["application/statuslist+jwt", "application/statuslist+cwt", "application/vc+jwt", "text/html"];
        let content_type = Some(types[usize::from(*choice) % types.len()].to_owned());
        Ok(Fetched { content_type, body: body.to_vec(), at: NOW, max_age: 0 })
    }

    async fn resolve_did(&self, _: &str) -> Option<Result<Value, DocumentError>> {
        Some(crate::json::parse(self.0).map_err(|error| DocumentError::Unusable(error.to_string())))
    }
}

/// Runs what never has to wait.
fn now_or_panic<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("nothing in it waits")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::TARGETS;

    /// Seeds, and what fuzzers found once.
    #[test]
    fn no_committed_input_panics() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        for (name, target) in TARGETS {
            let entries = fs::read_dir(folder.join(name)).unwrap_or_else(|error| panic!("seeds of {name}: {error}"));
            let mut seen = 0;
            for entry in entries {
                let path = entry.expect("an entry").path();
                // Seen in the output if it panics.
                println!("{}", path.display());
                target(&fs::read(&path).expect("a file"));
                seen += 1;
            }
            assert!(seen > 0, "{name} has no seeds");
        }
    }

    #[test]
    fn every_target_has_a_fuzzer() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml");
        let manifest = fs::read_to_string(manifest).expect("a manifest");
        for (name, _) in TARGETS {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
