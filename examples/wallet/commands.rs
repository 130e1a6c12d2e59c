//! What each command does.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use billfold::model::ids::{CredentialId, SessionId};
use billfold::{Credential, Error, ErrorCode, Step, Wallet, qr};
use serde_json::json;
use url::Url;

use crate::args::{Command, Issue};
use crate::help::HELP;
use crate::issue::Run;
use crate::offer::link;
use crate::output::Output;
use crate::settings::Global;
use crate::sign_in::Return;
use crate::terminal::Input;
use crate::trouble::{Ending, Result, Trouble};
use crate::{backup, demo, html, setup, verify};

pub(crate) async fn run(global: &Global, command: Command, output: &Output) -> Result<Ending> {
    match command {
        Command::Help => {
            output.event(&json!({"event": "help", "text": HELP}));
            output.say(HELP.trim_end());
        }
        Command::Version => {
            output.event(&json!({"event": "version", "version": env!("CARGO_PKG_VERSION")}));
            output.say(concat!("wallet ", env!("CARGO_PKG_VERSION")));
        }
        Command::Accept { offer: Some(offer), how } => return accept(global, output, &offer, &how).await,
        Command::Accept { offer: None, how } => return demo::run(global, output, &how).await,
        Command::Start { issuer, how } => return start(global, output, &issuer, &how).await,
        Command::Resume { what, how } => return resume(global, output, &what, &how).await,
        Command::Poll { session } => return poll(global, output, session).await,
        Command::Flush => flush(global, output).await?,
        Command::Pending => output.pending(&setup::wallet(global, output, None).await?.pending().await?),
        Command::List => output.listed(&setup::wallet(global, output, None).await?.credentials().await?),
        Command::Show { id, html } => show(global, output, &id, html.as_deref()).await?,
        Command::Verify(wanted) => return verify::run(global, output, &wanted).await,
        Command::Export { id } => {
            let wallet = setup::wallet(global, output, None).await?;
            output.exported(&find(&wallet, &id).await?);
        }
        Command::Recheck { id } => return recheck(global, output, &id).await,
        Command::Refresh { id, how } => return refresh(global, output, &id, &how).await,
        Command::Forget { id } => {
            let wallet = setup::wallet(global, output, None).await?;
            let credential = find(&wallet, &id).await?;
            wallet.forget(&credential.id).await?;
            output.event(&json!({"event": "forgotten", "credential": credential.id}));
            output.say(&format!("Forgotten: {}", credential.id));
            output.tell(&wallet).await;
        }
        Command::Backup { file } => backup::backup(global, output, &file).await?,
        Command::Restore { file } => backup::restore(global, output, &file).await?,
        Command::Inspect { offer, how } => inspect(global, output, &offer, &how).await?,
        Command::Qr { offer, out } => draw(output, &link(&offer, &mut Input::default()).await?, out.as_deref())?,
    }
    Ok(Ending::Done)
}

async fn accept(global: &Global, output: &Output, offer: &OsString, how: &Issue) -> Result<Ending> {
    let mut input = Input::default();
    let link = link(offer, &mut input).await?;
    let back = Return::prepare(global, how.no_wait).await?;
    let wallet = setup::wallet(global, output, Some(back.uri())).await?;
    let issuance = output.during("reading the offer", wallet.open_offer(&link)).await?;
    output.offer(issuance.id(), issuance.offer(), &issuance.dialect().await?);
    let run = Run { wallet: &wallet, global, output, input, how, back: Some(back) };
    run.finish(&issuance, Box::pin(issuance.accept_with(how.options()))).await
}

async fn start(global: &Global, output: &Output, issuer: &str, how: &Issue) -> Result<Ending> {
    let back = Return::prepare(global, how.no_wait).await?;
    let wallet = setup::wallet(global, output, Some(back.uri())).await?;
    let starting = wallet.start(issuer, &how.configurations);
    let issuance = output.during("asking the issuer", starting).await?;
    output.offer(issuance.id(), issuance.offer(), &issuance.dialect().await?);
    let run = Run { wallet: &wallet, global, output, input: Input::default(), how, back: Some(back) };
    run.finish(&issuance, Box::pin(issuance.accept_with(how.options()))).await
}

