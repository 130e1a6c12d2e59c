//! Gets the pictures of cards over the network, and keeps them for when there is none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join3;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::Card;
use super::image::{self, CardImage, ImageType};
use crate::error::{Error, ErrorCode, Operation};
use crate::model::credential::Credential;
use crate::model::display::Logo;
use crate::model::ids::IssuerId;
use crate::model::time::Timestamp;
use crate::platform::http::HttpLimits;
use crate::protocol::message;
use crate::setup::Setup;
use crate::wire::Log;

/// For how many seconds a picture is not asked for again. Long: each time, its server learns that somebody
/// looks at the card.
const FRESH_SECONDS: i64 = 30 * 24 * 3600;
/// For how many seconds one that was refused is not.
const REFUSED_SECONDS: i64 = 24 * 3600;
/// And one whose server did not answer.
const UNREACHED_SECONDS: i64 = 60;
/// How long one request may take: somebody waits for the card.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest address that is asked.
const LONGEST_ADDRESS: usize = 2048;

const ACCEPT: &str = "image/svg+xml, image/png, image/jpeg, image/webp, image/gif;q=0.5";

/// Addresses that did not answer lately, so that a card does not wait for them each time.
#[derive(Default)]
pub(crate) struct Unreached(Mutex<HashMap<String, Timestamp>>);

impl Unreached {
    /// How many are remembered.
    const MOST: usize = 256;

    fn is_lately(&self, uri: &str, now: Timestamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(uri).is_some_and(|at| (0..UNREACHED_SECONDS).contains(&(now - *at)))
    }

    fn add(&self, uri: &str, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(uri.to_owned(), now);
    }
}

/// A picture in the store, as it was received. Whether it can be shown is looked at each time.
#[derive(Serialize, Deserialize)]
struct Stored {
    uri: String,
    /// None if there was nothing that could be shown.
    bytes: Option<String>,
    from: Timestamp,
    until: Timestamp,
}

/// The card with all pictures that can be had. A picture that can't be had fails nothing.
pub(crate) async fn card(setup: &Setup, credential: &Credential, locale: Option<&str>) -> Card {
    let mut card = credential.card_at(locale, setup.clock.now());
    let pictures = credential.pictures(locale);
    let issuer = &credential.credential_issuer;
    // The credential often carries its issuer's logo.
    let same = pictures.logo.zip(pictures.issuer_logo).is_some_and(|(one, other)| one.uri == other.uri);
    let (logo, issuer_logo, background) = join3(
        fetch(setup, issuer, pictures.logo, card.logo.as_ref()),
        fetch(setup, issuer, pictures.issuer_logo.filter(|_| !same), card.issuer_logo.as_ref()),
        fetch(setup, issuer, pictures.background, card.background_image.as_ref()),
    )
    .await;
    let issuer_logo = if same { logo.clone() } else { issuer_logo };
    let complete = |image: &mut Option<CardImage>, picture: Option<(ImageType, Vec<u8>)>| {
        if picture.is_some() {
            *image = image.take().map(|image| image.with(picture));
        }
    };
    complete(&mut card.logo, logo);
    complete(&mut card.issuer_logo, issuer_logo);
    complete(&mut card.background_image, background);
    card
}

/// The picture, if it is one that lies elsewhere: from the store, or else from its server.
async fn fetch(
    setup: &Setup,
    issuer: &IssuerId,
    logo: Option<&Logo>,
    image: Option<&CardImage>,
) -> Option<(ImageType, Vec<u8>)> {
    let logo = logo.filter(|logo| logo.uri.len() <= LONGEST_ADDRESS)?;
    if image.is_none_or(|image| image.bytes.is_some()) {
        return None;
    }
    let url = Url::parse(&logo.uri).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let now = setup.clock.now();
    let known = known(setup, &logo.uri).await;
    let kept = known.as_ref().and_then(|stored| STANDARD.decode(stored.bytes.as_ref()?).ok());
    let integrity = logo.integrity.as_deref();
    let good = kept.as_ref().and_then(|bytes| image::picture(bytes.clone(), integrity));
    // A clock that was set back must not make a picture good for longer. One whose hash is known does not age.
    let fresh = known.as_ref().is_some_and(|stored| (stored.from..stored.until).contains(&now));
    let certain = integrity.is_some() && good.is_some();
    if fresh || certain || setup.unreached.is_lately(&logo.uri, now) {
        return good;
    }
    match ask(setup, issuer, &url).await {
        Ok(bytes) => {
            let picture = bytes.as_ref().and_then(|bytes| image::picture(bytes.clone(), integrity));
            let (keep, fresh) = match (&picture, bytes) {
                (Some(_), bytes) => (bytes, FRESH_SECONDS),
                // What is no picture does not take the place of one.
                (None, _) => (kept.filter(|_| good.is_some()), REFUSED_SECONDS),
            };
            let bytes = keep.map(|bytes| STANDARD.encode(bytes));
            let stored = Stored { uri: logo.uri.clone(), bytes, from: now, until: now + fresh };
            let content = serde_json::to_vec(&stored).expect("it has only text keys");
            setup.cache.put(&*setup.store, &id(&logo.uri), content).await;
            picture.or(good)
        }
        Err(error) => {
            tracing::debug!(target: "billfold::card", "a picture could not be had: {error}");
            setup.unreached.add(&logo.uri, now);
            good
        }
    }
}

/// The bytes at an address; none if its server's answer is that there are none to be had, an error if it gave
/// no answer.
async fn ask(setup: &Setup, issuer: &IssuerId, url: &Url) -> Result<Option<Vec<u8>>, Error> {
    // The issuer's own host was spoken to already, wherever it is.
    let limits = if url.origin() == issuer.to_url().origin() {
        HttpLimits { max_body_bytes: image::MAX_BYTES, ..HttpLimits::default() }
    } else {
        setup.wire.reference_limits(image::MAX_BYTES)
    };
    let limits = HttpLimits { connect_timeout: PATIENCE, total_timeout: PATIENCE, ..limits };
    let build = |url: &Url| message::get(url, ACCEPT, None);
    match setup.wire.get_public(Operation::IssuerMetadata, url, limits, &Log::default(), build).await {
        Ok(response) if response.status().is_success() => Ok(Some(response.into_body())),
        Ok(response) if response.status().is_server_error() || response.status().as_u16() == 429 => {
            let status = response.status().as_u16();
            Err(Error::new(ErrorCode::ServerFailed, "the server of a picture failed").status(status))
        }
        Ok(_) => Ok(None),
        Err(error) => match error.code() {
            ErrorCode::Unreachable | ErrorCode::TimedOut | ErrorCode::ConnectionLost | ErrorCode::TlsFailed => {
                Err(error)
            }
            _ => Ok(None),
        },
    }
}

async fn known(setup: &Setup, uri: &str) -> Option<Stored> {
    let content = setup.cache.get(&*setup.store, &id(uri)).await?;
    serde_json::from_slice(&content).ok().filter(|stored: &Stored| stored.uri == uri)
}

fn id(uri: &str) -> String {
    format!("picture/{}", hex::encode(Sha256::digest(uri.as_bytes())))
}
