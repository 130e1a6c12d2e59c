//! The profile `identus`, driven as that system's own demonstration does it.

use billfold_test_issuer::{Decision, Grant, OfferSpec, Options, Profile, Running, TestIssuer, sign_in};
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::*;

const CONFIGURATION: &str = "UniversityDegreeCredential";

fn start(published_did: bool) -> Running {
    let options = Options { profile: Profile::Identus, published_did, ..Options::default() };
    TestIssuer::spawn_blocking_thread(options).expect("it starts")
}

/// A holder with a did:prism in its long form.
struct Holder {
    key: SigningKey,
    did: String,
}

/// A field of a protocol buffer: number, wire type 2, length, bytes.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let length = match value.len() {
        short @ 0..0x80 => vec![short.to_le_bytes()[0]],
        long => vec![long.to_le_bytes()[0] | 0x80, (long >> 7).to_le_bytes()[0]],
    };
    [vec![number << 3 | 2], length, value.to_vec()].concat()
}

impl Holder {
    fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).expect("a legal scalar");
        let entry = |id: &str, usage: u8| {
            let point = key.verifying_key().to_sec1_point(true);
            let data = [field(1, b"secp256k1"), field(2, point.as_bytes())].concat();
            field(2, &[field(1, id.as_bytes()), vec![0x10, usage], field(9, &data)].concat())
        };
        let operation = field(1, &field(1, &[entry("auth", 4), entry("master", 1)].concat()));
        let hash = Sha256::digest(&operation).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let did = format!("did:prism:{hash}:{}", b64(&operation));
        Self { key, did }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature: Signature = self.key.sign(input.as_bytes());
        format!("{input}.{}", b64(signature.to_bytes()))
    }

    fn proof(&self, nonce: &str) -> String {
        let header = json!({"alg": "ES256K", "typ": "openid4vci-proof+jwt", "kid": format!("{}#auth", self.did)});
        self.sign(&header, &json!({"iss": "alice-wallet", "aud": "x", "iat": now(), "nonce": nonce}))
    }
}

/// The metadata of the issuer and of its authorization server.
async fn documents(issuer: &Running) -> (Value, Value) {
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.issuer())).await;
    assert_eq!(metadata.status, 200);
    let metadata = metadata.json();
    let realm = metadata["authorization_servers"][0].as_str().expect("a server");
    let server = get(&format!("{realm}/.well-known/openid-configuration")).await;
    assert_eq!(server.status, 200);
    (metadata, server.json())
}

/// An authorization request as a plain query.
fn request(issuer_state: Option<&str>) -> Vec<(&'static str, &str)> {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", "alice-wallet"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid UniversityDegreeCredential"),
        ("state", "s-1"),
    ];
    fields.extend(issuer_state.map(|state| ("issuer_state", state)));
    fields
}

/// Signs in and redeems the code.
async fn redeem(issuer: &Running, server: &Value, url: &str) -> Answer {
    let location = sign_in(url, issuer.login(), Decision::Allow).await.expect("a redirect");
    let answered = query_of(&location);
    assert_eq!((text(&answered, "state"), text(&answered, "iss")), ("s-1", text(server, "issuer")));
    text(&answered, "session_state");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", text(&answered, "code")),
        ("client_id", "alice-wallet"),
        ("redirect_uri", REDIRECT),
    ];
    post_form(text(server, "token_endpoint"), &fields).await
}

/// A token for a new offer.
async fn token(issuer: &Running) -> Value {
    let offer = issuer.make_offer(&OfferSpec::new(Grant::Code, "jwt_vc_json")).expect("an offer");
    let state = text(grant(&offer), "issuer_state").to_owned();
    let (_, server) = documents(issuer).await;
    let url = with_query(text(&server, "authorization_endpoint"), &request(Some(&state)));
    let answer = redeem(issuer, &server, &url).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

async fn credential(issuer: &Running, token: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
    send(http::Method::POST, &format!("{}/credentials", issuer.issuer()), &headers, body.to_string()).await
}

fn body(proof: &str) -> Value {
    json!({
        "format": "jwt_vc_json",
        "credential_definition": {"type": ["VerifiableCredential", CONFIGURATION], "credentialSubject": {}},
        "proof": {"proof_type": "jwt", "jwt": proof},
    })
}

#[tokio::test]
async fn a_wallet_of_that_system_gets_its_credential() {
    let issuer = start(false);
    let [offer] = issuer.offers() else { panic!("one offer") };
    assert_eq!(offer.args, ["--client-id", "alice-wallet"]);
    let holder = Holder::new(3);
    let token = token(&issuer).await;
    assert_eq!(text(&token, "token_type"), "Bearer");
    assert_eq!(token["c_nonce_expires_in"], 86400);
    let proof = holder.proof(text(&token, "c_nonce"));
    let answer = credential(&issuer, text(&token, "access_token"), &body(&proof)).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1), "nothing but the credential");
    let (header, claims) = decode(text(&answer, "credential"));
    assert_eq!(header, json!({"alg": "ES256K", "typ": "JWT"}));
    assert_eq!(claims["vc"]["type"], json!(["VerifiableCredential", CONFIGURATION]));
    assert_eq!(claims["vc"]["credentialSubject"]["id"], json!(holder.did));
    assert!(claims.get("exp").is_none());
    // The long form says its own key.
    let iss = text(&claims, "iss");
    let document = get(&format!("{}/cloud-agent/dids/{iss}", issuer.base())).await.json();
    assert_eq!(document["didDocument"]["id"], json!(iss));

    // The nonce is that of the offer, which is over now.
    let again = credential(&issuer, text(&token, "access_token"), &body(&proof)).await;
    assert_eq!((again.status, text(&again.json(), "error")), (400, "invalid_proof"));
}

