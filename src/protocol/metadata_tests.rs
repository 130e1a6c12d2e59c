use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE};
use serde_json::json;

use super::*;
use crate::error::{Advice, ErrorKind};
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Certified, NOW, TestKey, anchors, x5c};

const ID: &str = "https://h/a";
const AT: At = At { now: Timestamp::from_seconds(NOW), skew: 60 };

fn id() -> IssuerId {
    IssuerId::parse(ID).expect("legal")
}

fn places(id: &str) -> Vec<String> {
    let issuer = IssuerId::parse(id).expect("legal");
    issuer_places(&issuer, WellKnown::Inserted, Dialects::Any).into_iter().map(|(url, _)| url.to_string()).collect()
}

// covers: META-02, META-03
#[test]
fn an_issuer_without_a_path_has_one_place() {
    assert_eq!(places("https://h"), ["https://h/.well-known/openid-credential-issuer"]);
    assert_eq!(
        places("https://h/a"),
        ["https://h/.well-known/openid-credential-issuer/a", "https://h/a/.well-known/openid-credential-issuer",]
    );
}

// covers: ASM-01, ASM-02
#[test]
fn servers_are_looked_for_where_openid_connect_has_them_too() {
    let at = |id: &str, last: u8, dialects| {
        let places = server_places(&IssuerId::parse(id).expect("legal"), last, dialects);
        places.into_iter().map(|(url, _)| url.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(at("https://h", 0, Dialects::Any).len(), 2);
    let places = at("https://h/realms/x", 0, Dialects::Any);
    assert_eq!(
        places,
        [
            "https://h/.well-known/oauth-authorization-server/realms/x",
            "https://h/realms/x/.well-known/openid-configuration",
            "https://h/.well-known/openid-configuration/realms/x",
            "https://h/realms/x/.well-known/oauth-authorization-server",
        ]
    );
    // Where it was the last time comes first, and the others after it as before.
    let again = at("https://h/realms/x", 1, Dialects::Any);
    assert_eq!([&again[0], &again[1], &again[2], &again[3]], [&places[1], &places[0], &places[2], &places[3]]);
    assert_eq!(at("https://h/realms/x", 1, Dialects::Strict), places[..1]);
}

#[test]
fn an_issuer_is_looked_for_where_it_was_the_last_time_and_strictly_in_one_place() {
    let issuer = IssuerId::parse("https://h/a").expect("legal");
    let [inserted, appended] =
        ["https://h/.well-known/openid-credential-issuer/a", "https://h/a/.well-known/openid-credential-issuer"];
    for (last, dialects, expected) in [
        (WellKnown::Inserted, Dialects::Any, vec![inserted, appended]),
        (WellKnown::Appended, Dialects::Any, vec![appended, inserted]),
        (WellKnown::Appended, Dialects::Strict, vec![inserted]),
    ] {
        let places: Vec<_> =
            issuer_places(&issuer, last, dialects).into_iter().map(|(url, _)| url.to_string()).collect();
        assert_eq!(places, expected);
    }
}

/// An answer of an issuer.
fn plain(status: u16, media_type: &str, body: &str) -> HttpResponse {
    let answer = http::Response::builder().status(status).header(CONTENT_TYPE, media_type);
    answer.body(body.as_bytes().to_vec()).expect("an answer")
}

#[test]
fn a_page_at_the_place_of_metadata_is_told_from_metadata_that_is_wrong() {
    let members = ["credential_issuer"];
    for (status, media_type, body, expected) in [
        (200, "application/json", "", true),
        (200, "text/html", "<html>", true),
        (200, "application/json", "[]", true),
        (200, "application/json", r#"{"status":"UP"}"#, true),
        (403, "application/json", "{}", false),
        (200, "application/json", r#"{"credential_issuer":5}"#, false),
        (200, "application/jwt", "a.b.c", false),
        (404, "text/plain", "", false),
        (500, "text/plain", "", false),
    ] {
        assert_eq!(is_something_else(&plain(status, media_type, body), &members), expected, "{status} {body}");
    }
}

// covers: META-03
#[test]
fn one_slash_at_the_end_is_put_up_with_and_nothing_else() {
    let rules = MetadataRules { policy: SignedMetadata::Ignore, trust: TrustAnchors::default() };
    let read = |said: &str, asked: &str, dialects| {
        let body = json!({
            "credential_issuer": said, "credential_endpoint": "https://h/c", "credential_configurations_supported": {}
        });
        let asked = IssuerId::parse(asked).expect("legal");
        let answer = plain(200, "application/json", &body.to_string());
        issuer_response(&answer, &asked, &rules, AT, dialects).map(|document| document.read.tolerated)
    };
    let slash =
        |read: Result<crate::dialect::Tolerated, Error>| read.map(|read| read.contains(&Tolerance::TrailingSlash));
    for (said, asked) in [("https://h/a/", "https://h/a"), ("https://h/a", "https://h/a/"), ("https://h", "https://h/")]
    {
        assert!(slash(read(said, asked, Dialects::Any)).expect("it is read"), "{said} {asked}");
        let error = read(said, asked, Dialects::Strict).expect_err("it is refused");
        assert_eq!(error.code(), ErrorCode::IssuerMismatch);
    }
    for (said, asked) in
        [("https://h/a//", "https://h/a"), ("https://h/b", "https://h/a"), ("https://other/a", "https://h/a")]
    {
        let error = read(said, asked, Dialects::Any).expect_err("it is refused");
        assert_eq!(error.code(), ErrorCode::IssuerMismatch, "{said} {asked}");
    }
}

/// An issuer that signs with a pinned certificate, and what it says.
struct Signer {
    key: TestKey,
    certificate: Vec<u8>,
}

impl Signer {
    fn new() -> Self {
        let key = TestKey::new(Algorithm::Es256);
        Self { certificate: Certified::default().self_signed(&key), key }
    }

    fn rules(&self, policy: SignedMetadata) -> MetadataRules {
        MetadataRules { policy, trust: anchors(&[&self.certificate]) }
    }

    fn sign(&self, mut claims: Value) -> String {
        claims["sub"] = claims["credential_issuer"].clone();
        claims["iat"] = json!(NOW);
        let header = json!({"typ": "openidvci-issuer-metadata+jwt", "x5c": x5c(&[&self.certificate])});
        self.key.jws(&header, &claims)
    }
}

fn document() -> Value {
    json!({
        "credential_issuer": ID,
        "credential_endpoint": "https://h/a/credential",
        "display": [{"name": "Hochschule"}, {"name": "University", "locale": "en"}],
        "credential_configurations_supported": {"c": {
            "format": "dc+sd-jwt", "vct": "v",
            "credential_metadata": {"display": [{"name": "Ausweis"}], "claims": [{"path": ["a"], "display": [{"name": "A"}]}]},
        }},
    })
}

fn answer(status: u16, media_type: &str, body: &str) -> HttpResponse {
    let answer = http::Response::builder().status(status).header(CONTENT_TYPE, media_type);
    answer.body(body.as_bytes().to_vec()).expect("a response")
}

fn refused(response: &HttpResponse, rules: &MetadataRules) -> Error {
    issuer_response(response, &id(), rules, AT, Dialects::Any).expect_err("it is refused")
}

// covers: META-05
#[test]
fn the_policy_says_which_media_types_are_asked_for() {
    let url = Url::parse("https://h").expect("a URL");
    let signer = Signer::new();
    for (policy, expected) in [
        (SignedMetadata::Ignore, "application/json"),
        (SignedMetadata::Prefer, "application/jwt, application/json;q=0.9"),
        (SignedMetadata::Require, "application/jwt"),
    ] {
        let request = issuer_request(&url, &signer.rules(policy), Some("de-CH")).expect("a request");
        assert_eq!(request.method(), http::Method::GET);
        assert_eq!(request.headers()[ACCEPT], expected);
        assert_eq!(request.headers()[ACCEPT_LANGUAGE], "de-CH");
    }
    assert_eq!(server_request(&url).expect("a request").headers()[ACCEPT], "application/json");
}

// covers: META-07
#[test]
fn the_same_metadata_both_ways_is_the_same_metadata() {
    let signer = Signer::new();
    let rules = signer.rules(SignedMetadata::Prefer);
    let json = answer(200, "application/json; charset=utf-8", &document().to_string());
    let jwt = answer(200, "application/JWT", &format!("{}\n", signer.sign(document())));
    let [json, jwt] =
        [json, jwt].map(|answer| issuer_response(&answer, &id(), &rules, AT, Dialects::Any).expect("it is believed"));
    let value = |document: &IssuerDocument| serde_json::to_value(&document.read.metadata).expect("JSON");
    assert_eq!(value(&json), value(&jwt));
    assert!(json.provenance.is_plain());
    assert_eq!(jwt.provenance.signed_by.as_deref(), Some("CN=Signer"));
    assert!(jwt.provenance.check(Profile::Base).is_ok());
    let error = jwt.provenance.check(Profile::Haip).expect_err("it is self-signed");
    assert_eq!(error.code(), ErrorCode::ProfileViolated);
}

// covers: META-34, META-36, META-37
#[test]
fn signed_metadata_that_is_not_believed_is_an_error_whatever_the_policy() {
    let (signer, other) = (Signer::new(), Signer::new());
    let good = signer.sign(document());
    let (head, _) = good.rsplit_once('.').expect("three parts");
    let foreign = other.sign(document());
    let (_, signature) = foreign.rsplit_once('.').expect("three parts");
    let mut elsewhere = document();
    elsewhere["credential_issuer"] = json!("https://h/b");
    for policy in [SignedMetadata::Prefer, SignedMetadata::Require] {
        let rules = signer.rules(policy);
        for (token, code) in [
            (format!("{head}.{signature}"), ErrorCode::MetadataSignatureInvalid),
            (other.sign(document()), ErrorCode::MetadataUntrusted),
            (signer.sign(elsewhere.clone()), ErrorCode::IssuerMismatch),
            (signer.sign(json!({"credential_issuer": ID})), ErrorCode::MetadataMalformed),
            (String::new(), ErrorCode::MetadataSignatureInvalid),
            (document().to_string(), ErrorCode::MetadataSignatureInvalid),
        ] {
            let error = refused(&answer(200, "application/jwt", &token), &rules);
            assert_eq!((error.code(), error.kind()), (code, ErrorKind::Metadata), "{error}");
            assert_eq!(error.http_status(), Some(200));
            assert_ne!(error.advice(), Advice::Retry);
            assert!(!format!("{error:?}").contains("eyJ"), "{error:?}");
        }
    }
}

// covers: META-08, META-34
#[test]
fn a_signature_does_not_make_another_issuers_metadata_ours() {
    let signer = Signer::new();
    let mut claims = document();
    claims["credential_issuer"] = json!("https://h/a/");
    claims["sub"] = json!(ID);
    claims["iat"] = json!(NOW);
    let header = json!({"typ": "openidvci-issuer-metadata+jwt", "x5c": x5c(&[&signer.certificate])});
    let token = signer.key.jws(&header, &claims);
    let error = refused(&answer(200, "application/jwt", &token), &signer.rules(SignedMetadata::Require));
    assert_eq!(error.code(), ErrorCode::IssuerMismatch);
    assert!(error.detail().contains("the metadata is that of"), "{error}");
}

// covers: META-07, META-37
#[test]
fn what_the_policy_does_not_take_is_refused() {
    let signer = Signer::new();
    let json = document().to_string();
    let jwt = signer.sign(document());
    for (policy, response, code) in [
        (SignedMetadata::Ignore, answer(200, "application/jwt", &jwt), ErrorCode::WrongContentType),
        (SignedMetadata::Require, answer(200, "application/json", &json), ErrorCode::MetadataUnsigned),
        (SignedMetadata::Require, answer(406, "application/json", "{}"), ErrorCode::MetadataUnsigned),
        (SignedMetadata::Require, answer(404, "application/json", "{}"), ErrorCode::MetadataUnavailable),
        (SignedMetadata::Require, answer(404, "application/jwt", &jwt), ErrorCode::MetadataUnavailable),
        (SignedMetadata::Require, answer(500, "application/json", "{}"), ErrorCode::ServerFailed),
        (SignedMetadata::Require, answer(200, "text/plain", &jwt), ErrorCode::WrongContentType),
        // What is inside is not guessed: the content type says it.
        (SignedMetadata::Prefer, answer(200, "application/json", &jwt), ErrorCode::MetadataMalformed),
        (SignedMetadata::Prefer, answer(200, "text/plain", &json), ErrorCode::WrongContentType),
    ] {
        let error = refused(&response, &signer.rules(policy));
        assert_eq!(error.code(), code, "{policy:?} {} {error}", response.status());
    }
}

// covers: META-05
#[test]
fn names_without_a_language_are_in_that_of_the_document() {
    let rules = Signer::new().rules(SignedMetadata::Ignore);
    let locales = |content_language: &[&str]| {
        let mut response = answer(200, "application/json", &document().to_string());
        for tag in content_language {
            response.headers_mut().append(CONTENT_LANGUAGE, tag.parse().expect("a value"));
        }
        let metadata = issuer_response(&response, &id(), &rules, AT, Dialects::Any).expect("it is read").read.metadata;
        let configuration = &metadata.credential_configurations_supported[&"c".into()];
        let displays = metadata.display.iter().chain(&configuration.display).chain(&configuration.claims[0].display);
        displays.map(|display| display.locale.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(locales(&["de-CH"]), ["de-CH", "en", "de-CH", "de-CH"]);
    for unclear in [&[][..], &["de, en"], &["de", "en"], &["d\u{e9}"], &[""]] {
        assert_eq!(locales(unclear), ["", "en", "", ""], "{unclear:?}");
    }
}
