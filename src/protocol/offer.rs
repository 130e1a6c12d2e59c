//! From a scanned or clicked link to a credential offer (OpenID4VCI section 4.1).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use super::message;
use crate::dialect::{self, Dialects, ReadOffer, Tolerance, lift, read};
use crate::error::{Error, ErrorCode, Operation};
use crate::json;
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::platform::http::{HttpRequest, HttpResponse};

/// The longest link, and the longest offer, that is looked at.
pub(crate) const MAX_OFFER_BYTES: usize = 64 * 1024;

/// What a link holds.
#[derive(Debug)]
pub(crate) enum OfferSource {
    /// The offer itself.
    ByValue(Box<ReadOffer>),
    /// Where to get it.
    ByReference(Url),
}

/// What a link says of itself, before anything is requested: for asking the user, or a list of issuers
/// that the app trusts, whether to go on (OpenID4VCI section 15.6). [`Wallet::open_offer`](crate::Wallet::open_offer)
/// goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferLink {
    /// The offer is in the link.
    ByValue {
        /// Who is said to offer. Nothing has confirmed it yet.
        credential_issuer: IssuerId,
        /// What is offered.
        configurations: Vec<ConfigurationId>,
    },
    /// The offer has to be fetched from here, which shows the wallet's address to whoever answers.
    ByReference {
        /// Where it is.
        url: Url,
    },
}

impl OfferLink {
    /// Looks at a link, without any request. Fails as
    /// [`Wallet::open_offer`](crate::Wallet::open_offer) would, with a code of the kind
    /// [`Offer`](crate::ErrorKind::Offer).
    pub fn parse(link: &str) -> Result<Self, Error> {
        Ok(match parse_link(link, Dialects::Any)? {
            OfferSource::ByValue(read) => Self::ByValue {
                credential_issuer: read.offer.credential_issuer,
                configurations: read.offer.credential_configuration_ids,
            },
            OfferSource::ByReference(url) => Self::ByReference { url },
        })
    }
}

/// Takes a link apart, without any request.
///
/// The scheme, host and path do not matter: an app receives links under whatever scheme or
/// domain it registered. The text of an offer alone, as JSON, will do too.
pub(crate) fn parse_link(link: &str, dialects: Dialects) -> Result<OfferSource, Error> {
    let fail = |code, detail: &str| Err(Error::new(code, detail).at(Operation::Offer));
    let link = link.trim();
    if link.len() > MAX_OFFER_BYTES {
        return fail(ErrorCode::OfferTooLarge, "the link is longer than 64 KiB");
    }
    if link.starts_with('{') {
        return read_offer(link.as_bytes(), dialects).map(|offer| OfferSource::ByValue(Box::new(offer)));
    }
    let Some((before, query)) = link.split_once('?') else {
        return fail(ErrorCode::OfferMissing, "the link has no query, so it holds no credential offer");
    };
    if !has_scheme(before) {
        return fail(ErrorCode::OfferMalformed, "the text is no link");
    }
    let query = query.split('#').next().unwrap_or_default();
    let (by_value, by_reference) = (values(query, "credential_offer"), values(query, "credential_offer_uri"));
    match (by_value.as_slice(), by_reference.as_slice()) {
        ([value], []) => {
            let text = decode(value)?;
            read_offer(text.as_bytes(), dialects).map(|offer| OfferSource::ByValue(Box::new(offer)))
        }
        ([], [reference]) => {
            let text = decode(reference)?;
            match Url::parse(&text) {
                // Another scheme is refused where requests are sent, with the right words.
                Ok(url) if url.has_host() || !url.scheme().starts_with("http") => Ok(OfferSource::ByReference(url)),
                _ => fail(ErrorCode::OfferMalformed, "`credential_offer_uri` is no absolute URL"),
            }
        }
        ([], [])
            if dialects == Dialects::Any
                && let Some(document) = lift::offer::from_query(query) =>
        {
            dialect::offer(&document, dialects).map(|offer| OfferSource::ByValue(Box::new(offer))).map_err(malformed)
        }
        ([], []) => fail(ErrorCode::OfferMissing, "the link has neither `credential_offer` nor `credential_offer_uri`"),
        ([_, ..], [_, ..]) => {
            fail(ErrorCode::OfferAmbiguous, "the link has both `credential_offer` and `credential_offer_uri`")
        }
        _ => fail(ErrorCode::OfferAmbiguous, "the link has the same offer parameter twice"),
    }
}

/// Whether a text begins as a URL does (RFC 3986 section 3.1).
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// The raw values of a query parameter.
fn values<'a>(query: &'a str, name: &str) -> Vec<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('=').or(Some((pair, ""))))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .collect()
}

