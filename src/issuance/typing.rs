//! What the publisher of a credential's type says about it, fetched beside the credential.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::{BoxFuture, Either, select};
use serde_json::Value;
use url::Url;

use super::Live;
use crate::documents::Documents;
use crate::error::Operation;
use crate::format::{self, Examined};
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::profile::Profile;
use crate::model::report::{CheckKind, Report};
use crate::model::type_metadata::{TypeMetadata, TypeMetadataUse};
use crate::setup::Setup;
use crate::type_metadata::{self, Library, Loaded, Shelf, TypeMetadataError, TypeReference};
use crate::verify::{DocumentError, DocumentSource, Fetched, Wanted};

/// A document that was asked for already.
type Coming<'a> = BoxFuture<'a, Result<Fetched, DocumentError>>;

/// The document of a type, on its way while something else is done.
#[derive(Default)]
pub(super) struct Ahead<'a>(Mutex<Option<(Url, Coming<'a>)>>);

impl<'a> Ahead<'a> {
    fn take(&self) -> Option<(Url, Coming<'a>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, url: Url, coming: Coming<'a>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((url, coming));
    }

    /// Waits for something else while the document comes. It may take longer than that.
    pub(super) async fn beside<T>(&self, other: impl Future<Output = T>) -> T {
        let Some((url, coming)) = self.take() else { return other.await };
        let other = std::pin::pin!(other);
        match select(other, coming).await {
            Either::Left((done, coming)) => {
                self.put(url, coming);
                done
            }
            Either::Right((came, other)) => {
                self.put(url, Box::pin(std::future::ready(came)));
                other.await
            }
        }
    }
}

/// Documents, one of which is on its way already.
struct WithAhead<'a, 'b> {
    documents: &'a dyn DocumentSource,
    ahead: &'a Ahead<'b>,
}

#[async_trait]
impl DocumentSource for WithAhead<'_, '_> {
    async fn get(&self, url: &Url) -> Result<Value, DocumentError> {
        self.documents.get(url).await
    }

    async fn fetch(&self, url: &Url, want: Wanted) -> Result<Fetched, DocumentError> {
        match self.ahead.take() {
            Some((coming, document)) if coming == *url => document.await,
            _ => self.documents.fetch(url, want).await,
        }
    }

    async fn resolve_did(&self, did: &str) -> Option<Result<Value, DocumentError>> {
        self.documents.resolve_did(did).await
    }
}

/// Type metadata of a credential, or why there is none.
pub(super) struct Typed {
    reference: TypeReference,
    loaded: Result<Loaded, TypeMetadataError>,
}

impl Typed {
    /// The metadata, if it is that of this credential.
    pub(super) fn metadata_of(&self, found: &Examined) -> Option<TypeMetadata> {
        if !self.is_of(found) {
            return None;
        }
        self.loaded.as_ref().ok().map(|loaded| loaded.metadata.clone())
    }

    fn is_of(&self, found: &Examined) -> bool {
        let integrity = found.claims.get("vct#integrity").map(|it| it.as_str().unwrap_or_default());
        found.kind == CredentialKind::Vct(self.reference.vct.clone())
            && self.reference.integrity.as_deref() == integrity
    }

    /// Adds to the check of a credential's type what there is to say about its metadata. The outcome stays: what
    /// is for showing keeps no credential back.
    pub(super) fn tell(&self, report: &mut Report, found: &Examined) {
        if !self.is_of(found) {
            return;
        }
        let remarks = match &self.loaded {
            Ok(loaded) => {
                let of_type = loaded.remarks.iter().map(|remark| format!("its type's metadata: {remark}"));
                let of_claims = loaded.validate(&found.claims, &found.disclosable);
                of_type.chain(of_claims.into_iter().map(str::to_owned)).collect()
            }
            Err(error) => vec![format!("there is no metadata of its type: {error}")],
        };
        for check in report.checks.iter_mut().filter(|check| check.kind == CheckKind::Type) {
            for remark in &remarks {
                check.detail = format!("{}; {remark}", check.detail);
            }
        }
    }
}

impl Live<'_> {
    /// Begins to fetch the document of the type that a task asks for, if it is to be had by its name.
    pub(super) async fn fetch_type_ahead(&self, task: usize) {
        let configuration = &self.session.issuer.credential_configurations_supported[&self.tasks()[task].configuration];
        let CredentialKind::Vct(vct) = &configuration.kind else { return };
        if !is_typed(&configuration.format) || !self.wallet.looks_up_types(self.session.profile) {
            return;
        }
        let Some(url) = self.wallet.type_address(vct) else { return };
        if shelf(self.wallet).is_fresh(&url, self.wallet.clock.now()).await {
            return;
        }
        let (wallet, log, issuer) = (self.wallet, Arc::clone(&self.log), self.session.issuer.credential_issuer.clone());
        let address = url.clone();
        let coming = async move {
            let (cache, clock, issuer) = (&wallet.documents, &wallet.clock, Some(&issuer));
            let documents = Documents { wire: &wallet.wire, cache, clock, log: &log, issuer, resolver: None };
            documents.fetch(&address, type_metadata::WANTED).await
        };
        self.ahead.put(url, Box::pin(coming));
    }
}

fn is_typed(format: &Format) -> bool {
    matches!(format, Format::SdJwtVc | Format::VcSdJwt)
}

fn shelf(wallet: &Setup) -> Shelf<'_> {
    Shelf { cache: &wallet.cache, store: &*wallet.store }
}

impl Setup {
    /// Whether types are looked up for credentials that were asked for by these rules.
    fn looks_up_types(&self, profile: Profile) -> bool {
        match self.type_metadata {
            Some(TypeMetadataUse::Fetch) => true,
            Some(TypeMetadataUse::Off) => false,
            None => !profile.is_haip(),
        }
    }

    /// The address of a type, if it may be asked.
    fn type_address(&self, vct: &str) -> Option<Url> {
        type_metadata::address(vct).filter(|url| self.wire.check(url, Operation::Verification).is_ok())
    }

    /// Looks the type of a credential up; nothing where that is switched off, or where its type has no address
    /// and came with no document.
    pub(super) async fn look_up_type(
        &self,
        format: &Format,
        raw: &Value,
        profile: Profile,
        documents: &dyn DocumentSource,
        ahead: &Ahead<'_>,
    ) -> Option<Typed> {
        if !is_typed(format) || !self.looks_up_types(profile) {
            return None;
        }
        let reference = format::type_reference(raw)?;
        if self.type_address(&reference.vct).is_none() && reference.embedded.is_empty() {
            return None;
        }
        let documents = WithAhead { documents, ahead };
        let library = Library { documents: &documents, shelf: shelf(self), now: self.clock.now() };
        let loaded = library.load(&reference).await;
        if let Err(error) = &loaded {
            tracing::info!(target: "billfold::type_metadata", "no type metadata: {error}");
        }
        Some(Typed { reference, loaded })
    }
}
