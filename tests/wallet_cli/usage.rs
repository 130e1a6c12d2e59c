//! Command lines that are wrong, and settings that are right.

use crate::support::{User, finish};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_lines_end_with_2_and_touch_nothing() {
    let user = User::new();
    let start = ["start", "https://issuer.example"];
    let lines: &[&[&str]] = &[
        &[],
        &["frobnicate"],
        &["show"],
        &["list", "extra"],
        &["list", "--no-wait"],
        &["resume"],
        &["inspect"],
        &["qr"],
        &start,
        &["accept", "L", "--grant", "implicit"],
        &["--key", "rs256", "list"],
        &["--policy", "taste=require", "list"],
        &["--policy", "status=maybe", "list"],
        &["--timeout", "soon", "list"],
        &["--binding", "did:ion", "list"],
        &["--did-resolver", "resolver.example", "list"],
        &["--did-resolver", "did:web:resolver.example", "list"],
        &["--unheard-of", "list"],
        &["--strict=yes", "list"],
        &["accept", "L", "--authorization-parameter", "subject_id"],
        &["accept", "L", "--authorization-parameter", "=erika"],
        &["list", "--authorization-parameter", "a=b"],
        &["refresh"],
        &["--profile", "draft", "list"],
        &["--client-auth", "mtls", "list"],
        &["--client-auth", "private_key_jwt", "list"],
        &["--client-auth", "attestation", "list"],
        &["--client-auth", "attestation", "--attester-key", "K", "list"],
        &["--client-key", "K", "list"],
        &["--attester-cert", "C", "list"],
        &["--signed-metadata", "require", "list"],
        &["accept", "L", "--claim", "name"],
        &["accept", "L", "--encrypt", "maybe"],
        &["verify", "-"],
        &["verify", "--format", "dc+sd-jwt"],
        &["verify", "-", "--format", "dc+sd-jwt", "--at", "soon"],
        &["list", "--html", "X"],
        &["--locale", "de_CH", "list"],
    ];
    for line in lines {
        let ran = user.run(line).await.exits(2);
        let error = ran.one("error");
        assert_eq!((&error["kind"], &error["code"]), (&"command".into(), &"usage".into()), "{line:?}");
        assert!(ran.stderr.contains("--help"), "{line:?}: {}", ran.stderr);
    }
    assert!(!user.home().join("store").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_taken_as_the_help_writes_them() {
    let user = User::new();
    user.run(&["--profile", "base", "--client-auth", "none", "list"]).await.exits(0);
    user.run(&["--strict", "list"]).await.exits(0);
    for binding in ["auto", "jwk", "did:key", "did:jwk", "did:prism"] {
        user.run(&["--binding", binding, "list"]).await.exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_version_go_to_standard_output() {
    let user = User::new();
    for words in [["--help"], ["help"], ["-h"]] {
        let output = finish(user.bare(&words)).await;
        assert!(output.status.success() && output.stderr.is_empty());
        let text = String::from_utf8(output.stdout).unwrap();
        for word in ["accept", "--redirect-uri", "EXIT"] {
            assert!(text.contains(word), "{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "too wide:\n{text}");
    }
    let output = finish(user.bare(&["--version"])).await;
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("wallet {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_needs_the_development_switch() {
    let user = User::new();
    let output = finish(user.bare(&["accept"])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--dev"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_serve_are_named() {
    let user = User::new();
    let garbage = user.path("garbage.pem");
    std::fs::write(&garbage, "garbage").unwrap();
    for options in [&["--ca"][..], &["--trust"], &["--signed-metadata", "prefer", "--metadata-trust"]] {
        let with = |file: &str| [options, &[file, "list"]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let error = user.run(&with(&user.path("missing.pem"))).await.fails_with("file_unreadable");
        assert!(error["detail"].as_str().unwrap().contains("missing.pem"), "{error}");
        user.run(&with(&garbage)).await.fails_with("setup_invalid");
    }
    let words = ["--json", "--store", &garbage, "list"];
    let error = user.run_bare(&words).await.fails_with("file_unwritable");
    assert!(error["detail"].as_str().unwrap().contains("garbage.pem"), "{error}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_does_no_harm() {
    let user = User::new();
    let mut command = user.bare(&["--help"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let output = finish(command).await;
    assert_eq!(output.status.code(), Some(0));
}
