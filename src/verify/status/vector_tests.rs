//! Status lists that others made.

use serde_json::{Value, json};

use super::bitstring::{Generation, decode};
use super::list::{Order, Packed};
use super::tests::look_up;
use super::token_list::TokenList;
use super::*;
use crate::cbor::Item;
use crate::inflate;
use crate::verify::cose::CoseSign1;
use crate::verify::did;
use crate::verify::jose::Jws;
use crate::verify::testing::{Documents, TestKey, World, read_vector, vector_files, vectors};
use crate::verify::x509::Chain;

fn claims(text: &str) -> Value {
    serde_json::from_slice(&Jws::parse(text).unwrap().payload).unwrap()
}

/// The list of a vector's JSON form and of its CBOR form.
fn both(vector: &Value) -> [Packed; 2] {
    use base64::Engine as _;
    let lst = vector["json"]["lst"].as_str().unwrap();
    let in_json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(lst).unwrap();
    let cbor = hex::decode(vector["cbor_hex"].as_str().unwrap()).unwrap();
    let cbor = Item::parse(&cbor).unwrap();
    assert_eq!(cbor.get("bits").unwrap().as_u64(), vector["bits"].as_u64());
    [&in_json, cbor.get("lst").unwrap().as_bytes().unwrap()].map(|compressed| {
        let octets = inflate::zlib(compressed, MAX_OCTETS).unwrap();
        Packed { octets, order: Order::LeastSignificantFirst }
    })
}

fn bits(vector: &Value) -> u8 {
    u8::try_from(vector["bits"].as_u64().unwrap()).unwrap()
}

#[test]
fn the_long_lists_of_the_specification_hold_what_it_says_and_nothing_else() {
    let Some(folder) = vectors("status") else { return };
    for file in ["token-status-list-1bit.json", "token-status-list-2bit.json", "token-status-list-8bit.json"] {
        let vector = read_vector(&folder.join(file));
        let (bits, size) = (bits(&vector), vector["size"].as_u64().unwrap());
        let [json, cbor] = both(&vector);
        assert_eq!(json, cbor, "{file}");
        let expected = vector["expected"].as_object().unwrap();
        for index in 0..size {
            let value = expected.get(&index.to_string()).map_or(0, |value| value.as_u64().unwrap());
            assert_eq!(json.value(index, bits).map(u64::from), Some(value), "{file} at {index}");
        }
        assert_eq!(json.value(size, bits), None, "{file}");
    }
}

#[test]
fn the_short_lists_of_the_specification_hold_what_it_says() {
    let Some(folder) = vectors("status") else { return };
    for item in read_vector(&folder.join("token-status-list-small.json"))["items"].as_array().unwrap() {
        let octets = hex::decode(item["byte_array_hex"].as_str().unwrap()).unwrap();
        for list in both(item) {
            assert_eq!(list.octets, octets);
            let values: Vec<_> = (0..).map_while(|index| list.value(index, bits(item))).map(u64::from).collect();
            assert_eq!(json!(values), item["values"]);
        }
    }
}

#[test]
fn the_list_of_the_w3c_holds_what_it_says() {
    let Some(folder) = vectors("status") else { return };
    for item in read_vector(&folder.join("bitstring-spec-encodedList.json"))["items"].as_array().unwrap() {
        let octets = decode(item["encodedList"].as_str().unwrap(), Generation::Bitstring).unwrap();
        assert_eq!(Some(octets.len() as u64 * 8), item["bits"].as_u64());
        let list = Packed { octets, order: Order::MostSignificantFirst };
        let set: Vec<_> =
            (0..item["bits"].as_u64().unwrap()).filter(|index| list.value(*index, 1) == Some(1)).collect();
        assert_eq!(json!(set), item["ones"]);
    }
}

const LIST: &str = "https://example.com/statuslists/1";

/// The tokens of the specification, with the key that it gives, at a time.
fn printed(vector: &Value, body: Vec<u8>, now: i64) -> World {
    World {
        issuer_jwks: Some(json!({ "keys": [vector["issuer_jwk"]] })),
        documents: Documents::default().with_body(LIST, "application/octet-stream", body),
        now,
        ..World::default()
    }
}

