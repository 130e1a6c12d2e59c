//! The issuer knows the user already: pre-authorized code grant.
//!
//! `cargo run --example pre_authorized -- LINK` takes an offer; without a link, an issuer on this
//! machine makes one, and its user types the code by themselves.

use std::error::Error;

use billfold::platform::memory::MemoryStore;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{Step, Wallet};
use billfold_test_issuer::{Grant, OfferSpec, Options, TestIssuer, TxCode};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut issuer = None;
    let mut sent_code = None; // reaches the user another way: by mail, on paper
    let link = if let Some(link) = std::env::args().nth(1) {
        link
    } else {
        let running = issuer.insert(TestIssuer::start(Options::default()).await?);
        let offer = OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt").tx_code(TxCode::default());
        let offer = running.make_offer(&offer)?;
        sent_code = offer.tx_code;
        offer.link
    };
    let wallet = Wallet::builder("billfold-wallet")
        .keys(SoftwareKeys::new())
        .store(MemoryStore::new())
        .allow_loopback_http(issuer.is_some()) // for an issuer on this machine only
        .build()?;

    let issuance = wallet.open_offer(&link).await?;
    println!("{} offers {}", issuance.offer().issuer_name(), issuance.offer().titles().join(", "));
    let mut step = issuance.accept().await?; // the user said yes
    let credentials = loop {
        step = match step {
            Step::EnterCode(hint) => {
                println!("A transaction code is wanted; attempts left: {}", hint.attempts_left);
                let code = match sent_code.take() {
                    Some(code) => code,
                    None => std::io::stdin().lines().next().ok_or("nobody typed a code")??,
                };
                issuance.submit_code(&code).await?
            }
            Step::Done { credentials, .. } => break credentials,
            other => return Err(format!("this example does not go on from {}", other.name()).into()),
        };
    };

    for id in credentials {
        let credential = wallet.credential(&id).await?;
        let card = credential.card(None);
        println!("{} from {}: {}", card.title, card.issuer_name, credential.report.verdict.as_str());
        for claim in card.claims {
            println!("  {}: {}", claim.label, claim.text);
        }
    }
    Ok(())
}
