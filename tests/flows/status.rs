//! Status lists over HTTP: what is revoked later, how often lists are asked for, and what happens without them.

use std::sync::Arc;

use billfold::{AcceptOptions, CheckKind, Credential, Outcome, Requirement, Verdict, VerificationPolicy, Wallet};
use billfold_test_issuer::{OfferSpec, Options, StatusKind, TestIssuer};

use crate::world::{JWT_VC, Moved, SD_JWT, World, pre_authorized};

const TTL: i64 = 120;

/// Formats with each kind of list that they can point to, and the path of that list.
const KINDS: [(&str, &str, StatusKind, &str); 6] = [
    (SD_JWT, "UniversityDegree_dc_sd_jwt", StatusKind::TokenJwt, "/status/token-jwt/"),
    (SD_JWT, "UniversityDegree_dc_sd_jwt", StatusKind::TokenCwt, "/status/token-cwt/"),
    (JWT_VC, "UniversityDegree_jwt_vc_json", StatusKind::TokenJwt, "/status/token-jwt/"),
    (JWT_VC, "UniversityDegree_jwt_vc_json", StatusKind::Bitstring, "/status/revocation/"),
    ("mso_mdoc", "DrivingLicence_mso_mdoc", StatusKind::TokenCwt, "/status/token-cwt/"),
    ("ldp_vc", "UniversityDegree_ldp_vc_eddsa", StatusKind::Bitstring, "/status/revocation/"),
];

struct Listed {
    world: World,
    clock: Moved,
    format: &'static str,
    policy: VerificationPolicy,
}

impl Listed {
    async fn new(format: &'static str, policy: VerificationPolicy) -> Self {
        let options = Options { status_ttl: TTL, ..Options::default() };
        let issuer = TestIssuer::start(options).await.expect("the issuer starts");
        let world = World { issuer, store: Arc::default(), keys: Arc::default() };
        Self { world, clock: Moved::default(), format, policy }
    }

    fn wallet(&self) -> Wallet {
        let mut builder = Wallet::builder("com.example.wallet")
            .keys(self.world.keys.clone())
            .store(self.world.store.clone())
            .clock(self.clock.clone())
            .policy(self.policy.clone())
            .allow_loopback_http(true);
        if self.format != "ldp_vc" {
            builder = builder.trust_anchors(self.world.issuer.trust_pem());
        }
        builder.build().expect("a wallet")
    }

    async fn issue(&self, wallet: &Wallet, configuration: &str, kind: StatusKind) -> Credential {
        let spec: OfferSpec = pre_authorized(self.format).configurations(&[configuration]).status(kind);
        let issuance = wallet.open_offer(&self.world.offer(&spec).link).await.expect("it opens");
        let step = issuance.accept_with(AcceptOptions::default()).await.expect("it is issued");
        let billfold::Step::Done { credentials, .. } = step else { panic!("{step:?}") };
        wallet.credential(&credentials[0]).await.expect("it is stored")
    }

    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.world.issuer.advance_clock(seconds);
    }

    /// How often a list was asked for.
    fn asked(&self, path: &str) -> usize {
        self.world.issuer.log().requests.iter().filter(|entry| entry.path.starts_with(path)).count()
    }
}

fn of_status(credential: &Credential) -> Outcome {
    credential.report.check(CheckKind::Status).expect("a check").outcome
}

