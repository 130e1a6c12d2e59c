use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::dialect::detect::{self, Sign};
use crate::dialect::form::RequestForm;
use crate::dialect::{
    Anonymous, Basis, Deferral, DetailsBy, EncryptionForm, PinParameter, Push, Spelling, StateEcho, Tolerance,
    TypesPlace, WellKnown, read,
};
use crate::error::Remembered;
use crate::model::credential::HolderKey;
use crate::model::ids::{ConfigurationId, CredentialId, IssuerId};
use crate::model::jwk::{Algorithm, Curve, Jwk};
use crate::model::metadata::{CredentialRequestEncryption, CredentialResponseEncryption, EncryptionKey};
use crate::model::offer::GrantType;
use crate::model::token::{AuthorizedCredential, Token, TokenType};
use crate::protocol::authorization::{PendingAuthorization, RequestBy, Wanted};
use crate::protocol::client_auth::ClientAuthentication;
use crate::protocol::encryption::{self, Encryption};
use crate::protocol::proof::{Binding, ProofForm, ProofPlan};
use crate::protocol::token::TokenGrant;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn session() -> Session {
    let offer = read::offer(&json!({
        "credential_issuer": "https://issuer.example", "credential_configuration_ids": ["A", "B"]
    }))
    .expect("an offer");
    let issuer = read::issuer_metadata(&json!({
        "credential_issuer": "https://issuer.example",
        "credential_endpoint": "https://issuer.example/credential",
        "credential_configurations_supported": {}
    }))
    .expect("metadata");
    let server = read::authorization_server_metadata(&json!({
        "issuer": "https://issuer.example", "token_endpoint": "https://issuer.example/token"
    }))
    .expect("metadata");
    Session::new(offer, issuer, server, Quirks::default(), Transcript::default(), NOW)
}

fn choice() -> Choice {
    Choice {
        configurations: vec!["A".into(), "B".into()],
        grant: GrantType::PreAuthorizedCode,
        request_by: RequestBy::Auto,
        copies: 1,
        claims: BTreeMap::new(),
        added: Vec::new(),
        encryption: Encryption::Auto,
        plans: BTreeMap::new(),
        left_out: Vec::new(),
    }
}

fn grant() -> TokenGrant {
    TokenGrant::PreAuthorizedCode {
        pre_authorized_code: "p".into(),
        tx_code: None,
        pin: PinParameter::TxCode,
        authorization_details: None,
    }
}

fn token(authorized: &[(&str, &[&str])]) -> Token {
    Token {
        access_token: "t".into(),
        token_type: TokenType::Bearer,
        expires_at: None,
        refresh_token: None,
        scope: None,
        scheme: None,
        authorized: authorized
            .iter()
            .map(|(id, identifiers)| AuthorizedCredential {
                credential_configuration_id: (*id).into(),
                credential_identifiers: identifiers.iter().map(|&identifier| identifier.into()).collect(),
            })
            .collect(),
    }
}

fn key(handle: &str) -> HolderKey {
    let public_jwk = Jwk::from_coordinates(Curve::P256, &[1; 32], &[2; 32]).expect("a key");
    HolderKey::new(handle, public_jwk)
}

fn run(session: &Session, events: Vec<Event>) -> Session {
    events.into_iter().fold(session.clone(), |session, event| session.after(event, NOW).expect("the event fits"))
}

fn received(prepared: Prepared, authorized: &[(&str, &[&str])]) -> Session {
    run(
        &session(),
        vec![
            Event::GrantReady { choice: choice(), grant: grant() },
            Event::TokenSent,
            Event::TokenReceived { token: token(authorized), anonymous: true, prepared },
        ],
    )
}

fn tasks(session: &Session) -> Vec<(String, Option<String>, usize)> {
    let Stage::Credentials { tasks, .. } = &session.stage else { panic!("{}", session.stage.name()) };
    tasks
        .iter()
        .map(|task| {
            (task.configuration.to_string(), task.identifier.as_ref().map(ToString::to_string), task.keys.len())
        })
        .collect()
}

