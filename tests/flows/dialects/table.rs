//! System × grant × format × (by value, by reference): each cell is had over HTTP by a wallet of its own, or
//! does not exist for a reason that is written down.

use std::collections::{BTreeMap, BTreeSet};

use billfold::{Credential, Step, Tolerance, Verdict};
use billfold_test_issuer::{By, Grant, MadeOffer};

use super::absent::{FORMATS, absent};
use super::counts::{Counts, count};
use super::holder::{Visit, grant_name};
use super::page;
use super::systems::{SYSTEMS, System, grants};

/// What came of the offers of one system.
pub(super) struct Row {
    pub(super) system: &'static System,
    /// What is wrong, by cell; nothing where all is well.
    pub(super) cells: BTreeMap<(&'static str, String, &'static str), Vec<String>>,
    pub(super) tolerated: BTreeSet<Tolerance>,
    pub(super) counts: Vec<(Grant, Counts)>,
}

fn way(by: By) -> &'static str {
    match by {
        By::Value => "value",
        By::Reference => "reference",
    }
}

/// Gets what an offer offers with an empty wallet. Gives what was put up with, or what is wrong.
async fn look(visit: &Visit, offer: &MadeOffer) -> Result<Vec<Tolerance>, String> {
    let holder = visit.holder();
    let wallet = holder.wallet(offer);
    let (issuance, step) =
        holder.get(&wallet, offer).await.map_err(|error| format!("{error}\n{}", error.transcript()))?;
    let Step::Done { credentials, failures } = &step else { return Err(format!("it ended with {step:?}")) };
    let [id] = credentials.as_slice() else { return Err(format!("{step:?}")) };
    let credential = wallet.credential(id).await.expect("it is stored");
    if !failures.is_empty() || !is_good(&credential) {
        return Err(format!("{failures:?} {:#?}", credential.report));
    }
    Ok(issuance.tolerated().await.expect("a list"))
}

fn is_good(credential: &Credential) -> bool {
    credential.report.verdict == Verdict::Verified
        && !credential.quarantined
        && credential.instances.iter().all(|instance| instance.key.is_some())
}

async fn row(system: &'static System) -> Row {
    let visit = system.visit().await;
    let (mut cells, mut tolerated) = (BTreeMap::<_, Vec<String>>::new(), BTreeSet::new());
    for offer in visit.world.issuer.offers() {
        let cell = cells.entry((grant_name(offer.grant), offer.format.clone(), way(offer.by))).or_default();
        match look(&visit, offer).await {
            Ok(list) => tolerated.extend(list),
            Err(wrong) => cell.push(format!("{}: {wrong}", offer.name)),
        }
    }
    let mut counts = Vec::new();
    for grant in grants(&visit) {
        match count(&visit, grant).await {
            Ok(found) => counts.push((grant, found)),
            Err(error) => cells.entry((grant_name(grant), String::new(), "")).or_default().push(error.to_string()),
        }
    }
    Row { system, cells, tolerated, counts }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_system_gives_what_it_has() {
    // By this a developer looks at a part of the table.
    let only = std::env::var("BILLFOLD_SYSTEM").unwrap_or_default();
    let systems = SYSTEMS.iter().filter(|system| system.name.contains(&only));
    let rows: Vec<_> = systems.map(|system| tokio::spawn(row(system))).collect();
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        found.push(row.await.expect("it ends"));
    }
    for row in &found {
        for grant in [Grant::PreAuthorized, Grant::Code] {
            for format in FORMATS {
                for by in [By::Value, By::Reference] {
                    let cell = format!("{} {} {format} by {}", row.system.name, grant_name(grant), way(by));
                    let outcome = row.cells.get(&(grant_name(grant), (*format).to_owned(), way(by)));
                    match (outcome, absent(row.system.name, grant, format, by)) {
                        (None, None) => wrong.push(format!("{cell}: nobody offers it, and nobody says why")),
                        (Some(_), Some(_)) => wrong.push(format!("{cell}: it is offered, and said not to exist")),
                        (Some(problems), None) => wrong.extend(problems.iter().map(|one| format!("{cell}: {one}"))),
                        (None, Some(_)) => {}
                    }
                }
            }
        }
        for (grant, counts) in &row.counts {
            if counts.second.fallbacks > 0 {
                wrong.push(format!("{} {}: {:?}", row.system.name, grant_name(*grant), counts.second));
            }
        }
        if row.system.is_final() && !row.tolerated.is_empty() {
            wrong.push(format!("{}: {:?}", row.system.name, row.tolerated));
        }
    }
    let page = page::page(&found);
    println!("{page}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    if only.is_empty() {
        page::check(&page);
    }
}