/// Decodes a parameter exactly once.
///
/// Most issuers percent-encode, some form-encode, where a space is `+`. A value that has `%20`
/// in it was percent-encoded, so its `+` is a plus.
fn decode(raw: &str) -> Result<String, Error> {
    let raw = if raw.contains("%20") { Cow::Borrowed(raw) } else { Cow::Owned(raw.replace('+', " ")) };
    percent_decode_str(&raw).decode_utf8().map(Cow::into_owned).map_err(|error| {
        Error::new(ErrorCode::OfferMalformed, "the offer parameter is no UTF-8 text")
            .at(Operation::Offer)
            .caused_by(error)
    })
}

/// Asks for an offer by reference.
pub(crate) fn request(url: &Url) -> Result<HttpRequest, Error> {
    message::get(url, "application/json", None)
}

/// Reads the answer to [`request`].
pub(crate) fn response(response: &HttpResponse, dialects: Dialects) -> Result<ReadOffer, Error> {
    let status = response.status().as_u16();
    // An offer that is there no more is no server failure; the user needs a new one.
    let said = message::success(response, Operation::Offer, |_| ErrorCode::ServerRefused);
    if let Err(error) = &said
        && let Some(value) = mislabelled(response, error, dialects)
        && let Ok(mut read) = dialect::offer(&value, dialects)
    {
        read.tolerated.insert(Tolerance::OfferMediaType);
        return Ok(read);
    }
    let value = said.map_err(|error| match error.code() {
        ErrorCode::ServerRefused => Error::new(ErrorCode::OfferUnavailable, "the offer is not there (any more)")
            .at(Operation::Offer)
            .status(status),
        ErrorCode::ResponseMalformed => Error::new(ErrorCode::OfferMalformed, "the offer is not usable JSON")
            .caused_by(error)
            .at(Operation::Offer)
            .status(status),
        _ => error,
    })?;
    dialect::offer(&value, dialects).map_err(|error| malformed(error).status(status))
}

/// An offer whose server does not know that it is JSON; a JWT never is one.
fn mislabelled(response: &HttpResponse, error: &Error, dialects: Dialects) -> Option<Value> {
    let is_text = message::media_type(response).is_none_or(|media_type| media_type.starts_with("text/"));
    let takes_it = dialects == Dialects::Any && error.code() == ErrorCode::WrongContentType && is_text;
    json::parse(response.body()).ok().filter(|value| takes_it && value.is_object())
}

fn read_offer(bytes: &[u8], dialects: Dialects) -> Result<ReadOffer, Error> {
    let value = json::parse(bytes).map_err(|error| {
        Error::new(ErrorCode::OfferMalformed, "the offer is not usable JSON").caused_by(error).at(Operation::Offer)
    })?;
    dialect::offer(&value, dialects).map_err(malformed)
}