// covers: TOKRS-03
#[test]
fn a_token_makes_one_task_a_dataset_or_configuration() {
    let keys = BTreeMap::from([(ConfigurationId::from("A"), vec![key("1")]), ("B".into(), vec![key("2"), key("3")])]);
    let session = received(Prepared { nonce: None, keys }, &[("B", &["B-1", "B-2"]), ("Unasked", &["x"])]);
    assert_eq!(
        tasks(&session),
        [
            ("A".to_owned(), None, 1),
            ("B".to_owned(), Some("B-1".to_owned()), 2),
            ("B".to_owned(), Some("B-2".to_owned()), 0)
        ]
    );
}

#[test]
fn a_grant_that_may_have_left_is_not_sent_again() {
    let sent = run(&session(), vec![Event::GrantReady { choice: choice(), grant: grant() }, Event::TokenSent]);
    assert_eq!(sent.after(Event::TokenSent, NOW).expect_err("in flight").code(), ErrorCode::WrongStep);
    let back = run(&sent, vec![Event::TokenNotSent { prepared: Prepared::default() }]);
    assert!(back.after(Event::TokenSent, NOW).is_ok());
}

#[test]
fn refused_codes_are_counted_and_keep_what_was_prepared() {
    let mut at_code = run(&session(), vec![Event::CodeWanted { choice: choice() }]);
    for round in 1..=2 {
        let prepared = Prepared { nonce: Some("n".into()), keys: BTreeMap::from([("A".into(), vec![key("1")])]) };
        at_code = run(
            &at_code,
            vec![
                Event::GrantReady { choice: choice(), grant: grant() },
                Event::TokenSent,
                Event::TxCodeRefused { prepared },
            ],
        );
        let Stage::EnterCode { refusals, prepared, .. } = &at_code.stage else { panic!("{}", at_code.stage.name()) };
        assert_eq!(*refusals, round);
        assert!(prepared.nonce.is_some() && prepared.keys.len() == 1);
    }
}

#[test]
fn it_ends_when_every_task_has_and_keeps_no_secret() {
    let session = received(Prepared { nonce: Some("the-nonce".into()), ..Prepared::default() }, &[]);
    let half = run(&session, vec![Event::CredentialSent { task: 0, keeps_nonce: false }]);
    let Stage::Credentials { nonce, .. } = &half.stage else { panic!("{}", half.stage.name()) };
    assert!(nonce.is_none(), "a sent proof uses the nonce up");
    let ended = run(
        &half,
        vec![
            Event::CredentialStored { task: 0, credential: CredentialId::from("c") },
            Event::TaskFailed {
                task: 1,
                code: ErrorCode::CredentialDenied,
                detail: "no".into(),
                told: Remembered::default(),
                quarantined: None,
            },
        ],
    );
    let Stage::Ended(Ending::Done { tasks }) = &ended.stage else { panic!("{}", ended.stage.name()) };
    assert_eq!(tasks.len(), 2);
    let text = String::from_utf8(ended.to_bytes()).expect("text");
    assert!(!text.contains("access_token") && !text.contains("the-nonce"));
}

#[test]
fn events_that_do_not_fit_change_nothing_and_name_both() {
    let review = session();
    for event in [
        Event::TokenSent,
        Event::SignInDropped,
        Event::CredentialSent { task: 0, keeps_nonce: false },
        Event::TokenReceived { token: token(&[]), anonymous: false, prepared: Prepared::default() },
        Event::TxCodeRefused { prepared: Prepared::default() },
    ] {
        let name = event.name();
        let error = review.after(event, NOW).expect_err("it does not fit");
        assert_eq!(error.code(), ErrorCode::WrongStep);
        assert!(error.detail().contains(name) && error.detail().contains("review"), "{error}");
        assert_eq!(error.session(), Some(&review.id));
    }
    let ended = run(&review, vec![Event::Cancelled]);
    for event in [Event::Cancelled, Event::TokenSent, Event::CodeWanted { choice: choice() }] {
        assert_eq!(ended.after(event, NOW).expect_err("it is over").code(), ErrorCode::SessionEnded);
    }
}

