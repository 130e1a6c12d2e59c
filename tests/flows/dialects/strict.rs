//! What a wallet that takes 1.0 only makes of all of them.

use billfold::{Dialects, ErrorCode, Operation, Step};
use billfold_test_issuer::Options;

use super::holder::{Sent, Visit};
use super::systems::{SYSTEMS, System, grants, plain_offer};

/// What comes of it.
#[derive(Debug, PartialEq, Eq)]
enum Ends {
    /// The issuer takes the request of 1.0 and answers it: what it says besides is for others.
    Well,
    /// Before a token was asked for.
    Unspent(ErrorCode, Operation),
    /// Nothing showed before the issuer refused the request of 1.0.
    AtTheRequest(ErrorCode),
}

fn expected(system: &System, at_root: bool) -> Ends {
    use Ends::{AtTheRequest, Unspent, Well};
    match system.name {
        // Draft 15 differs in the place of the metadata, which is the same without a path; Sphereon's newest release
        // takes what 1.0 sends.
        "draft15" if at_root => Well,
        "final" | "haip" | "sphereon 0.20" => Well,
        // One `display` where a list is due.
        "credibil" | "vercre" => Unspent(ErrorCode::MetadataMalformed, Operation::IssuerMetadata),
        // Metadata that fits 1.0 as far as it is read, and a credential endpoint that wants format and type.
        "draft14" | "draft13" if at_root => AtTheRequest(ErrorCode::ServerRefused),
        "draft15" | "draft14" | "draft13" | "didroom" => {
            Unspent(ErrorCode::MetadataUnavailable, Operation::IssuerMetadata)
        }
        // `credentials` in the offer.
        "draft12" | "draft11" => Unspent(ErrorCode::OfferMalformed, Operation::Offer),
        // The empty answer in the place of the metadata.
        "identus" => Unspent(ErrorCode::WrongContentType, Operation::IssuerMetadata),
        "sphereon 0.14" => Unspent(ErrorCode::MetadataUnavailable, Operation::AuthorizationServerMetadata),
        other => panic!("nothing is expected of {other}"),
    }
}

/// Where the issuer is: under a path, where the place of the metadata tells, or not.
fn places(system: &System) -> Vec<Options> {
    let options = system.options();
    if system.is_by_name() {
        return vec![options];
    }
    vec![Options { path: String::new(), ..options.clone() }, options]
}

#[tokio::test]
async fn strict_takes_1_0_only_and_says_what_is_wrong() {
    for system in SYSTEMS {
        for options in places(system) {
            let at_root = options.path.is_empty();
            let visit = Visit::to(system, options).await;
            for grant in grants(&visit) {
                let holder = visit.holder();
                let offer = plain_offer(&visit, grant).expect("it is there");
                let wallet = holder.builder(&offer).dialects(Dialects::Strict).build().expect("a wallet");
                let got = holder.get(&wallet, &offer).await;
                let spent = holder.line.count(Sent::is_token);
                let ends = match got {
                    Ok((issuance, step)) => {
                        assert!(matches!(step, Step::Done { .. }), "{}: {step:?}", system.name);
                        assert_eq!(issuance.tolerated().await.expect("a list"), [], "{}", system.name);
                        Ends::Well
                    }
                    Err(error) => {
                        assert!(!error.detail().is_empty());
                        match error.operation() {
                            Some(operation) if spent == 0 => Ends::Unspent(error.code(), operation),
                            _ => Ends::AtTheRequest(error.code()),
                        }
                    }
                };
                assert_eq!(ends, expected(system, at_root), "{} at root {at_root} {grant:?}", system.name);
                // One try at each thing: nothing is looked for elsewhere, or asked for another way.
                assert!(holder.line.count(Sent::is_metadata) <= 2, "{}", system.name);
                assert!(holder.line.count(Sent::is_credential) <= 1, "{}", system.name);
            }
        }
    }
}
