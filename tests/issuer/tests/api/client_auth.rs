//! Client attestations and `private_key_jwt`.

use billfold_test_issuer::{ClientAuth, Decision, Grant, OfferSpec, Options, Running, TestIssuer};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn start(client_auth: ClientAuth) -> Running {
    with(Options { client_auth, ..Options::default() }).await
}

async fn with(options: Options) -> Running {
    TestIssuer::start(options).await.expect("started")
}

/// An attestation and the proof of possession before they are signed.
struct Draft {
    typ: &'static str,
    attestation: Value,
    key: Key,
    header: Value,
    claims: Value,
}

impl Draft {
    fn new(issuer: &Running) -> Self {
        let key = Key::new(31);
        Self {
            typ: "oauth-client-attestation+jwt",
            attestation: json!({
                "iss": "https://attester.example",
                "sub": CLIENT,
                "iat": now(),
                "exp": now() + 60,
                "cnf": {"jwk": key.jwk()},
            }),
            header: json!({"typ": "oauth-client-attestation-pop+jwt", "alg": "ES256"}),
            claims: json!({"iss": CLIENT, "aud": issuer.issuer(), "jti": unique(), "iat": now()}),
            key,
        }
    }

    fn challenge(mut self, challenge: &str) -> Self {
        self.claims["challenge"] = json!(challenge);
        self
    }

    fn attestation(&self, issuer: &Running) -> String {
        issuer.attester().sign(&json!({"typ": self.typ}), &self.attestation)
    }

    fn pop(&self) -> String {
        self.key.sign(&self.header, &self.claims)
    }
}

fn pre_authorized_code(issuer: &Running) -> String {
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    grant(&offer)["pre-authorized_code"].as_str().expect("a code").to_owned()
}

async fn redeem(issuer: &Running, code: &str, headers: &[(&str, &str)]) -> Answer {
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    post_form_with(&format!("{}/token", issuer.issuer()), headers, &fields).await
}

async fn redeem_as(issuer: &Running, code: &str, draft: &Draft) -> Answer {
    let (attestation, pop) = (draft.attestation(issuer), draft.pop());
    redeem(issuer, code, &[("oauth-client-attestation", &attestation), ("oauth-client-attestation-pop", &pop)]).await
}

#[tokio::test]
async fn the_metadata_lists_what_is_demanded() {
    for (client_auth, methods) in [
        (ClientAuth::None, &["none"][..]),
        (ClientAuth::Attestation, &["attest_jwt_client_auth"]),
        (ClientAuth::PrivateKeyJwt, &["private_key_jwt"]),
        (ClientAuth::Any, &["attest_jwt_client_auth", "private_key_jwt"]),
    ] {
        let issuer = start(client_auth).await;
        let metadata = get(&format!("{}/.well-known/oauth-authorization-server", issuer.base())).await.json();
        assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(methods));
        let anonymous = metadata["pre-authorized_grant_anonymous_access_supported"].as_bool();
        assert_eq!(anonymous, Some(client_auth == ClientAuth::None));
        let algs = |name: &str| metadata[name].is_array();
        let attested = methods.contains(&"attest_jwt_client_auth");
        assert_eq!(algs("client_attestation_signing_alg_values_supported"), attested);
        assert_eq!(algs("client_attestation_pop_signing_alg_values_supported"), attested);
        let asserted = methods.contains(&"private_key_jwt");
        assert_eq!(algs("token_endpoint_auth_signing_alg_values_supported"), asserted);
        assert!(metadata.get("challenge_endpoint").is_none());
    }
}

