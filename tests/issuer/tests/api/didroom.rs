//! The profile `didroom`, driven as its own wallet does it.

use billfold_test_issuer::{Decision, Grant, MadeOffer, OfferSpec, Options, Profile, Running, TestIssuer, sign_in};
use serde_json::{Value, json};

use crate::client::*;

fn start() -> Running {
    let options = Options { profile: Profile::Didroom, ..Options::default() };
    TestIssuer::spawn_blocking_thread(options).expect("it starts")
}

fn offer(issuer: &Running, format: &str) -> MadeOffer {
    issuer.make_offer(&OfferSpec::new(Grant::Code, format)).expect("an offer")
}

fn client(offer: &MadeOffer) -> &str {
    assert_eq!((offer.args[0].as_str(), offer.args[2].as_str()), ("--client-id", "--did-resolver"));
    &offer.args[1]
}

fn server(offer: &MadeOffer) -> &str {
    text(grant(offer), "authorization_server")
}

fn details(issuer: &Running, offer: &MadeOffer) -> Value {
    json!([{
        "type": "openid_credential",
        "credential_configuration_id": offer.offer["credential_configuration_ids"][0],
        "locations": [issuer.issuer()],
    }])
}

fn request<'a>(client: &'a str, details: &'a str, challenge: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("state", "s-1"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("authorization_details", details),
    ]
}

fn dpop(claims: &Value) -> String {
    let key = Key::new(9);
    key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}), claims)
}

/// A token for an offer.
async fn token(issuer: &Running, offer: &MadeOffer) -> Value {
    let (details, challenge) = (details(issuer, offer).to_string(), challenge());
    let pushed = post_form(&format!("{}/par", server(offer)), &request(client(offer), &details, &challenge)).await;
    assert_eq!(pushed.status, 201, "{}", String::from_utf8_lossy(&pushed.body));
    let uri = text(&pushed.json(), "request_uri").to_owned();
    let url =
        with_query(&format!("{}/authorize", server(offer)), &[("client_id", client(offer)), ("request_uri", &uri)]);
    let location = sign_in(&url, issuer.login(), Decision::Allow).await.expect("a redirect");
    let back = query_of(&location);
    assert_eq!(back.as_object().map(serde_json::Map::len), Some(1), "only the code: {back}");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client(offer)),
        ("code", text(&back, "code")),
        ("code_verifier", VERIFIER),
        ("redirect_uri", REDIRECT),
    ];
    let endpoint = format!("{}/token", server(offer));
    let without = post_form(&endpoint, &fields).await;
    assert_eq!(without.status, 422, "DPoP is required by the schema");
    let claims = json!({"jti": unique(), "htm": "POST", "htu": "not compared", "iat": now()});
    let answer = post_form_with(&endpoint, &[("dpop", &dpop(&claims))], &fields).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let again = post_form_with(&endpoint, &[("dpop", &dpop(&claims))], &fields).await;
    assert_eq!(again.status, 500, "a code is good once");
    answer.json()
}

async fn fresh_nonce(issuer: &Running) -> String {
    let answer = send(http::Method::POST, &format!("{}/nonce", issuer.issuer()), &[("content-length", "0")], "").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    text(&answer.json(), "c_nonce").to_owned()
}

fn proof(issuer: &Running, client: &str, nonce: &str) -> String {
    let key = Key::new(7);
    // As its wallet spells the type.
    let header = json!({"typ": "open4vci-proof+jwt", "alg": "ES256", "jwk": key.jwk()});
    key.sign(&header, &json!({"iss": client, "aud": issuer.issuer(), "iat": now(), "nonce": nonce}))
}

fn body(offer: &MadeOffer, proof: &str) -> Value {
    json!({
        "format": offer.format,
        "credential_configuration_id": offer.offer["credential_configuration_ids"][0],
        "proof": {"proof_type": "jwt", "jwt": proof},
    })
}

async fn credential(issuer: &Running, authorization: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", authorization)];
    send(http::Method::POST, &format!("{}/credential", issuer.issuer()), &headers, body.to_string()).await
}

