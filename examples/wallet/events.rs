//! What `--json` prints: one object a line, with `event` naming its kind.

use billfold::model::ids::SessionId;
use billfold::{
    Card, CardImage, Credential, DialectReport, Error, Failure, Format, OfferSummary, PendingIssuance, Step, Terms,
    Tolerance, Verification,
};
use serde_json::{Value, json};

use crate::args::Refused;
use crate::trouble::{CommandError, Trouble, WalletError};

/// What is offered, and how whoever offers it is spoken to.
pub(crate) fn offer(session: &SessionId, offer: &OfferSummary, dialect: &DialectReport) -> Value {
    let credentials: Vec<_> = offer
        .credentials
        .iter()
        .map(
            |offered| json!({"configuration": offered.configuration, "format": offered.format, "title": offered.title}),
        )
        .collect();
    let concluded: Vec<_> = dialect
        .concluded
        .iter()
        .map(|concluded| json!({"behaviour": concluded.behaviour, "conclusion": concluded.conclusion}))
        .collect();
    json!({
        "event": "offer",
        "session": session,
        "credential_issuer": offer.credential_issuer,
        "issuer_name": offer.issuer_name(),
        "credentials": credentials,
        "grants": offer.grants,
        "tx_code": offer.tx_code,
        "metadata_signed_by": offer.metadata_signed_by,
        "tolerated": dialect.tolerated,
        "dialect": {
            "looks_like": dialect.looks_like,
            "seen": dialect.seen,
            "concluded": concluded,
            "request": dialect.request,
        },
    })
}

/// What `accept` would use; `refused` says why it would use nothing.
pub(crate) fn terms(session: &SessionId, terms: &billfold::Result<Terms>) -> Value {
    let terms = match terms {
        Ok(terms) => terms,
        Err(error) => {
            let refused = json!({"kind": error.kind(), "code": error.code(), "detail": error.detail()});
            return json!({"event": "terms", "session": session, "refused": refused});
        }
    };
    let credentials: Vec<_> = terms
        .credentials
        .iter()
        .map(|credential| {
            json!({
                "configuration": credential.configuration,
                "proof_type": credential.proof.map(|proof| proof.proof_type),
                "algorithm": credential.proof.map(|proof| proof.algorithm),
                "key_attestation": credential.proof.is_some_and(|proof| proof.key_attestation),
            })
        })
        .collect();
    let left_out: Vec<_> = terms
        .left_out
        .iter()
        .map(|left| json!({"configuration": left.configuration, "code": left.code, "detail": left.detail}))
        .collect();
    json!({
        "event": "terms",
        "session": session,
        "refused": null,
        "profile": terms.profile,
        "grant": terms.grant,
        "client_authentication": terms.client_authentication,
        "dpop": terms.dpop,
        "encrypts_requests": terms.encrypts_requests,
        "encrypts_answers": terms.encrypts_answers,
        "batch_size": terms.batch_size,
        "credentials": credentials,
        "left_out": left_out,
    })
}

/// What a session waits for, as an event; nothing when it waits for no person and no time.
pub(crate) fn step(session: &SessionId, step: &Step) -> Option<Value> {
    match step {
        Step::SignIn { url } => Some(json!({"event": "sign_in", "session": session, "url": url})),
        Step::EnterCode(hint) => Some(json!({
            "event": "enter_code",
            "session": session,
            "hint": {
                "input_mode": hint.tx_code.input_mode,
                "length": hint.tx_code.length,
                "description": hint.tx_code.description,
                "refused": hint.refused,
                "attempts_left": hint.attempts_left,
            },
        })),
        Step::Wait { until } => Some(json!({"event": "waiting", "session": session, "until": until.to_string()})),
        _ => None,
    }
}

/// `stored` for a usable credential, `quarantined` for one that was put aside. `tolerated` is null where a
/// credential is checked again: its issuance is history.
pub(crate) fn received(credential: &Credential, card: &Card, tolerated: Option<&[Tolerance]>) -> Value {
    json!({
        "event": if credential.quarantined { "quarantined" } else { "stored" },
        "credential": credential.id,
        "configuration": credential.credential_configuration_id,
        "format": credential.format,
        "title": card.title,
        "report": credential.report,
        "tolerated": tolerated,
    })
}

/// One line of `list`.
pub(crate) fn listed(credential: &Credential, card: &Card) -> Value {
    json!({
        "event": "credential",
        "credential": credential.id,
        "configuration": credential.credential_configuration_id,
        "format": credential.format,
        "credential_issuer": credential.credential_issuer,
        "issuer_name": card.issuer_name,
        "title": card.title,
        "verdict": credential.report.verdict,
        "quarantined": credential.quarantined,
        "issued_at": credential.issued_at.to_string(),
        "expires_at": credential.expires_at.map(|at| at.to_string()),
        "state": card.state,
        "state_text": card.state_text,
        "expiry_text": card.expiry_text,
        "copies": credential.instances.len(),
    })
}

