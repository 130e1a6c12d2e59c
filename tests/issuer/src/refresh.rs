//! Refresh tokens: handing them out, and new access tokens for them (RFC 6749 section 6).

use serde_json::Value;

use crate::issuer::Issuer;
use crate::oauth::{Form, Wanted, check_client, missing};
use crate::refusal::Refusal;
use crate::token::{Granted, Sender, hand_out, within};

/// A refresh token that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) granted: Granted,
    pub(crate) expires: i64,
    /// Whether another one took its place.
    pub(crate) replaced: bool,
}

/// Redeems a refresh token. It is bound to the client, its DPoP key and its attested key.
pub(crate) fn redeem(issuer: &Issuer, server: usize, form: &Form, sender: Sender) -> Result<Value, Refusal> {
    let value = form.require("refresh_token")?;
    let client_id = sender.client_id(form);
    if let Some(id) = &client_id {
        check_client(issuer, id, None)?;
    }
    let narrowed = Wanted::read(issuer, form)?;
    let bad = |reason| Refusal::new("invalid_grant", reason);

    let mut book = issuer.book();
    let known = book.refresh_tokens.get(value).cloned();
    let known = known.ok_or_else(|| bad("The refresh token is unknown or was revoked"))?;
    let mut granted = known.granted;
    if granted.server != server {
        return Err(bad("The refresh token was given by another server"));
    }
    match (&granted.token.client_id, &client_id) {
        (Some(_), None) => return Err(missing("client_id")),
        (Some(owner), Some(sender)) if owner != sender => {
            return Err(bad("The refresh token was given to another client"));
        }
        _ => {}
    }
    if granted.token.dpop_key.is_some() && granted.token.dpop_key != sender.dpop_key {
        return Err(bad("The refresh token is bound to another DPoP key"));
    }
    if granted.instance_key.is_some() && granted.instance_key != sender.client.instance_key {
        return Err(bad("The refresh token is bound to another attested key"));
    }
    if known.replaced {
        // RFC 9700 section 4.14.2: somebody has a copy, so nobody goes on with it.
        book.revoke(&granted.token.family);
        issuer.log.refresh_token_reused();
        return Err(bad("The refresh token was replaced before, so the whole grant is revoked now"));
    }
    if known.expires <= issuer.now() {
        return Err(bad("The refresh token has expired"));
    }
    narrow(&mut granted, &narrowed)?;
    granted.token.dpop_key = sender.dpop_key;
    let rotate = issuer.options.rotate_refresh_tokens;
    if rotate {
        book.refresh_tokens.get_mut(value).expect("it was just there").replaced = true;
    }
    Ok(hand_out(issuer, &mut book, granted, rotate))
}

/// Less than what was granted may be asked for, not more.
fn narrow(granted: &mut Granted, wanted: &Wanted) -> Result<(), Refusal> {
    let token = &mut granted.token;
    if !wanted.details.is_empty() {
        token.configurations = within(&wanted.details, &token.configurations)?;
        token.claims.extend(wanted.claims.clone());
        token.echoes.extend(wanted.echoes.clone());
    }
    if let Some(scope) = &wanted.scope {
        let before: Vec<_> = granted.scope.as_deref().unwrap_or_default().split(' ').collect();
        if scope.split(' ').any(|word| !before.contains(&word)) {
            return Err(Refusal::new("invalid_scope", "The scope was not granted before"));
        }
        if wanted.details.is_empty() {
            token.configurations.retain(|id| wanted.scoped.contains(id));
        }
        granted.scope = Some(scope.clone());
    }
    let configurations = &token.configurations;
    token.identifiers.retain(|_, configuration| configurations.contains(configuration));
    Ok(())
}
