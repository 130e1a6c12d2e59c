//! What no dialect softens: who the issuer is, TLS, whose key, whose signature.

use billfold::platform::http::{HttpRequest, HttpResponse};
use billfold::{CheckKind, ErrorCode, RequestOutcome};
use serde_json::{Value, json};

use super::holder::Sent;
use super::systems::{SYSTEMS, grants, plain_offer};
use crate::meddling::{answer, with_json};
use crate::world::failure;

fn of_issuer(request: &HttpRequest) -> bool {
    request.uri().path().contains("/.well-known/openid-credential-issuer")
}

fn of_server(request: &HttpRequest) -> bool {
    let path = request.uri().path();
    path.contains("/.well-known/oauth-authorization-server") || path.contains("/.well-known/openid-configuration")
}

/// Changes a document, if the answer is one.
fn in_document(answer: HttpResponse, change: impl Fn(&mut Value)) -> HttpResponse {
    let is_document = serde_json::from_slice::<Value>(answer.body()).is_ok_and(|body| body.get("error").is_none());
    if answer.status().is_success() && is_document { with_json(answer, change) } else { answer }
}

/// What stands in a server's document, with or without something around it.
fn unwrapped(document: &mut Value) -> &mut Value {
    if document.get("authorization_server").is_some_and(Value::is_object) {
        return &mut document["authorization_server"];
    }
    document
}

// covers: META-08, ASM-03
#[tokio::test]
async fn a_document_that_claims_to_be_anothers_ends_it_in_every_dialect() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        let grant = grants(&visit)[0];
        let offer = plain_offer(&visit, grant).expect("it is there");
        let mut faults = vec![("wrong-issuer", ErrorCode::IssuerMismatch)];
        // It has no document of a server.
        if system.name != "sphereon 0.14" {
            faults.push(("wrong-as-issuer", ErrorCode::AuthorizationServerMismatch));
        }
        for (fault, code) in faults {
            visit.world.issuer.set_fault(fault).expect("a fault");
            let holder = visit.holder();
            let error = failure(holder.wallet(&offer).open_offer(&offer.link).await);
            assert_eq!(error.code(), code, "{} {fault}: {error}", system.name);
            assert_eq!(holder.line.count(|sent| sent.method == "POST"), 0, "{}", system.name);
            visit.world.issuer.clear_faults();
        }
        // Somebody else's where 1.0 has it: the right one elsewhere does not make up for it.
        let holder = visit.holder().meddled(|request, came| {
            let other = json!({ "credential_issuer": "https://other.example",
                "credential_endpoint": "https://other.example/credential",
                "credential_configurations_supported": { "A": { "format": "dc+sd-jwt", "vct": "v" } } });
            let inserted = request.uri().path().starts_with("/.well-known/openid-credential-issuer");
            if inserted { answer(200, &other) } else { came }
        });
        let error = failure(holder.wallet(&offer).open_offer(&offer.link).await);
        assert_eq!(error.code(), ErrorCode::IssuerMismatch, "{}: {error}", system.name);
        assert_eq!(holder.line.count(|sent| sent.method == "POST"), 0, "{}", system.name);
    }
}

// covers: META-10
#[tokio::test]
async fn no_endpoint_is_http_in_any_dialect() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        let grant = grants(&visit)[0];
        let offer = plain_offer(&visit, grant).expect("it is there");
        let own = system.name != "sphereon 0.14";
        for (member, is_issuers) in [("credential_endpoint", true), ("token_endpoint", !own)] {
            let holder = visit.holder().meddled(move |request, came| {
                let wanted = if is_issuers { of_issuer(request) } else { of_server(request) };
                if !wanted {
                    return came;
                }
                in_document(came, |document| unwrapped(document)[member] = json!("http://issuer.example/endpoint"))
            });
            let Err(error) = holder.wallet(&offer).open_offer(&offer.link).await else {
                panic!("{} {member}: it opened", system.name)
            };
            let found = (error.code(), error.outcome());
            assert_eq!(found, (ErrorCode::InsecureUrl, RequestOutcome::NotSent), "{} {member}: {error}", system.name);
            assert_eq!(holder.line.count(|sent| sent.method == "POST"), 0, "{}", system.name);
        }
    }
}

#[tokio::test]
async fn nobody_is_asked_without_tls() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        for offer in visit.world.issuer.offers() {
            // The machine's own addresses are for developers, who have to say so.
            let holder = visit.holder();
            let wallet = holder.builder(offer).allow_loopback_http(false);
            let Ok(wallet) = wallet.build() else { panic!("{}: a wallet", system.name) };
            let error = failure(wallet.open_offer(&offer.link).await);
            let insecure = [ErrorCode::InsecureUrl, ErrorCode::OfferIssuerInvalid];
            assert!(insecure.contains(&error.code()), "{}: {error}", offer.name);
            // And others are never asked.
            let elsewhere = offer.link.replace("127.0.0.1", "issuer.example");
            assert_ne!(elsewhere, offer.link);
            let error = failure(holder.wallet(offer).open_offer(&elsewhere).await);
            assert!(insecure.contains(&error.code()), "{}: {error}", offer.name);
            assert_eq!(holder.line.sent().len(), 0, "{}: nothing was sent", offer.name);
        }
    }
}

// covers: CRES-10
#[tokio::test]
async fn whose_key_and_whose_signature_is_looked_at_in_every_dialect() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        for (fault, kind) in [("wrong-key", CheckKind::HolderBinding), ("bad-signature", CheckKind::Signature)] {
            visit.world.issuer.set_fault(fault).expect("a fault");
            let mut formats = Vec::new();
            for offer in visit.world.issuer.offers() {
                if formats.contains(&offer.format) {
                    continue;
                }
                formats.push(offer.format.clone());
                if system.name == "didroom" && offer.format == "ldp_vc" && kind == CheckKind::HolderBinding {
                    // It is bound to nobody: its subject has no id.
                    continue;
                }
                let holder = visit.holder();
                let offer = visit.again(offer);
                let wallet = holder.wallet(&offer);
                let Err(error) = holder.get(&wallet, &offer).await else {
                    panic!("{} {} {fault}: it was taken", system.name, offer.format)
                };
                let of = format!("{} {} {fault}: {error}", system.name, offer.format);
                assert_eq!(error.code(), ErrorCode::CredentialRejected, "{of}");
                let stored = wallet.credentials().await.expect("a list");
                let [credential] = stored.as_slice() else { panic!("{of}: {stored:?}") };
                assert!(credential.quarantined, "{of}");
                assert_eq!(credential.report.failed(), [kind], "{of}");
                assert_eq!(
                    holder.line.count(|sent: &Sent| sent.is_credential() && sent.status == Some(200)),
                    1,
                    "{of}"
                );
            }
            visit.world.issuer.clear_faults();
        }
    }
}
