//! Foreign certificates: chains, and authorities of mdoc signers.

use der::Encode as _;
use der::EncodePem as _;
use der::pem::LineEnding;

use super::*;
use crate::verify::testing::{read_vector, vectors};

fn read(path: &std::path::Path) -> (Vec<u8>, Certificate) {
    let pem = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let der = CertificateDer::from_pem_slice(&pem).unwrap();
    (der.to_vec(), Certificate::from_der(&der).unwrap())
}

/// Whether one certificate is signed with the key of another; nothing else of them is looked at.
fn signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let message = certificate.tbs_certificate().to_der().unwrap();
    let signature = certificate.signature().raw_bytes();
    let key = issuer.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    webpki::ALL_VERIFICATION_ALGS.iter().any(|algorithm| algorithm.verify_signature(key, &message, signature).is_ok())
}

fn middle_of(certificate: &Certificate) -> At {
    let validity = certificate.tbs_certificate().validity();
    let [start, end] = [validity.not_before, validity.not_after].map(|time| seconds(time.to_unix_duration()));
    At { now: Timestamp::from_seconds(i64::midpoint(start, end)), skew: 0 }
}

#[test]
fn chains_of_isomdl() {
    let Some(folder) = vectors("x509") else { return };
    let file = read_vector(&folder.join("isomdl-chains.json"));
    let pairs = file["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 4);
    for pair in pairs {
        let name = pair["leaf"].as_str().unwrap();
        let (leaf_der, leaf) = read(&folder.join(name));
        let (issuer_der, issuer) = read(&folder.join(pair["issuer"].as_str().unwrap()));
        let (body, issuer_body) = (leaf.tbs_certificate(), issuer.tbs_certificate());
        assert_eq!(body.issuer() == issuer_body.subject(), pair["name_chains"].as_bool().unwrap(), "{name}");
        assert_eq!(signed_by(&leaf, &issuer), pair["signature_valid"].as_bool().unwrap(), "{name}");
        assert!(!signed_by(&issuer, &leaf), "{name}");
        let chain = Chain::from_der(&[&leaf_der, &issuer_der]).unwrap();
        let (start, end) = chain.leaf_validity();
        let window = [start, end].map(|at| at.to_string().replace('T', " ").replace('Z', "+00:00"));
        assert_eq!(window, [0, 1].map(|side| pair["leaf_window"][side].as_str().unwrap().to_owned()), "{name}");
        // The one that is a signer by the book. The others are authorities themselves, and the one between was not
        // allowed any.
        let good = name == "isomdl_iaca_signer.pem";
        let trust = anchors_of(&issuer);
        let outcome =
            chain.of_document_signer(Some(document_signer::DRIVING_LICENCE)).leads_to(&trust, middle_of(&leaf));
        assert_eq!(outcome.is_ok(), good, "{name}: {outcome:?}");
    }
}

#[test]
fn authorities_sign_themselves() {
    let Some(folder) = vectors("x509") else { return };
    let mut paths: Vec<_> = std::fs::read_dir(folder.join("iaca")).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(paths.len(), 4);
    paths.push(folder.join("aamva_ca_root.crt"));
    paths.push(folder.join("isomdl_iaca_root_cert.pem"));
    for path in paths {
        let (der, certificate) = read(&path);
        assert!(signed_by(&certificate, &certificate), "{}", path.display());
        assert_eq!(TrustAnchors::from_pem(&std::fs::read(&path).unwrap()).map(|trust| trust.certificates.len()), Ok(1));
        let chain = Chain::from_der(&[&der]).unwrap();
        assert!(chain.is_self_signed() && chain.holds_an_anchor(&anchors_of(&certificate)), "{}", path.display());
    }
    let (_, root) = read(&folder.join("aamva_ca_root.crt"));
    let (_, intermediate) = read(&folder.join("aamva_ca_intermediate.crt"));
    assert!(signed_by(&intermediate, &root) && !signed_by(&root, &intermediate));
}

fn anchors_of(certificate: &Certificate) -> TrustAnchors {
    TrustAnchors::from_pem(certificate.to_pem(LineEnding::LF).unwrap().as_bytes()).unwrap()
}
