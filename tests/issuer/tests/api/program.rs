//! The program: its first line, its end, and its complaints.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use billfold_test_issuer::{Decision, Login, Options, TestIssuer, sign_in};
use serde_json::Value;

use crate::client::*;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_billfold-test-issuer"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn announced(child: &mut Child) -> Value {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
    serde_json::from_str(&line).expect("JSON in the first line")
}

#[tokio::test]
async fn serves_what_it_announces_until_its_input_closes() {
    let mut child = program().args(["--path", "/tenant"]).spawn().expect("it starts");
    let line = announced(&mut child);
    let base = line["base"].as_str().expect("a base").to_owned();
    assert_eq!(line["issuer"], format!("{base}/tenant"));
    assert!(line["trust"].as_str().expect("PEM").starts_with("-----BEGIN CERTIFICATE-----"));
    let offers = line["offers"].as_array().expect("offers");
    for grant in ["code", "pre-authorized"] {
        for format in ["dc+sd-jwt", "jwt_vc_json"] {
            for by in ["value", "reference"] {
                let these = || offers.iter().filter(|o| o["grant"] == grant && o["format"] == format && o["by"] == by);
                assert!(these().any(|offer| offer.get("tx_code").is_none()), "{grant} {format} {by}");
                let with_code = these().any(|offer| offer["tx_code"].is_string());
                assert_eq!(with_code, grant == "pre-authorized", "{grant} {format} {by}");
            }
        }
    }
    let login = Login {
        user: line["login"]["user"].as_str().expect("a user").into(),
        password: line["login"]["password"].as_str().expect("a password").into(),
    };
    let challenge = challenge();
    let fields = authorization_request(&challenge, "UniversityDegree_dc_sd_jwt");
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let redirect = sign_in(&format!("{base}/tenant/authorize?{query}"), &login, Decision::Allow).await;
    assert!(redirect.expect("a redirect").contains("code="));

    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}

#[cfg(unix)]
#[test]
fn ends_on_sigterm_and_does_not_mind_a_null_input() {
    let mut child = program().stdin(Stdio::null()).spawn().expect("it starts");
    announced(&mut child);
    assert!(child.try_wait().expect("a state").is_none(), "it serves on without an input");
    let killed = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
    assert!(killed.success());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn says_what_is_wrong_with_its_arguments() {
    for (arguments, words) in [
        (&["--fault", "no-kee"][..], "no-key"),
        (&["--profile", "draft11", "--encryption", "offered"], "draft11 has no encryption of responses"),
        (&["--profile", "x"], "available: final, haip"),
        (&["--path", "tenant"], "not a path"),
    ] {
        let mut child = program().args(arguments).spawn().expect("it starts");
        let mut text = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut text).expect("text");
        assert!(!child.wait().expect("it ends").success());
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
}

#[tokio::test]
async fn takes_its_options_from_the_command_line() {
    let keys = std::env::temp_dir().join(format!("{}-keys.json", unique()));
    std::fs::write(&keys, serde_json::json!({"keys": [Key::new(1).jwk()]}).to_string()).expect("written");
    let keys = keys.to_str().expect("text");
    let server = async |arguments: &[&str]| {
        let mut child = program().args(arguments).spawn().expect("it starts");
        let line = announced(&mut child);
        let base = line["base"].as_str().expect("a base");
        let server = get(&format!("{base}/.well-known/oauth-authorization-server")).await.json();
        drop(child.stdin.take());
        assert!(child.wait().expect("it ends").success());
        (line, server)
    };
    let (line, plain) = server(&[]).await;
    assert!(line["attester_trust"].as_str().expect("PEM").starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(plain["token_endpoint_auth_methods_supported"], serde_json::json!(["none"]));
    let arguments = ["--client-auth", "private-key-jwt", "--client-jwks", keys, "--refresh-tokens", "--dpop", "off"];
    let (_, chosen) = server(&arguments).await;
    assert_eq!(chosen["token_endpoint_auth_methods_supported"], serde_json::json!(["private_key_jwt"]));
    assert!(chosen.get("dpop_signing_alg_values_supported").is_none());
    assert!(chosen["grant_types_supported"].as_array().expect("grants").contains(&"refresh_token".into()));
    let (line, haip) = server(&["--profile", "haip"]).await;
    assert!(haip["challenge_endpoint"].is_string());
    assert!(line["offers"].as_array().expect("offers").iter().all(|offer| offer["grant"] == "code"));
    std::fs::remove_file(keys).expect("it was written");
}

#[tokio::test]
async fn plays_the_user() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let wallet = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let callback = format!("http://{}/callback", wallet.local_addr().expect("an address"));
    let challenge = challenge();
    let mut fields = authorization_request(&challenge, "UniversityDegree_dc_sd_jwt");
    fields.retain(|(name, _)| *name != "redirect_uri");
    fields.push(("redirect_uri", &callback));
    let url = authorize_url(&issuer, &fields);

    let child = program().args(["sign-in", &url]).spawn().expect("it starts");
    let (mut stream, _) = wallet.accept().await.expect("the redirect is opened");
    let mut request = vec![0; 2048];
    let read = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.expect("a request");
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    assert!(request.starts_with("GET /callback?code="), "{request}");
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .await
        .expect("an answer");
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.expect("joined").expect("it ends");
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(printed.starts_with(&format!("{callback}?code=")), "{printed}");

    let child = program().args(["sign-in", "--deny", "--no-open", &url]).spawn().expect("it starts");
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.expect("joined").expect("it ends");
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(printed.contains("error=access_denied"), "{printed}");
}
