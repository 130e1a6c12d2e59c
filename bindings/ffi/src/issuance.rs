//! One issuance, step by step.

use std::future::Future;
use std::sync::Arc;

use crate::dialect::{DialectReport, Tolerance};
use crate::error::WalletError;
use crate::records::{AcceptOptions, OfferSummary, Step};
use crate::runtime;

/// One issuance: a handle over the stored session, so dropping it loses nothing.
#[derive(uniffi::Object)]
pub struct Issuance(Arc<billfold::Issuance>);

impl From<billfold::Issuance> for Issuance {
    fn from(issuance: billfold::Issuance) -> Self {
        Self(Arc::new(issuance))
    }
}

impl Issuance {
    async fn run<T, F>(&self, work: impl FnOnce(Arc<billfold::Issuance>) -> F) -> Result<T, WalletError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, billfold::Error>> + Send + 'static,
    {
        runtime::run(Some(self.0.id().clone()), work(Arc::clone(&self.0))).await
    }
}

#[uniffi::export]
impl Issuance {
    /// Its name in the store, for `Wallet::resume`.
    pub fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// What is offered, by whom, and what it takes.
    pub fn offer(&self) -> OfferSummary {
        self.0.offer().clone().into()
    }

    /// Where it stands.
    pub async fn step(&self) -> Result<Step, WalletError> {
        self.run(|issuance| async move { issuance.step().await.map(Into::into) }).await
    }

    /// The user said yes: everything that is offered, or what the options choose. Goes as far as it can.
    #[uniffi::method(default(options = None))]
    pub async fn accept(&self, options: Option<AcceptOptions>) -> Result<Step, WalletError> {
        self.run(|issuance| async move {
            match options {
                Some(options) => issuance.accept_with(options.into()).await,
                None => issuance.accept().await,
            }
            .map(Into::into)
        })
        .await
    }

    /// The user typed the code. Goes as far as it can. A refused code is an error of code
    /// `tx_code_refused`; the step stays `EnterCode` while more may be tried.
    pub async fn submit_code(&self, tx_code: String) -> Result<Step, WalletError> {
        self.run(|issuance| async move { issuance.submit_code(&tx_code).await.map(Into::into) }).await
    }

    /// The browser came back with this address. Goes as far as it can.
    pub async fn submit_redirect(&self, redirect_url: String) -> Result<Step, WalletError> {
        self.run(|issuance| async move { issuance.submit_redirect(&redirect_url).await.map(Into::into) }).await
    }

    /// Asks the issuer whether a credential that it deferred is ready.
    pub async fn poll(&self) -> Result<Step, WalletError> {
        self.run(|issuance| async move { issuance.poll().await.map(Into::into) }).await
    }

    /// Goes on after an error that can be retried, or after a resume. Where it waits for somebody, it
    /// only says so.
    pub async fn proceed(&self) -> Result<Step, WalletError> {
        self.run(|issuance| async move { issuance.proceed().await.map(Into::into) }).await
    }

    /// The user said no, before anything was spent.
    pub async fn decline(&self) -> Result<(), WalletError> {
        self.run(|issuance| async move { issuance.decline().await }).await
    }

    /// Gives up at a later step. Keys that were made for it are deleted.
    pub async fn cancel(&self) -> Result<(), WalletError> {
        self.run(|issuance| async move { issuance.cancel().await }).await
    }

    /// In what the issuer departs from OpenID4VCI 1.0, as far as it showed; empty from one that is by the book.
    pub async fn tolerated(&self) -> Result<Vec<Tolerance>, WalletError> {
        self.run(|issuance| async move { Ok(issuance.tolerated().await?.into_iter().map(Into::into).collect()) }).await
    }

    /// How the issuer is spoken to, and why.
    pub async fn dialect(&self) -> Result<DialectReport, WalletError> {
        self.run(|issuance| async move { issuance.dialect().await.map(Into::into) }).await
    }

    /// Every request and answer so far, without secrets, one a line: for a bug report.
    pub async fn transcript(&self) -> Result<String, WalletError> {
        self.run(|issuance| async move { Ok(issuance.transcript().await?.to_string()) }).await
    }
}
