use ring::aead::{Aad, Nonce};
use serde_json::json;

use super::*;
use crate::verify::testing::{read_vector, vectors};

#[path = "jwe_vector_tests.rs"]
mod foreign;

const A128: Agreed = Agreed { enc: ContentEncryption::A128Gcm, zip: false };
const A256: Agreed = Agreed { enc: ContentEncryption::A256Gcm, zip: false };
const A256_DEF: Agreed = Agreed { enc: ContentEncryption::A256Gcm, zip: true };
const MAX: usize = 1 << 20;

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn private(d: &str) -> OneTimeKey {
    OneTimeKey(SecretKey::from_slice(&bytes(d)).expect("a key"))
}

/// Whom the foreign messages below are for.
fn receiver() -> OneTimeKey {
    private("wbxfg3XE6z40cim7_cQUzGmNwrdQAImttzHKJsQ9PRI")
}

fn to(key: &OneTimeKey) -> Recipient {
    Recipient::new(&key.public_jwk()).expect("a point")
}

fn sealed(plaintext: &[u8], agreed: Agreed) -> String {
    seal(plaintext, &to(&receiver()), None, agreed)
}

fn header_of(message: &str) -> Value {
    let header = message.split('.').next().expect("a part");
    serde_json::from_slice(&bytes(header)).expect("JSON")
}

