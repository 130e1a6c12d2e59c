//! Foreign encrypted messages. Most are by algorithms that OpenID4VCI wallets do not offer: they are refused, and
//! the few others open.

use super::*;

#[test]
fn rfc_7518_appendix_c_step_by_step() {
    let Some(folder) = vectors("jose") else { return };
    let file = read_vector(&folder.join("rfc7518-C-ecdh-es.json"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let alice = private(&text(&file["alice_ephemeral"]["d"]));
    let bob = private(&text(&file["bob"]["d"]));
    assert_eq!(bob.public_jwk().to_value()["x"], file["bob"]["x"]);
    let secret = diffie_hellman(alice.0.to_nonzero_scalar(), to(&bob).0.as_affine());
    assert_eq!(hex::encode(secret.raw_secret_bytes()), text(&file["z_hex"]));
    let (party_u, party_v) = (bytes(&text(&file["header"]["apu"])), bytes(&text(&file["header"]["apv"])));
    let derived = derive(&alice.0, &to(&bob).0, ContentEncryption::A128Gcm, &party_u, &party_v);
    assert_eq!(URL_SAFE_NO_PAD.encode(&*derived), text(&file["derived_key"]));
}

#[test]
fn messages_of_rfc_7520() {
    let Some(folder) = vectors("jose/rfc7520") else { return };
    let direct = read_vector(&folder.join("jwe-5_6.direct_encryption_using_aes-gcm.json"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let content = &direct["encrypting_content"];
    let mut sealed = [bytes(&text(&content["ciphertext"])), bytes(&text(&content["tag"]))].concat();
    let iv = Nonce::try_assume_unique_for_key(&bytes(&text(&direct["generated"]["iv"]))).expect("96 bits");
    let header = text(&content["protected_b64u"]);
    let key = ContentEncryption::A128Gcm.key(&bytes(&text(&direct["input"]["key"]["k"])));
    let opened = key.open_in_place(iv, Aad::from(header.as_bytes()), &mut sealed).expect("it opens");
    assert_eq!(opened, text(&direct["input"]["plaintext"]).as_bytes());

    // Wrapped keys, CBC, X25519 and shared keys are not agreed on by anybody.
    for name in [
        "jwe-5_6.direct_encryption_using_aes-gcm.json",
        "jwe-5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json",
        "jwe-5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2.json",
        "curve25519-ecdh-es.json",
    ] {
        let message = text(&read_vector(&folder.join(name))["output"]["compact"]);
        for agreed in [A128, A256] {
            let outcome = open(&message, receiver(), agreed, MAX);
            assert!(matches!(outcome, Err(JweError::Header(_))), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn wycheproof_messages() {
    let Some(folder) = vectors("jose/wycheproof") else { return };
    let suite = read_vector(&folder.join("json_web_encryption_test.json"));
    let (mut opened, mut refused) = (0, 0);
    for group in suite["testGroups"].as_array().expect("groups") {
        let secret = &group["private"];
        let ours = secret["kty"] == "EC" && secret["crv"] == "P-256" && secret["alg"] == "ECDH-ES";
        for test in group["tests"].as_array().expect("tests") {
            let Some(message) = test["jwe"].as_str() else { continue };
            for agreed in [A128, A256] {
                let key = match secret["d"].as_str().filter(|_| secret["crv"] == "P-256") {
                    Some(d) => private(d),
                    None => receiver(),
                };
                let outcome = open(message, key, agreed, MAX);
                if ours && test["enc"] == agreed.enc.as_str() && test["result"] == "valid" {
                    let expected = hex::decode(test["pt"].as_str().expect("text")).expect("hex");
                    assert_eq!(outcome, Ok(expected), "{}: {}", test["tcId"], test["comment"]);
                    opened += 1;
                } else {
                    assert!(outcome.is_err(), "{}: {}", test["tcId"], test["comment"]);
                    refused += 1;
                }
            }
        }
    }
    assert_eq!(opened, 2);
    assert!(refused > 250, "{refused}");
}
