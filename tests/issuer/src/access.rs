//! The access token of a request to the credential issuer.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::dpop::{self, Realm};
use crate::issuer::Issuer;
use crate::refusal::{Refusal, Scheme};
use crate::token::Token;

/// The access token that a request to `endpoint` (a path under the issuer's identifier) shows,
/// with its proof of possession if it is bound to a key.
pub(crate) fn authorize(issuer: &Issuer, headers: &HeaderMap, endpoint: &str) -> Result<(String, Token), Refusal> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let header = sent.next().ok_or_else(|| Refusal::no_token(issuer.options.dpop))?;
    if sent.next().is_some() {
        let message = "There is more than one Authorization header";
        return Err(Refusal::protected(Scheme::Bearer, "invalid_request", message));
    }
    let invalid = |scheme, reason| Err(Refusal::protected(scheme, "invalid_token", reason));
    let Some((word, value)) = header.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return invalid(Scheme::Bearer, "The Authorization header is not a scheme and a token");
    };
    let Some(scheme) = Scheme::ALL.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(word)) else {
        return invalid(Scheme::Bearer, "The token type is neither Bearer nor DPoP");
    };
    let token = issuer.book().tokens.get(value).cloned();
    let Some(token) = token else {
        return invalid(scheme, "The access token is unknown or was revoked");
    };
    if token.expires <= issuer.now() {
        return invalid(scheme, "The access token has expired");
    }
    match (scheme, &token.dpop_key) {
        (Scheme::Bearer, None) => {}
        (Scheme::Bearer, Some(_)) => {
            return invalid(Scheme::Dpop, "The access token is bound to a key, so it is no Bearer token");
        }
        (Scheme::Dpop, None) => return invalid(Scheme::Bearer, "The access token is a Bearer token"),
        (Scheme::Dpop, Some(bound)) => {
            let url = format!("{}{endpoint}", issuer.id);
            let Some(key) = dpop::check(issuer, Realm::Resource, &url, headers, Some(value))? else {
                return Err(dpop::refusal(Realm::Resource, "invalid_dpop_proof", "The DPoP header is missing"));
            };
            if key != *bound {
                return invalid(Scheme::Dpop, "The DPoP proof is for another key than the access token");
            }
        }
    }
    Ok((value.to_owned(), token))
}
