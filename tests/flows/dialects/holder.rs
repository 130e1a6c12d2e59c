//! A wallet that knows nothing of an issuer but what its user was told, and a record of what it sends.

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::http_did_resolver::HttpDidResolver;
use billfold::platform::memory::MemoryStore;
use billfold::platform::reqwest::ReqwestTransport;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{AcceptOptions, Issuance, Result, Step, TypeMetadataUse, Wallet, WalletBuilder};
use billfold_test_issuer::{Decision, Grant, MadeOffer, OfferSpec, Options, Profile, sign_in};
use serde_json::Value;
use url::Url;

use super::systems::System;
use crate::attester::Provider;
use crate::world::{Moved, World};

/// Where all of these systems' registered clients may come back to.
pub(super) const REDIRECT: &str = "dev.billfold.wallet:/callback";

/// Sends every wallet's requests: setting up TLS takes longer than an issuance.
static TRANSPORT: LazyLock<ReqwestTransport> = LazyLock::new(ReqwestTransport::new);

/// One request of a wallet.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) body: Vec<u8>,
    /// The answer's status; none if there was no answer.
    pub(super) status: Option<u16>,
    /// The answer's body, as the wallet got it.
    pub(super) answer: Vec<u8>,
}

impl Sent {
    pub(super) fn is_metadata(&self) -> bool {
        let names = ["/openid-credential-issuer", "/oauth-authorization-server", "/openid-configuration"];
        let path = self.url.path();
        path.contains("/.well-known/") && names.iter().any(|name| path.contains(name))
    }

    pub(super) fn is_credential(&self) -> bool {
        self.method == "POST" && ["/credential", "/credentials"].iter().any(|end| self.url.path().ends_with(end))
    }

    pub(super) fn is_token(&self) -> bool {
        self.method == "POST" && self.url.path().ends_with("/token")
    }

    /// The body, where it is JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text in the answer.
    pub(super) fn told(&self, name: &str) -> Option<String> {
        serde_json::from_slice::<Value>(&self.answer).ok()?[name].as_str().map(str::to_owned)
    }

    /// The values of a form.
    pub(super) fn form(&self, name: &str) -> Vec<String> {
        let pairs = url::form_urlencoded::parse(&self.body);
        pairs.filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
    }
}

type Change = dyn Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + Sync;

/// The way to the issuer: notes what passes, and may change answers.
#[derive(Clone, Default)]
pub(super) struct Line {
    sent: Arc<Mutex<Vec<Sent>>>,
    change: Option<Arc<Change>>,
}

impl Line {
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("no panic").clone()
    }

    pub(super) fn forget(&self) {
        self.sent.lock().expect("no panic").clear();
    }

    pub(super) fn count(&self, what: impl Fn(&Sent) -> bool) -> usize {
        self.sent().iter().filter(|sent| what(sent)).count()
    }
}

#[async_trait]
impl HttpTransport for Line {
    async fn send(
        &self,
        request: HttpRequest,
        limits: HttpLimits,
    ) -> std::result::Result<HttpResponse, TransportError> {
        let url = Url::parse(&request.uri().to_string()).expect("a wallet asks at addresses");
        let sent = Sent {
            method: request.method().to_string(),
            url,
            body: request.body().clone(),
            status: None,
            answer: Vec::new(),
        };
        let at = {
            let mut all = self.sent.lock().expect("no panic");
            all.push(sent);
            all.len() - 1
        };
        let kept = request.clone();
        let mut answer = TRANSPORT.send(request, limits).await?;
        if let Some(change) = &self.change {
            answer = change(&kept, answer);
        }
        if let Some(sent) = self.sent.lock().expect("no panic").get_mut(at) {
            sent.status = Some(answer.status().as_u16());
            sent.answer.clone_from(answer.body());
        }
        Ok(answer)
    }
}

/// A system that runs.
pub(super) struct Visit {
    pub(super) system: &'static System,
    pub(super) world: World,
    pub(super) clock: Moved,
    provider: Option<Arc<Provider>>,
}

impl Visit {
    pub(super) async fn to(system: &'static System, options: Options) -> Self {
        let world = World::with(options).await;
        let attested = system.profile == Profile::Haip;
        let provider = if attested { Some(Provider::new(&world).await) } else { None };
        Self { system, world, clock: Moved::default(), provider }
    }

    /// Somebody with an empty wallet.
    pub(super) fn holder(&self) -> Holder<'_> {
        Holder { visit: self, store: Arc::default(), keys: Arc::default(), line: Line::default() }
    }

    /// Time passes, for wallets and for the issuer.
    pub(super) fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.world.issuer.advance_clock(seconds);
    }

    /// One more offer like this one.
    pub(super) fn again(&self, offer: &MadeOffer) -> MadeOffer {
        let by = offer.by;
        self.world.offer(&OfferSpec { by, ..OfferSpec::new(offer.grant, &offer.format) })
    }
}