async fn resume(global: &Global, output: &Output, what: &str, how: &Issue) -> Result<Ending> {
    let back = Return::prepare_again(global, how.no_wait).await?;
    let wallet = setup::wallet(global, output, Some(back.uri())).await?;
    // An id is bare; whatever has a colon can only be a redirect.
    let redirect = what.contains(':');
    let issuance =
        if redirect { wallet.resume_redirect(what).await? } else { wallet.resume(&SessionId::new(what)).await? };
    let run = Run { wallet: &wallet, global, output, input: Input::default(), how, back: Some(back) };
    if redirect {
        run.finish(&issuance, Box::pin(issuance.submit_redirect(what))).await
    } else {
        run.finish(&issuance, Box::pin(issuance.proceed())).await
    }
}

/// Asks for what was not ready, in one session or in all; what one of them comes to does not
/// hold up the others.
async fn poll(global: &Global, output: &Output, session: Option<String>) -> Result<Ending> {
    let wallet = setup::wallet(global, output, None).await?;
    let sessions = if let Some(session) = session {
        vec![SessionId::new(session)]
    } else {
        let waiting = |step: &Step| matches!(step, Step::Wait { .. });
        wallet.pending().await?.into_iter().filter(|open| waiting(&open.step)).map(|open| open.id).collect()
    };
    let how = Issue { no_wait: true, ..Issue::default() };
    let mut endings = Vec::new();
    for session in sessions {
        let polled = async {
            let issuance = wallet.resume(&session).await?;
            let run = Run { wallet: &wallet, global, output, input: Input::default(), how: &how, back: None };
            run.finish(&issuance, Box::pin(issuance.poll())).await
        };
        endings.push(polled.await.unwrap_or_else(|trouble| {
            output.error(&trouble);
            trouble.ending()
        }));
    }
    // A failure is what matters most, then what is still open.
    let worst = [Ending::Failed, Ending::MoreToDo].into_iter().find(|ending| endings.contains(ending));
    Ok(worst.unwrap_or(Ending::Done))
}

async fn flush(global: &Global, output: &Output) -> Result<()> {
    let wallet = setup::wallet(global, output, None).await?;
    let flushed = output.during("telling issuers", wallet.flush()).await?;
    output.told(&flushed);
    let waiting = flushed.waiting;
    output.event(&json!({"event": "flushed", "notified": flushed.notified.len(), "waiting": waiting}));
    output.say(&format!("{} told, {waiting} to be tried again later", flushed.notified.len()));
    Ok(())
}

/// Shows a card with its pictures, and writes it as a page if that is wanted.
async fn show(global: &Global, output: &Output, id: &str, html: Option<&Path>) -> Result<()> {
    let wallet = setup::wallet(global, output, None).await?;
    let credential = find(&wallet, id).await?;
    let card = output.during("getting pictures", wallet.card(&credential.id, output.locale())).await?;
    if let Some(file) = html {
        write(file, html::page(&credential, &card))?;
    }
    output.shown(&credential, &card);
    if let Some(file) = html {
        output.say(&format!("Written to {}", file.display()));
    }
    Ok(())
}

fn write(file: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    std::fs::write(file, content)
        .map_err(|error| Trouble::command("file_unwritable", format!("cannot write {}: {error}", file.display())))
}

async fn recheck(global: &Global, output: &Output, id: &str) -> Result<Ending> {
    let wallet = setup::wallet(global, output, None).await?;
    let id = find(&wallet, id).await?.id;
    let credential = output.during("checking", wallet.recheck(&id)).await?;
    output.received(&credential, None);
    output.tell(&wallet).await;
    if credential.quarantined {
        let code = if credential.report.failed().is_empty() {
            ErrorCode::CredentialUnverified
        } else {
            ErrorCode::CredentialRejected
        };
        return Err(Error::new(code, "the credential did not pass its checks").into());
    }
    Ok(Ending::Done)
}

