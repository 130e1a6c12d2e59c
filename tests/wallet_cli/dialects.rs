//! Issuers of every dialect, as a user meets them: an offer, perhaps a code, perhaps what the issuer makes every wallet
//! know beforehand. No option says which dialect it is.

use std::collections::BTreeSet;

use billfold_test_issuer::{Grant, MadeOffer, Options, Profile};
use serde_json::{Value, json};

use crate::issuer::TestIssuer;
use crate::support::{Ran, User, browser, finish};

/// One offer of each grant, by value and by reference, with and without a code, as far as the issuer has them.
fn varied(offers: &[MadeOffer]) -> Vec<MadeOffer> {
    let mut seen = BTreeSet::new();
    let first = &offers.first().expect("every issuer announces offers").format;
    let of_first = offers.iter().filter(|offer| offer.format == *first);
    let kind = |offer: &MadeOffer| format!("{:?} {:?} {}", offer.grant, offer.by, offer.tx_code.is_some());
    of_first.filter(|offer| seen.insert(kind(offer))).cloned().collect()
}

async fn issuer_of(profile: Profile) -> TestIssuer {
    TestIssuer::with(Options { profile, ..Options::default() }).await
}

/// What somebody types to take an offer.
fn words(issuer: &TestIssuer, offer: &MadeOffer) -> Vec<String> {
    let mut words = vec!["--browser".to_owned(), browser(issuer.login())];
    words.extend(["accept".to_owned(), offer.link.clone()]);
    words.extend(offer.args.iter().cloned());
    if let Some(code) = &offer.tx_code {
        words.extend(["--tx-code".to_owned(), code.clone()]);
    }
    words
}

