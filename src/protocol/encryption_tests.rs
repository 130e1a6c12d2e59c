use serde_json::json;

use super::*;
use crate::dialect::{EncryptionForm, read};
use crate::verify::testing::{read_vector, spec_vectors};

const OPERATION: Operation = Operation::Credential;

/// An issuer's key, and what it publishes of it.
struct Issuer {
    key: OneTimeKey,
    jwk: Value,
}

impl Issuer {
    fn new() -> Self {
        let key = OneTimeKey::generate();
        let mut jwk = key.public_jwk().to_value();
        jwk["kid"] = json!("issuer-key");
        jwk["use"] = json!("enc");
        jwk["alg"] = json!("ECDH-ES");
        Self { key, jwk }
    }

    /// Metadata that offers all and requires as said.
    fn metadata(&self, request: bool, response: bool) -> Value {
        json!({
            "credential_issuer": "https://issuer.example",
            "credential_endpoint": "https://issuer.example/credential",
            "credential_configurations_supported": {},
            "credential_request_encryption": {
                "jwks": { "keys": [self.jwk] }, "enc_values_supported": ["A128GCM", "A256GCM"],
                "encryption_required": request
            },
            "credential_response_encryption": {
                "alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"], "enc_values_supported": ["A128GCM"],
                "zip_values_supported": ["DEF"], "encryption_required": response
            }
        })
    }
}

fn read(metadata: &Value) -> IssuerMetadata {
    read::issuer_metadata(metadata).expect("metadata")
}

fn plain(body: &Value) -> HttpRequest {
    let url = url::Url::parse("https://issuer.example/credential").expect("a URL");
    message::post_json(&url, body).expect("a request")
}

fn answer(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> HttpResponse {
    http::Response::builder().status(status).header(CONTENT_TYPE, media_type).body(body.into()).expect("an answer")
}

fn header(request: &HttpRequest, name: http::HeaderName) -> &str {
    request.headers().get(name).expect("it is there").to_str().expect("text")
}

fn refused(plan: Result<EncryptionPlan, Error>) -> Error {
    plan.err().expect("refused")
}

// covers: ENC-01, ENC-02, HAIP-31
#[test]
fn what_is_encrypted_follows_from_the_wish_and_what_the_issuer_requires() {
    use Encryption::{Always, Auto, Never};
    let issuer = Issuer::new();
    for (wish, request, response, expected) in [
        (Auto, false, false, Some((false, false))),
        (Auto, true, false, Some((true, false))),
        (Auto, false, true, Some((true, true))),
        (Auto, true, true, Some((true, true))),
        (Always, false, false, Some((true, true))),
        (Always, true, true, Some((true, true))),
        (Never, false, false, Some((false, false))),
        (Never, true, false, None),
        (Never, false, true, None),
    ] {
        let plan = plan(&read(&issuer.metadata(request, response)), wish, EncryptionForm::InKey);
        match (plan, expected) {
            (Ok(plan), Some(expected)) => {
                assert_eq!((plan.encrypts(), plan.answer.is_some()), expected, "{wish:?} {request} {response}");
            }
            (Err(error), None) => assert_eq!(error.code(), ErrorCode::EncryptionRequired),
            (plan, _) => panic!("{wish:?} {request} {response}: {:?}", plan.err()),
        }
    }
    // Who offers nothing is no less welcome.
    let mut bare = issuer.metadata(false, false);
    for name in ["credential_request_encryption", "credential_response_encryption"] {
        bare.as_object_mut().expect("an object").remove(name);
    }
    for wish in [Auto, Never] {
        assert!(!plan(&read(&bare), wish, EncryptionForm::InKey).expect("a plan").encrypts());
    }
    assert_eq!(refused(plan(&read(&bare), Always, EncryptionForm::InKey)).code(), ErrorCode::EncryptionUnavailable);
}

// covers: ENC-02, ENC-04, META-16
#[test]
fn what_cannot_be_agreed_on_is_said() {
    let issuer = Issuer::new();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut metadata = issuer.metadata(false, true);
        change(&mut metadata);
        let error = refused(plan(&read(&metadata), Encryption::Auto, EncryptionForm::InKey));
        assert_eq!(error.code(), ErrorCode::EncryptionUnavailable);
        assert_eq!(error.operation(), Some(Operation::IssuerMetadata));
        error.detail().to_owned()
    };
    let remove = |name: &'static str| with(&move |metadata| drop(metadata.as_object_mut().expect("one").remove(name)));
    assert_eq!(remove("credential_request_encryption"), "the issuer takes no encrypted requests");
    let request = |member: &'static str, value: Value| {
        with(&move |metadata| metadata["credential_request_encryption"][member] = value.clone())
    };
    let response = |member: &'static str, value: Value| {
        with(&move |metadata| metadata["credential_response_encryption"][member] = value.clone())
    };
    let no_key = "the issuer has no key on P-256 for ECDH-ES to encrypt requests to";
    assert_eq!(request("jwks", json!({ "keys": [] })), no_key);
    for (member, value, problem) in [
        ("kid", json!(null), ": `jwks.keys.0` has no kid"),
        ("use", json!("sig"), ": `jwks.keys.0` is not for encryption"),
        ("alg", json!("ECDH-ES+A256KW"), ""),
        // On the curve's plane, and not on the curve.
        ("y", issuer.jwk["x"].clone(), ""),
    ] {
        let mut jwk = issuer.jwk.clone();
        jwk[member] = value;
        assert_eq!(request("jwks", json!({ "keys": [jwk] })), format!("{no_key}{problem}"));
    }
    assert_eq!(
        request("enc_values_supported", json!(["A128CBC-HS256"])),
        "the issuer takes requests neither in A256GCM nor in A128GCM"
    );
    assert_eq!(
        response("enc_values_supported", json!([])),
        "the issuer encrypts its answers neither in A256GCM nor in A128GCM"
    );
    assert_eq!(
        response("alg_values_supported", json!(["RSA-OAEP-256"])),
        "the issuer does not encrypt its answers with ECDH-ES"
    );
    let mut metadata = issuer.metadata(true, false);
    metadata.as_object_mut().expect("an object").remove("credential_response_encryption");
    assert!(plan(&read(&metadata), Encryption::Auto, EncryptionForm::InKey).is_ok());
    let error = refused(plan(&read(&metadata), Encryption::Always, EncryptionForm::InKey));
    assert_eq!(error.detail(), "the issuer does not encrypt its answers");
}

