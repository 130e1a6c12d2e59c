//! The user signs in at the issuer: authorization code grant.
//!
//! `cargo run --example authorization_code -- LINK` takes an offer; without a link, an issuer on
//! this machine makes one, and its user signs in by themselves.

use std::error::Error;

use billfold::platform::memory::MemoryStore;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{Step, Wallet};
use billfold_test_issuer::{Decision, Grant, OfferSpec, Options, TestIssuer, sign_in};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut issuer = None;
    let link = if let Some(link) = std::env::args().nth(1) {
        link
    } else {
        let running = issuer.insert(TestIssuer::start(Options::default()).await?);
        running.make_offer(&OfferSpec::new(Grant::Code, "dc+sd-jwt"))?.link
    };

    let wallet = Wallet::builder("billfold-wallet")
        .redirect_uri("com.example.wallet:/callback")
        .keys(SoftwareKeys::new())
        .store(MemoryStore::new())
        .allow_loopback_http(issuer.is_some()) // for an issuer on this machine only
        .build()?;

    let issuance = wallet.open_offer(&link).await?;
    println!("{} offers {}", issuance.offer().issuer_name(), issuance.offer().titles().join(", "));
    let mut step = issuance.accept().await?; // the user said yes
    let credentials = loop {
        step = match step {
            Step::SignIn { url } => {
                println!("Sign in at {url}");
                let redirect = if let Some(running) = &issuer {
                    sign_in(url.as_str(), running.login(), Decision::Allow).await?
                } else {
                    println!("and paste the address where your browser ended:");
                    std::io::stdin().lines().next().ok_or("nobody signed in")??
                };
                issuance.submit_redirect(&redirect).await?
            }
            Step::Done { credentials, .. } => break credentials,
            other => return Err(format!("this example does not go on from {}", other.name()).into()),
        };
    };

    for id in credentials {
        let credential = wallet.credential(&id).await?;
        println!("{}: {}", credential.card(None).title, credential.report.verdict.as_str());
    }
    Ok(())
}