/// All of `show`.
pub(crate) fn shown(credential: &Credential, card: &Card) -> Value {
    let claims: Vec<_> = card
        .claims
        .iter()
        .map(|claim| {
            json!({
                "path": claim.path,
                "label": claim.label,
                "value": claim.text,
                "typed": claim.value,
                "disclosable": claim.disclosable,
                "mandatory": claim.mandatory,
            })
        })
        .collect();
    let mut event = listed(credential, card);
    event["description"] = json!(card.description);
    event["logo"] = picture(card.logo.as_ref());
    event["issuer_logo"] = picture(card.issuer_logo.as_ref());
    event["background_image"] = picture(card.background_image.as_ref());
    event["claims_left_out"] = json!(card.claims_left_out);
    event["locale"] = json!(card.locale);
    event["background_color"] = json!(card.background_color.map(billfold::Color::to_css));
    event["text_color"] = json!(card.text_color.to_css());
    event["claims"] = json!(claims);
    event["report"] = json!(credential.report);
    event
}

/// A picture without its bytes.
fn picture(image: Option<&CardImage>) -> Value {
    image.map_or(Value::Null, |image| {
        json!({
            "uri": image.uri,
            "alt_text": image.alt_text,
            "media_type": image.media_type.map(billfold::ImageType::media_type),
            "length": image.bytes.as_ref().map(Vec::len),
        })
    })
}

/// What `verify` found.
pub(crate) fn verified(format: &Format, found: &Verification) -> Value {
    json!({
        "event": "report",
        "format": format,
        "verdict": found.report.verdict,
        "checks": found.report.checks,
        "kind": found.kind,
        "valid_from": found.valid_from.map(|at| at.to_string()),
        "expires_at": found.expires_at.map(|at| at.to_string()),
    })
}

pub(crate) fn exported(credential: &Credential) -> Value {
    let raw: Vec<_> = credential.instances.iter().map(|instance| &instance.raw).collect();
    json!({"event": "export", "credential": credential.id, "format": credential.format, "raw": raw})
}

pub(crate) fn pending(pending: &PendingIssuance) -> Value {
    let mut event = json!({
        "event": "pending",
        "session": pending.id,
        "credential_issuer": pending.credential_issuer,
        "issuer_name": pending.issuer_name,
        "titles": pending.titles,
        "step": pending.step.name(),
        "updated_at": pending.updated_at.to_string(),
    });
    match &pending.step {
        Step::SignIn { url } => event["url"] = json!(url),
        Step::Wait { until } => event["until"] = json!(until.to_string()),
        _ => {}
    }
    event
}

/// An `error` has all its members always: what is not known is null.
struct ErrorEvent<'a> {
    kind: Value,
    code: Value,
    detail: &'a str,
    session: Option<&'a SessionId>,
    retryable: bool,
    advice: Value,
    wallet: Option<&'a Error>,
    tolerated: Option<&'a [Tolerance]>,
}

impl ErrorEvent<'_> {
    fn into_value(self) -> Value {
        let wallet = self.wallet;
        let server = wallet.and_then(Error::server_error);
        json!({
            "event": "error",
            "kind": self.kind,
            "code": self.code,
            "step": wallet.and_then(Error::operation).map(billfold::Operation::as_str),
            "endpoint": wallet.and_then(Error::endpoint_url),
            "status": wallet.and_then(Error::http_status),
            "server_error": server.map(|server| &server.error),
            "server_description": server.and_then(|server| server.error_description.as_ref()),
            "retryable": self.retryable,
            "outcome": wallet.map(Error::outcome),
            "session": self.session,
            "advice": self.advice,
            "tolerated": self.tolerated,
            "detail": self.detail,
        })
    }
}

pub(crate) fn error(trouble: &Trouble) -> Value {
    let event = match trouble {
        Trouble::Wallet(WalletError { error, tolerated }) => ErrorEvent {
            kind: json!(error.kind()),
            code: json!(error.code()),
            detail: error.detail(),
            session: error.session(),
            retryable: error.is_retryable(),
            advice: json!(error.advice()),
            wallet: Some(error),
            tolerated: tolerated.as_deref(),
        },
        Trouble::Command(CommandError { code, detail, retryable, session, tolerated }) => ErrorEvent {
            kind: json!("command"),
            code: json!(code),
            detail,
            session: session.as_ref(),
            retryable: *retryable,
            advice: if *retryable { json!("retry") } else { json!("fix_setup") },
            wallet: None,
            tolerated: tolerated.as_deref(),
        },
        Trouble::Refused(Refused::Usage(detail)) => ErrorEvent {
            kind: json!("command"),
            code: json!("usage"),
            detail,
            session: None,
            retryable: false,
            advice: json!("fix_setup"),
            wallet: None,
            tolerated: None,
        },
    };
    event.into_value()
}

/// The part of an issuance that failed while another part was stored.
pub(crate) fn failure(session: &SessionId, failure: &Failure, tolerated: &[Tolerance]) -> Value {
    let mut event = ErrorEvent {
        kind: json!(failure.code.kind()),
        code: json!(failure.code),
        detail: &failure.detail,
        session: Some(session),
        retryable: false,
        advice: json!(failure.code.advice()),
        wallet: None,
        tolerated: Some(tolerated),
    }
    .into_value();
    event["configuration"] = json!(failure.configuration);
    event["credential"] = json!(failure.quarantined);
    event
}