// covers: ENC-02, ENC-04, ENC-06, ENC-12
#[test]
fn a_request_for_an_encrypted_answer_is_sealed_whole() {
    let issuer = Issuer::new();
    let plan = plan(&read(&issuer.metadata(true, true)), Encryption::Auto, EncryptionForm::InKey).expect("a plan");
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut body = json!({ "transaction_id": "the-transaction" });
        let key = plan.ask(&mut body);
        let request = plan.seal(plain(&body), &key);
        assert_eq!(header(&request, CONTENT_TYPE), "application/jwt");
        assert_eq!(header(&request, ACCEPT), "application/jwt, application/json");
        let sealed = std::str::from_utf8(request.body()).expect("text");
        // The enc of requests, of which A256GCM is the better one, and no zip, because none is listed.
        let agreed = Agreed { enc: ContentEncryption::A256Gcm, zip: false };
        let again = OneTimeKey::from_bytes(&issuer.key.to_bytes());
        let opened: Value =
            serde_json::from_slice(&jwe::open(sealed, again, agreed, 1 << 20).expect("it opens")).expect("JSON");
        assert_eq!(opened, body);
        let asked = &opened["credential_response_encryption"];
        assert_eq!((&asked["enc"], &asked["zip"], asked.get("alg")), (&json!("A128GCM"), &json!("DEF"), None));
        assert_eq!(asked["jwk"]["alg"], "ECDH-ES");
        assert!(asked["jwk"].get("d").is_none());
        keys.push(asked["jwk"].clone());
        // The log still knows what was said, and what of it to hide.
        assert_eq!(message::plain_body(&request), body.to_string().as_bytes());
        let mut refusal = answer(400, JSON, r#"{"error":"x","error_description":"the-transaction of tomorrow"}"#);
        refusal.extensions_mut().insert(message::SentSecrets::of(&request));
        let said = message::issuer_error(&refusal).expect("an error").error_description.expect("a description");
        assert_eq!(said, "[…] of tomorrow");
    }
    assert_ne!(keys[0], keys[1], "one key, one answer");
}

#[test]
fn what_is_not_agreed_leaves_a_request_as_it_is() {
    let issuer = Issuer::new();
    let body = json!({ "transaction_id": "t" });
    let none = plan(&read(&issuer.metadata(false, false)), Encryption::Auto, EncryptionForm::InKey).expect("a plan");
    let mut asked = body.clone();
    let key = none.ask(&mut asked);
    assert_eq!(asked, body);
    let request = none.seal(plain(&asked), &key);
    assert_eq!(request.body(), body.to_string().as_bytes());
    assert_eq!((header(&request, CONTENT_TYPE), header(&request, ACCEPT)), ("application/json", "application/json"));
    let came = answer(200, "application/json", "{}");
    assert_eq!(key.open(&came, OPERATION).expect("as it is").body(), b"{}");

    // Only the request: its answer comes plain.
    let request_only =
        plan(&read(&issuer.metadata(true, false)), Encryption::Auto, EncryptionForm::InKey).expect("a plan");
    let mut asked = body.clone();
    let key = request_only.ask(&mut asked);
    assert_eq!(asked, body);
    let request = request_only.seal(plain(&asked), &key);
    assert_eq!((header(&request, CONTENT_TYPE), header(&request, ACCEPT)), ("application/jwt", "application/json"));
    assert_eq!(key.open(&came, OPERATION).expect("as it is").body(), b"{}");
}

