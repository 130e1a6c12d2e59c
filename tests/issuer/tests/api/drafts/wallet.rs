//! A wallet of each draft, written from its text: what it asks for, and how it reads answers.

use billfold_test_issuer::{Decision, Grant, MadeOffer, OfferSpec, Options, Profile, Running, TestIssuer};
use serde_json::{Map, Value, json};

use crate::client::*;

pub(super) const DRAFTS: [u8; 5] = [11, 12, 13, 14, 15];

pub(super) fn profile(draft: u8) -> Profile {
    format!("draft{draft}").parse().expect("a profile")
}

pub(super) async fn start(draft: u8) -> Running {
    start_with(draft, Options::default()).await
}

pub(super) async fn start_with(draft: u8, options: Options) -> Running {
    let options = Options { profile: profile(draft), ..options };
    TestIssuer::start(options).await.unwrap_or_else(|error| panic!("{draft}: {error}"))
}

/// The formats that a draft has.
pub(super) fn formats(draft: u8) -> Vec<&'static str> {
    let mut formats = vec!["jwt_vc_json", "jwt_vc_json-ld", "ldp_vc", "mso_mdoc"];
    match draft {
        ..=12 => {}
        13 | 14 => formats.push("vc+sd-jwt"),
        _ => formats.push("dc+sd-jwt"),
    }
    formats
}

