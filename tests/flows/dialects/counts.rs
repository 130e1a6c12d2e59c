//! How many requests an issuance takes, and how many of them were in vain.

use billfold::Result;
use billfold_test_issuer::Grant;

use super::holder::{Line, Visit};
use super::systems::plain_offer;

/// Requests of one issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// All that the wallet sent; what the user's browser does is not among them.
    pub(super) requests: usize,
    /// Those for metadata that was not there, and credential requests that were refused.
    pub(super) fallbacks: usize,
}

/// The first issuance of a wallet, and the next one after everything that is kept in mind for a while is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) first: Count,
    pub(super) second: Count,
}

pub(super) async fn count(visit: &Visit, grant: Grant) -> Result<Counts> {
    let holder = visit.holder();
    let offer = plain_offer(visit, grant).expect("this grant is there");
    let offer = visit.again(&offer);
    let wallet = holder.wallet(&offer);
    holder.get(&wallet, &offer).await?;
    let first = of(&holder.line);
    holder.line.forget();
    // Longer than any document is kept.
    visit.pass(400);
    let next = visit.again(&offer);
    holder.get(&wallet, &next).await?;
    Ok(Counts { first, second: of(&holder.line) })
}

fn of(line: &Line) -> Count {
    let sent = line.sent();
    let documents = sent.iter().filter(|sent| sent.is_metadata());
    let name = |url: &url::Url| url.path().contains("openid-credential-issuer");
    let useful = |of_issuer: bool| {
        let good = documents.clone().filter(|sent| sent.status == Some(200) && name(&sent.url) == of_issuer);
        good.count().min(1)
    };
    let misplaced = documents.clone().count() - useful(true) - useful(false);
    let refused = sent.iter().filter(|sent| sent.is_credential() && sent.status.is_some_and(|status| status >= 300));
    Count { requests: sent.len(), fallbacks: misplaced + refused.count() }
}