/// What opens the next answer, and an encrypted answer for it.
fn asked(issuer: &Issuer, content: &[u8]) -> (AnswerKey, String) {
    let plan = plan(&read(&issuer.metadata(true, true)), Encryption::Auto, EncryptionForm::InKey).expect("a plan");
    let mut body = json!({});
    let key = plan.ask(&mut body);
    let jwk = crate::model::jwk::Jwk::from_value(&body["credential_response_encryption"]["jwk"]).expect("a key");
    let to = Recipient::new(&jwk).expect("a point");
    (key, jwe::seal(content, &to, jwk.kid(), Agreed { enc: ContentEncryption::A128Gcm, zip: true }))
}

// covers: ENC-08, ENC-09, ENC-10
#[test]
fn answers_are_opened_and_refusals_left_plain() {
    let issuer = Issuer::new();
    for status in [200, 202] {
        let (key, sealed) = asked(&issuer, br#"{"credentials":[]}"#);
        let came = answer(status, "application/jwt;charset=utf-8", format!("{sealed}\r\n"));
        let opened = key.open(&came, OPERATION).expect("it opens");
        assert_eq!(opened.body(), br#"{"credentials":[]}"#);
        assert_eq!((opened.status().as_u16(), message::media_type(&opened).as_deref()), (status, Some(JSON)));
    }
    let (key, _) = asked(&issuer, b"");
    let refusal = answer(400, "application/json", r#"{"error":"invalid_proof"}"#);
    assert_eq!(key.open(&refusal, OPERATION).expect("as it is").body(), refusal.body());

    let code = |status, media_type, body: &[u8]| {
        let (key, _) = asked(&issuer, b"");
        let error = key.open(&answer(status, media_type, body), OPERATION).expect_err("refused");
        assert_eq!((error.operation(), error.http_status()), (Some(OPERATION), Some(status)));
        assert_eq!(error.outcome(), crate::error::RequestOutcome::Answered);
        error.code()
    };
    assert_eq!(code(200, "application/json", br#"{"credentials":[]}"#), ErrorCode::ResponseNotEncrypted);
    assert_eq!(code(202, "application/json", b"{}"), ErrorCode::ResponseNotEncrypted);
    assert_eq!(code(200, "text/html", b"<html>"), ErrorCode::WrongContentType);
    assert_eq!(code(200, "application/jwt", b"a.b.c"), ErrorCode::DecryptionFailed);
    assert_eq!(code(200, "application/jwt", b"\xff"), ErrorCode::DecryptionFailed);
    let (_, for_another) = asked(&issuer, b"{}");
    assert_eq!(code(200, "application/jwt", for_another.as_bytes()), ErrorCode::DecryptionFailed);
    let (key, bomb) = asked(&issuer, &vec![b' '; HttpLimits::default().max_body_bytes + 1]);
    let error = key.open(&answer(200, "application/jwt", bomb), OPERATION).expect_err("refused");
    assert_eq!(error.code(), ErrorCode::DecryptionFailed);
    let said = "the answer can't be opened: the message's compressed content is over the size limit";
    assert_eq!(error.detail(), said);
}

// covers: META-16, META-17, META-18
#[test]
fn both_examples_of_the_specification_can_be_agreed_with() {
    for folder in ["1.0", "1.0-errata1"] {
        let Some(folder) = spec_vectors(folder) else { return };
        let metadata = read(&read_vector(&folder.join("credential_issuer_metadata_sd_jwt_long.json")));
        let requests = metadata.credential_request_encryption.as_ref().expect("it is there");
        assert_eq!(requests.jwks.len(), 1, "{:?}", requests.unusable);
        let plan = plan(&metadata, Encryption::Auto, EncryptionForm::InKey).expect("a plan");
        let agreed = Agreed { enc: ContentEncryption::A128Gcm, zip: true };
        let request = plan.request.expect("it is required");
        assert_eq!((request.kid.as_str(), request.agreed, plan.answer), ("ac", agreed, Some(agreed)));
        assert_eq!(
            refused(super::plan(&metadata, Encryption::Never, EncryptionForm::InKey)).code(),
            ErrorCode::EncryptionRequired
        );
    }
}
