//! Runs an issuance from step to step.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use billfold::model::ids::CredentialId;
use billfold::model::time::Timestamp;
use billfold::{Advice, CodeHint, ErrorCode, ErrorKind, Issuance, Step, Wallet};

use crate::args::Issue;
use crate::output::Output;
use crate::settings::Global;
use crate::sign_in::Return;
use crate::terminal::Input;
use crate::trouble::{Ending, Result, Trouble};

/// A call to the wallet that gives the next step. Such calls are large; here they are held by a box.
pub(crate) type Call<'a> = Pin<Box<dyn Future<Output = billfold::Result<Step>> + 'a>>;

/// What a run needs besides the issuance.
pub(crate) struct Run<'a> {
    pub(crate) wallet: &'a Wallet,
    pub(crate) global: &'a Global,
    pub(crate) output: &'a Output,
    pub(crate) input: Input,
    pub(crate) how: &'a Issue,
    /// How a sign-in comes back; taken by the first one.
    pub(crate) back: Option<Return>,
}

impl Run<'_> {
    /// Goes on until the end, or until a person or time is needed that cannot be had here.
    pub(crate) async fn finish(mut self, issuance: &Issuance, first: Call<'_>) -> Result<Ending> {
        let aside = self.put_aside().await?;
        let ending = self.steps(issuance, first).await;
        // An error of its own must not take the place of the one that is told.
        let tolerated = issuance.tolerated().await.ok();
        match &ending {
            // An error brings its own transcript.
            Err(Trouble::Wallet(trouble)) if trouble.error.kind() == ErrorKind::Verification => {
                // The error says that nothing usable came; what came is shown before it.
                for credential in self.wallet.credentials().await? {
                    if credential.quarantined && !aside.contains(&credential.id) {
                        self.output.received(&credential, tolerated.as_deref());
                    }
                }
            }
            Err(Trouble::Wallet(_)) => {}
            _ => self.output.transcript(&issuance.transcript().await?),
        }
        self.output.tell(self.wallet).await;
        ending.map_err(|trouble| trouble.having_tolerated(tolerated))
    }

    async fn put_aside(&self) -> Result<BTreeSet<CredentialId>> {
        let all = self.wallet.credentials().await?;
        Ok(all.into_iter().filter(|credential| credential.quarantined).map(|credential| credential.id).collect())
    }

    async fn steps(&mut self, issuance: &Issuance, first: Call<'_>) -> Result<Ending> {
        let mut code = self.how.tx_code.clone();
        let deadline = Instant::now() + self.global.timeout;
        let first = self.output.during("talking to the issuer", first).await;
        let mut step = self.agreed(issuance, first).await?;
        loop {
            step = match step {
                Step::Review => {
                    let accepting = issuance.accept_with(self.how.options());
                    self.output.during("talking to the issuer", accepting).await?
                }
                Step::EnterCode(ref hint) => match self.code(hint, code.take()).await {
                    Some(code) => self.submit_code(issuance, &code).await?,
                    None => return Ok(self.leave(issuance, &step)),
                },
                // A call on the way was cut short, by another process perhaps.
                Step::Interrupted => {
                    let going_on = self.output.during("talking to the issuer", issuance.proceed()).await;
                    self.agreed(issuance, going_on).await?
                }
                Step::SignIn { ref url } => {
                    self.output.step(issuance.id(), &step);
                    let Some(back) = self.back.take() else { return Ok(self.leave_silently(issuance, &step)) };
                    let redirect = back.wait(url, issuance.id(), self.global, self.output, &mut self.input).await?;
                    let Some(redirect) = redirect else { return Ok(self.leave_silently(issuance, &step)) };
                    let receiving = issuance.submit_redirect(&redirect);
                    self.output.during("fetching the credential", receiving).await?
                }
                Step::Wait { until } => {
                    self.output.step(issuance.id(), &step);
                    let pause = seconds_until(until);
                    if self.how.no_wait || Instant::now() + pause > deadline {
                        return Ok(self.leave_silently(issuance, &step));
                    }
                    self.output.during(&Output::waiting_until(until), tokio::time::sleep(pause)).await;
                    self.output.during("asking for the credential", issuance.poll()).await?
                }
                Step::Done { credentials, failures } => {
                    let tolerated = issuance.tolerated().await?;
                    for id in &credentials {
                        self.output.received(&self.wallet.credential(id).await?, Some(&tolerated));
                    }
                    for failure in &failures {
                        if let Some(id) = &failure.quarantined {
                            self.output.received(&self.wallet.credential(id).await?, Some(&tolerated));
                        }
                        self.output.failure(issuance.id(), failure, &tolerated);
                    }
                    return Ok(if failures.is_empty() { Ending::Done } else { Ending::Failed });
                }
                _ => {
                    return Err(Trouble::command(
                        "step_unknown",
                        "the issuance wants something that this command cannot do",
                    ));
                }
            };
        }
    }

    /// Takes an issuance that renews a credential to its user's yes, if the issuer no longer takes what the
    /// last yes left behind.
    async fn agreed(&self, issuance: &Issuance, step: billfold::Result<Step>) -> Result<Step> {
        match step {
            // Once is enough: after a sign-in that led to nothing there is no second one.
            Err(error) if error.code() == ErrorCode::ReauthorizationRequired && self.back.is_some() => {
                self.output.note("The issuer wants you to agree again.");
                let accepting = issuance.accept_with(self.how.options());
                Ok(self.output.during("talking to the issuer", accepting).await?)
            }
            other => Ok(other?),
        }
    }

    /// The code that was given with the command, or else what the user types.
    async fn code(&mut self, hint: &CodeHint, given: Option<String>) -> Option<String> {
        if given.is_some() || self.how.no_wait || !self.output.is_interactive() {
            return given;
        }
        if let Some(description) = &hint.tx_code.description {
            self.output.note(description);
        }
        let length = hint.tx_code.length.map(|length| format!("{length} characters"));
        let left = hint.refused.then(|| format!("attempts left: {}", hint.attempts_left));
        let about: Vec<_> = length.into_iter().chain(left).collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        self.output.ask(&format!("Transaction code{about}:"));
        self.input.word().await
    }

    /// A code of the wrong form, or one that was refused, is asked for again where someone is
    /// there to be asked.
    async fn submit_code(&self, issuance: &Issuance, code: &str) -> Result<Step> {
        match self.output.during("fetching the credential", issuance.submit_code(code)).await {
            Err(error) if error.advice() == Advice::AskCodeAgain && self.output.is_interactive() => {
                self.output.complain(&error.to_string(), error.code().as_str());
                Ok(issuance.step().await?)
            }
            other => Ok(other?),
        }
    }

    fn leave(&self, issuance: &Issuance, step: &Step) -> Ending {
        self.output.step(issuance.id(), step);
        self.leave_silently(issuance, step)
    }

    /// The step itself has been said already.
    fn leave_silently(&self, issuance: &Issuance, step: &Step) -> Ending {
        self.output.leave(issuance.id(), step);
        Ending::MoreToDo
    }
}

fn seconds_until(until: Timestamp) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let until = u64::try_from(until.seconds()).unwrap_or(0);
    Duration::from_secs(until.saturating_sub(now))
}
