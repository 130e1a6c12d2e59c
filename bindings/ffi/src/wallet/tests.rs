//! Opening a wallet: which settings go together, and what comes of those that do not.

use std::collections::HashMap;
use std::fs;

use super::*;
use crate::dialect::Dialects;
use crate::records::{AttestationVersion, Profile, SignedMetadata, TypeMetadataUse};
use crate::report::{CheckKind, PolicyRule, Requirement};

fn config(store: StoreLocation) -> WalletConfig {
    WalletConfig {
        client_id: String::from("wallet.example"),
        redirect_uri: Some(String::from("example:/callback")),
        store,
        secrets_file: None,
        locale: Some(String::from("en")),
        allow_loopback_http: true,
        clock_skew_seconds: Some(5),
        trust_anchors: Vec::new(),
        root_certificates_pem: Vec::new(),
        policy: Vec::new(),
        binding: None,
        profile: None,
        attestation_version: None,
        signed_metadata: None,
        metadata_anchors: Vec::new(),
        trusted_issuers: Vec::new(),
        policies: HashMap::new(),
        type_metadata: None,
        json_ld_contexts: HashMap::new(),
        dialects: None,
        did_resolver_url: None,
    }
}

async fn opened(config: WalletConfig) -> Result<Wallet, (String, String)> {
    Wallet::open(config, None, None, None, None, None, None).await.map_err(|error| {
        let details = error.details();
        (details.code.clone(), details.detail.clone())
    })
}

#[tokio::test]
async fn a_wallet_in_memory_needs_nothing() {
    let wallet = opened(config(StoreLocation::Memory)).await.expect("opens");
    assert_eq!(wallet.credentials().await.expect("reads").len(), 0);
    assert_eq!(wallet.pending().await.expect("reads").len(), 0);
    let missing = wallet.credential(String::from("none")).await.err().expect("there is none");
    assert_eq!(missing.details().code, "credential_unknown");
    let missing = wallet.refresh(String::from("none")).await.err().expect("there is none");
    assert_eq!(missing.details().code, "credential_unknown");
}

#[tokio::test]
async fn a_wallet_in_a_folder_needs_a_place_for_its_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wallet").to_string_lossy().into_owned();
    let store = StoreLocation::Directory { path: path.clone() };

    let (code, detail) = opened(config(store.clone())).await.err().expect("refused");
    assert_eq!(code, "setup_invalid");
    assert_eq!(detail, "a wallet in a folder needs a secret store, or a file for its secrets");
    assert!(!Path::new(&path).exists());

    let with_file = WalletConfig { secrets_file: Some(format!("{path}-secrets")), ..config(store) };
    let wallet = opened(with_file.clone()).await.expect("opens");
    let (code, _) = opened(with_file.clone()).await.err().expect("it is open already");
    assert_eq!(code, "store_locked");
    drop(wallet);
    opened(with_file).await.expect("opens again");
}

#[tokio::test]
async fn a_file_that_holds_no_secrets_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secrets");
    fs::write(&file, "hello").expect("writes");
    let secrets_file = Some(file.to_string_lossy().into_owned());
    let (code, _) =
        opened(WalletConfig { secrets_file, ..config(StoreLocation::Memory) }).await.err().expect("refused");
    assert_eq!(code, "secret_store_failed");
}