#[tokio::test]
async fn the_tokens_of_the_specification_are_good_from_2024_to_2042() {
    let Some(folder) = vectors("status") else { return };
    let vector = read_vector(&folder.join("token-status-list-tokens.json"));
    let jwt = vector["status_list_jwt"].as_str().unwrap().as_bytes().to_vec();
    let cwt = hex::decode(vector["status_list_cwt_hex"].as_str().unwrap()).unwrap();
    let stranger = TestKey::new(crate::model::jwk::Algorithm::Es256);
    let at = |index: u64| Stated::in_claim(Some(&json!({ "status_list": { "idx": index, "uri": LIST } })));
    // The list is the first of the short ones.
    let values = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    for body in [jwt, cwt] {
        let unsigned = [&body[..body.len() - 1], &[body[body.len() - 1] ^ 1]].concat();
        for (now, expected) in [
            (1_686_920_170, Some(())),
            (1_704_067_200, Some(())),
            (2_272_147_200, Some(())),
            (2_291_720_170, Some(())),
            (1_686_920_170 - 61, None),
            (2_291_720_170 + 60, None),
        ] {
            let world = printed(&vector, body.clone(), now);
            for (index, value) in (0..).zip(values) {
                let (outcome, detail, _) = look_up(&at(index), Some("https://example.com"), &stranger, &world).await;
                let there = if value == 0 { Outcome::Passed } else { Outcome::Failed };
                let expected = expected.map_or(Outcome::Unknown(Reason::Unreachable), |()| there);
                assert_eq!(outcome, expected, "{index} at {now}: {detail}");
            }
        }
        let (outcome, ..) =
            look_up(&at(1), Some("https://example.com"), &stranger, &printed(&vector, unsigned, 1_704_067_200)).await;
        assert_eq!(outcome, Outcome::Failed);
    }
    let list = TokenList::of_jwt(claims(vector["status_list_jwt"].as_str().unwrap()).as_object().unwrap()).unwrap();
    assert_eq!(claims(vector["status_list_jwt"].as_str().unwrap()), vector["status_list_jwt_payload"]);
    assert_eq!((list.subject.as_str(), list.times.ttl, list.bits), (LIST, Some(43_200.0), 1));
}

#[test]
fn the_referenced_tokens_of_the_specification_name_their_places() {
    let Some(folder) = vectors("status") else { return };
    let vector = read_vector(&folder.join("token-status-list-tokens.json"));
    let sd_jwt = vector["referenced_sd_jwt"].as_str().unwrap().split('~').next().unwrap();
    let stated = Stated::in_claim(claims(sd_jwt).get("status"));
    let place = StatusReference::TokenStatusList { uri: LIST.to_owned(), index: 0 };
    assert_eq!(stated.reference.as_ref(), Some(&place));
    let cwt = hex::decode(vector["referenced_token_cwt_hex"].as_str().unwrap()).unwrap();
    let cose = CoseSign1::parse(&cwt).unwrap();
    let key = IssuerPublicKey::from_jwk(&vector["issuer_jwk"]).unwrap();
    assert_eq!(cose.verify(&[key]), Ok("ES256"));
    let list = Item::parse(cose.payload).unwrap().get_label(65_535).unwrap().get("status_list").unwrap();
    let status = json!({ "status_list": {
        "idx": list.get("idx").unwrap().as_u64(), "uri": list.get("uri").unwrap().as_text(),
    } });
    assert_eq!(Stated::in_claim(Some(&status)).reference, Some(place));
}

/// The key behind the DID that a foreign token names, which some of them quote twice.
fn named_key(text: &str) -> Option<IssuerPublicKey> {
    let jws = Jws::parse(text).unwrap();
    let payload: Value = serde_json::from_slice(&jws.payload).unwrap();
    let names = [
        jws.header_text("kid"),
        payload.pointer("/iss").and_then(Value::as_str),
        payload.pointer("/vc/issuer").and_then(Value::as_str),
    ];
    let mut dids = names.into_iter().flatten().map(|name| name.replace('"', ""));
    dids.find_map(|did| did::self_contained(&did)?.ok())
}