/// The issuer's key, as the registry has it.
async fn registered_key(issuer: &Running, offer: &MadeOffer) -> (String, p256::ecdsa::VerifyingKey) {
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.issuer())).await.json();
    let jwk = &metadata["jwks"]["keys"][0];
    let kid = text(jwk, "kid").to_owned();
    let did = kid.split('#').next().expect("a DID");
    let resolved = get(&format!("{}/{did}", offer.args[3])).await.json();
    let method = &resolved["didDocument"]["verificationMethod"][0];
    assert_eq!((text(method, "id"), text(method, "type")), (kid.as_str(), "EcdsaSecp256r1VerificationKey"));
    let point = bs58::decode(text(method, "publicKeyBase58")).into_vec().expect("base58");
    assert_eq!((b64(&point[..32]), b64(&point[32..])), (text(jwk, "x").to_owned(), text(jwk, "y").to_owned()));
    (kid, p256::ecdsa::VerifyingKey::from_sec1_bytes(&[&[4], point.as_slice()].concat()).expect("a point"))
}

fn verify(key: &p256::ecdsa::VerifyingKey, message: &[u8], signature: &[u8]) {
    use p256::ecdsa::signature::Verifier as _;
    let signature = p256::ecdsa::Signature::from_slice(signature).expect("a signature");
    key.verify(message, &signature).expect("right");
}

#[tokio::test]
async fn its_wallet_gets_an_sd_jwt_without_vct() {
    let issuer = start();
    let offer = offer(&issuer, "dc+sd-jwt");
    let token = token(&issuer, &offer).await;
    assert_eq!(text(&token, "token_type"), "bearer");
    assert!(token["expires_in"].as_u64().expect("a number") > now(), "the moment it ends");
    let authorization = format!("bearer {}", text(&token, "access_token"));
    let proof = proof(&issuer, client(&offer), &fresh_nonce(&issuer).await);
    for _ in 0..2 {
        // Nonces are good until they end.
        let answer = credential(&issuer, &authorization, &body(&offer, &proof)).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        let sd_jwt = text(&answer["credentials"][0], "credential");
        let (header, claims) = decode(sd_jwt);
        assert_eq!(header, json!({"alg": "ES256", "typ": "dc+sd-jwt"}));
        assert_eq!((&claims["type"], &claims["iss"]), (&json!("university_degree"), &json!(issuer.issuer())));
        assert_eq!((&claims["sub"], &claims["cnf"]["jwk"]), (&json!(client(&offer)), &Key::new(7).jwk()));
        assert!(claims.get("vct").is_none());
        assert_eq!(sd_jwt.matches('~').count(), 3);
        let (_, key) = registered_key(&issuer, &offer).await;
        let (input, signature) = sd_jwt.split('~').next().and_then(|jwt| jwt.rsplit_once('.')).expect("a compact JWS");
        verify(&key, input.as_bytes(), &unb64(signature));
    }
}

#[tokio::test]
async fn its_linked_data_credentials_are_bound_to_nobody() {
    let issuer = start();
    let offer = offer(&issuer, "ldp_vc");
    let token = token(&issuer, &offer).await;
    let authorization = format!("bearer {}", text(&token, "access_token"));
    let proof = proof(&issuer, client(&offer), &fresh_nonce(&issuer).await);
    let answer = credential(&issuer, &authorization, &body(&offer, &proof)).await.json();
    let credential = &answer["credentials"][0]["credential"];
    let (kid, _) = registered_key(&issuer, &offer).await;
    assert_eq!(text(&credential["proof"], "cryptosuite"), "ecdsa-rdfc-2019");
    assert_eq!(text(&credential["proof"], "verificationMethod"), kid);
    assert!(text(&credential["proof"], "proofValue").starts_with('z'));
    assert!(credential["credentialSubject"].get("id").is_none() && credential.get("id").is_none());
}

