//! Encrypted credential requests and answers (OpenID4VCI section 10): what is agreed with the issuer, and
//! how a message is sealed and an answer opened.

use std::borrow::Cow;

use http::header::{ACCEPT, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jwe::{self, Agreed, ContentEncryption, DEFLATE, ECDH_ES, OneTimeKey, Recipient};
use super::message::{self, Covered};
use crate::dialect::{EncryptionForm, write};
use crate::error::{Error, ErrorCode, Operation};
use crate::model::metadata::{
    CredentialRequestEncryption, CredentialResponseEncryption, EncryptionKey, IssuerMetadata,
};
use crate::platform::http::{HttpLimits, HttpRequest, HttpResponse};

/// The media type of an encrypted message.
const JWT: &str = "application/jwt";
const JSON: &str = "application/json";

/// Whether credential requests and their answers are encrypted, beyond TLS.
///
/// `ECDH-ES` on P-256 with `A128GCM` or `A256GCM` (OpenID4VCI section 10), deferred credentials included.
/// Whoever wants an encrypted answer has to encrypt the request that asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Encryption {
    /// What the issuer requires.
    #[default]
    Auto,
    /// Both directions, or not at all: [`ErrorCode::EncryptionUnavailable`] from an issuer that does not
    /// offer both.
    Always,
    /// Nothing: [`ErrorCode::EncryptionRequired`] from an issuer that wants it.
    Never,
}

impl Encryption {
    /// The name in JSON and on command lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(crate) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// What of the next messages is encrypted, and how.
pub(crate) struct EncryptionPlan {
    request: Option<RequestPlan>,
    answer: Option<Agreed>,
    form: EncryptionForm,
}

struct RequestPlan {
    to: Recipient,
    kid: String,
    agreed: Agreed,
}

/// Agrees on encryption with what an issuer says of itself, or says why that can't be.
pub(crate) fn plan(issuer: &IssuerMetadata, wish: Encryption, form: EncryptionForm) -> Result<EncryptionPlan, Error> {
    let requests = issuer.credential_request_encryption.as_ref();
    let answers = issuer.credential_response_encryption.as_ref();
    let request_required = requests.is_some_and(|requests| requests.encryption_required);
    let answer_required = answers.is_some_and(|answers| answers.encryption_required);
    let (request, answer) = match wish {
        Encryption::Never if request_required || answer_required => {
            let detail = "the issuer requires encryption, and the wallet was told never to encrypt";
            return Err(Error::new(ErrorCode::EncryptionRequired, detail).at(Operation::IssuerMetadata));
        }
        Encryption::Never => (false, false),
        // From an issuer that takes no encrypted requests at all, that is the most there is.
        Encryption::Auto if form != EncryptionForm::InKey => (false, answer_required),
        // Only an encrypted request can ask for an encrypted answer: on the way, the key in a plain one
        // could be replaced by another.
        Encryption::Auto => (request_required || answer_required, answer_required),
        Encryption::Always => (true, true),
    };
    let unavailable =
        |problem: String| Error::new(ErrorCode::EncryptionUnavailable, problem).at(Operation::IssuerMetadata);
    Ok(EncryptionPlan {
        request: request.then(|| request_plan(requests)).transpose().map_err(unavailable)?,
        answer: answer.then(|| answer_plan(answers)).transpose().map_err(unavailable)?,
        form,
    })
}

fn request_plan(offered: Option<&CredentialRequestEncryption>) -> Result<RequestPlan, String> {
    let Some(offered) = offered else {
        return Err("the issuer takes no encrypted requests".to_owned());
    };
    let fits = |key: &&EncryptionKey| key.alg == ECDH_ES && Recipient::new(&key.jwk).is_some();
    let Some(key) = offered.jwks.iter().find(fits) else {
        let unusable = offered.unusable.iter().take(4).cloned().collect::<Vec<_>>().join("; ");
        let why = if unusable.is_empty() { String::new() } else { format!(": {unusable}") };
        return Err(format!("the issuer has no key on P-256 for ECDH-ES to encrypt requests to{why}"));
    };
    Ok(RequestPlan {
        to: Recipient::new(&key.jwk).expect("it was looked for"),
        kid: key.kid.clone(),
        agreed: agreed(&offered.enc_values_supported, &offered.zip_values_supported)
            .ok_or("the issuer takes requests neither in A256GCM nor in A128GCM")?,
    })
}

fn answer_plan(offered: Option<&CredentialResponseEncryption>) -> Result<Agreed, String> {
    let Some(offered) = offered else {
        return Err("the issuer does not encrypt its answers".to_owned());
    };
    if !offered.alg_values_supported.iter().any(|alg| alg == ECDH_ES) {
        return Err("the issuer does not encrypt its answers with ECDH-ES".to_owned());
    }
    agreed(&offered.enc_values_supported, &offered.zip_values_supported)
        .ok_or_else(|| "the issuer encrypts its answers neither in A256GCM nor in A128GCM".to_owned())
}

fn agreed(enc: &[String], zip: &[String]) -> Option<Agreed> {
    let enc = ContentEncryption::ALL.into_iter().find(|known| enc.iter().any(|listed| listed == known.as_str()))?;
    Some(Agreed { enc, zip: zip.iter().any(|listed| listed == DEFLATE) })
}

impl EncryptionPlan {
    /// Whether anything is encrypted.
    pub(crate) fn encrypts(&self) -> bool {
        self.request.is_some()
    }