/// Issuer metadata, from where all drafts have it.
pub(super) async fn metadata(issuer: &Running) -> Value {
    let answer = get(&format!("{}/.well-known/openid-credential-issuer", issuer.issuer())).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

/// The entry of a configuration.
pub(super) fn entry(draft: u8, metadata: &Value, id: &str) -> Value {
    match draft {
        11 => {
            let all = metadata["credentials_supported"].as_array().expect("an array");
            all.iter().find(|entry| entry["id"] == id).expect("the entry").clone()
        }
        12 => metadata["credentials_supported"][id].clone(),
        _ => metadata["credential_configurations_supported"][id].clone(),
    }
}

/// Format and type of an entry, as requests, authorization details and offers have them.
pub(super) fn by_type(draft: u8, entry: &Value) -> Map<String, Value> {
    let format = text(entry, "format");
    let mut object = json!({"format": format});
    match (format, draft) {
        ("jwt_vc_json", 11) => object["types"] = entry["types"].clone(),
        (_, 11) if format != "mso_mdoc" => {
            object["credential_definition"] = json!({"@context": entry["@context"], "types": entry["types"]});
        }
        ("jwt_vc_json", _) => {
            object["credential_definition"] = json!({"type": entry["credential_definition"]["type"]});
        }
        ("jwt_vc_json-ld" | "ldp_vc", _) => {
            let definition = &entry["credential_definition"];
            object["credential_definition"] = json!({"@context": definition["@context"], "type": definition["type"]});
        }
        ("mso_mdoc", _) => object["doctype"] = entry["doctype"].clone(),
        _ => object["vct"] = entry["vct"].clone(),
    }
    match object {
        Value::Object(object) => object,
        _ => unreachable!("made as an object"),
    }
}

/// The id of the first configuration that an offer names.
pub(super) fn offered(draft: u8, offer: &MadeOffer) -> String {
    let member = if draft <= 12 { "credentials" } else { "credential_configuration_ids" };
    offer.offer[member][0].as_str().unwrap_or_else(|| panic!("no {member} in {}", offer.offer)).to_owned()
}

/// A token, and the nonce that came with it.
#[derive(Clone)]
pub(super) struct Got {
    pub(super) token: String,
    pub(super) nonce: Option<String>,
    pub(super) identifier: Option<String>,
    pub(super) answer: Value,
}

impl Got {
    pub(super) fn read(draft: u8, answer: Value) -> Self {
        let nonce = answer["c_nonce"].as_str().map(str::to_owned);
        assert_eq!(nonce.is_some(), draft <= 14, "{answer}");
        assert_eq!(answer["c_nonce_expires_in"].is_u64(), draft <= 14, "{answer}");
        assert_eq!(answer["token_type"], if draft <= 14 { "bearer" } else { "Bearer" });
        let identifier = answer["authorization_details"][0]["credential_identifiers"][0].as_str().map(str::to_owned);
        Self { token: text(&answer, "access_token").to_owned(), nonce, identifier, answer }
    }

    /// The nonce for the next proof.
    pub(super) async fn next_nonce(&self, issuer: &Running) -> String {
        match &self.nonce {
            Some(nonce) => nonce.clone(),
            None => nonce(issuer).await,
        }
    }
}

/// Redeems a pre-authorized code.
pub(super) async fn pre_authorized(draft: u8, issuer: &Running, offer: &MadeOffer) -> Got {
    let mut fields =
        vec![("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", text(grant(offer), "pre-authorized_code"))];
    if let Some(typed) = &offer.tx_code {
        let asked =
            if draft <= 12 { grant(offer)["user_pin_required"] == true } else { grant(offer)["tx_code"].is_object() };
        assert!(asked, "{}", offer.offer);
        fields.push((if draft <= 12 { "user_pin" } else { "tx_code" }, typed));
    }
    let answer = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    Got::read(draft, answer.json())
}

/// Goes the whole way of the code grant with the given authorization details.
pub(super) async fn by_code(draft: u8, issuer: &Running, details: &Value, state: Option<&str>) -> Got {
    let (challenge, details) = (challenge(), details.to_string());
    let mut fields = authorization_request(&challenge, "");
    fields.retain(|(name, _)| *name != "scope");
    fields.push(("authorization_details", &details));
    fields.extend(state.map(|state| ("issuer_state", state)));
    let pushed = post_form(&format!("{}/par", issuer.issuer()), &fields).await;
    assert_eq!(pushed.status, 201, "{}", String::from_utf8_lossy(&pushed.body));
    let pushed = pushed.json();
    let url = authorize_url(issuer, &[("client_id", CLIENT), ("request_uri", text(&pushed, "request_uri"))]);
    let redirect = redirect_of(issuer, &url, Decision::Allow).await;
    let answer = post_form(&format!("{}/token", issuer.issuer()), &code_request(text(&redirect, "code"))).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    Got::read(draft, answer.json())
}

/// Authorization details of a draft's own form.
pub(super) fn details(draft: u8, entry: &Value, id: &str) -> Value {
    let mut detail = match draft {
        ..=12 => by_type(draft, entry),
        _ => Map::from_iter([("credential_configuration_id".to_owned(), json!(id))]),
    };
    detail.insert("type".into(), json!("openid_credential"));
    json!([detail])
}

/// A proof JWT for a key that suits the entry.
pub(super) fn proof_for(issuer: &Running, entry: &Value, nonce: Option<&str>, seed: u8) -> String {
    let mut proof = Proof::with_key(issuer, nonce, seed);
    let methods = entry["cryptographic_binding_methods_supported"].as_array().expect("binding methods");
    if !["jwk", "cose_key", "mso"].iter().any(|method| methods.contains(&json!(method))) {
        let did = proof.key.did_key();
        let kid = format!("{did}#{}", did.trim_start_matches("did:key:"));
        proof.header = json!({"typ": "openid4vci-proof+jwt", "alg": "ES256", "kid": kid});
    }
    proof.jwt()
}

/// What selects the credential, by the draft's own rules.
pub(super) fn selector(draft: u8, entry: &Value, id: &str, identifier: Option<&str>) -> Map<String, Value> {
    match (identifier, draft) {
        (Some(identifier), _) => Map::from_iter([("credential_identifier".to_owned(), json!(identifier))]),
        (None, ..=14) => by_type(draft, entry),
        (None, _) => Map::from_iter([("credential_configuration_id".to_owned(), json!(id))]),
    }
}

/// A whole request with one proof in `proof`, which each of these drafts takes.
pub(super) fn request(draft: u8, entry: &Value, id: &str, identifier: Option<&str>, jwt: &str) -> Value {
    let mut request = selector(draft, entry, id, identifier);
    request.insert("proof".into(), json!({"proof_type": "jwt", "jwt": jwt}));
    request.into()
}

/// Names of an answer's members.
pub(super) fn names(answer: &Value) -> Vec<&str> {
    answer.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The credential in an answer to a single proof, after a look at all members of the answer.
pub(super) fn credential_in(draft: u8, answer: &Value) -> Value {
    let (expected, place): (&[&str], _) = match draft {
        11 | 12 => (&["c_nonce", "c_nonce_expires_in", "credential", "format"], &answer["credential"]),
        13 | 14 => (&["c_nonce", "c_nonce_expires_in", "credential", "notification_id"], &answer["credential"]),
        _ => (&["credentials", "notification_id"], &answer["credentials"][0]["credential"]),
    };
    assert_eq!(names(answer), expected, "{draft}: {answer}");
    assert!(!place.is_null(), "{draft}: {answer}");
    place.clone()
}

/// A pre-authorized token for one configuration, with its metadata entry.
pub(super) async fn got_for(draft: u8, issuer: &Running, id: &str) -> (Got, Value) {
    let spec = OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json").configurations(&[id]);
    let offer = issuer.make_offer(&spec).expect("a legal offer");
    let got = pre_authorized(draft, issuer, &offer).await;
    (got, entry(draft, &metadata(issuer).await, id))
}