#[tokio::test]
async fn settings_reach_the_core() {
    let memory = || config(StoreLocation::Memory);
    for (wrong, code) in [
        (WalletConfig { redirect_uri: Some(String::from("no uri")), ..memory() }, "setup_invalid"),
        (WalletConfig { locale: Some(String::from("no tag!")), ..memory() }, "setup_invalid"),
        (WalletConfig { trust_anchors: vec![b"no PEM".to_vec()], ..memory() }, "setup_invalid"),
        (WalletConfig { root_certificates_pem: vec![String::from("no PEM")], ..memory() }, "setup_invalid"),
        (WalletConfig { metadata_anchors: vec![b"no PEM".to_vec()], ..memory() }, "setup_invalid"),
        (WalletConfig { did_resolver_url: Some(String::from("resolver.example")), ..memory() }, "setup_invalid"),
        (
            WalletConfig {
                did_resolver_url: Some(String::from("http://127.0.0.1/dids")),
                allow_loopback_http: false,
                ..memory()
            },
            "setup_invalid",
        ),
        // Nothing to hold a signature against.
        (WalletConfig { signed_metadata: Some(SignedMetadata::Prefer), ..memory() }, "setup_invalid"),
        (WalletConfig { signed_metadata: Some(SignedMetadata::Require), ..memory() }, "setup_invalid"),
        (
            WalletConfig {
                json_ld_contexts: HashMap::from([(String::from("https://c.example"), String::from("no JSON"))]),
                ..memory()
            },
            "setup_invalid",
        ),
        (
            WalletConfig {
                policies: HashMap::from([(
                    String::from("type"),
                    vec![PolicyRule { kind: CheckKind::Other, requirement: Requirement::Off }],
                )]),
                ..memory()
            },
            "setup_invalid",
        ),
        (
            WalletConfig {
                policy: vec![PolicyRule { kind: CheckKind::Other, requirement: Requirement::Off }],
                ..memory()
            },
            "setup_invalid",
        ),
    ] {
        assert_eq!(opened(wrong).await.err().expect("refused").0, code);
    }
}

#[tokio::test]
async fn settings_that_need_nothing_else_open_a_wallet() {
    for config in [
        WalletConfig { type_metadata: Some(TypeMetadataUse::Off), ..config(StoreLocation::Memory) },
        WalletConfig { dialects: Some(Dialects::Strict), ..config(StoreLocation::Memory) },
        WalletConfig { did_resolver_url: Some(String::from("http://127.0.0.1/dids")), ..config(StoreLocation::Memory) },
        WalletConfig { profile: Some(Profile::Haip), ..config(StoreLocation::Memory) },
        WalletConfig { attestation_version: Some(AttestationVersion::V08), ..config(StoreLocation::Memory) },
        WalletConfig { signed_metadata: Some(SignedMetadata::Ignore), ..config(StoreLocation::Memory) },
    ] {
        opened(config).await.expect("opens");
    }
}

#[tokio::test]
async fn only_the_encrypted_database_has_a_key_to_change() {
    let wallet = opened(config(StoreLocation::Memory)).await.expect("opens");
    let refused = wallet.change_store_key().await.expect_err("it has none");
    assert_eq!(refused.details().code, "setup_invalid");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wallet").to_string_lossy().into_owned();
    let secrets_file = Some(format!("{path}-secrets"));
    let config = WalletConfig { secrets_file, ..config(StoreLocation::Directory { path }) };
    let wallet = opened(config.clone()).await.expect("opens");
    assert_eq!(wallet.change_store_key().await, Ok(KeyChanged { records: 0, unreadable: 0 }));
    drop(wallet);
    opened(config).await.expect("opens with the new key");
}

#[tokio::test]
async fn a_query_names_issuers() {
    let wallet = opened(config(StoreLocation::Memory)).await.expect("opens");
    let query = |issuer: &str| CredentialQuery {
        formats: vec![String::from("dc+sd-jwt")],
        types: Vec::new(),
        issuers: vec![issuer.to_owned()],
        expires_before: Some(9),
        expires_after: Some(1),
        quarantined: Some(false),
        after: None,
        limit: None,
    };
    let page = wallet.find(query("https://issuer.example")).await.expect("finds nothing");
    assert_eq!((page.credentials.len(), page.next, page.unreadable), (0, None, Vec::new()));
    let refused = wallet.find(query("no identifier")).await.err().expect("refused");
    assert_eq!(refused.details().code, "setup_invalid");
}

#[tokio::test]
async fn dids_have_one_resolver() {
    struct Nobody;
    #[async_trait::async_trait]
    impl DidResolver for Nobody {
        fn methods(&self) -> Result<Vec<String>, crate::resolver::DidResolverError> {
            Ok(vec![String::from("example")])
        }
        async fn resolve(&self, _: String) -> Result<String, crate::resolver::DidResolverError> {
            Ok(String::new())
        }
    }
    let config = WalletConfig {
        did_resolver_url: Some(String::from("https://resolver.example")),
        ..config(StoreLocation::Memory)
    };
    let both = Wallet::open(config, None, None, None, None, None, Some(Arc::new(Nobody))).await;
    assert_eq!(both.err().expect("refused").details().code, "setup_invalid");
}