#[test]
fn a_sign_in_can_begin_again() {
    let pending = PendingAuthorization {
        state: "s".into(),
        code_verifier: "v".into(),
        redirect_uri: "app:/cb".into(),
        resource: None,
        wanted: Wanted::Scope("x".into()),
        issuer_state: None,
        dpop_jkt: None,
        iss_required: false,
        state_echo: StateEcho::Required,
        added: Vec::new(),
    };
    let began = || Event::SignInBegan { choice: choice(), pending: pending.clone() };
    let session = run(&session(), vec![began(), began(), Event::SignInDropped, began()]);
    assert!(matches!(session.stage, Stage::SignIn { url: None, .. }));
}

// covers: DEFER-08
#[test]
fn sessions_survive_storage_and_newer_ones_are_refused() {
    let session = received(Prepared::default(), &[]);
    let read = Session::from_bytes(&session.to_bytes()).expect("it reads");
    assert_eq!(read.to_bytes(), session.to_bytes());
    let mut newer: serde_json::Value = serde_json::from_slice(&session.to_bytes()).expect("json");
    newer["version"] = json!(VERSION + 1);
    let refused = Session::from_bytes(newer.to_string().as_bytes()).expect_err("too new");
    assert_eq!(refused.code(), ErrorCode::StoreTooNew);
    assert_eq!(Session::from_bytes(b"{}").expect_err("damaged").code(), ErrorCode::RecordDamaged);
    for damaged in [r#"{"version":"the-token"}"#, r#"{"version":1,"id":"x","created_at":"the-token"}"#] {
        let error = Session::from_bytes(damaged.as_bytes()).expect_err("damaged");
        assert!(!format!("{error:?}").contains("the-token"), "{error:?}");
    }
}

// covers: ENC-01
#[test]
fn what_old_sessions_knew_of_encryption_is_kept() {
    let stored = |name: &str, value: serde_json::Value| {
        let mut stored: serde_json::Value = serde_json::from_slice(&session().to_bytes()).expect("json");
        stored["issuer"][name] = value;
        Session::from_bytes(stored.to_string().as_bytes()).map(|session| session.issuer)
    };
    let (requests, answers) = ("request_encryption_required", "response_encryption_required");
    for name in [requests, answers] {
        let issuer = stored(name, json!(false)).expect("it reads");
        assert!(issuer.credential_request_encryption.is_none() && issuer.credential_response_encryption.is_none());
        assert_eq!(stored(name, json!("yes")).expect_err("damaged").code(), ErrorCode::RecordDamaged);
        // That much was known: nothing goes out plain.
        let plan =
            encryption::plan(&stored(name, json!(true)).expect("it reads"), Encryption::Auto, EncryptionForm::InKey);
        assert_eq!(plan.err().expect("unavailable").code(), ErrorCode::EncryptionUnavailable);
    }
}

#[test]
fn encryption_is_renewed_where_requests_are_made() {
    let renewed = || Event::EncryptionRenewed { encryption: Encryption::Always };
    assert_eq!(session().after(renewed(), NOW).expect_err("too early").code(), ErrorCode::WrongStep);
    let after = run(
        &received(Prepared::default(), &[]),
        vec![renewed(), Event::CredentialSent { task: 0, keeps_nonce: false }],
    );
    let Stage::Credentials { encryption, .. } = after.stage else { panic!("{}", after.stage.name()) };
    assert_eq!(encryption, Encryption::Always);
}