#[tokio::test]
async fn what_is_revoked_later_goes_to_quarantine_and_comes_back() {
    for (format, configuration, kind, path) in KINDS {
        let listed = Listed::new(format, VerificationPolicy::default()).await;
        let wallet = listed.wallet();
        let credential = listed.issue(&wallet, configuration, kind).await;
        assert_eq!(credential.report.verdict, Verdict::Verified, "{format} {kind:?}: {:#?}", credential.report);
        assert_eq!((of_status(&credential), listed.asked(path)), (Outcome::Passed, 1), "{format} {kind:?}");
        let (index, _) = listed.world.issuer.statuses().pop_last().expect("it has a place");

        listed.world.issuer.set_status(index, 1).expect("a status");
        let still = wallet.recheck(&credential.id).await.expect("checked");
        assert!(!still.quarantined, "the list may be kept that long");
        assert_eq!(listed.asked(path), 1, "{format} {kind:?}");

        listed.pass(TTL + 1);
        let revoked = wallet.recheck(&credential.id).await.expect("checked");
        assert!(revoked.quarantined, "{format} {kind:?}: {:#?}", revoked.report);
        assert_eq!((revoked.report.verdict, revoked.report.failed()), (Verdict::Rejected, vec![CheckKind::Status]));
        assert_eq!(listed.asked(path), 2, "{format} {kind:?}");

        listed.world.issuer.set_status(index, 2).expect("a status");
        listed.pass(TTL + 1);
        let suspended = wallet.recheck(&credential.id).await.expect("checked");
        assert_eq!((suspended.quarantined, suspended.report.failed()), (true, vec![CheckKind::Status]));

        listed.world.issuer.set_status(index, 0).expect("a status");
        listed.pass(TTL + 1);
        let back = wallet.recheck(&credential.id).await.expect("checked");
        assert_eq!((back.quarantined, back.report.verdict), (false, Verdict::Verified), "{format} {kind:?}");
    }
}

#[tokio::test]
async fn one_list_serves_all_credentials_in_it() {
    for (format, configuration, kind, path) in KINDS {
        let listed = Listed::new(format, VerificationPolicy::default()).await;
        let wallet = listed.wallet();
        for _ in 0..3 {
            let credential = listed.issue(&wallet, configuration, kind).await;
            assert_eq!(of_status(&credential), Outcome::Passed);
        }
        assert_eq!(listed.asked(path), 1, "{format} {kind:?}");
        assert_eq!(listed.world.issuer.statuses().len(), 3);
    }
}

#[tokio::test]
async fn no_list_is_asked_for_where_the_policy_says_so() {
    for (format, configuration, kind, _) in KINDS {
        let policy = VerificationPolicy::default().with(CheckKind::Status, Requirement::Off);
        let listed = Listed::new(format, policy).await;
        let credential = listed.issue(&listed.wallet(), configuration, kind).await;
        assert_eq!(credential.report.verdict, Verdict::Verified, "{format}: {:#?}", credential.report);
        assert_eq!(listed.asked("/status/"), 0, "{format}");
    }
}

#[tokio::test]
async fn a_list_that_does_not_answer_is_a_warning_unless_it_has_to() {
    for fault in ["http-500-status", "drop-status", "bad-json-status", "spoil-status-html"] {
        for (requirement, verdict) in [(None, Verdict::VerifiedWithWarnings), (Some(()), Verdict::Unverified)] {
            let mut policy = VerificationPolicy::default();
            if requirement.is_some() {
                policy = policy.with(CheckKind::Status, Requirement::Require);
            }
            let listed = Listed::new(SD_JWT, policy).await;
            listed.world.issuer.set_fault(fault).expect("a fault");
            let wallet = listed.wallet();
            let spec = pre_authorized(SD_JWT).status(StatusKind::TokenJwt);
            let issuance = wallet.open_offer(&listed.world.offer(&spec).link).await.expect("it opens");
            let ended = issuance.accept().await;
            assert_eq!(ended.is_ok(), requirement.is_none(), "{fault}");
            let [credential] = wallet.credentials().await.expect("a list").try_into().expect("one");
            assert_eq!(credential.report.verdict, verdict, "{fault}: {:#?}", credential.report);
            assert!(matches!(of_status(&credential), Outcome::Unknown(_)), "{fault}: {:#?}", credential.report);

            listed.world.issuer.clear_faults();
            listed.pass(3600);
            let found = wallet.recheck(&credential.id).await.expect("checked");
            assert_eq!((found.quarantined, of_status(&found)), (false, Outcome::Passed), "{fault}");
        }
    }
}