#[tokio::test]
async fn requests_have_to_be_pushed_with_everything() {
    let issuer = start();
    let offer = offer(&issuer, "dc+sd-jwt");
    let endpoint = format!("{}/par", server(&offer));
    let (good, challenge) = (details(&issuer, &offer).to_string(), challenge());
    let mut without_state = request(client(&offer), &good, &challenge);
    without_state.remove(3);
    assert_eq!(post_form(&endpoint, &without_state).await.status, 422);
    let mut no_location = details(&issuer, &offer);
    no_location[0].as_object_mut().expect("an object").remove("locations");
    let mut elsewhere = details(&issuer, &offer);
    elsewhere[0]["locations"] = json!([issuer.base()]);
    let mut unknown = details(&issuer, &offer);
    unknown[0]["credential_configuration_id"] = json!("unknown");
    let two = json!([details(&issuer, &offer)[0], details(&issuer, &offer)[0]]);
    let cases = [
        (client(&offer), no_location.to_string(), "invalid_request"),
        (client(&offer), two.to_string(), "invalid_request"),
        (client(&offer), elsewhere.to_string(), "access_denied"),
        (client(&offer), unknown.to_string(), "access_denied"),
        ("did:dyne:sandbox.signroom:nobody", good.clone(), "access_denied"),
        ("test-wallet", good.clone(), "access_denied"),
    ];
    for (client, details, code) in &cases {
        let refused = post_form(&endpoint, &request(client, details, &challenge)).await;
        refusal(&refused, 400, code);
        assert_eq!(refused.header("content-type"), "");
    }
    // A scope is taken with a resource, but the page has nothing to show for it then.
    let mut scope = request(client(&offer), &good, &challenge);
    scope[6] = ("scope", "university_degree");
    refusal(&post_form(&endpoint, &scope).await, 400, "invalid_request");
    scope.push(("resource", issuer.issuer()));
    let pushed = post_form(&endpoint, &scope).await;
    assert_eq!(pushed.status, 201);
    let uri = text(&pushed.json(), "request_uri").to_owned();
    let page = format!("{}/authorize", server(&offer));
    let url = with_query(&page, &[("client_id", client(&offer)), ("request_uri", &uri)]);
    sign_in(&url, issuer.login(), Decision::Allow).await.expect_err("no form");
    // Media types are compared as they are written.
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    assert_eq!(send(http::Method::POST, &endpoint, &form, "a=b").await.status, 415);
}

#[tokio::test]
async fn documents_are_appended_on_both_sides() {
    let issuer = start();
    let offer = offer(&issuer, "dc+sd-jwt");
    let document = get(&format!("{}/.well-known/oauth-authorization-server", server(&offer))).await.json();
    assert_eq!(document["issuer"], json!(server(&offer)));
    assert_eq!(document["require_pushed_authorization_requests"], true);
    assert!(!server(&offer).starts_with(issuer.base()), "another port");
    for place in ["openid-credential-issuer/credential_issuer", "openid-credential-issuer"] {
        assert_eq!(get(&format!("{}/.well-known/{place}", issuer.base())).await.status, 404, "{place}");
    }
}

#[tokio::test]
async fn keys_can_be_named_only() {
    let options = Options { profile: Profile::Didroom, bare_jwks: true, ..Options::default() };
    let issuer = TestIssuer::spawn_blocking_thread(options).expect("it starts");
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.issuer())).await.json();
    let jwk = &metadata["jwks"]["keys"][0];
    assert!(text(jwk, "kid").starts_with("did:dyne:") && jwk.get("x").is_none(), "{jwk}");
}

#[tokio::test]
async fn credential_requests_need_all_three_and_the_word_bearer() {
    let issuer = start();
    let offer = offer(&issuer, "dc+sd-jwt");
    let token = token(&issuer, &offer).await;
    let access = text(&token, "access_token");
    let nonce = fresh_nonce(&issuer).await;
    let good = body(&offer, &proof(&issuer, client(&offer), &nonce));
    for name in ["format", "credential_configuration_id", "proof"] {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(name);
        let refused = credential(&issuer, &format!("bearer {access}"), &body).await;
        let text = String::from_utf8_lossy(&refused.body);
        assert_eq!((refused.status, refused.header("content-type")), (422, "application/json"), "{name}");
        assert!(text.contains(name), "{text}");
    }
    for scheme in ["Bearer", "DPoP"] {
        let refused = credential(&issuer, &format!("{scheme} {access}"), &good).await;
        assert_eq!(refused.status, 500, "{scheme}");
    }
    let key = Key::new(7);
    let claims = json!({"iss": client(&offer), "nonce": nonce});
    let by_kid = key.sign(&json!({"alg": "ES256", "kid": key.did_key()}), &claims);
    let no_iss = key.sign(&json!({"alg": "ES256", "jwk": key.jwk()}), &json!({"nonce": nonce}));
    let other_nonce = proof(&issuer, client(&offer), "unknown");
    let other_key = key.sign(&json!({"alg": "ES256", "jwk": Key::new(8).jwk()}), &claims);
    for proof in [by_kid, no_iss, other_nonce, other_key] {
        let refused = credential(&issuer, &format!("bearer {access}"), &body(&offer, &proof)).await;
        assert_eq!(refused.status, 500);
    }
    issuer.advance_clock(601);
    assert_eq!(credential(&issuer, &format!("bearer {access}"), &good).await.status, 500, "the nonce has ended");
    // What was refused used nothing up.
    let fresh = body(&offer, &proof(&issuer, client(&offer), &fresh_nonce(&issuer).await));
    assert_eq!(credential(&issuer, &format!("bearer {access}"), &fresh).await.status, 200);
}
