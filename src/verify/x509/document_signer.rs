//! What ISO/IEC 18013-5 (Annex B) demands of the certificates of those who sign mobile documents, beyond what holds for
//! every path: the authority is an IACA, the signer a document signer.
//!
//! An authority that the app has chosen may sign much else besides documents, so the signer's certificate has to say
//! that it is for them: its key usage by digital signatures, its extended key usage by the purpose of document
//! signers. Profiles of other documents than driving licences have purposes of their own, and issuers sign licences
//! under those too: a purpose that is registered for nothing else is taken. None at all is taken for other documents
//! only.
//!
//! Not asked: that an authority's path length is 0 (what it says is kept to), that a signer's certificate ends within
//! 457 days, where revocation lists are. Real issuers differ there, and none of it tells who signed.

use der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage};

use super::{Certificate, ChainError};

/// The doctype for which the standard is written.
pub(super) const DRIVING_LICENCE: &str = "org.iso.18013.5.1.mDL";

/// Signing mobile driving licences (`id-mdl-kp-mdlDS`).
const SIGNER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.0.18013.5.1.2");
/// The arc of ISO/IEC 18013-5 for purposes of keys: revocation lists, authorities, readers.
const OF_MDOCS: &str = "1.0.18013.5.1.";
/// The arc of RFC 5280 for purposes of keys: TLS, mail, code and the like.
const OF_PKIX: &str = "1.3.6.1.5.5.7.3.";

/// Whether the signer's certificate is one that this authority issued for signing documents.
pub(super) fn check(leaf: &Certificate, authority: &Certificate, driving_licence: bool) -> Result<(), ChainError> {
    let invalid = |why: &str| Err(ChainError::Invalid(why.to_owned()));
    let body = leaf.tbs_certificate();
    match body.get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) if usage.digital_signature() => {}
        Ok(_) => return invalid("the signer's certificate does not say that it is for digital signatures"),
        Err(_) => return invalid("the signer's certificate has a malformed key usage"),
    }
    match body.get_extension::<ExtendedKeyUsage>() {
        Ok(Some((_, purposes))) if purposes.0.contains(&SIGNER) => {}
        Ok(Some((_, purposes))) if purposes.0.iter().all(is_for_others) => {
            return invalid("the signer's certificate is not for signing documents");
        }
        Ok(None) if driving_licence => {
            return invalid("the signer's certificate does not say that it is for signing documents");
        }
        Ok(_) => {}
        Err(_) => return invalid("the signer's certificate has a malformed extended key usage"),
    }
    match (country(leaf), country(authority)) {
        (Some(signer), Some(authority)) if !signer.eq_ignore_ascii_case(&authority) => {
            invalid("the signer's certificate is of another country than its authority's")
        }
        _ => Ok(()),
    }
}

/// Whether a purpose is registered, and for something else than signing documents.
fn is_for_others(purpose: &ObjectIdentifier) -> bool {
    let purpose = purpose.to_string();
    purpose.starts_with(OF_MDOCS) || purpose.starts_with(OF_PKIX)
}

/// The country in a subject.
pub(super) fn country(certificate: &Certificate) -> Option<String> {
    const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
    let subject = certificate.tbs_certificate().subject();
    let attribute = subject.iter().find(|attribute| attribute.oid == COUNTRY)?;
    // The standard asks for a printable string; several issuers write UTF-8.
    std::str::from_utf8(attribute.value.value()).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};

    use super::DRIVING_LICENCE;
    use crate::model::jwk::Algorithm;
    use crate::model::time::Timestamp;
    use crate::verify::testing::{Certified, NOW, TestKey, anchors};
    use crate::verify::x509::{At, Chain, ChainError};

    /// Whether a signer's certificate will do for a driving licence, and for another document.
    fn outcomes(signer: &Certified<'_>, authority: &Certified<'_>) -> [Result<(), ChainError>; 2] {
        let [key, authority_key] = [0, 1].map(|_| TestKey::new(Algorithm::Es256));
        let leaf = signer.signed_by(&key, authority, &authority_key);
        let trust = anchors(&[&authority.self_signed(&authority_key)]);
        let at = At { now: Timestamp::from_seconds(NOW), skew: 0 };
        [DRIVING_LICENCE, "org.example.card"]
            .map(|doctype| Chain::from_der(&[&leaf]).unwrap().of_document_signer(Some(doctype)).leads_to(&trust, at))
    }

    #[test]
    fn a_signer_is_one_of_documents() {
        let other = |number| ExtendedKeyUsagePurpose::Other(vec![1, 0, 18013, 5, 1, number]);
        let foreign = || ExtendedKeyUsagePurpose::Other(vec![1, 3, 130, 2, 0, 0, 1, 2]);
        let signer = || Certified::document_signer("Signer");
        for (what, signer, expected) in [
            ("by the book", signer(), [true, true]),
            ("no country", Certified { country: None, ..signer() }, [true, true]),
            ("another country", Certified { country: Some("DE"), ..signer() }, [false, false]),
            ("the country in lower case", Certified { country: Some("ut"), ..signer() }, [true, true]),
            ("no key usage", Certified { usage: Vec::new(), ..signer() }, [false, false]),
            (
                "for non-repudiation only",
                Certified { usage: vec![KeyUsagePurpose::ContentCommitment], ..signer() },
                [false, false],
            ),
            ("no purpose", Certified { purposes: Vec::new(), ..signer() }, [false, true]),
            ("a reader", Certified { purposes: vec![other(6)], ..signer() }, [false, false]),
            (
                "a server",
                Certified { purposes: vec![ExtendedKeyUsagePurpose::ServerAuth, other(3)], ..signer() },
                [false, false],
            ),
            ("a purpose of another profile", Certified { purposes: vec![foreign()], ..signer() }, [true, true]),
            (
                "several purposes",
                Certified { purposes: vec![ExtendedKeyUsagePurpose::ServerAuth, other(2)], ..signer() },
                [true, true],
            ),
        ] {
            let found = outcomes(&signer, &Certified::iaca("Authority"));
            assert_eq!(found.each_ref().map(Result::is_ok), expected, "{what}: {found:?}");
        }
    }
}