#[tokio::test]
async fn attestations_at_the_token_endpoint() {
    type Change = fn(&mut Draft);
    let issuer = start(ClientAuth::Attestation).await;
    let code = pre_authorized_code(&issuer);
    redeem(&issuer, &code, &[]).await.assert_refused("nothing", 401, "invalid_client");
    let draft = Draft::new(&issuer);
    let (attestation, pop) = (draft.attestation(&issuer), draft.pop());
    let (one, two) = (("oauth-client-attestation", &*attestation), ("oauth-client-attestation-pop", &*pop));
    for (case, headers) in [
        ("no proof of possession", &[one][..]),
        ("no attestation", &[two]),
        ("two attestations", &[one, one, two]),
        ("two proofs", &[one, two, two]),
        ("both in one header", &[("oauth-client-attestation", &*format!("{attestation}, {attestation}")), two]),
        ("exchanged", &[(one.0, two.1), (two.0, one.1)]),
    ] {
        redeem(&issuer, &code, headers).await.assert_refused(case, 400, "invalid_client_attestation");
    }
    let cases: &[(&str, Change)] = &[
        ("another typ", |d| d.typ = "jwt"),
        ("no iss", |d| d.attestation["iss"] = json!("")),
        ("no sub", |d| d.attestation["sub"] = json!(1)),
        ("no exp", |d| d.attestation["exp"] = json!("tomorrow")),
        ("from the future", |d| d.attestation["iat"] = json!(now() + 120)),
        ("not yet good", |d| d.attestation["nbf"] = json!(now() + 120)),
        ("no cnf", |d| d.attestation["cnf"] = json!({})),
        ("a private key", |d| d.attestation["cnf"]["jwk"]["d"] = json!("AAAA")),
        ("another key", |d| d.attestation["cnf"]["jwk"] = Key::new(32).jwk()),
        ("proof: another typ", |d| d.header["typ"] = json!("jwt")),
        ("proof: another alg", |d| d.header["alg"] = json!("ES384")),
        ("proof: no iss", |d| d.claims["iss"] = json!(null)),
        ("proof: another iss", |d| d.claims["iss"] = json!("other")),
        ("proof: no aud", |d| d.claims["aud"] = json!(null)),
        ("proof: the endpoint as aud", |d| {
            d.claims["aud"] = json!(format!("{}/token", d.claims["aud"].as_str().expect("text")));
        }),
        ("proof: several aud", |d| d.claims["aud"] = json!([d.claims["aud"], "https://other.example"])),
        ("proof: no jti", |d| d.claims["jti"] = json!(null)),
        ("proof: no iat", |d| d.claims["iat"] = json!(null)),
        ("proof: old", |d| d.claims["iat"] = json!(now() - 120)),
        ("proof: expired", |d| d.claims["exp"] = json!(now() - 1)),
    ];
    for (case, change) in cases {
        let mut draft = Draft::new(&issuer);
        change(&mut draft);
        redeem_as(&issuer, &code, &draft).await.assert_refused(case, 400, "invalid_client_attestation");
    }
    let mut expired = Draft::new(&issuer);
    expired.attestation["exp"] = json!(now());
    redeem_as(&issuer, &code, &expired).await.assert_refused("expired", 400, "use_fresh_attestation");

    // Signed by an attester that nobody knows.
    let other = start(ClientAuth::Attestation).await;
    let foreign = other.attester().client_attestation(CLIENT, &Key::new(31).jwk());
    let pop = Draft::new(&issuer).pop();
    let headers = [("oauth-client-attestation", &*foreign), ("oauth-client-attestation-pop", &*pop)];
    redeem(&issuer, &code, &headers).await.assert_refused("untrusted", 400, "invalid_client_attestation");

    // None of this used the code. The attestation may come again, its proof of possession not.
    let draft = Draft::new(&issuer);
    assert_eq!(redeem_as(&issuer, &code, &draft).await.status, 200);
    let code = pre_authorized_code(&issuer);
    redeem_as(&issuer, &code, &draft).await.assert_refused("jti again", 400, "invalid_client_attestation");
    let log = issuer.log();
    let last = &log.requests[log.count - 2..];
    let shown: Vec<_> = last.iter().map(|entry| entry.attestation.as_ref().expect("an attestation")).collect();
    assert_eq!(shown[0], shown[1]);
    assert_eq!(shown[0].key, Key::new(31).thumbprint());
    assert_eq!(last[0].client_auth.as_deref(), Some("attest_jwt_client_auth"));
}

#[tokio::test]
async fn attestations_of_another_attester_if_its_root_is_given() {
    let other = start(ClientAuth::None).await;
    let issuer = with(Options {
        client_auth: ClientAuth::Attestation,
        attester_trust_pem: Some(other.attester().trust_pem().to_owned()),
        ..Options::default()
    })
    .await;
    for attester in [other.attester(), issuer.attester()] {
        let attestation = attester.client_attestation(CLIENT, &Key::new(31).jwk());
        let pop = Draft::new(&issuer).pop();
        let headers = [("oauth-client-attestation", &*attestation), ("oauth-client-attestation-pop", &*pop)];
        assert_eq!(redeem(&issuer, &pre_authorized_code(&issuer), &headers).await.status, 200);
    }
    let bad = TestIssuer::start(Options { attester_trust_pem: Some("x".into()), ..Options::default() }).await;
    assert!(bad.expect_err("no certificate").to_string().contains("attester_trust_pem"));
}