#[tokio::test]
async fn documents_lie_where_that_system_has_them() {
    let issuer = start(false);
    let path = url::Url::parse(issuer.issuer()).expect("a URL").path().to_owned();
    // The proxy answers for everybody else, with nothing.
    let inserted = get(&format!("{}/.well-known/openid-credential-issuer{path}", issuer.base())).await;
    assert_eq!((inserted.status, inserted.body.len()), (200, 0));
    let (metadata, server) = documents(&issuer).await;
    let configuration = &metadata["credential_configurations_supported"][CONFIGURATION];
    assert_eq!(configuration["scope"], CONFIGURATION);
    assert_eq!(configuration["credential_definition"]["type"], json!(["VerifiableCredential"]));
    for name in ["display", "nonce_endpoint", "deferred_credential_endpoint", "notification_endpoint"] {
        assert!(metadata.get(name).is_none(), "{name}");
    }
    let realm = url::Url::parse(text(&server, "issuer")).expect("a URL");
    for place in [
        "/.well-known/oauth-authorization-server/realms/students",
        "/realms/students/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(get(realm.join(place).expect("a URL").as_str()).await.status, 404, "{place}");
    }
    assert_eq!(server["require_pushed_authorization_requests"], false);
}

#[tokio::test]
async fn what_is_pushed_is_kept_and_without_an_issuer_state_there_is_no_nonce() {
    let issuer = start(false);
    let (_, server) = documents(&issuer).await;
    let state = text(grant(&issuer.offers()[0]), "issuer_state").to_owned();
    let pushed = post_form(text(&server, "pushed_authorization_request_endpoint"), &request(Some(&state))).await;
    assert_eq!(pushed.status, 201);
    let uri = text(&pushed.json(), "request_uri").to_owned();
    let url =
        with_query(text(&server, "authorization_endpoint"), &[("client_id", "alice-wallet"), ("request_uri", &uri)]);
    let token = redeem(&issuer, &server, &url).await.json();
    assert!(token["c_nonce"].is_string());

    let url = with_query(text(&server, "authorization_endpoint"), &request(None));
    let token = redeem(&issuer, &server, &url).await.json();
    assert!(token.get("c_nonce").is_none(), "{token}");
    // An unknown one is an error that nobody caught.
    let url = with_query(text(&server, "authorization_endpoint"), &request(Some("unknown")));
    let refused = redeem(&issuer, &server, &url).await;
    assert_eq!((refused.status, text(&refused.json(), "error")), (500, "unknown_error"));
}