// covers: ENC-13
#[test]
fn key_agreement_is_that_of_rfc_7518_appendix_c() {
    let alice = private("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
    let bob = private("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
    let shared: [u8; 32] = [
        158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106,
        72, 246, 218, 167, 121, 140, 254, 144, 196,
    ];
    for (own, other) in [(&alice, &bob), (&bob, &alice)] {
        let secret = diffie_hellman(own.0.to_nonzero_scalar(), to(other).0.as_affine());
        assert_eq!(secret.raw_secret_bytes().as_slice(), shared);
        let derived = derive(&own.0, &to(other).0, ContentEncryption::A128Gcm, b"Alice", b"Bob");
        assert_eq!(URL_SAFE_NO_PAD.encode(&*derived), "VqqN6vgjbSBcIijNcacQGg");
    }
    let public = alice.public_jwk().to_value();
    assert_eq!(public["x"], "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0");
    assert_eq!(public["y"], "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps");
}

// covers: ENC-13
#[test]
fn content_encryption_is_that_of_rfc_7516_appendix_a_1_and_rfc_7520_section_5_6() {
    // The key algorithms of these two are not ours; content encryption and additional data are.
    let examples = [
        (
            ContentEncryption::A256Gcm,
            "saH0gFSP4XM_tAP_a5rU9ooHbltwLiJpL4LLLnrqQPw",
            "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ",
            "48V1_ALb6US04U3b",
            "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A",
            "XFBoMYUZodetZdvTiFvSkQ",
            "The true sign of intelligence is not knowledge but imagination.",
        ),
        (
            ContentEncryption::A128Gcm,
            "XctOhJAkA-pD9Lh7ZgW_2A",
            "eyJhbGciOiJkaXIiLCJraWQiOiI3N2M3ZTJiOC02ZTEzLTQ1Y2YtODY3Mi02MTdiNWI0NTI0M2EiLCJlbmMiOiJBMTI4R0NNIn0",
            "refa467QzzKx6QAB",
            "JW_i_f52hww_ELQPGaYyeAB6HYGcR559l9TYnSovc23XJoBcW29rHP8yZOZG7YhLpT1bjFuvZPjQS-m0IFtVcXkZXdH_lr_FrdYt\
             9HRUYkshtrMmIUAyGmUnd9zMDB2n0cRDIHAzFVeJUDxkUwVAE7_YGRPdcqMyiBoCO-FBdE-Nceb4h3-FtBP-c_BIwCPTjb9o0Sbd\
             cdREEMJMyZBH8ySWMVi1gPD9yxi-aQpGbSv_F9N4IZAxscj5g-NJsUPbjk29-s7LJAGb15wEBtXphVCgyy53CoIKLHHeJHXex45U\
             z9aKZSRSInZI-wjsY0yu3cT4_aQ3i1o-tiE-F8Ios61EKgyIQ4CWao8PFMj8TTnp",
            "vbb32Xvllea2OtmHAdccRQ",
            "You can trust us to stick with you through thick and thin",
        ),
    ];
    for (enc, key, header, iv, content, tag, text) in examples {
        let mut sealed = [bytes(content), bytes(tag)].concat();
        let iv = Nonce::try_assume_unique_for_key(&bytes(iv)).expect("96 bits");
        let opened = enc.key(&bytes(key)).open_in_place(iv, Aad::from(header.as_bytes()), &mut sealed);
        assert!(opened.expect("it opens").starts_with(text.as_bytes()), "{text}");
    }
}

// covers: ENC-13
#[test]
fn key_agreement_holds_against_the_cases_of_wycheproof() {
    let Some(folder) = vectors("jose/wycheproof") else { return };
    let cases = read_vector(&folder.join("ecdh_secp256r1_ecpoint_test.json"));
    let groups = cases["testGroups"].as_array().expect("groups").iter();
    let tests = groups.flat_map(|group| group["tests"].as_array().expect("tests"));
    let (mut agreed, mut refused) = (0, 0);
    for test in tests {
        let octets = |name: &str| hex::decode(test[name].as_str().expect("text")).expect("hex");
        let public = Jwk::from_point(Curve::P256, &octets("public")).ok().and_then(|key| Recipient::new(&key));
        // What is not on the curve is no recipient, and compressed points are no JWK.
        let Some(public) = public else {
            assert_ne!(test["result"], "valid", "{test}");
            refused += 1;
            continue;
        };
        let private = octets("private");
        let mut scalar = [0; 32];
        let digits = &private[private.len().saturating_sub(32)..];
        scalar[32 - digits.len()..].copy_from_slice(digits);
        let own = SecretKey::from_slice(&scalar).expect("a scalar");
        let shared = diffie_hellman(own.to_nonzero_scalar(), public.0.as_affine());
        assert_eq!(shared.raw_secret_bytes().as_slice(), octets("shared"), "{test}");
        agreed += 1;
    }
    assert_eq!((agreed, refused), (330, 25));
}

/// Made with jwcrypto 1.6, which shares no code with this crate.
const FOREIGN: [(Agreed, &str, &str); 4] = [
    (
        A128,
        "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSIsImVwayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImxCRTRoNjhWVVUt\
         aEl1aElyQXdBUmdfXzlXdjZpZng2Mnc3WU5NdkczbjgiLCJ5IjoiaUxGYllzRnJiaU1HdHVXYnk0RzdSRUtHZmFDT2dGeFRhTTJrX2dScW90\
         USJ9fQ..ZOCouWjzQJtGAZEH.wuYaHqWA82EFZnqLXCXWQn9ReSnwI-IzwDH0bdKZP_WW8d3hwaTK2IY.XIdGlbHsAs7BmfHWpP4kDQ",
        r#"{"credentials":[{"credential":"a.b.c~"}]}"#,
    ),
    (
        A256,
        "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSIsImVwayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6IjBjQ2FxQ1IxRzdI\
         OUpyMmVBcDBoSEt1eTdkMEZQQi1vMFlTSlRkYlBhUVUiLCJ5IjoiU1pndDYxbjVwODROdDRhXzhsT3d4OUdRSjJ0Q1cyeERzejdDX1RJUHVa\
         WSJ9fQ..5oYwhdDl3_lfdz8Y.ZSzL5b4oc3tfop5OSSerq3cga_WQ109U3iYKpJW8cji2WMR2QYAj13M.CbqFi4IOTgYQq0yOXg1GEA",
        r#"{"credentials":[{"credential":"a.b.c~"}]}"#,
    ),
    (
        A256_DEF,
        "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSIsImVwayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6IkV4UHVqa3Fwaml1\
         NWFFUXRva3E3c3NnTjgzLWR4a19fVkF0dEJ6cEhnRVUiLCJ5IjoibDhvZ0ZQTFNwZVJabTd3clZkUGRUQVFtRnNlX01IUF9uX3lvMEl6S3dh\
         OCJ9LCJ6aXAiOiJERUYifQ..ZCnIRDSk3b20eacg.5Ta-dKeE1IYunqQ3dCbXoqwUQ5noEnAFQVQNbeT1EC4.V-KhhdTMKSA71gBEiz8KfQ",
        "",
    ),
    (
        A128,
        "eyJhbGciOiJFQ0RILUVTIiwiYXB1IjoiUVd4cFkyVSIsImFwdiI6IlFtOWkiLCJlbmMiOiJBMTI4R0NNIiwiZXBrIjp7ImNydiI6IlAtMjU2\
         Iiwia3R5IjoiRUMiLCJ4IjoidUtCZVZRdlozSGdkWnJUeVJOcVk1MHFuMkdHdy1YdHdwUXNNS00zb1BMdyIsInkiOiJYcDdfZGNHYk5vZmFX\
         ZzBvX3JlTF94b2poTjl0cFdYbHlDV2lPUjBweXA0In19..yAo2GXm0HXdptKPP.VB6_qf3fCdBpk41W6DDmB5Z707KM1_I99ZT8_PxHzX54C\
         pA.WRxGQH4tsSTbPr7j-ogRcg",
        r#"{"transaction_id":"t","interval":5}"#,
    ),
];

// covers: ENC-08, ENC-13
#[test]
fn messages_of_another_implementation_open() {
    for (agreed, message, plaintext) in FOREIGN {
        let opened = open(message, receiver(), agreed, MAX).expect("it opens");
        let plaintext = match plaintext {
            "" => format!(r#"{{"credentials":[{{"credential":"{}"}}]}}"#, "a".repeat(300)),
            plaintext => plaintext.to_owned(),
        };
        assert_eq!(String::from_utf8(opened).expect("text"), plaintext);
    }
}

// covers: ENC-06, ENC-08
#[test]
fn what_is_sealed_opens_again_and_says_what_it_is() {
    let plaintext = "the same words again and again ".repeat(40);
    for agreed in [A128, A256, A256_DEF, Agreed { zip: true, ..A128 }] {
        let key = OneTimeKey::generate();
        let message = seal(plaintext.as_bytes(), &to(&key), Some("key-1"), agreed);
        let header = header_of(&message);
        assert_eq!(header["alg"], "ECDH-ES");
        assert_eq!(header["enc"], agreed.enc.as_str());
        assert_eq!(header["kid"], "key-1");
        assert_eq!(header.get("zip").is_some(), agreed.zip);
        assert!(header["epk"].get("d").is_none());
        assert_eq!(message.len() < plaintext.len(), agreed.zip, "packed before it is encrypted");
        assert_eq!(open(&message, key, agreed, MAX).expect("it opens"), plaintext.as_bytes());
    }
    for plaintext in [&b""[..], b"x"] {
        for agreed in [A128, A256_DEF] {
            assert_eq!(open(&sealed(plaintext, agreed), receiver(), agreed, MAX).as_deref(), Ok(plaintext));
        }
    }
    assert!(header_of(&sealed(b"x", A128)).get("kid").is_none());
}

// covers: ENC-12
#[test]
fn every_message_has_its_own_key_and_vector() {
    let (one, two) = (sealed(b"x", A256), sealed(b"x", A256));
    assert_ne!(header_of(&one)["epk"], header_of(&two)["epk"]);
    assert_ne!(one.split('.').nth(2), two.split('.').nth(2));
    assert_ne!(OneTimeKey::generate().public_jwk(), OneTimeKey::generate().public_jwk());
}

/// A message whose header was changed, with all else made to fit it: only the header is wrong.
fn with_header(agreed: Agreed, change: impl Fn(&mut String)) -> String {
    let sender = OneTimeKey::generate();
    let mut header =
        json!({ "alg": "ECDH-ES", "enc": agreed.enc.as_str(), "epk": sender.public_jwk().to_value() }).to_string();
    change(&mut header);
    let header = URL_SAFE_NO_PAD.encode(header);
    let mut content = b"{}".to_vec();
    let key = agreed.enc.key(&derive(&sender.0, &to(&receiver()).0, agreed.enc, &[], &[]));
    let nonce = Nonce::assume_unique_for_key([7; NONCE_LEN]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut content).expect("sealed");
    let [iv, content, tag] =
        [&[7; NONCE_LEN], content.as_slice(), tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{iv}.{content}.{tag}")
}

// covers: ENC-06, ENC-08
#[test]
fn headers_that_do_not_fit_are_refused() {
    let add = |member: &'static str| with_header(A128, move |header| header.insert_str(1, &format!("{member},")));
    let replace =
        |was: &'static str, is: &'static str| with_header(A128, move |header| *header = header.replace(was, is));
    assert_eq!(open(&add(r#""typ":"JWT","cty":"json""#), receiver(), A128, MAX).as_deref(), Ok(&b"{}"[..]));

    let header = |problem: &str| JweError::Header(Box::leak(problem.to_owned().into_boxed_str()));
    let epk = "`epk` is no point on P-256";
    let alg = "`alg` is not ECDH-ES";
    let enc = "`enc` is not the one that was asked for";
    let party = "`apu` or `apv` is not base64url";
    let object = JweError::Malformed("its header is no JSON object");
    let (off_curve, infinity) = ("A".repeat(42) + "E", "A".repeat(43));
    let with_epk = |epk: Value| {
        with_header(A128, move |header| {
            let mut value: Value = serde_json::from_str(header).expect("JSON");
            value["epk"] = epk.clone();
            *header = value.to_string();
        })
    };
    let own = receiver().public_jwk().to_value();
    let with_private = {
        let mut epk = own.clone();
        epk["d"] = json!("AA");
        epk
    };
    let cases = [
        (replace("ECDH-ES", "ECDH-ES+A128KW"), header(alg)),
        (replace("ECDH-ES", "dir"), header(alg)),
        (replace(r#""alg":"ECDH-ES","#, ""), header(alg)),
        (replace(r#""ECDH-ES""#, "5"), header(alg)),
        (replace("A128GCM", "A256GCM"), header(enc)),
        (replace("A128GCM", "A128CBC-HS256"), header(enc)),
        (replace(r#""enc":"A128GCM","#, ""), header(enc)),
        (add(r#""zip":"DEF""#), header("`zip` was not asked for")),
        (add(r#""zip":7"#), header("`zip` was not asked for")),
        (add(r#""crit":["exp"]"#), header("it has critical extensions, and this version knows none")),
        (add(r#""crit":[]"#), header("it has critical extensions, and this version knows none")),
        (add(r#""apu":"=""#), header(party)),
        (add(r#""apv":true"#), header(party)),
        (add(r#""alg":"ECDH-ES""#), object.clone()),
        (add(r#""enc":"A128GCM""#), object.clone()),
        (with_header(A128, |header| *header = "[]".to_owned()), object.clone()),
        (with_header(A128, |header| header.push('x')), object),
        (with_epk(with_private), header("`epk` has a private member")),
        (with_epk(json!({ "kty": "EC", "crv": "P-256", "x": off_curve, "y": off_curve })), header(epk)),
        (with_epk(json!({ "kty": "EC", "crv": "P-256", "x": infinity, "y": infinity })), header(epk)),
        (with_epk(json!({ "kty": "EC", "crv": "secp256k1", "x": own["x"], "y": own["y"] })), header(epk)),
        (with_epk(json!({ "kty": "OKP", "crv": "X25519", "x": own["x"] })), header(epk)),
        (with_epk(json!({ "kty": "EC", "crv": "P-256", "x": own["x"] })), header(epk)),
        (with_epk(json!("key")), header(epk)),
        (replace(r#""epk""#, r#""key""#), header("`epk` is missing")),
    ];
    for (message, problem) in cases {
        let text = header_text(&message);
        assert_eq!(open(&message, receiver(), A128, MAX).expect_err("refused"), problem, "{text}");
    }
    let other_zip = with_header(A128, |header| header.insert_str(1, r#""zip":"GZ","#));
    let refused = open(&other_zip, receiver(), Agreed { zip: true, ..A128 }, MAX);
    assert_eq!(refused, Err(header("`zip` was not asked for")));
}

fn header_text(message: &str) -> String {
    String::from_utf8(bytes(message.split('.').next().expect("a part"))).expect("text")
}

#[test]
fn messages_that_were_changed_or_are_for_another_do_not_open() {
    let message = sealed(b"a secret", A256);
    assert_eq!(open(&message, OneTimeKey::generate(), A256, MAX), Err(JweError::NotAuthentic));
    let parts: Vec<&str> = message.split('.').collect();
    let joined = |at: usize, part: &str| {
        let mut parts = parts.clone();
        parts[at] = part;
        parts.join(".")
    };
    // One bit of the vector, the content and the tag; a member more in the header.
    for at in [2, 3, 4] {
        let mut octets = bytes(parts[at]);
        octets[0] ^= 1;
        let changed = joined(at, &URL_SAFE_NO_PAD.encode(octets));
        assert_eq!(open(&changed, receiver(), A256, MAX), Err(JweError::NotAuthentic), "part {at}");
    }
    let mut header = header_of(&message);
    header["x"] = json!(1);
    let changed = joined(0, &URL_SAFE_NO_PAD.encode(header.to_string()));
    assert_eq!(open(&changed, receiver(), A256, MAX), Err(JweError::NotAuthentic));
    let other_sender = joined(0, sealed(b"a secret", A256).split('.').next().expect("a part"));
    assert_eq!(open(&other_sender, receiver(), A256, MAX), Err(JweError::NotAuthentic));
}

#[test]
fn messages_of_the_wrong_shape_are_refused() {
    let message = sealed(b"a secret", A256);
    let parts: Vec<&str> = message.split('.').collect();
    let joined = |at: usize, part: &str| {
        let mut parts = parts.clone();
        parts[at] = part;
        parts.join(".")
    };
    let padded = format!("{}=", parts[3]);
    let five = "it has not five parts";
    for (message, problem) in [
        (String::new(), five),
        ("a.b.c".to_owned(), five),
        (format!("{message}."), five),
        (parts[..4].join("."), five),
        (joined(0, "="), "its header is not base64url"),
        (joined(0, ""), "its header is no JSON object"),
        (joined(1, "AAAA"), "it has an encrypted key, which direct agreement has not"),
        (joined(2, "A+"), "its initialization vector is not base64url"),
        (joined(2, "AAAA"), "its initialization vector has the wrong length"),
        (joined(2, ""), "its initialization vector has the wrong length"),
        (joined(3, &padded), "its content is not base64url"),
        (joined(4, "A"), "its tag is not base64url"),
        (joined(4, ""), "its tag has the wrong length"),
        (joined(4, &parts[4][..16]), "its tag has the wrong length"),
        (format!("{message}\n"), "its tag is not base64url"),
    ] {
        assert_eq!(open(&message, receiver(), A256, MAX), Err(JweError::Malformed(problem)), "{message}");
    }
}

// covers: ENC-08
#[test]
fn what_unpacks_to_too_much_is_refused_and_what_does_not_unpack() {
    let bomb = sealed(&vec![0; 64 << 20], A256_DEF);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    assert_eq!(open(&bomb, receiver(), A256_DEF, MAX), Err(JweError::TooLarge));
    let exact = sealed(&[b'x'; 1000], A256_DEF);
    assert!(open(&exact, receiver(), A256_DEF, 1000).is_ok());
    assert_eq!(open(&exact, receiver(), A256_DEF, 999), Err(JweError::TooLarge));

    // What says that it is compressed, and is not, or only half.
    let sender = OneTimeKey::generate();
    let packed = miniz_oxide::deflate::compress_to_vec(b"some words that are cut off in the middle", 6);
    for content in [&b"plain"[..], b"", &packed[..packed.len() - 4]] {
        let header = json!({
            "alg": "ECDH-ES", "enc": "A256GCM", "zip": "DEF", "epk": sender.public_jwk().to_value()
        });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let mut content = content.to_vec();
        let key = A256.enc.key(&derive(&sender.0, &to(&receiver()).0, A256.enc, &[], &[]));
        let nonce = Nonce::assume_unique_for_key([7; NONCE_LEN]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut content).expect("sealed");
        let [iv, content, tag] =
            [&[7; NONCE_LEN], content.as_slice(), tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}..{iv}.{content}.{tag}");
        assert_eq!(open(&message, receiver(), A256_DEF, MAX), Err(JweError::Compression));
    }
}

#[test]
fn keys_on_other_curves_are_no_recipients() {
    let point = receiver().public_jwk().to_point();
    assert!(Recipient::new(&Jwk::from_point(Curve::Secp256k1, &point).expect("a key")).is_none());
    assert!(Recipient::new(&Jwk::from_coordinates(Curve::P256, &[1; 32], &[1; 32]).expect("a key")).is_none());
    assert!(Recipient::new(&receiver().public_jwk()).is_some());
}