#[tokio::test]
async fn version_8_has_no_iss() {
    let issuer =
        with(Options { client_auth: ClientAuth::Attestation, attestation_version: 8, ..Options::default() }).await;
    let code = pre_authorized_code(&issuer);
    let strip = |value: &mut Value| {
        value.as_object_mut().expect("an object").remove("iss");
    };
    let mut draft = Draft::new(&issuer);
    redeem_as(&issuer, &code, &draft).await.assert_refused("both", 400, "invalid_client_attestation");
    strip(&mut draft.attestation);
    redeem_as(&issuer, &code, &draft).await.assert_refused("proof", 400, "invalid_client_attestation");
    strip(&mut draft.claims);
    assert_eq!(redeem_as(&issuer, &code, &draft).await.status, 200);
    let (_, claims) = decode(&issuer.attester().client_attestation(CLIENT, &Key::new(31).jwk()));
    assert!(claims.get("iss").is_none());
}

#[tokio::test]
async fn challenges_are_used_once_and_renewed_by_every_answer() {
    let issuer =
        with(Options { client_auth: ClientAuth::Attestation, challenge_endpoint: true, ..Options::default() }).await;
    let metadata = get(&format!("{}/.well-known/oauth-authorization-server", issuer.base())).await.json();
    let url = metadata["challenge_endpoint"].as_str().expect("an endpoint");
    let answer = send(Method::POST, url, &[], "").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let challenge = answer.json()["attestation_challenge"].as_str().expect("a challenge").to_owned();
    assert_eq!(send(Method::POST, url, &[], "x").await.status, 400);

    let code = pre_authorized_code(&issuer);
    let name = "oauth-client-attestation-challenge";
    let answer = redeem_as(&issuer, &code, &Draft::new(&issuer)).await;
    answer.assert_refused("none", 400, "use_attestation_challenge");
    let second = answer.header(name).to_owned();
    let answer = redeem_as(&issuer, &code, &Draft::new(&issuer).challenge("guessed")).await;
    answer.assert_refused("unknown", 400, "use_attestation_challenge");
    let answer = redeem_as(&issuer, &code, &Draft::new(&issuer).challenge(&challenge)).await;
    assert_eq!(answer.status, 200);
    let third = answer.header(name).to_owned();
    let code = pre_authorized_code(&issuer);
    let answer = redeem_as(&issuer, &code, &Draft::new(&issuer).challenge(&challenge)).await;
    answer.assert_refused("again", 400, "use_attestation_challenge");
    for challenge in [second, third] {
        let code = pre_authorized_code(&issuer);
        assert_eq!(redeem_as(&issuer, &code, &Draft::new(&issuer).challenge(&challenge)).await.status, 200);
    }
    issuer.advance_clock(301);
    let mut late = Draft::new(&issuer).challenge(answer.header(name));
    for time in [&mut late.claims["iat"], &mut late.attestation["exp"]] {
        *time = json!(now() + 310);
    }
    redeem_as(&issuer, &code, &late).await.assert_refused("expired", 400, "use_attestation_challenge");
}

#[tokio::test]
async fn a_push_is_authenticated_as_well() {
    let issuer = start(ClientAuth::Attestation).await;
    let challenge = challenge();
    let par = format!("{}/par", issuer.issuer());
    let mut fields = authorization_request(&challenge, ID);
    post_form(&par, &fields).await.assert_refused("nothing", 401, "invalid_client");
    let push = async |fields: &[(&str, &str)]| {
        let draft = Draft::new(&issuer);
        let (attestation, pop) = (draft.attestation(&issuer), draft.pop());
        let headers = [("oauth-client-attestation", &*attestation), ("oauth-client-attestation-pop", &*pop)];
        post_form_with(&par, &headers, fields).await
    };
    let pushed = push(&fields).await.json();
    fields.retain(|(name, _)| *name != "client_id");
    push(&fields).await.assert_refused("no client_id", 400, "invalid_request");
    fields.push(("client_id", "other"));
    push(&fields).await.assert_refused("another client_id", 401, "invalid_client");

    let uri = pushed["request_uri"].as_str().expect("pushed");
    let url = authorize_url(&issuer, &[("client_id", CLIENT), ("request_uri", uri)]);
    let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
    let code = redirect["code"].as_str().expect("a code");
    let token = format!("{}/token", issuer.issuer());
    post_form(&token, &code_request(code)).await.assert_refused("code grant", 401, "invalid_client");
    let draft = Draft::new(&issuer);
    let (attestation, pop) = (draft.attestation(&issuer), draft.pop());
    let headers = [("oauth-client-attestation", &*attestation), ("oauth-client-attestation-pop", &*pop)];
    let mut fields = code_request(code);
    fields.retain(|(name, _)| *name != "client_id");
    assert_eq!(post_form_with(&token, &headers, &fields).await.status, 200, "client_id need not be repeated");
}