fn names(tolerated: &Value) -> Vec<&str> {
    tolerated.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

/// Takes the offers of an issuer, each as a new user; gives what was put up with in all of them.
async fn taken(profile: Profile) -> BTreeSet<String> {
    let issuer = issuer_of(profile).await;
    let mut all = BTreeSet::new();
    let offers = varied(issuer.offers());
    assert!(!offers.is_empty());
    for offer in &offers {
        let user = User::new();
        let ran = user.run(&words(&issuer, offer)).await;
        assert_eq!(ran.exit, 0, "{profile}, {}: {ran:#?}", offer.name);
        let tolerated = names(&ran.one("stored")["tolerated"]);
        // What was known when the offer was shown is still known at the end.
        for name in names(&ran.one("offer")["tolerated"]) {
            assert!(tolerated.contains(&name), "{profile}, {}: {name} is forgotten", offer.name);
        }
        all.extend(tolerated.into_iter().map(str::to_owned));
    }
    all
}

#[track_caller]
fn includes(all: &BTreeSet<String>, expected: &[&str]) {
    for name in expected {
        assert!(all.contains(*name), "`{name}` is not among {all:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn final_needs_no_tolerance() {
    assert_eq!(taken(Profile::Final).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_15() {
    taken(Profile::Draft15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_14() {
    includes(&taken(Profile::Draft14).await, &["claims_tree", "nonce_in_answer", "request_by_format"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_13() {
    includes(&taken(Profile::Draft13).await, &["request_by_format", "single_proof", "single_credential"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_12() {
    includes(
        &taken(Profile::Draft12).await,
        &["offer_credentials", "credentials_supported", "single_proof", "user_pin"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_11() {
    includes(&taken(Profile::Draft11).await, &["offer_credentials", "catalogue_list", "types_on_top", "user_pin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn identus() {
    let all = taken(Profile::Identus).await;
    includes(
        &all,
        &["appended_metadata", "plain_authorization", "nonce_in_answer", "request_by_format", "single_proof"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn vercre() {
    includes(&taken(Profile::Vercre).await, &["wrapped_server_metadata", "relative_endpoint", "state_missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sphereon() {
    taken(Profile::Sphereon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn didroom() {
    includes(&taken(Profile::Didroom).await, &["appended_metadata", "absolute_expiry", "state_missing"]);
}

fn concluded<'a>(dialect: &'a Value, behaviour: &str) -> &'a str {
    let all = dialect["concluded"].as_array().unwrap();
    all.iter().find(|one| one["behaviour"] == behaviour).unwrap()["conclusion"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn inspecting_explains_how_an_issuer_is_spoken_to() {
    let user = User::new();
    for (profile, looks_like, seen, request, nonce, tolerated) in [
        (
            Profile::Draft11,
            "draft 11",
            "`credentials_supported` as a list",
            "`format` and the type with `proof`",
            "from answers",
            &["offer_credentials", "catalogue_list"][..],
        ),
        (
            Profile::Draft13,
            "draft 13",
            "`credential_identifiers_supported`",
            "`format` and the type with `proof`",
            "from answers",
            &["claims_tree"],
        ),
        (
            Profile::Final,
            "1.0",
            "`credential_metadata` in a configuration",
            "`credential_configuration_id` with `proofs`",
            "from the nonce endpoint",
            &[],
        ),
    ] {
        let issuer = issuer_of(profile).await;
        let link = &issuer.offers()[0].link;
        // For a script, without being asked.
        let ran = user.run(&["inspect", link]).await.exits(0);
        let (offer, dialect) = (ran.one("offer"), &ran.one("offer")["dialect"]);
        assert_eq!(dialect["looks_like"], looks_like);
        assert!(dialect["seen"].as_array().unwrap().contains(&json!(seen)), "{dialect}");
        assert!(dialect["request"].as_str().unwrap().starts_with(request), "{dialect}");
        assert!(concluded(dialect, "nonce").starts_with(nonce), "{dialect}");
        assert!(tolerated.iter().all(|name| names(&offer["tolerated"]).contains(name)), "{offer}");
        assert!(!tolerated.is_empty() || offer["tolerated"] == json!([]), "{offer}");

        // For people, who have to ask.
        let said = async |words: &[&str]| {
            let output = finish(user.bare(words)).await;
            assert!(output.status.success(), "{output:?}");
            // Lines are wrapped where the terminal ends.
            let text = String::from_utf8(output.stdout).unwrap();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let text = said(&["--dev", "--verbose", "inspect", link]).await;
        for expected in [&format!("looks like {looks_like} "), seen, request, nonce, "Seen", "Concluded", "Put up with"]
        {
            assert!(text.contains(expected), "{profile}: `{expected}` is missing: {text}");
        }
        assert!(tolerated.iter().all(|name| text.contains(&format!("({name})"))), "{profile}: {text}");
        assert!(!said(&["--dev", "inspect", link]).await.contains("Concluded"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_takes_the_final_version_and_nothing_else() {
    let user = User::new();
    let strict = async |issuer: &TestIssuer| {
        let offer = &issuer.offers()[0];
        user.run(&[vec!["--strict".to_owned()], words(issuer, offer)].concat()).await
    };
    let issuer = issuer_of(Profile::Final).await;
    assert_eq!(strict(&issuer).await.exits(0).one("stored")["tolerated"], json!([]));
    for profile in [Profile::Draft11, Profile::Draft12, Profile::Draft13, Profile::Draft14, Profile::Vercre] {
        let ran: Ran = strict(&issuer_of(profile).await).await;
        assert_eq!((ran.exit, ran.all("stored").len()), (1, 0), "{profile}: {ran:#?}");
        // Nothing was put up with on the way to the refusal.
        let tolerated = &ran.one("error")["tolerated"];
        assert!(tolerated.is_null() || *tolerated == json!([]), "{profile}: {ran:#?}");
    }
    assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_what_was_put_up_with_before() {
    let issuer = issuer_of(Profile::Draft13).await;
    let user = User::new();
    issuer.fault("bad-signature");
    let error = user.run(&words(&issuer, &issuer.offers()[0])).await.fails_with("credential_rejected");
    assert!(names(&error["tolerated"]).contains(&"single_proof"), "{error}");
    issuer.no_faults();

    // For people it is one line, and only if they ask.
    for (verbose, lines) in [(true, 1), (false, 0)] {
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": "vc+sd-jwt"}));
        let mut words = vec!["--dev", "accept", &offer.link];
        if verbose {
            words.push("--verbose");
        }
        let output = finish(user.bare(&words)).await;
        assert!(output.status.success(), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let said: Vec<_> = stderr.lines().filter(|line| line.starts_with("put up with: ")).collect();
        assert_eq!(said.len(), lines, "{stderr}");
        assert!(said.iter().all(|line| line.contains("single_proof")), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_without_state_finds_the_only_open_sign_in() {
    let issuer = issuer_of(Profile::Vercre).await;
    let user = User::new();
    let first = issuer.offers().iter().find(|offer| offer.grant == Grant::Code).unwrap();
    let another = || {
        let mut offer = first.clone();
        offer.link = issuer.offer(&json!({"grant": "code", "format": offer.format})).link;
        offer
    };
    let begun = async |offer: &MadeOffer| {
        let mut words = words(&issuer, offer);
        // An app has one address to return to, so it tells nothing about the sign-in.
        words.extend(["--no-wait", "--redirect-uri", "http://127.0.0.1:2/callback"].map(str::to_owned));
        let ran = user.run(&words).await.exits(3);
        let redirect = issuer.redirect_after_sign_in(ran.one("sign_in")["url"].as_str().unwrap()).await;
        assert!(redirect.contains("code=") && !redirect.contains("state="), "{redirect}");
        redirect
    };
    let redirect = begun(first).await;
    // The wallet's name belongs to it in every process.
    let words_of = |redirect: &str| [&first.args[..2], &["resume".to_owned(), redirect.to_owned()]].concat();
    let ran = user.run(&words_of(&redirect)).await.exits(0);
    assert!(names(&ran.one("stored")["tolerated"]).contains(&"state_missing"));

    // With two of them open, nobody knows whose it is; and none of them takes another's word for it.
    let redirect = begun(&another()).await;
    begun(&another()).await;
    user.run(&words_of(&redirect)).await.fails_with("state_mismatch");
    assert_eq!(user.run(&["pending"]).await.exits(0).all("pending").len(), 2);
}