/// Gets a credential anew. Where the issuer wants the user's yes again, the command itself is it.
async fn refresh(global: &Global, output: &Output, id: &str, how: &Issue) -> Result<Ending> {
    let back = Return::prepare(global, how.no_wait).await?;
    let wallet = setup::wallet(global, output, Some(back.uri())).await?;
    let credential = find(&wallet, id).await?;
    let issuance = output.during("asking the issuer", wallet.refresh(&credential.id)).await?;
    let how = Issue { copies: u32::try_from(credential.instances.len()).ok(), ..how.clone() };
    let run = Run { wallet: &wallet, global, output, input: Input::default(), how: &how, back: Some(back) };
    run.finish(&issuance, Box::pin(issuance.proceed())).await
}

async fn inspect(global: &Global, output: &Output, offer: &OsStr, how: &Issue) -> Result<()> {
    let link = link(offer, &mut Input::default()).await?;
    let wallet = setup::wallet_in_memory(global, output)?;
    let issuance = output.during("reading the offer", wallet.open_offer(&link)).await?;
    let (summary, dialect) = (issuance.offer(), issuance.dialect().await?);
    output.offer(issuance.id(), summary, &dialect);
    output.say(&format!("Issuer  {}", summary.credential_issuer));
    for grant in &summary.grants {
        output.say(&format!("Grant   {}", grant.as_str()));
    }
    if let Some(tx_code) = &summary.tx_code {
        let length = tx_code.length.map_or_else(String::new, |length| format!(" of {length} characters"));
        output.say(&format!("Needs   a transaction code{length}"));
    }
    output.terms(issuance.id(), &issuance.terms(&how.options()).await);
    output.dialect(&dialect);
    output.transcript(&issuance.transcript().await?);
    Ok(())
}

/// A credential by its id, or by the start of it if that is enough to tell.
async fn find(wallet: &Wallet, id: &str) -> Result<Credential> {
    let exact = wallet.credential(&CredentialId::new(id)).await;
    match exact {
        Err(error) if error.code() == ErrorCode::CredentialUnknown && !id.is_empty() => {
            let all = wallet.credentials().await?;
            let mut fitting = all.into_iter().filter(|credential| credential.id.as_str().starts_with(id));
            match (fitting.next(), fitting.next()) {
                (Some(credential), None) => Ok(credential),
                (Some(_), Some(_)) => Err(Trouble::usage(format!("several credentials begin with `{id}`"))),
                (None, _) => Err(error.into()),
            }
        }
        other => Ok(other?),
    }
}

/// The link as a QR code: in the terminal, or in a file of the kind that its name says.
fn draw(output: &Output, link: &str, out: Option<&Path>) -> Result<()> {
    if Url::parse(link).is_err() {
        return Err(Error::new(ErrorCode::OfferMalformed, "this is no link").into());
    }
    let Some(file) = out else {
        if output.is_json() {
            output.event(&json!({"event": "qr", "file": null, "svg": qr::svg(link)?}));
        } else {
            output.picture(&qr::terminal(link)?);
        }
        return Ok(());
    };
    let extension = file.extension().map(OsStr::to_ascii_lowercase);
    let content = match extension.as_deref().and_then(OsStr::to_str) {
        Some("svg") => qr::svg(link)?.into_bytes(),
        Some("png") => qr::png(link)?,
        _ => return Err(Trouble::usage("--out: the file's name has to end in .svg or .png")),
    };
    write(file, content)?;
    output.event(&json!({"event": "qr", "file": file.to_string_lossy(), "svg": null}));
    output.say(&format!("Written to {}", file.display()));
    Ok(())
}

/// The last word about a command that stopped.
pub(crate) fn report(output: &Output, trouble: &Trouble) -> Ending {
    if let Trouble::Wallet(trouble) = trouble {
        output.transcript(trouble.error.transcript());
    }
    output.error(trouble);
    trouble.ending()
}