/// A session in each stage, with every member that the stage can have.
fn one_of_each() -> Vec<(&'static str, Session)> {
    let prepared = Prepared { nonce: Some("n".into()), keys: BTreeMap::from([("A".into(), vec![key("1")])]) };
    let plan = ProofPlan { algorithm: Algorithm::Es256, binding: Binding::Jwk, form: ProofForm::Jwt };
    let choice = Choice {
        plans: BTreeMap::from([("A".into(), Some(plan)), ("B".into(), None)]),
        left_out: vec![LeftOut {
            configuration: "C".into(),
            code: ErrorCode::FormatUnsupported,
            detail: "unknown".to_owned(),
        }],
        ..choice()
    };
    let pending = PendingAuthorization {
        state: "s".into(),
        code_verifier: "v".into(),
        redirect_uri: "app:/cb".into(),
        resource: Some(IssuerId::parse("https://issuer.example").expect("legal")),
        wanted: Wanted::Scope("x".into()),
        issuer_state: Some("i".into()),
        dpop_jkt: Some("j".to_owned()),
        iss_required: true,
        state_echo: StateEcho::Required,
        added: Vec::new(),
    };
    let url = url::Url::parse("https://as.example/authorize?request_uri=urn:1").expect("a URL");
    let review = session();
    let began = Event::SignInBegan { choice: choice.clone(), pending };
    let ready = Event::SignInReady { url, expires_at: Some(NOW) };
    let wanted = Event::CodeWanted { choice: choice.clone() };
    let granted = || Event::GrantReady { choice: choice.clone(), grant: grant() };
    let token = Event::TokenReceived { token: token(&[("B", &["B-1"])]), anonymous: true, prepared: prepared.clone() };
    let working = run(&review, vec![granted(), Event::TokenSent, token]);
    let encrypted = {
        let jwk = key("x").public_jwk;
        let requests = CredentialRequestEncryption {
            jwks: vec![EncryptionKey { kid: "k".to_owned(), alg: "ECDH-ES".to_owned(), jwk }],
            unusable: vec!["`jwks.1` has no kid".to_owned()],
            enc_values_supported: vec!["A128GCM".to_owned()],
            zip_values_supported: vec!["DEF".to_owned()],
            encryption_required: true,
        };
        let responses = CredentialResponseEncryption {
            alg_values_supported: vec!["ECDH-ES".to_owned()],
            enc_values_supported: vec!["A256GCM".to_owned()],
            zip_values_supported: Vec::new(),
            encryption_required: false,
        };
        let mut encrypted = run(&working, vec![Event::EncryptionRenewed { encryption: Encryption::Always }]);
        encrypted.issuer.credential_request_encryption = Some(requests);
        encrypted.issuer.credential_response_encryption = Some(responses);
        encrypted
    };
    let received = Event::CredentialsReceived {
        task: 0,
        credentials: vec![json!("a.b.c~")],
        notification_id: Some("n".into()),
        credential_metadata: None,
    };
    let (by, until) = (Deferral::TransactionId, NOW);
    let deferred = Event::CredentialDeferred { task: 1, transaction_id: "t".into(), by, until, other: None, asked: 0 };
    let failed = |task| Event::TaskFailed {
        task,
        code: ErrorCode::CredentialRejected,
        detail: "signature".to_owned(),
        told: Remembered::default(),
        quarantined: Some("q".into()),
    };
    let client = ClientState {
        authentication: ClientAuthentication::Attestation,
        instance_key: Some(key("i")),
        dpop_key: Some(key("d")),
    };
    let mut by_haip = run(&working, vec![Event::CredentialSent { task: 0, keeps_nonce: false }]);
    by_haip.profile = Profile::Haip;
    by_haip.client = client;
    by_haip.authorization = Some("z".into());
    by_haip.replaces = Some("c".into());
    let mut other_dialect = run(&working, vec![Event::CredentialSent { task: 0, keeps_nonce: true }]);
    other_dialect.quirks = Quirks {
        well_known: WellKnown::Appended,
        server_place: 3,
        request: RequestForm::WHOLE,
        basis: Basis::Experience,
        details: DetailsBy::Format,
        encryption: EncryptionForm::BesideKey,
        pin: PinParameter::UserPin,
        deferral: Deferral::AcceptanceToken,
        state: StateEcho::MayBeMissing,
        push: Push::Demanded,
        anonymous: Anonymous::Never,
        spellings: [(
            "Card".into(),
            Spelling { format: Some("ldp-vc".to_owned()), types: TypesPlace::Types, contexts: None },
        )]
        .into(),
        ..detect::quirks(vec![Sign::SupportedList, Sign::ClaimsTree])
    };
    other_dialect.tolerated = [Tolerance::AppendedMetadata, Tolerance::UserPin].into();
    vec![
        ("other-dialect", other_dialect),
        ("by-haip", by_haip),
        ("sign-in", run(&review, vec![began, ready])),
        ("enter-code", run(&review, vec![wanted, granted(), Event::TokenSent, Event::TxCodeRefused { prepared }])),
        ("token", run(&review, vec![granted(), Event::TokenSent])),
        ("due", working.clone()),
        ("due-encrypted", encrypted),
        ("in-flight", run(&working, vec![Event::CredentialSent { task: 0, keeps_nonce: false }])),
        ("received-and-deferred", run(&working, vec![received, deferred])),
        ("done", run(&working, vec![Event::CredentialStored { task: 0, credential: "c".into() }, failed(1)])),
        (
            "failed",
            run(
                &review,
                vec![Event::Failed {
                    code: ErrorCode::GrantRefused,
                    detail: "no".to_owned(),
                    told: Remembered::default(),
                }],
            ),
        ),
        ("cancelled", run(&review, vec![Event::Cancelled])),
        ("review", review),
    ]
}

