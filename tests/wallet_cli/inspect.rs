//! What would be used, seen before it is.

use billfold_test_issuer::{Encryption, Options};
use serde_json::json;

use crate::attester::Attester;
use crate::issuer::TestIssuer;
use crate::support::User;

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_issuer() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let ran = user.run(&["inspect", &offer.link]).await.exits(0);
    assert_eq!(ran.kinds(), ["offer", "terms"]);
    let mut terms = ran.one("terms").clone();
    terms.as_object_mut().unwrap().remove("session");
    let credential = json!({"configuration": "UniversityDegree_dc_sd_jwt", "proof_type": "jwt", "algorithm": "ES256",
        "key_attestation": false});
    let expected = json!({"event": "terms", "refused": null, "profile": "base", "grant": "pre_authorized_code",
        "client_authentication": "none", "dpop": "ES256", "encrypts_requests": false, "encrypts_answers": false,
        "batch_size": 4, "credentials": [credential], "left_out": []});
    assert_eq!(terms, expected);

    // What would be refused is a finding, not a failure.
    let ran = user.run(&["--profile", "haip", "inspect", &offer.link]).await.exits(0);
    assert_eq!(ran.one("terms")["refused"]["code"], "client_authentication_unavailable");
    let ran = user.run(&["inspect", &offer.link, "--encrypt", "always"]).await.exits(0);
    assert_eq!(ran.one("terms")["refused"]["code"], "encryption_unavailable");
    // And nothing was spent.
    user.run(&["accept", &offer.link]).await.exits(0).one("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demanding_one() {
    let user = User::new();
    let attester = Attester::of(&user);
    let options = Options { encryption: Encryption::Required, ..Options::haip() };
    let issuer = TestIssuer::with(options).await;
    let offer = issuer.offer(&json!({"grant": "code"}));
    let with = |words: &[&str]| -> Vec<String> {
        let options = attester.attesting().into_iter().chain(words.iter().copied());
        options.map(str::to_owned).collect()
    };
    let ran = user.run(&with(&["--profile", "haip", "--key", "es256", "inspect", &offer.link])).await.exits(0);
    let terms = ran.one("terms");
    assert_eq!((&terms["profile"], &terms["client_authentication"]), (&json!("haip"), &json!("attestation")));
    assert_eq!((&terms["encrypts_requests"], &terms["encrypts_answers"]), (&json!(true), &json!(true)));
    assert_eq!((&terms["dpop"], &terms["batch_size"]), (&json!("ES256"), &json!(5)));
    assert_eq!(terms["credentials"][0]["key_attestation"], true);
    let words = ["--profile", "haip", "inspect", &offer.link, "--encrypt", "never"];
    let ran = user.run(&with(&words)).await.exits(0);
    assert_eq!(ran.one("terms")["refused"]["code"], "encryption_required");

    // For people.
    let mut words = vec!["--dev", "inspect", offer.link.as_str()];
    words.extend(attester.attesting());
    let output = crate::support::finish(user.bare(&words)).await;
    let text = String::from_utf8(output.stdout).unwrap();
    for said in ["attestation", "by DPoP, ES256", "requests and answers", "keys attested"] {
        assert!(text.contains(said), "{said}: {text}");
    }
}