#[tokio::test]
async fn a_code_is_bound_to_the_attested_key() {
    let issuer = start(ClientAuth::Attestation).await;
    let challenge = challenge();
    let send = async |seed: u8, endpoint: &str, fields: &[(&str, &str)]| {
        let mut draft = Draft::new(&issuer);
        draft.key = Key::new(seed);
        draft.attestation["cnf"]["jwk"] = draft.key.jwk();
        let (attestation, pop) = (draft.attestation(&issuer), draft.pop());
        let headers = [("oauth-client-attestation", &*attestation), ("oauth-client-attestation-pop", &*pop)];
        post_form_with(&format!("{}{endpoint}", issuer.issuer()), &headers, fields).await
    };
    for (seed, status) in [(32, 400), (31, 200)] {
        let pushed = send(31, "/par", &authorization_request(&challenge, ID)).await.json();
        let uri = pushed["request_uri"].as_str().expect("pushed");
        let url = authorize_url(&issuer, &[("client_id", CLIENT), ("request_uri", uri)]);
        let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
        let answer = send(seed, "/token", &code_request(redirect["code"].as_str().expect("a code"))).await;
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    }
}

#[tokio::test]
async fn public_clients_show_nothing() {
    let issuer = start(ClientAuth::None).await;
    let answer = redeem_as(&issuer, &pre_authorized_code(&issuer), &Draft::new(&issuer)).await;
    answer.assert_refused("attestation", 400, "invalid_client");
}

