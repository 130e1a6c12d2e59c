//! Checking certificate chains (`x5c`) against roots: ECDSA with P-256 and SHA-256.

use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use serde_json::Value;
use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use crate::encoding::unb64_standard;
use crate::keys::PublicKey;

/// ecdsa-with-SHA256.
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
/// Most certificates in a chain.
const LONGEST: usize = 5;

/// Roots out of PEM; none if it cannot be read or holds nothing.
pub(crate) fn read_roots(pem: &str) -> Option<Vec<Certificate>> {
    Certificate::load_pem_chain(pem.as_bytes()).ok().filter(|roots| !roots.is_empty())
}

/// The key of the first certificate, if the chain leads to a root that is not part of it.
pub(crate) fn check(x5c: &Value, roots: &[Certificate], now: i64) -> Result<PublicKey, String> {
    let entries = x5c.as_array().filter(|entries| (1..=LONGEST).contains(&entries.len()));
    let entries = entries.ok_or("it is not an array of one to five certificates")?;
    let chain = entries.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let (leaf, above) = chain.split_first().expect("one at least");
    if self_signed(leaf) {
        return Err("the signer's certificate is self-signed".to_owned());
    }
    if above.iter().any(self_signed) || chain.iter().any(|certificate| roots.contains(certificate)) {
        return Err("the trust anchor has no place in it".to_owned());
    }
    if constraints(leaf).is_some_and(|found| found.ca) {
        return Err("the signer's certificate is an authority's".to_owned());
    }
    if !may(leaf, KeyUsage::digital_signature) {
        return Err("the signer's certificate is not for signatures".to_owned());
    }
    for certificate in &chain {
        in_force(certificate, now)?;
    }
    for (index, pair) in chain.windows(2).enumerate() {
        let below = |most: u8| index <= usize::from(most);
        let vouches =
            constraints(&pair[1]).is_some_and(|found| found.ca && found.path_len_constraint.is_none_or(below));
        if !vouches || !may(&pair[1], KeyUsage::key_cert_sign) || !signed_by(&pair[0], &pair[1]) {
            return Err(format!("entry {} is not vouched for by the one after it", index + 1));
        }
    }
    let last = chain.last().expect("one at least");
    let root = roots.iter().find(|root| signed_by(last, root));
    in_force(root.ok_or("it does not lead to a trusted root")?, now)?;
    let spki = leaf.tbs_certificate().subject_public_key_info().to_der();
    PublicKey::from_spki(&spki.map_err(|_| "the signer's key cannot be read".to_owned())?)
}

fn read(entry: &Value) -> Result<Certificate, String> {
    entry
        .as_str()
        .and_then(unb64_standard)
        .and_then(|der| Certificate::from_der(&der).ok())
        .ok_or_else(|| "an entry is no certificate in base64".to_owned())
}

fn self_signed(certificate: &Certificate) -> bool {
    certificate.tbs_certificate().issuer() == certificate.tbs_certificate().subject()
}

fn constraints(certificate: &Certificate) -> Option<BasicConstraints> {
    certificate.tbs_certificate().get_extension().ok()?.map(|(_, constraints)| constraints)
}

/// Whether the key may be used so; without the extension it may be used for anything.
fn may(certificate: &Certificate, usage: fn(&KeyUsage) -> bool) -> bool {
    match certificate.tbs_certificate().get_extension::<KeyUsage>() {
        Ok(Some((_, found))) => usage(&found),
        Ok(None) => true,
        Err(_) => false,
    }
}

fn in_force(certificate: &Certificate, now: i64) -> Result<(), String> {
    let validity = certificate.tbs_certificate().validity();
    let now = u64::try_from(now).unwrap_or_default();
    let (from, until) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    if (from.as_secs()..=until.as_secs()).contains(&now) {
        Ok(())
    } else {
        Err("a certificate is not valid now".to_owned())
    }
}

fn signed_by(child: &Certificate, parent: &Certificate) -> bool {
    let (child_part, parent_part) = (child.tbs_certificate(), parent.tbs_certificate());
    let verifies = || {
        let key = parent_part.subject_public_key_info().to_der().ok()?;
        let key = p256::ecdsa::VerifyingKey::from_public_key_der(&key).ok()?;
        let signature = p256::ecdsa::DerSignature::from_bytes(child.signature().raw_bytes()).ok()?;
        key.verify(&child_part.to_der().ok()?, &signature).ok()
    };
    child_part.issuer() == parent_part.subject()
        && child.signature_algorithm().oid == ECDSA_SHA256
        && verifies().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::Authority;
    use crate::clock::system_now;
    use crate::encoding::b64_standard;
    use serde_json::json;

    #[test]
    fn only_a_whole_chain_to_a_known_root_holds() {
        let authority = Authority::new("Test");
        let signer = authority.signer("http://127.0.0.1:1");
        let roots = read_roots(&authority.root_pem).expect("PEM");
        let now = i64::try_from(system_now().as_secs()).expect("our time");
        let entries = signer.x5c();
        let [leaf, intermediate] = [&entries[0], &entries[1]];
        assert_eq!(check(&json!([leaf, intermediate]), &roots, now), Ok(signer.key.public()));
        let root = b64_standard(roots[0].to_der().expect("DER"));
        let other = Authority::new("Test").signer("http://127.0.0.1:1").x5c();
        for (case, chain) in [
            ("the root in it", json!([leaf, intermediate, root])),
            ("the root alone", json!([root])),
            ("no intermediate", json!([leaf])),
            ("the wrong way round", json!([intermediate, leaf])),
            ("an authority signs", json!([intermediate])),
            ("another intermediate of the same name", json!([leaf, other[1]])),
            ("another root of the same name", json!(other)),
            ("nothing", json!([])),
            ("no certificate", json!(["AAAA"])),
            ("text", json!("x")),
        ] {
            assert!(check(&chain, &roots, now).is_err(), "{case}");
        }
        let good = json!([leaf, intermediate]);
        for later in [-2 * 24 * 3600, 3651 * 24 * 3600] {
            assert!(check(&good, &roots, now + later).is_err());
        }
    }
}
