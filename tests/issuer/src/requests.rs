//! What a credential request asks for: which members it has, and which credential they name.

use serde_json::{Map, Value};

use crate::catalogue::Configuration;
use crate::claims::Path;
use crate::credential::malformed;
use crate::dialect::{Claims, Dialect, ProofMember, types};
use crate::issuer::Issuer;
use crate::proofs::{self, Shown};
use crate::refusal::Refusal;
use crate::token::Token;

type Object = Map<String, Value>;

/// Members of some dialect or other, so that a leftover is told apart from something unheard of.
const OF_SOME_DIALECT: [&str; 9] = [
    "credential_identifier",
    "credential_configuration_id",
    "proof",
    "proofs",
    "credential_requests",
    "credential_encryption_jwk",
    "credential_response_encryption",
    "credential_response_encryption_alg",
    "credential_response_encryption_enc",
];

impl Dialect {
    /// Whether credential requests have such a member.
    fn has_member(&self, name: &str) -> bool {
        match name {
            "credential_identifier" => self.selectors.identifier,
            "credential_configuration_id" => self.selectors.configuration,
            "proof" => self.proofs != ProofMember::Proofs,
            "proofs" => self.proofs != ProofMember::Proof,
            _ => self.selectors.format && types::MEMBERS.contains(&name),
        }
    }
}

/// A request that was found good.
pub(crate) struct Asked<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) shown: Shown,
    /// The claims that the credential shall have.
    pub(crate) wanted: Option<Vec<Path>>,
}

/// Reads one request; the nonces of its proofs are left to the caller.
pub(crate) fn read<'a>(issuer: &'a Issuer, token: &Token, request: &Object) -> Result<Asked<'a>, Refusal> {
    check_members(issuer, request)?;
    let configuration = choose(issuer, token, request)?;
    let shown = proofs::read(issuer, configuration, token.client_id.as_deref(), request)?;
    let here = if issuer.dialect.selectors.format && issuer.dialect.claims == Claims::Tree {
        types::wanted(&issuer.dialect, configuration, request).map_err(malformed)?
    } else {
        None
    };
    let wanted = here.or_else(|| token.claims.get(&configuration.id).cloned());
    Ok(Asked { configuration, shown, wanted })
}

fn check_members(issuer: &Issuer, request: &Object) -> Result<(), Refusal> {
    for name in request.keys().map(String::as_str) {
        if issuer.dialect.has_member(name) || !issuer.options.refuse_unknown_members {
            continue;
        }
        let of_another = OF_SOME_DIALECT.contains(&name) || types::MEMBERS.contains(&name);
        let reason = if of_another { "is of another draft" } else { "is not known" };
        return Err(malformed(format!("The member {name} {reason}")));
    }
    Ok(())
}

/// The configuration that the request names, if the token is good for it.
fn choose<'a>(issuer: &'a Issuer, token: &Token, request: &Object) -> Result<&'a Configuration, Refusal> {
    let dialect = &issuer.dialect;
    let text = |name: &str| match request.get(name).filter(|_| dialect.has_member(name)) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(malformed(format!("{name} is not a string"))),
    };
    let selectors = ["credential_identifier", "credential_configuration_id", "format"];
    let known: Vec<_> = selectors.into_iter().filter(|name| dialect.has_member(name)).collect();
    let mut there = known.iter().filter(|name| request.contains_key(**name));
    let selector = match (there.next(), there.next()) {
        (Some(name), None) => *name,
        (Some(one), Some(other)) => return Err(malformed(format!("{one} and {other} exclude each other"))),
        (None, _) => return Err(malformed(format!("{} is missing", known.join(" or ")))),
    };
    let value = text(selector)?.expect("it is there");
    if selector == "credential_identifier" && token.identifiers.is_empty() {
        return Err(malformed("The token answer gave no credential_identifiers, so none can be used"));
    }
    if selector != "credential_identifier" && !token.identifiers.is_empty() {
        return Err(malformed("The token answer gave credential_identifiers, so one has to be used"));
    }
    if selector != "format"
        && let Some(name) = types::MEMBERS.iter().find(|name| dialect.has_member(name) && request.contains_key(**name))
    {
        return Err(malformed(format!("{name} has no place beside {selector}")));
    }
    let candidates = match selector {
        "format" => types::named(issuer, request)?,
        "credential_identifier" => {
            let id = token.identifiers.get(value).ok_or_else(|| {
                Refusal::new("unknown_credential_identifier", "The token has no such credential identifier")
            })?;
            vec![issuer.configuration(id).expect("identifiers are of configurations")]
        }
        _ => vec![issuer.configuration(value).ok_or_else(|| {
            let reason = format!("'{value}' is not a configuration of this issuer");
            Refusal::new("unknown_credential_configuration", reason)
        })?],
    };
    candidates.into_iter().find(|candidate| token.configurations.contains(&candidate.id)).ok_or_else(|| {
        let message = "The access token is not good for this credential";
        Refusal::protected(token.scheme(), "insufficient_scope", message)
    })
}