/// Who holds a wallet: its store, its keys, and what it sends.
pub(super) struct Holder<'a> {
    pub(super) visit: &'a Visit,
    pub(super) store: Arc<MemoryStore>,
    pub(super) keys: Arc<SoftwareKeys>,
    pub(super) line: Line,
}

impl Holder<'_> {
    /// The same with another way to the issuer.
    pub(super) fn meddled(
        mut self,
        change: impl Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        self.line.change = Some(Arc::new(change));
        self
    }

    /// A wallet that was told what the offer says that its user has to know, and whom to trust.
    pub(super) fn builder(&self, offer: &MadeOffer) -> WalletBuilder {
        let client = told(offer, "--client-id").pop().unwrap_or_else(|| "com.example.wallet".to_owned());
        let mut builder = Wallet::builder(client)
            .redirect_uri(REDIRECT)
            .http(self.line.clone())
            .keys(self.keys.clone())
            .store(self.store.clone())
            .clock(self.visit.clock.clone())
            .locale("en-US")
            .type_metadata(TypeMetadataUse::Off)
            .notify_in_background(false)
            .allow_loopback_http(true);
        if self.visit.system.certifies(&offer.format) {
            builder = builder.trust_anchors(self.visit.world.issuer.trust_pem());
        }
        if let Some(resolver) = told(offer, "--did-resolver").pop() {
            let resolver = HttpDidResolver::for_development(resolver, self.line.clone());
            builder = builder.did_resolver(resolver.expect("a resolver"));
        }
        if let Some(provider) = &self.visit.provider {
            builder = builder.wallet_provider(provider.clone());
        }
        builder
    }

    pub(super) fn wallet(&self, offer: &MadeOffer) -> Wallet {
        self.builder(offer).build().expect("a wallet")
    }

    /// Gets what is offered, as a user does who does everything asked of him.
    pub(super) async fn get(&self, wallet: &Wallet, offer: &MadeOffer) -> Result<(Issuance, Step)> {
        self.get_with(wallet, offer, AcceptOptions::default()).await
    }

    pub(super) async fn get_with(
        &self,
        wallet: &Wallet,
        offer: &MadeOffer,
        options: AcceptOptions,
    ) -> Result<(Issuance, Step)> {
        let issuance = wallet.open_offer(&offer.link).await?;
        let step = issuance.accept_with(accepting(offer, options)).await?;
        let step = self.go_on(&issuance, offer, step).await?;
        Ok((issuance, step))
    }

    /// Does what a step asks of the user.
    pub(super) async fn go_on(&self, issuance: &Issuance, offer: &MadeOffer, step: Step) -> Result<Step> {
        match &step {
            Step::EnterCode(_) => issuance.submit_code(offer.tx_code.as_deref().expect("a code")).await,
            Step::SignIn { url } => issuance.submit_redirect(&self.sign_in(url.as_str()).await).await,
            _ => Ok(step),
        }
    }

    /// Signs in, and comes back with the redirect.
    pub(super) async fn sign_in(&self, url: &str) -> String {
        sign_in(url, self.visit.world.issuer.login(), Decision::Allow).await.expect("the page is there")
    }
}

/// What the user adds to the yes.
pub(super) fn accepting(offer: &MadeOffer, options: AcceptOptions) -> AcceptOptions {
    let pairs = told(offer, "--authorization-parameter").into_iter().map(|pair| {
        let (name, value) = pair.split_once('=').expect("NAME=VALUE");
        (name.to_owned(), value.to_owned())
    });
    AcceptOptions { authorization_parameters: pairs.collect(), ..options }
}

/// The values of one of the settings that an offer's user has to know. There are no others than these.
fn told(offer: &MadeOffer, name: &str) -> Vec<String> {
    let known = ["--client-id", "--authorization-parameter", "--did-resolver"];
    let pairs = offer.args.chunks(2).map(|pair| {
        assert!(pair.len() == 2 && known.contains(&pair[0].as_str()), "nobody would know what to do with {pair:?}");
        (pair[0].as_str(), pair[1].clone())
    });
    pairs.filter(|(given, _)| *given == name).map(|(_, value)| value).collect()
}

/// The word for a grant.
pub(super) fn grant_name(grant: Grant) -> &'static str {
    match grant {
        Grant::Code => "code",
        Grant::PreAuthorized => "pre-authorized",
    }
}
