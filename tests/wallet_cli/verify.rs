//! Checks of credentials that no session brought.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::issuer::TestIssuer;
use crate::support::{Ran, User};

/// The kinds of checks that came out in a way.
fn checks<'a>(ran: &'a Ran, outcome: &str) -> Vec<&'a str> {
    let checks = ran.one("report")["checks"].as_array().unwrap();
    checks.iter().filter(|check| check["outcome"]["is"] == outcome).filter_map(|check| check["kind"].as_str()).collect()
}

/// Foreign data lies outside of the project.
fn vectors() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("BILLFOLD_VECTORS").map_or_else(beside, PathBuf::from).join("vectors");
    folder.is_dir().then_some(folder)
}

fn vector(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_issuer_issued_is_verified_again() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let trusted = user.path("trusted.pem");
    std::fs::write(&trusted, issuer.trust()).unwrap();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let accepted = user.run(&["accept", &offer.link]).await.exits(0);
    let exported = user.run(&["export", accepted.one("stored")["credential"].as_str().unwrap()]).await;
    let raw = exported.one("export")["raw"][0].as_str().unwrap().to_owned();
    let file = user.path("credential.txt");
    std::fs::write(&file, format!("{raw}\n")).unwrap();
    let requests = issuer.requests();

    let ran = user.run(&["verify", &file, "--format", "dc+sd-jwt", "--trust", &trusted]).await.exits(0);
    assert_eq!(ran.kinds(), ["report"]);
    let report = ran.one("report");
    assert_eq!((&report["verdict"], &report["format"]), (&json!("verified"), &json!("dc+sd-jwt")));
    assert!(report["kind"]["vct"].as_str().unwrap().ends_with("/vct/university-degree"), "{report}");
    assert!(report["expires_at"].as_str().unwrap().ends_with('Z'), "{report}");
    for kind in ["signature", "issuer_key", "issuer_trust", "validity", "digests"] {
        assert!(checks(&ran, "passed").contains(&kind), "{kind}: {report:#}");
    }
    assert_eq!(issuer.requests(), requests, "nothing was fetched");

    // From standard input, with something to compare with.
    let trusting = ["--trust", &trusted, "verify", "-", "--format", "dc+sd-jwt"];
    let words = [&trusting[..], &["--type", report["kind"]["vct"].as_str().unwrap()]].concat();
    let ran = user.run_with_input(&words, &raw).await.exits(0);
    assert!(checks(&ran, "passed").contains(&"type"));
    let ran = user.run_with_input(&[&trusting[..], &["--type", "urn:other"]].concat(), &raw).await.exits(1);
    assert_eq!((checks(&ran, "failed"), ran.kinds()), (vec!["type"], vec!["report"]));
    let ran = user.run_with_input(&[&trusting[..], &["--at", "2001-01-01"]].concat(), &raw).await.exits(1);
    assert!(checks(&ran, "failed").contains(&"validity"));
    let words = ["--policy", "validity=warn", "verify", &file, "--format", "dc+sd-jwt", "--at", "2001-01-01"];
    let ran = user.run(&words).await;
    assert!(checks(&ran, "failed").contains(&"validity"), "a policy does not change what is found");

    // One letter of the signed part.
    let (head, tail) = raw.split_once('.').unwrap();
    let spoiled = format!("{head}.{}{}", if tail.starts_with('e') { 'f' } else { 'e' }, &tail[1..]);
    let ran = user.run_with_input(&trusting, &spoiled).await.exits(1);
    assert_eq!(ran.one("report")["verdict"], "rejected");
    assert!(checks(&ran, "failed").contains(&"signature"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_be_fetched_is_fetched_only_if_that_is_wanted() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({
        "grant": "pre-authorized", "configurations": ["StudentCard_jwt_vc_json_by_jwt_vc_issuer"]
    }));
    let accepted = user.run(&["accept", &offer.link]).await.exits(0);
    let exported = user.run(&["export", accepted.one("stored")["credential"].as_str().unwrap()]).await;
    let raw = exported.one("export")["raw"][0].as_str().unwrap().to_owned();
    let offline = ["verify", "-", "--format", "jwt_vc_json"];
    let ran = user.run_with_input(&offline, &raw).await.exits(1);
    assert_eq!(ran.one("report")["verdict"], "unverified");
    assert!(checks(&ran, "unknown").contains(&"issuer_key"));
    let online = [&offline[..], &["--online"]].concat();
    let ran = user.run_with_input(&online, &raw).await.exits(0);
    assert!(checks(&ran, "passed").contains(&"issuer_key"));
}

/// A credential that a DID of a method of its own has issued, and a resolver that knows the DID.
#[tokio::test(flavor = "multi_thread")]
async fn a_resolver_knows_whose_key_it_is() {
    use p256::ecdsa::signature::Signer as _;
    let did = "did:example:town-hall";
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let [x, y] = [&point.as_bytes()[1..33], &point.as_bytes()[33..]].map(|octets| URL_SAFE_NO_PAD.encode(octets));
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
    let method = json!({"id": "#one", "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk});
    let document = json!({"id": did, "verificationMethod": [method], "assertionMethod": ["#one"]});
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let payload = json!({"iss": did, "vc": {
        "@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiableCredential"], "issuer": did,
        "issuanceDate": "2026-01-01T00:00:00Z", "credentialSubject": {"name": "Mira"},
    }});
    let message = format!("{}.{}", encoded(&json!({"alg": "ES256", "typ": "JWT"})), encoded(&payload));
    let signature: p256::ecdsa::Signature = key.sign(message.as_bytes());
    let raw = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/1.0/identifiers", listener.local_addr().unwrap());
    let wanted = format!("GET /1.0/identifiers/{did} HTTP/1.1\r\n");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap();
            let known = request[..length].starts_with(wanted.as_bytes());
            let (status, body) =
                if known { ("200 OK", document.to_string()) } else { ("404 Not Found", String::new()) };
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        }
    });

    let user = User::new();
    let verify = ["verify", "-", "--format", "jwt_vc_json", "--online"];
    let ran = user.run_with_input(&verify, &raw).await.exits(1);
    assert!(checks(&ran, "unknown").contains(&"issuer_key"), "{ran:?}");
    let resolving = [&["--did-resolver", &base], &verify[..]].concat();
    let ran = user.run_with_input(&resolving, &raw).await.exits(0);
    assert!(checks(&ran, "passed").contains(&"issuer_key"), "{ran:?}");
    // A resolver that does not know it.
    let elsewhere = base.replace("/1.0", "/2.0");
    let resolving = [&["--did-resolver", &elsewhere], &verify[..]].concat();
    let ran = user.run_with_input(&resolving, &raw).await.exits(1);
    assert!(checks(&ran, "failed").contains(&"issuer_key"), "{ran:?}");
    // Without the switch for development, not over http.
    user.run_bare(&["--json", "--did-resolver", &base, "list"]).await.exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_credentials_are_checked_by_what_the_command_line_names() {
    let Some(folder) = vectors() else { return };
    let user = User::new();

    let mdoc = vector(&folder, "mdoc/isomdl-40bcec6e.json");
    let (file, trust) = (user.path("licence.cbor"), user.path("iaca.pem"));
    let hex = mdoc["hex"].as_str().unwrap();
    let octets: Vec<_> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    std::fs::write(&file, octets).unwrap();
    std::fs::write(&trust, mdoc["iaca_pem"].as_str().unwrap()).unwrap();
    let doctype = "org.iso.18013.5.1.mDL";
    let words = ["verify", &file, "--format", "mso_mdoc", "--trust", &trust, "--type", doctype, "--at"];
    let ran = user.run(&[&words[..], &["2021-01-01"]].concat()).await.exits(0);
    let report = ran.one("report");
    assert_eq!((&report["verdict"], &report["kind"]["doctype"]), (&json!("verified"), &json!(doctype)));
    assert_eq!(report["expires_at"], "2021-10-01T13:30:02Z");
    let ran = user.run(&[&words[..], &["2026-01-01T00:00:00Z"]].concat()).await.exits(1);
    assert!(checks(&ran, "failed").contains(&"validity"));

    let jwt = vector(&folder, "jwt-vc/dif-jws-suite/afgo-credential-0--key-2-secp256r1.vc-jwt.json");
    let jwt = jwt["jwt"].as_str().unwrap();
    let key = |number: &str| {
        let key = vector(&folder, &format!("di/JsonWebSignature2020/keys/key-{number}.json"));
        key["publicKeyJwk"].to_string()
    };
    let format = ["verify", "-", "--format", "jwt_vc_json", "--issuer-key"];
    // The key in words, and in a file as one of a set.
    let right = key("2-secp256r1");
    user.run_with_input(&[&format[..], &[&right]].concat(), jwt).await.exits(0);
    let set = user.path("keys.json");
    std::fs::write(&set, format!(r#"{{"keys":[{},{right}]}}"#, key("3-secp384r1"))).unwrap();
    user.run_with_input(&[&format[..], &[&set]].concat(), jwt).await.exits(0);
    let other = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let ran = user.run_with_input(&[&format[..], &[other]].concat(), jwt).await.exits(1);
    assert!(checks(&ran, "failed").contains(&"signature"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_serve_is_named() {
    let user = User::new();
    let file = user.path("credential.txt");
    std::fs::write(&file, "x").unwrap();
    let format = ["--format", "dc+sd-jwt"];
    let with = |words: &[&str]| [&["verify"], words, &format[..]].concat().into_iter().map(str::to_owned).collect();
    let words: Vec<_> = with(&[&user.path("missing")]);
    user.run(&words).await.fails_with("file_unreadable");
    for option in ["--issuer-key", "--holder-key"] {
        let words: Vec<_> = with(&[&file, option, &file]);
        user.run(&words).await.fails_with("key_unusable");
        let words: Vec<_> = with(&[&file, option, &user.path("missing")]);
        user.run(&words).await.fails_with("file_unreadable");
    }
    let words: Vec<_> = with(&[&file, "--holder-key", r#"{"kty":"oct","k":"AA"}"#]);
    user.run(&words).await.fails_with("key_unusable");
    let words: Vec<_> = with(&[&file, "--trust", &file]);
    user.run(&words).await.fails_with("setup_invalid");
    user.run(&["verify", &file, "--format", "anoncreds"]).await.fails_with("format_unsupported");
    // Garbage is a credential that does not pass.
    let words: Vec<_> = with(&[&file]);
    let ran = user.run(&words).await.exits(1);
    assert_eq!(ran.one("report")["verdict"], "rejected");
    let output = crate::support::finish(user.bare(&["verify", &file, "--format", "dc+sd-jwt"])).await;
    assert!(String::from_utf8(output.stdout).unwrap().contains("✗ signature"));
}
