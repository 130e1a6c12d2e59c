//! Foreign mdocs through the whole check.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::*;
use crate::cbor::Item;
use crate::model::jwk::{Curve, Jwk};
use crate::model::time::Timestamp;
use crate::verify::testing::{World, anchors, outcome, read_vector, vector_files, vectors};
use crate::verify::x509::TrustAnchors;

/// The issued parts of what a file holds: one of its own, or those of a presentation's documents.
fn issued(bytes: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
    let item = Item::parse(bytes).unwrap();
    let Some(documents) = item.get("documents") else { return vec![(None, bytes.to_vec())] };
    let documents = documents.as_array().unwrap().map(|document| {
        let doctype = document.get("docType").unwrap().as_text().unwrap();
        (Some(doctype.to_owned()), document.get("issuerSigned").unwrap().encoded().to_vec())
    });
    documents.collect()
}

/// The certificate of the signer, in the header.
fn signer(issued: &[u8]) -> Option<Vec<u8>> {
    let chain = IssuerSigned::parse(issued).unwrap().auth.x5chain().unwrap()?;
    chain.first().map(|certificate| certificate.to_vec())
}

async fn look(issued: &[u8], world: &World) -> Examined {
    MsoMdoc.examine(&Value::String(URL_SAFE_NO_PAD.encode(issued)), &world.context()).await
}

fn at(text: &str) -> i64 {
    Timestamp::parse_rfc3339(text).unwrap().seconds()
}

fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    hex::decode(vector[name].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn mdocs_in_the_wild() {
    let Some(folder) = vectors("mdoc") else { return };
    let (mut files, mut documents) = (0, 0);
    for (file, vector) in vector_files(&folder) {
        files += 1;
        let without_certificate = file.starts_with("multipaz-");
        let with_other_digests = file.starts_with("vck-");
        let with_other_country = file.starts_with("ios-wallet-kit-");
        for (doctype, issued) in issued(&bytes(&vector, "hex")) {
            documents += 1;
            let signer = signer(&issued);
            let trust = match (vector["iaca_pem"].as_str(), &signer) {
                (Some(pem), _) => TrustAnchors::from_pem(pem.as_bytes()).unwrap(),
                (None, Some(signer)) => anchors(&[signer]),
                (None, None) => TrustAnchors::default(),
            };
            let kind = doctype.clone().map(CredentialKind::Doctype);
            let now = vector["valid_at"].as_str().map_or(World::default().now, at);
            let mut world = World { kind, now, trust, ..World::default() };
            let examined = look(&issued, &world).await;
            let of = |kind| outcome(&examined.checks, kind);
            let shown = format!("{file}: {:?}", examined.checks);
            // The rows with remarks on dates are accepted: fractions of seconds, bare text, `undefined` for the date
            // of the next update, which nothing here depends on.
            assert_eq!(of(CheckKind::Validity), Outcome::Passed, "{shown}");
            let digests = if with_other_digests { Outcome::Failed } else { Outcome::Passed };
            assert_eq!(of(CheckKind::Digests), digests, "{shown}");
            if without_certificate {
                assert_eq!(of(CheckKind::IssuerKey), Outcome::Failed, "{shown}");
                assert_eq!(of(CheckKind::Signature), Outcome::Unknown(Reason::DependsOnFailed), "{shown}");
            } else {
                for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::IssuerTrust] {
                    assert_eq!(of(kind), Outcome::Passed, "{shown}");
                }
            }
            let issuer = if with_other_country { Reason::Unsupported } else { Reason::NotApplicable };
            assert!(
                matches!(of(CheckKind::Issuer), Outcome::Unknown(found) | Outcome::Skipped(found) if found == issuer)
            );
            let of_type = if doctype.is_some() { Outcome::Passed } else { Outcome::Skipped(Reason::NotApplicable) };
            assert_eq!(of(CheckKind::Type), of_type, "{shown}");
            assert_eq!(of(CheckKind::HolderBinding), Outcome::Skipped(Reason::NotApplicable), "{shown}");
            assert!(examined.bound_key.is_some() && !examined.disclosable.is_empty(), "{shown}");
            // Outside of its window it is not valid, or its signer is not.
            for side in vector["window"].as_array().into_iter().flatten() {
                let before = side == &vector["window"][0];
                world.now = at(side.as_str().unwrap()) + if before { -120 } else { 120 };
                let examined = look(&issued, &world).await;
                let failed = |kind| outcome(&examined.checks, kind) == Outcome::Failed;
                assert!(failed(CheckKind::Validity) || failed(CheckKind::IssuerKey), "{file} at {side}");
            }
            // Of another type than was asked for, bound to another key, under another anchor.
            world.now = now;
            world.kind = Some(CredentialKind::Doctype("org.example.other".to_owned()));
            world.holder_keys = vec![crate::verify::testing::TestKey::new(crate::Algorithm::Es256).jwk()];
            world.trust = anchors(&[&crate::verify::testing::Certified::iaca("Other")
                .self_signed(&crate::verify::testing::TestKey::new(crate::Algorithm::Es256))]);
            let examined = look(&issued, &world).await;
            for kind in [CheckKind::Type, CheckKind::HolderBinding, CheckKind::IssuerTrust] {
                assert_eq!(outcome(&examined.checks, kind), Outcome::Failed, "{file} {kind}");
            }
        }
    }
    assert!(files >= 22 && documents >= 23, "{files} {documents}");
}