#[tokio::test]
async fn signed_assertions() {
    type Change = fn(&mut Value, &mut Value);
    let key = Key::new(41);
    let mut jwk = key.jwk();
    jwk["kid"] = json!("1");
    let options = Options { client_auth: ClientAuth::PrivateKeyJwt, client_jwks: vec![jwk], ..Options::default() };
    let issuer = with(options).await;
    let code = pre_authorized_code(&issuer);
    let draft = || {
        let claims = json!({"iss": CLIENT, "sub": CLIENT, "aud": issuer.issuer(), "jti": unique(), "exp": now() + 60});
        (json!({"alg": "ES256", "kid": "1"}), claims)
    };
    let ask = async |kind: &str, assertion: &str, client_id: Option<&str>, code: &str| {
        let mut fields = vec![
            ("grant_type", PRE_AUTHORIZED),
            ("pre-authorized_code", code),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        fields.extend(client_id.map(|id| ("client_id", id)));
        post_form(&format!("{}/token", issuer.issuer()), &fields).await
    };
    let cases: &[(&str, Change)] = &[
        ("alg none", |h, _| h["alg"] = json!("none")),
        ("another kid", |h, _| h["kid"] = json!("2")),
        ("iss", |_, c| c["iss"] = json!("other")),
        ("sub", |_, c| c["sub"] = json!("other")),
        ("aud", |_, c| c["aud"] = json!("https://other.example")),
        ("several aud", |_, c| c["aud"] = json!([c["aud"], "https://other.example"])),
        ("no jti", |_, c| c["jti"] = json!(null)),
        ("no exp", |_, c| c["exp"] = json!(null)),
        ("expired", |_, c| c["exp"] = json!(now())),
        ("too long", |_, c| c["exp"] = json!(now() + 7200)),
        ("from the future", |_, c| c["iat"] = json!(now() + 120)),
    ];
    for (case, change) in cases {
        let (mut header, mut claims) = draft();
        change(&mut header, &mut claims);
        let answer = ask(ASSERTION_TYPE, &key.sign(&header, &claims), None, &code).await;
        answer.assert_refused(case, 401, "invalid_client");
    }
    let (header, claims) = draft();
    let assertion = key.sign(&header, &claims);
    let foreign = Key::new(42).sign(&header, &claims);
    ask(ASSERTION_TYPE, &foreign, None, &code).await.assert_refused("another key", 401, "invalid_client");
    ask("jwt", &assertion, None, &code).await.assert_refused("type", 401, "invalid_client");
    redeem(&issuer, &code, &[]).await.assert_refused("nothing", 401, "invalid_client");
    redeem_as(&issuer, &code, &Draft::new(&issuer)).await.assert_refused("attestation", 401, "invalid_client");
    assert_eq!(ask(ASSERTION_TYPE, &assertion, None, &code).await.status, 200);
    let code = pre_authorized_code(&issuer);
    ask(ASSERTION_TYPE, &assertion, None, &code).await.assert_refused("jti again", 401, "invalid_client");
    let (header, claims) = draft();
    let assertion = key.sign(&header, &claims);
    let answer = ask(ASSERTION_TYPE, &assertion, Some("other"), &code).await;
    answer.assert_refused("another client_id", 401, "invalid_client");
    let (header, mut claims) = draft();
    claims["aud"] = json!([format!("{}/token", issuer.issuer())]);
    let assertion = key.sign(&header, &claims);
    assert_eq!(ask(ASSERTION_TYPE, &assertion, Some(CLIENT), &code).await.status, 200);
    let log = issuer.log();
    let last = log.requests.last().expect("a request");
    assert_eq!(last.client_auth.as_deref(), Some("private_key_jwt"));
    assert!(last.parameters.contains(&"client_assertion".to_owned()));
}

#[tokio::test]
async fn either_method_but_not_both() {
    let key = Key::new(41);
    let options = Options { client_auth: ClientAuth::Any, client_jwks: vec![key.jwk()], ..Options::default() };
    let issuer = with(options).await;
    let code = pre_authorized_code(&issuer);
    let claims = json!({"iss": CLIENT, "sub": CLIENT, "aud": issuer.issuer(), "jti": unique(), "exp": now() + 60});
    let assertion = key.sign(&json!({"alg": "ES256"}), &claims);
    let fields = [
        ("grant_type", PRE_AUTHORIZED),
        ("pre-authorized_code", &*code),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &*assertion),
    ];
    let draft = Draft::new(&issuer);
    let (attestation, pop) = (draft.attestation(&issuer), draft.pop());
    let headers = [("oauth-client-attestation", &*attestation), ("oauth-client-attestation-pop", &*pop)];
    let url = format!("{}/token", issuer.issuer());
    post_form_with(&url, &headers, &fields).await.assert_refused("both", 400, "invalid_request");
    assert_eq!(post_form(&url, &fields).await.status, 200);
    let code = pre_authorized_code(&issuer);
    assert_eq!(redeem(&issuer, &code, &headers).await.status, 200);
}

#[tokio::test]
async fn the_attester_signs_over_http_too() {
    let issuer = start(ClientAuth::Attestation).await;
    let post = async |path: &str, body: Value| {
        send(Method::POST, &format!("{}{path}", issuer.base()), &[], body.to_string()).await
    };
    let body = json!({"client_id": CLIENT, "jwk": Key::new(31).jwk(), "expires_in": 60});
    let answer = post("/test/attester/client", body).await.json();
    let attestation = answer["attestation"].as_str().expect("an attestation");
    let (header, claims) = decode(attestation);
    assert_eq!(header["x5c"].as_array().map(Vec::len), Some(2));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|iat| iat + 60));
    let pop = Draft::new(&issuer).pop();
    let headers = [("oauth-client-attestation", attestation), ("oauth-client-attestation-pop", &*pop)];
    assert_eq!(redeem(&issuer, &pre_authorized_code(&issuer), &headers).await.status, 200);

    let body = json!({"keys": [Key::new(7).jwk()], "nonce": "n", "key_storage": ["iso_18045_high"]});
    let answer = post("/test/attester/keys", body).await.json();
    let (header, claims) = decode(answer["attestation"].as_str().expect("an attestation"));
    assert_eq!(header["typ"], "key-attestation+jwt");
    assert_eq!(claims["attested_keys"], json!([Key::new(7).jwk()]));
    assert_eq!((&claims["nonce"], &claims["key_storage"]), (&json!("n"), &json!(["iso_18045_high"])));
    assert!(claims.get("user_authentication").is_none());
    assert_eq!(post("/test/attester/keys", json!({"jwks": []})).await.status, 400);
}