#[tokio::test]
async fn lists_of_other_issuers_are_read_and_their_signatures_hold() {
    let Some(folder) = vectors("status/foreign") else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder) {
        let text = vector["jwt"].as_str().unwrap();
        let payload = vector["payload"].as_object().unwrap();
        assert_eq!(Value::Object(payload.clone()), claims(text));
        let list = TokenList::of_jwt(payload);
        let Some(length) = vector["inflated_len"].as_u64() else {
            assert!(list.unwrap_err().detail.contains("compressed"), "{file}");
            seen += 1;
            continue;
        };
        let list = list.unwrap();
        assert_eq!(list.list.octets.len() as u64, length, "{file}");
        let places = length * 8 / u64::from(list.bits);
        let set: Vec<_> = (0..places).filter(|index| list.value(*index).unwrap() != 0).collect();
        assert_eq!(json!(set), vector["set"], "{file}");

        // As a credential sees it, with the key where the token leads to one.
        let uri = payload["sub"].as_str().unwrap();
        let chain = Jws::parse(text).unwrap().header.get("x5c").map(|x5c| Chain::from_header(x5c).unwrap());
        let key = chain.map_or_else(|| named_key(text), |chain| chain.leaf_key().ok());
        let world = World {
            documents: Documents::default().with_body(uri, "application/statuslist+jwt", text),
            now: payload["iat"].as_i64().unwrap() + 1,
            ..World::default()
        };
        let at = |index: u64| Stated::in_claim(Some(&json!({ "status_list": { "idx": index, "uri": uri } })));
        let issuer = payload.get("iss").and_then(Value::as_str).unwrap_or("https://issuer.example");
        let keys: Vec<_> = key.into_iter().collect();
        let subject = Subject { issuer: Some(issuer), keys: &keys, checks: &[] };
        for index in [0, set.first().copied().unwrap_or(1)] {
            let (found, _) = check(&at(index), &subject, &world.context()).await;
            let expected = match (keys.is_empty(), set.contains(&index)) {
                // Its DID method is none that is known here.
                (true, _) => Outcome::Unknown(Reason::Unsupported),
                (false, true) => Outcome::Failed,
                (false, false) => Outcome::Passed,
            };
            assert_eq!(found.outcome, expected, "{file} at {index}: {}", found.detail);
        }
        assert_eq!(keys.is_empty(), file.contains("swiyu"), "{file}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}

const PLACEHOLDER: &str = "<STATUS-CREDENTIAL-PATH-PLACEHOLDER>";

/// Each file is a credential, its status lists, and what a verifier's policy says of them, which may be that
/// another value than 0 is wanted.
#[tokio::test]
async fn inputs_of_another_verifiers_policy_come_out_the_same() {
    let Some(folder) = vectors("status/waltid") else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder) {
        let mut lists: Vec<(String, &str)> = Vec::new();
        if let Some(several) = vector["status-credential"].as_array() {
            for list in several {
                let suffix = list["id"].as_str().unwrap().trim_start_matches(PLACEHOLDER);
                lists.push((suffix.to_owned(), list["content"].as_str().unwrap()));
            }
        } else {
            lists.push((String::new(), vector["status-credential"].as_str().unwrap()));
        }
        let address = |suffix: &str, content: &str| {
            let claims = claims(content);
            let own = claims.get("sub").filter(|_| claims.get("vc").is_none()).or_else(|| claims.pointer("/vc/id"));
            (format!("{PLACEHOLDER}{suffix}"), own.and_then(Value::as_str).unwrap().to_owned())
        };
        let mut holder = vector["holder-credential"].to_string();
        let mut documents = Documents::default();
        let mut key = None;
        for (suffix, content) in &lists {
            let (placeholder, uri) = address(suffix, content);
            holder = holder.replace(&format!("\"{placeholder}\""), &format!("\"{uri}\""));
            documents = documents.with_body(&uri, "application/jwt", *content);
            key = named_key(content);
        }
        let holder: Value = serde_json::from_str(&holder).unwrap();
        let stated = match holder.get("status") {
            Some(status) => Stated::in_claim(Some(status)),
            None => Stated::in_w3c(holder.as_object().unwrap(), None),
        };
        assert!(stated.reference.is_some() && stated.problem.is_none(), "{file}: {stated:?}");
        let key = key.unwrap_or_else(|| panic!("{file}: no key"));
        // In the middle of the lists' ten years.
        let world = World { documents, now: 1_893_456_000, ..World::default() };
        let subject = Subject { issuer: Some("https://issuer.example"), keys: &[key], checks: &[] };
        let (found, status) = check(&stated, &subject, &world.context()).await;
        let value = status.map(|status| status.value);
        let expected = match file.as_str() {
            // The policy wants the value 3, which the place has; to a wallet it says revoked.
            "bitstringstatuslist-custom-valid.json" => (Outcome::Failed, Some(StatusValue::Invalid)),
            name if name.contains("wrong-list-encoding") => (Outcome::Failed, None),
            _ if vector["valid"] == true => (Outcome::Passed, Some(StatusValue::Valid)),
            _ => (Outcome::Failed, Some(StatusValue::Invalid)),
        };
        assert_eq!((found.outcome, value), expected, "{file}: {}", found.detail);
        seen += 1;
    }
    assert_eq!(seen, 12);
    let custom = read_vector(&folder.join("bitstringstatuslist-custom-valid.json"));
    let list = claims(custom["status-credential"].as_str().unwrap());
    let octets =
        decode(list["vc"]["credentialSubject"]["encodedList"].as_str().unwrap(), Generation::Bitstring).unwrap();
    let value = Packed { octets, order: Order::MostSignificantFirst }.value(1781, 2).map(u64::from);
    assert_eq!(value, custom["attribute"]["value"].as_u64());
}
