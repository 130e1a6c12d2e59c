//! Credentials that do not pass: kept aside, said aloud, and nothing else touched.

use serde_json::json;

use crate::issuer::{FORMATS, TestIssuer};
use crate::support::User;

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_credential_is_put_aside_and_older_ones_stay() {
    for format in FORMATS {
        let issuer = TestIssuer::start().await;
        let user = User::new();
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": format}));
        let good = user.run(&["accept", &offer.link]).await.exits(0).one("stored")["credential"].clone();
        let before = user.run(&["export", good.as_str().unwrap()]).await.exits(0).events;

        issuer.fault("bad-signature");
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": format}));
        let ran = user.run(&["accept", &offer.link]).await.exits(1);
        assert_eq!(ran.kinds(), ["offer", "quarantined", "notified", "error"], "{ran:#?}");
        let aside = ran.one("quarantined");
        assert_eq!(aside["report"]["verdict"], "rejected");
        let error = ran.one("error");
        assert_eq!(error["code"], "credential_rejected");
        assert_eq!(error["kind"], "verification");
        let bad = aside["credential"].as_str().unwrap();

        let listed = user.run(&["list"]).await.exits(0);
        let flag =
            |id: &str| listed.all("credential").iter().find(|c| c["credential"] == id).unwrap()["quarantined"].clone();
        assert_eq!(flag(good.as_str().unwrap()), false);
        assert_eq!(flag(bad), true);
        assert_eq!(user.run(&["export", good.as_str().unwrap()]).await.exits(0).events, before);

        // Checked again it is no better; its bytes are there to be looked at; it can be thrown away.
        let again = user.run(&["recheck", bad]).await.exits(1);
        assert_eq!(again.kinds(), ["quarantined", "error"]);
        user.run(&["export", bad]).await.exits(0);
        user.run(&["forget", bad]).await.exits(0);
        assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_wrong_with_a_credential_fails_its_own_check() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let mut wrong = Vec::new();
    for (fault, format, check) in [
        ("bad-signature", "dc+sd-jwt", "signature"),
        ("bad-signature", "jwt_vc_json", "signature"),
        ("alg-none", "dc+sd-jwt", "signature"),
        ("alg-none", "jwt_vc_json", "signature"),
        ("bad-digest", "dc+sd-jwt", "digests"),
        ("wrong-type", "dc+sd-jwt", "type"),
        ("wrong-type", "jwt_vc_json", "type"),
        ("wrong-key", "dc+sd-jwt", "holder_binding"),
        ("wrong-key", "jwt_vc_json", "holder_binding"),
        ("no-key", "dc+sd-jwt", "holder_binding"),
        ("expired-credential", "dc+sd-jwt", "validity"),
        ("expired-credential", "jwt_vc_json", "validity"),
        ("future-credential", "dc+sd-jwt", "validity"),
        ("future-credential", "jwt_vc_json", "validity"),
    ] {
        issuer.fault(fault);
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": format}));
        let ran = user.run(&["accept", &offer.link]).await;
        issuer.no_faults();
        let failed: Vec<_> = match ran.all("quarantined").as_slice() {
            [aside] => aside["report"]["checks"].as_array().unwrap().iter(),
            _ => [].iter(),
        }
        .filter(|check| check["outcome"]["is"] == "failed")
        .filter_map(|check| check["kind"].as_str())
        .collect();
        let refused = ran.exit == 1 && ran.all("error").iter().any(|error| error["code"] == "credential_rejected");
        if !refused || !failed.contains(&check) {
            wrong.push(format!("{fault} in {format}: exit {}, failed checks {failed:?}, not {check}", ran.exit));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_and_policy_decide_with() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let trusted = user.path("trusted.pem");
    std::fs::write(&trusted, issuer.trust()).unwrap();
    let check = |ran: &crate::support::Ran, event: &str, kind: &str| {
        let checks = ran.one(event)["report"]["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|check| check["kind"] == kind).unwrap()["outcome"]["is"].clone()
    };
    let offer = || issuer.offer(&json!({"grant": "pre-authorized"})).link;

    let ran = user.run(&["accept", &offer()]).await.exits(0);
    assert_eq!(check(&ran, "stored", "issuer_trust"), "skipped");
    let ran = user.run(&["--trust", &trusted, "accept", &offer()]).await.exits(0);
    assert_eq!(check(&ran, "stored", "issuer_trust"), "passed");

    issuer.fault("untrusted-chain");
    let ran = user.run(&["--trust", &trusted, "accept", &offer()]).await.exits(1);
    assert_eq!(check(&ran, "quarantined", "issuer_trust"), "failed");
    let words = ["--trust", &trusted, "--policy", "issuer-trust=warn", "accept", &offer()];
    let ran = user.run(&words).await.exits(0);
    assert_eq!(ran.one("stored")["report"]["verdict"], "verified_with_warnings");

    // A foreign key is refused whatever the policy says.
    issuer.no_faults();
    issuer.fault("wrong-key");
    let words = ["--policy", "holder-binding=off", "accept", &offer()];
    user.run(&words).await.exits(1).one("quarantined");

    issuer.no_faults();
    issuer.fault("expired-credential");
    let words = ["--policy", "validity=warn", "accept", &offer()];
    let ran = user.run(&words).await.exits(0);
    assert_eq!(check(&ran, "stored", "validity"), "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_credentials_is_bad() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let two = ["UniversityDegree_dc_sd_jwt", "StudentCard_dc_sd_jwt"];
    let offer = issuer.offer(&json!({"grant": "pre-authorized", "configurations": two}));
    issuer.fault_once("bad-signature");
    let ran = user.run(&["accept", &offer.link]).await.exits(1);
    let (good, bad) = (ran.one("stored"), ran.one("quarantined"));
    assert_ne!(good["configuration"], bad["configuration"]);
    let error = ran.one("error");
    assert_eq!(error["code"], "credential_rejected");
    assert_eq!(error["configuration"], bad["configuration"]);
    assert_eq!(error["credential"], bad["credential"]);

    // Only one of the two can be asked for, too.
    let offer = issuer.offer(&json!({"grant": "pre-authorized", "configurations": two}));
    let ran = user.run(&["accept", &offer.link, "--configuration", two[1]]).await.exits(0);
    assert_eq!(ran.one("stored")["configuration"], two[1]);
}