#[tokio::test]
async fn annex_d_of_iso_18013_5() {
    let Some(folder) = vectors("mdoc/iso18013-5-annex-d") else { return };
    let vector = read_vector(&folder.join("device-response.json"));
    let answers = read_vector(&folder.join("session-and-keys.json"));
    let response = bytes(&vector, "hex");
    assert_eq!(response, bytes(&answers, "ISO_18013_5_ANNEX_D_DEVICE_RESPONSE"));
    let [(doctype, issued)] = &issued(&response)[..] else { panic!("one document") };
    let alone = std::fs::read_to_string(folder.join("issuer-signed.cbor.hex")).unwrap();
    let alone = hex::decode(alone.trim()).unwrap();
    let signed_by = signer(issued).unwrap();
    assert_eq!(signed_by, bytes(&answers, "ISO_18013_5_ANNEX_D_DS_CERT"));
    assert_eq!(
        signed_by,
        CertificateDer::from_pem_slice(vector["ds_pem"].as_str().unwrap().as_bytes()).unwrap().as_ref()
    );
    let half = |name: &str| bytes(&answers, &format!("ISO_18013_5_ANNEX_D_{name}"));
    let key = |name: &str| {
        let (x, y) = (half(&format!("{name}_X")), half(&format!("{name}_Y")));
        Jwk::from_coordinates(Curve::P256, &x, &y).unwrap()
    };
    let device_key = key("STATIC_DEVICE_KEY");
    let mut world = World {
        now: at(vector["valid_at"].as_str().unwrap()),
        kind: doctype.clone().map(CredentialKind::Doctype),
        holder_keys: vec![device_key.clone()],
        trust: TrustAnchors::from_pem(vector["iaca_pem"].as_str().unwrap().as_bytes()).unwrap(),
        ..World::default()
    };
    assert_eq!(world.kind, Some(CredentialKind::Doctype(vector["mso_docType"].as_str().unwrap().to_owned())));
    for issued in [issued, &alone] {
        let examined = look(issued, &world).await;
        for check in &examined.checks {
            let passed = !matches!(check.kind, CheckKind::Issuer | CheckKind::Status);
            assert_eq!(check.outcome == Outcome::Passed, passed, "{check:?}");
        }
        assert_eq!(examined.bound_key.as_ref(), Some(&device_key));
        let date = |name: &str| at(&vector["validity"][name].as_str().unwrap().replace(' ', "T"));
        assert_eq!(examined.valid_from.unwrap().seconds(), date("validFrom"));
        assert_eq!(examined.expires_at.unwrap().seconds(), date("validUntil"));
        assert_eq!(examined.claims["org.iso.18013.5.1"]["family_name"], "Doe");
        assert_eq!(examined.claims["org.iso.18013.5.1"]["issue_date"], "2019-10-20");
        let portrait = examined.claims["org.iso.18013.5.1"]["portrait"].as_str().unwrap();
        assert!(portrait.starts_with("data:image/jpeg;base64,"));
        assert_eq!(examined.disclosable.len(), 6);
    }
    // The security object ends half a day after the signer's certificate.
    world.now = at("2021-10-01T13:30:02Z") + 61;
    let examined = look(issued, &world).await;
    assert_eq!(outcome(&examined.checks, CheckKind::Validity), Outcome::Failed);
    // What a reader asks for and what a phone presents is no credential.
    for other in [response, half("DEVICE_REQUEST"), half("DEVICE_ENGAGEMENT"), half("READER_AUTH")] {
        let examined = look(&other, &world).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed);
    }
    // Another key in the same notation.
    let encoded = half("E_DEVICE_KEY_BYTES");
    let found = cose_key::read(Item::parse(Item::parse(&encoded).unwrap().embedded().unwrap()).unwrap());
    assert_eq!(found, Ok(key("EPHEMERAL_DEVICE_KEY")));
}
