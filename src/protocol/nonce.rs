//! The nonce endpoint (OpenID4VCI section 7).

use url::Url;

use super::message;
use crate::dialect::read;
use crate::error::{Error, ErrorCode, Operation};
use crate::model::secret::Secret;
use crate::platform::http::{HttpRequest, HttpResponse};

/// Asks for a nonce: an empty POST without any token.
pub(crate) fn request(url: &Url) -> Result<HttpRequest, Error> {
    message::post_nothing(url)
}

/// Reads the answer.
pub(crate) fn response(response: &HttpResponse) -> Result<Secret, Error> {
    let value = message::success(response, Operation::Nonce, |_| ErrorCode::ServerRefused)?;
    read::nonce(&value).map_err(|error| message::malformed(error, Operation::Nonce, response.status().as_u16()))
}