#[tokio::test]
async fn other_forms_are_refused_in_the_agent_s_way() {
    let issuer = start(false);
    let holder = Holder::new(4);
    let token = token(&issuer).await;
    let nonce = text(&token, "c_nonce");
    let access = text(&token, "access_token");
    let good = body(&holder.proof(nonce));
    let without = |name: &str| {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    // No format, and formats that it cannot tell: its JSON reader objects.
    let mut by_configuration = without("format");
    by_configuration["credential_configuration_id"] = json!(CONFIGURATION);
    for body in [without("format"), by_configuration, json!({"format": "dc+sd-jwt", "proof": good["proof"]})] {
        let refused = credential(&issuer, access, &body).await;
        let problem = refused.json();
        assert_eq!((refused.status, &problem["status"]), (400, &json!(400)), "{body}");
        assert_eq!(text(&problem, "type"), "error:RequestBodyDecodingFailure");
        assert!(text(&problem, "detail").contains("format"), "{problem}");
    }
    // `proofs` is passed over, so there is no proof.
    let mut plural = without("proof");
    plural["proofs"] = json!({"jwt": [holder.proof(nonce)]});
    let stranger = Holder::new(5);
    let by_jwk = stranger.sign(&json!({"alg": "ES256K", "jwk": {}}), &json!({"nonce": nonce}));
    let mixed =
        holder.sign(&json!({"alg": "ES256K", "kid": format!("{}#auth", stranger.did)}), &json!({"nonce": nonce}));
    let changed = format!("did:prism:{}{}#auth", "0".repeat(64), &holder.did[74..]);
    let changed = holder.sign(&json!({"alg": "ES256K", "kid": changed}), &json!({"nonce": nonce}));
    let master = format!("{}#master", holder.did);
    let master = holder.sign(&json!({"alg": "ES256K", "kid": master}), &json!({"nonce": nonce}));
    let cases = [
        (plural, "No proof provided"),
        (body(&holder.proof("another")), "nonce is not associated"),
        (body(&by_jwk), "Key ID not found"),
        (body(&mixed), "not singed"),
        (body(&changed), "Canonical suffix"),
        (body(&master), "Verification method not found"),
    ];
    for (body, reason) in cases {
        let refused = credential(&issuer, access, &body).await;
        let json = refused.json();
        assert_eq!((refused.status, text(&json, "error")), (400, "invalid_proof"), "{reason}");
        assert!(text(&json, "error_description").contains(reason), "{json}");
    }
    let refused = credential(&issuer, "not-a-token", &good).await;
    assert_eq!((refused.status, text(&refused.json(), "error")), (401, "invalid_token"));
    // A good proof uses the session up, even if the request fails afterwards.
    let refused = credential(&issuer, access, &without("credential_definition")).await;
    assert_eq!((refused.status, text(&refused.json(), "error")), (400, "unsupported_credential_type"));
    assert_eq!(credential(&issuer, access, &good).await.status, 400);
}

#[tokio::test]
async fn the_realm_refuses_as_keycloak_does() {
    let issuer = start(false);
    let (_, server) = documents(&issuer).await;
    let endpoint = text(&server, "authorization_endpoint");
    let mut other_client = request(None);
    other_client[1].1 = "someone";
    assert_eq!(get(&with_query(endpoint, &other_client)).await.status, 400);
    let mut other_scope = request(None);
    other_scope[3].1 = "openid Unheard";
    let refused = get(&with_query(endpoint, &other_scope)).await;
    assert_eq!((refused.status, text(&query_of(refused.header("location")), "error")), (302, "invalid_scope"));
    let denied =
        sign_in(&with_query(endpoint, &request(None)), issuer.login(), Decision::Deny).await.expect("a redirect");
    assert_eq!(text(&query_of(&denied), "error"), "access_denied");
    let endpoint = text(&server, "token_endpoint");
    for (fields, status, code) in [
        (vec![("client_id", "alice-wallet")], 400, "invalid_request"),
        (vec![("grant_type", "authorization_code"), ("code", "x")], 401, "invalid_client"),
        (vec![("grant_type", PRE_AUTHORIZED), ("client_id", "alice-wallet")], 400, "unsupported_grant_type"),
        (
            vec![("grant_type", "authorization_code"), ("client_id", "alice-wallet"), ("code", "x")],
            400,
            "invalid_grant",
        ),
    ] {
        let refused = post_form(endpoint, &fields).await;
        assert_eq!((refused.status, text(&refused.json(), "error")), (status, code), "{fields:?}");
    }
}

#[tokio::test]
async fn a_published_did_has_to_be_looked_up() {
    let issuer = start(true);
    let args = &issuer.offers()[0].args;
    let [_, _, option, resolver] = &args[..] else { panic!("{args:?}") };
    assert_eq!(option, "--did-resolver");
    let token = token(&issuer).await;
    let proof = Holder::new(6).proof(text(&token, "c_nonce"));
    let answer = credential(&issuer, text(&token, "access_token"), &body(&proof)).await.json();
    let (_, claims) = decode(text(&answer, "credential"));
    let iss = text(&claims, "iss");
    assert_eq!(iss.len(), "did:prism:".len() + 64);
    let resolved = get(&format!("{resolver}/{iss}")).await.json();
    assert_eq!(resolved["didDocument"]["assertionMethod"], json!([format!("{iss}#iss")]));
    assert_eq!(get(&format!("{resolver}/did:prism:{}", "0".repeat(64))).await.status, 404);
}