    /// Whether the answer is to be encrypted too.
    pub(crate) fn encrypts_answers(&self) -> bool {
        self.answer.is_some()
    }

    /// Asks for an encrypted answer, if that was agreed, to a key that is made for it.
    pub(crate) fn ask(&self, body: &mut Value) -> AnswerKey {
        AnswerKey(self.answer.map(|agreed| {
            let key = OneTimeKey::generate();
            let public = key.public_jwk();
            let zip = agreed.zip.then_some(DEFLATE);
            write::credential_response_encryption(body, self.form, &public, ECDH_ES, agreed.enc.as_str(), zip);
            (key, agreed)
        }))
    }

    /// Encrypts a finished request, if that was agreed.
    pub(crate) fn seal(&self, request: HttpRequest, answer: &AnswerKey) -> HttpRequest {
        let Some(plan) = &self.request else { return request };
        let (mut parts, body) = request.into_parts();
        let sealed = jwe::seal(&body, &plan.to, Some(&plan.kid), plan.agreed);
        parts.headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(JWT));
        if answer.0.is_some() {
            // Refusals are never encrypted.
            parts.headers.insert(ACCEPT, http::HeaderValue::from_static("application/jwt, application/json"));
        }
        parts.extensions.insert(Covered(body));
        HttpRequest::from_parts(parts, sealed.into_bytes())
    }
}

/// What opens the answer to one request: nothing, if a plain answer is expected.
pub(crate) struct AnswerKey(Option<(OneTimeKey, Agreed)>);

impl AnswerKey {
    /// For an answer that was asked for plain.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// The answer as it would have come without encryption. Refusals come plain, and are left as they are.
    pub(crate) fn open(self, answer: &HttpResponse, operation: Operation) -> Result<Cow<'_, HttpResponse>, Error> {
        let Some((key, agreed)) = self.0.filter(|_| answer.status().is_success()) else {
            return Ok(Cow::Borrowed(answer));
        };
        let status = answer.status().as_u16();
        let fail = |code, detail: &str| Error::new(code, detail).at(operation).status(status);
        match message::media_type(answer).as_deref() {
            Some(JWT) => {}
            Some(media_type) if message::is_json(media_type) => {
                let detail = "the answer came plain, where an encrypted one was asked for";
                return Err(fail(ErrorCode::ResponseNotEncrypted, detail));
            }
            _ => return Err(fail(ErrorCode::WrongContentType, "the answer is neither an encrypted message nor JSON")),
        }
        let sealed = std::str::from_utf8(answer.body())
            .map_err(|error| fail(ErrorCode::DecryptionFailed, "the answer is no text").caused_by(error))?;
        let limit = HttpLimits::default().max_body_bytes;
        let opened = jwe::open(sealed.trim_ascii(), key, agreed, limit).map_err(|error| {
            fail(ErrorCode::DecryptionFailed, &format!("the answer can't be opened: {error}")).caused_by(error)
        })?;
        let mut plain = answer.clone();
        *plain.body_mut() = opened;
        plain.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(JSON));
        Ok(Cow::Owned(plain))
    }
}

#[cfg(test)]
#[path = "encryption_tests.rs"]
mod tests;
