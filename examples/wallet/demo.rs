//! The demonstration: an issuer on this machine, and the whole way to its credential.

use std::sync::Arc;

use billfold_test_issuer::{Grant, OfferSpec, Options, TestIssuer};

use crate::args::Issue;
use crate::issue::Run;
use crate::output::Output;
use crate::settings::Global;
use crate::setup;
use crate::sign_in::Return;
use crate::terminal::Input;
use crate::trouble::{Ending, Result, Trouble};

/// Takes a credential from an issuer of its own into a wallet that is thrown away.
///
/// The user of this issuer is played by the command, unless a browser was named.
pub(crate) async fn run(global: &Global, output: &Output, how: &Issue) -> Result<Ending> {
    if !global.dev {
        return Err(Trouble::usage("`accept` needs an OFFER; the demonstration without one needs --dev"));
    }
    if how.no_wait {
        return Err(Trouble::usage("the demonstration cannot be left: --no-wait needs an OFFER"));
    }
    let failed = |what: &str| Trouble::command("demo_failed", format!("the demonstration failed: {what}"));
    let issuer = TestIssuer::start(Options::default()).await.map_err(|error| failed(&error.to_string()))?;
    let wanted = OfferSpec::new(Grant::Code, "dc+sd-jwt");
    let offer = issuer.make_offer(&wanted).map_err(|error| failed(&error.to_string()))?;
    let issuer = Arc::new(issuer);
    output.say(&format!("An issuer runs at {} for this demonstration. Its offer:", issuer.base()));
    output.say(&format!("  {}\n", offer.link));

    let folder = tempfile::tempdir().map_err(|error| failed(&error.to_string()))?;
    let back = if global.browser.is_some() {
        let login = issuer.login();
        output.say(&format!("At the issuer, sign in as `{}` with `{}`.", login.user, login.password));
        Return::prepare(global, false).await?
    } else {
        Return::played(Arc::clone(&issuer))
    };
    let wallet = setup::wallet_in(folder.path(), global, output, Some(back.uri())).await?;
    let issuance = output.during("reading the offer", wallet.open_offer(&offer.link)).await?;
    output.offer(issuance.id(), issuance.offer(), &issuance.dialect().await?);
    let run = Run { wallet: &wallet, global, output, input: Input::default(), how, back: Some(back) };
    let ending = run.finish(&issuance, Box::pin(issuance.accept_with(how.options()))).await?;
    output.say("The credential was kept in a temporary store, which is gone now. `wallet --help` shows the rest.");
    Ok(ending)
}