/// Whether a value says all that an older one said. It may say more.
fn holds(new: &serde_json::Value, old: &serde_json::Value) -> bool {
    match (new, old) {
        (serde_json::Value::Object(new), serde_json::Value::Object(old)) => {
            old.iter().all(|(name, old)| new.get(name).is_some_and(|new| holds(new, old)))
        }
        (new, old) => new == old,
    }
}

fn frozen(version: u32) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/session-v{version}"))
}

/// Sessions that this version wrote, one a stage, are kept as files. They have to load for ever, and say
/// the same when they are written again.
///
/// `BILLFOLD_MAKE_FIXTURES=1` writes those that are not there yet; it never changes one that is.
#[test]
fn frozen_sessions_still_load() {
    let folder = frozen(VERSION);
    let making = std::env::var_os("BILLFOLD_MAKE_FIXTURES").is_some();
    for (name, session) in one_of_each() {
        let file = folder.join(format!("{name}.json"));
        if making && !file.exists() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&file, session.to_bytes()).expect("a fixture");
        }
        let frozen = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let read = Session::from_bytes(&frozen).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let (was, is): (serde_json::Value, serde_json::Value) =
            (serde_json::from_slice(&frozen).expect("json"), serde_json::from_slice(&read.to_bytes()).expect("json"));
        assert_eq!(was, is, "{name}");
        assert_eq!(read.stage.name(), session.stage.name(), "{name}");
    }
}

/// Those of older versions lose nothing, and are of this version once they are written again.
#[test]
fn sessions_of_older_versions_load() {
    let mut count = 0;
    let folders = (1..VERSION).map(|version| (version, std::fs::read_dir(frozen(version)).expect("a folder")));
    let files =
        folders.flat_map(|(version, folder)| folder.map(move |entry| (version, entry.expect("an entry").path())));
    for (version, file) in files {
        let frozen = std::fs::read(&file).expect("a file");
        let read = Session::from_bytes(&frozen).unwrap_or_else(|error| panic!("{}: {error:?}", file.display()));
        let mut was: serde_json::Value = serde_json::from_slice(&frozen).expect("json");
        let is: serde_json::Value = serde_json::from_slice(&read.to_bytes()).expect("json");
        assert_eq!((was["version"].clone(), &is["version"]), (json!(version), &json!(VERSION)));
        was["version"] = json!(VERSION);
        assert!(holds(&is, &was), "{}: {is} has lost something of {was}", file.display());
        count += 1;
    }
    assert_eq!(count, 22);
}
