//! The key of an mdoc's signer.

use super::{IssuerKeys, Miss, at, conclude, select, without_chain};
use crate::model::report::{CheckKind, Outcome, Reason};
use crate::verify::VerifyContext;
use crate::verify::cose::CoseSign1;
use crate::verify::x509::{Chain, Walk};

/// Looks for the key of an mdoc's signer: its certificate's, in `x5chain` (ISO/IEC 18013-5 section 9.1.2.4).
pub(crate) fn of_document_signer(
    auth: &CoseSign1<'_>,
    doctype: Option<&str>,
    context: &VerifyContext<'_>,
) -> IssuerKeys {
    if context.policy.is_off(CheckKind::IssuerKey) && context.policy.is_off(CheckKind::Signature) {
        let outcome = Outcome::Skipped(Reason::SwitchedOff);
        return conclude(Vec::new(), outcome, "nothing needs the key".to_owned());
    }
    let chain = match auth.x5chain() {
        Ok(None) => Err(Miss::failed("the header has no certificates (`x5chain`)")),
        Ok(Some(chain)) => Chain::from_der(&chain).map(|chain| chain.of_document_signer(doctype)).map_err(Miss::from),
        Err(error) => Err(Miss::failed(error.to_string())),
    };
    if let (None, Some(jwks)) = (context.credential_issuer, context.issuer_jwks) {
        let found = select(jwks, None, auth.algorithm().ok()).map(|keys| (keys, "handed in by the caller".to_owned()));
        // The certificates still say whom the key belongs to, if it is the one that they are for.
        let belongs = |chain: &Chain, keys: &[_]| chain.leaf_key().is_ok_and(|key| keys.contains(&key));
        let chain = chain.ok().filter(|chain| found.as_ref().is_ok_and(|(keys, _)| belongs(chain, keys)));
        let found = without_chain(found);
        let Some(chain) = chain else { return found };
        let anchored = chain.leads_to(context.trust, at(context));
        return found.with_chain(chain, anchored);
    }
    let (chain, key) = match chain.and_then(|chain| chain.leaf_key().map(|key| (chain, key)).map_err(Miss::from)) {
        Ok(found) => found,
        Err(miss) => return without_chain(Err(miss)),
    };
    let Walk { holds, anchored } = chain.walk(context.trust, at(context));
    let (outcome, detail) = match holds.map_err(Miss::from) {
        Ok(()) => (Outcome::Passed, "the signer's certificate".to_owned()),
        Err(miss) => (miss.outcome, miss.detail),
    };
    conclude(vec![key], outcome, detail).with_chain(chain, anchored)
}