fn malformed(error: read::ReadError) -> Error {
    let code =
        if error.path == "credential_issuer" { ErrorCode::OfferIssuerInvalid } else { ErrorCode::OfferMalformed };
    Error::new(code, format!("in the offer, {error}")).caused_by(error).at(Operation::Offer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::offer::CredentialOffer;

    const OFFER: &str = r#"{"credential_issuer":"https://issuer.example","credential_configuration_ids":["A B+C"]}"#;

    fn by_value(link: &str) -> CredentialOffer {
        match parse_link(link, Dialects::Any) {
            Ok(OfferSource::ByValue(read)) => read.offer,
            other => panic!("{link}: {other:?}"),
        }
    }

    fn encoded(space: &str, plus: &str) -> String {
        percent_encoding::utf8_percent_encode(OFFER, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%20", space)
            .replace("%2B", plus)
    }

    // covers: OFFER-07, HAIP-15
    #[test]
    fn any_scheme_and_https_will_do() {
        for prefix in [
            "openid-credential-offer://?",
            "openid-credential-offer:?",
            "openid-credential-offer:///?x=1&",
            "haip-vci://?",
            "https://wallet.example/open?utm=1&",
            "  com.example.wallet:/offer?",
        ] {
            let offer = by_value(&format!("{prefix}credential_offer={}", encoded("%20", "%2B")));
            assert_eq!(offer.credential_configuration_ids[0].as_str(), "A B+C", "{prefix}");
        }
        assert_eq!(by_value(OFFER).credential_configuration_ids[0].as_str(), "A B+C");
    }

    // covers: OFFER-06
    #[test]
    fn spaces_and_pluses_survive_both_encodings() {
        for (space, plus) in [("%20", "%2B"), ("%20", "+"), ("+", "%2B")] {
            let link = format!("openid-credential-offer://?credential_offer={}", encoded(space, plus));
            assert_eq!(by_value(&link).credential_configuration_ids[0].as_str(), "A B+C", "{space} {plus}");
        }
    }

    #[test]
    fn references_are_decoded_once() {
        let link = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fh.example%2Fo%3Fid%3Da%252Fb";
        match parse_link(link, Dialects::Any) {
            Ok(OfferSource::ByReference(url)) => assert_eq!(url.as_str(), "https://h.example/o?id=a%2Fb"),
            other => panic!("{other:?}"),
        }
    }

    // covers: OFFER-01
    #[test]
    fn links_that_are_none_say_why() {
        for (link, code) in [
            ("", ErrorCode::OfferMissing),
            ("hello", ErrorCode::OfferMissing),
            ("hello?credential_offer=%7B%7D", ErrorCode::OfferMalformed),
            ("openid-credential-offer://", ErrorCode::OfferMissing),
            ("openid-credential-offer://?x=1", ErrorCode::OfferMissing),
            (
                "openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=https://h",
                ErrorCode::OfferAmbiguous,
            ),
            ("openid-credential-offer://?credential_offer=%7B%7D&credential_offer=%7B%7D", ErrorCode::OfferAmbiguous),
            ("openid-credential-offer://?credential_offer=", ErrorCode::OfferMalformed),
            ("openid-credential-offer://?credential_offer=%FF", ErrorCode::OfferMalformed),
            ("openid-credential-offer://?credential_offer=%7B%7D", ErrorCode::OfferIssuerInvalid),
            ("openid-credential-offer://?credential_offer=not-json", ErrorCode::OfferMalformed),
            ("openid-credential-offer://?credential_offer_uri=nonsense", ErrorCode::OfferMalformed),
            ("openid-credential-offer://?credential_offer_uri=", ErrorCode::OfferMalformed),
        ] {
            assert_eq!(parse_link(link, Dialects::Any).expect_err("no offer").code(), code, "{link}");
        }
        let long = format!("openid-credential-offer://?credential_offer={}", "x".repeat(MAX_OFFER_BYTES));
        assert_eq!(parse_link(&long, Dialects::Any).expect_err("no offer").code(), ErrorCode::OfferTooLarge);
    }

    // covers: OFFER-23, SEC-04
    #[test]
    fn a_link_can_be_looked_at_before_anything_is_fetched() {
        let by_value = OfferLink::parse(&format!("haip-vci://?credential_offer={}", encoded("%20", "%2B")));
        let OfferLink::ByValue { credential_issuer, configurations } = by_value.expect("a link") else {
            panic!("the offer is in it")
        };
        assert_eq!((credential_issuer.host().as_str(), configurations[0].as_str()), ("issuer.example", "A B+C"));
        let by_reference = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fh.example%2Fo";
        let url = Url::parse("https://h.example/o").expect("a URL");
        assert_eq!(OfferLink::parse(by_reference).expect("a link"), OfferLink::ByReference { url });
        assert_eq!(OfferLink::parse("hello").expect_err("no link").code(), ErrorCode::OfferMissing);
    }

    // covers: OFFER-03
    #[test]
    fn an_offer_by_reference_is_json_and_never_a_jwt() {
        let answer_to = |dialects, media_type: &str, body: &str| {
            let answer = http::Response::builder().status(200).header("content-type", media_type);
            response(&answer.body(body.as_bytes().to_vec()).expect("a response"), dialects)
        };
        let answer = |media_type: &str, body: &str| answer_to(Dialects::Any, media_type, body);
        let id = |read: Result<ReadOffer, Error>| read.map(|read| read.offer.credential_issuer.to_string());
        for media_type in ["application/json", "application/json;charset=utf-8", "Application/JSON; charset=\"utf-8\""]
        {
            assert_eq!(id(answer(media_type, OFFER)).expect("an offer"), "https://issuer.example", "{media_type}");
        }
        // `{"alg":"none"}`, the offer, and no signature.
        let payload = percent_encoding::percent_encode(OFFER.as_bytes(), percent_encoding::NON_ALPHANUMERIC);
        let jwt = format!("eyJhbGciOiJub25lIn0.{payload}.");
        for (media_type, body, code) in [
            ("application/jwt", jwt.as_str(), ErrorCode::WrongContentType),
            ("application/jwt", OFFER, ErrorCode::WrongContentType),
            ("text/html", "<html>", ErrorCode::WrongContentType),
            ("text/html", r#"{"offer":1}"#, ErrorCode::WrongContentType),
            ("image/png", OFFER, ErrorCode::WrongContentType),
            ("application/json", jwt.as_str(), ErrorCode::OfferMalformed),
        ] {
            assert_eq!(answer(media_type, body).expect_err("no offer").code(), code, "{media_type} {body}");
        }
        // A server that does not know what it serves is put up with.
        let page = answer("text/html", OFFER).expect("an offer");
        assert_eq!(page.tolerated.into_iter().collect::<Vec<_>>(), [Tolerance::OfferMediaType]);
        let strict = answer_to(Dialects::Strict, "text/html", OFFER).expect_err("no offer");
        assert_eq!(strict.code(), ErrorCode::WrongContentType);
    }
}
