//! What publishers say about types, fetched beside the credentials that are of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::{Check, CheckKind, Credential, Outcome, Profile, TypeMetadataUse, Wallet};
use billfold_test_issuer::Options;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::attester::Provider;
use crate::world::{SD_JWT, World, code, failure, pre_authorized};

/// What the publisher answers.
#[derive(Clone)]
enum Answer {
    /// The document with these members besides its `vct`.
    Document(Value),
    /// Another document.
    Other(Value),
    /// This status.
    Status(u16),
    /// Nothing, because there is no connection.
    Nobody,
}

/// The network, in which a publisher of types stands in the place of the issuer's own.
#[derive(Clone)]
struct Network {
    inner: Arc<ReqwestTransport>,
    answer: Arc<Mutex<Answer>>,
    delay: Duration,
    asked: Arc<AtomicUsize>,
    /// How many other requests were under way when the publisher was asked.
    beside: Arc<AtomicUsize>,
    others: Arc<AtomicUsize>,
}

impl Network {
    fn with(answer: Answer) -> Self {
        Self {
            inner: Arc::new(ReqwestTransport::new()),
            answer: Arc::new(Mutex::new(answer)),
            delay: Duration::ZERO,
            asked: Arc::default(),
            beside: Arc::default(),
            others: Arc::default(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn wallet(&self, world: &World) -> Wallet {
        let builder = world.builder().http(self.clone()).type_metadata(TypeMetadataUse::Fetch);
        builder.notify_in_background(false).build().expect("a wallet")
    }
}

#[async_trait]
impl HttpTransport for Network {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        if !request.uri().path().starts_with("/vct/") {
            self.others.fetch_add(1, Ordering::SeqCst);
            let answer = self.inner.send(request, limits).await;
            self.others.fetch_sub(1, Ordering::SeqCst);
            return answer;
        }
        assert_eq!(request.headers()["accept"], "application/json");
        assert!(!request.headers().contains_key("authorization"));
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.beside.fetch_add(self.others.load(Ordering::SeqCst), Ordering::SeqCst);
        sleep(self.delay).await;
        let answer = self.answer.lock().expect("not poisoned").clone();
        let (status, body) = match answer {
            Answer::Document(mut document) => {
                document["vct"] = json!(request.uri().to_string());
                (200, document)
            }
            Answer::Other(document) => (200, document),
            Answer::Status(status) => (status, json!({ "vct": request.uri().to_string() })),
            Answer::Nobody => {
                let kind = billfold::platform::http::TransportErrorKind::Unreachable;
                return Err(TransportError::new(kind, false, "nobody is there"));
            }
        };
        let response = http::Response::builder().status(status).header("content-type", "application/json");
        let response = response.header("cache-control", "max-age=600").body(body.to_string().into_bytes());
        Ok(response.expect("a response"))
    }
}

fn card() -> Answer {
    Answer::Document(json!({
        "display": [{ "locale": "en-US", "name": "By the publisher" }],
        "claims": [{ "path": ["given_name"], "display": [{ "locale": "en-US", "label": "Called" }] }],
    }))
}

async fn issued(world: &World, wallet: &Wallet) -> Credential {
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await
}

fn of_type(credential: &Credential) -> &Check {
    credential.report.check(CheckKind::Type).expect("a check of the type")
}

#[tokio::test]
async fn a_type_is_looked_up_while_its_credential_is_asked_for() {
    let world = World::new().await;
    let network = Network { delay: Duration::from_millis(300), ..Network::with(card()) };
    let wallet = network.wallet(&world);
    let credential = issued(&world, &wallet).await;
    let metadata = credential.type_metadata.as_ref().expect("it was looked up");
    assert_eq!(Some(metadata.vct.as_str()), credential.claims["vct"].as_str());
    assert_eq!(metadata.display[0].name.as_deref(), Some("By the publisher"));
    assert_eq!(metadata.claims[0].display[0].name.as_deref(), Some("Called"));
    assert_eq!((network.asked(), network.beside.load(Ordering::SeqCst)), (1, 1));
    assert!(!of_type(&credential).detail.contains("metadata"), "{:?}", of_type(&credential));
    // It is still good for the next one, in another process too.
    for wallet in [wallet, network.wallet(&world)] {
        assert!(issued(&world, &wallet).await.type_metadata.is_some());
    }
    assert_eq!(network.asked(), 1);
}

#[tokio::test]
async fn a_type_that_cannot_be_looked_up_keeps_no_credential_back() {
    let world = World::new().await;
    let table = [
        (Answer::Nobody, "its server did not answer"),
        (Answer::Status(503), "its server did not answer"),
        (Answer::Status(404), "its address gives none"),
        (Answer::Status(302), "its address gives none"),
        (Answer::Other(json!([])), "it is not a JSON object"),
        (Answer::Other(json!({ "vct": "https://other.example" })), "it is the metadata of another type"),
    ];
    for (answer, detail) in table {
        let network = Network::with(answer);
        let credential = issued(&world, &network.wallet(&world)).await;
        assert_eq!(credential.type_metadata, None);
        let check = of_type(&credential);
        assert!(
            check.detail.contains("there is no metadata of its type") && check.detail.contains(detail),
            "{check:?}"
        );
        assert!(!check.detail.contains("/vct/"), "{check:?}");
        assert_eq!(check.outcome, Outcome::Passed);

        // Once it is there, a second look finds it.
        *network.answer.lock().expect("not poisoned") = card();
        let rechecked = network.wallet(&world).recheck(&credential.id).await.expect("checked again");
        assert_eq!(rechecked.type_metadata.expect("it was looked up").display.len(), 1);
        assert!(
            !of_type(&world.wallet().credential(&credential.id).await.expect("stored")).detail.contains("metadata")
        );
        world.wallet().forget(&credential.id).await.expect("forgotten");
        clear(&world).await;
    }
}

#[tokio::test]
async fn a_type_that_extends_one_that_cannot_be_looked_up_is_not_known() {
    let world = World::new().await;
    let network = Network::with(Answer::Document(json!({ "extends": "urn:example:base" })));
    let credential = issued(&world, &network.wallet(&world)).await;
    assert_eq!(credential.type_metadata, None);
    assert!(of_type(&credential).detail.contains("a type that it extends has no address"));
}

/// Forgets what was fetched.
async fn clear(world: &World) {
    use billfold::platform::store::{Change, CredentialStore as _, Table};
    let kept = world.store.list(Table::Cache).await.expect("listed");
    assert!(!kept.is_empty());
    let remove = |id| Change::Remove { table: Table::Cache, id };
    world.store.commit(kept.into_iter().map(|record| remove(record.id)).collect()).await.expect("removed");
}

#[tokio::test]
async fn a_credential_that_is_not_as_its_type_demands_is_said_to_be_so() {
    let world = World::new().await;
    let demands = json!([{ "path": ["blood_type"], "mandatory": true }, { "path": ["vct"], "sd": "always" }]);
    let network = Network::with(Answer::Document(json!({ "claims": demands })));
    let credential = issued(&world, &network.wallet(&world)).await;
    assert_eq!(credential.type_metadata.as_ref().expect("it was looked up").claims.len(), 2);
    let detail = &of_type(&credential).detail;
    assert!(detail.contains("a claim that its type makes mandatory is missing"), "{detail}");
    assert!(detail.contains("a claim can't be withheld, which its type demands"), "{detail}");
}

#[tokio::test]
async fn it_can_be_switched_off_and_is_off_where_haip_rules() {
    let world = World::new().await;
    let network = Network::with(card());
    let builder = world.builder().http(network.clone()).type_metadata(TypeMetadataUse::Off);
    assert_eq!(issued(&world, &builder.build().expect("a wallet")).await.type_metadata, None);
    let plain_http = world.builder().http(network.clone()).allow_loopback_http(false).build().expect("a wallet");
    failure(plain_http.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await);
    assert_eq!(network.asked(), 0);

    let haip = World::with(Options::haip()).await;
    let provider = Provider::new(&haip).await;
    for (usage, asked) in [(None, 0), (Some(TypeMetadataUse::Fetch), 1)] {
        let builder = Wallet::builder("com.example.wallet")
            .redirect_uri(crate::world::REDIRECT)
            .http(network.clone())
            .keys(haip.keys.clone())
            .store(haip.store.clone())
            .trust_anchors(haip.issuer.trust_pem())
            .allow_loopback_http(true)
            .profile(Profile::Haip)
            .wallet_provider(provider.clone());
        let builder = match usage {
            Some(usage) => builder.type_metadata(usage),
            None => builder,
        };
        let wallet = builder.build().expect("a wallet");
        let issuance = wallet.open_offer(&haip.offer(&code(SD_JWT)).link).await.expect("it opens");
        let redirect = haip.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        let credential = haip.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
        assert_eq!(credential.type_metadata.is_some(), asked == 1);
        assert_eq!(network.asked(), asked);
    }
}
