//! Sends the user to the issuer's page and brings the redirect back.

use std::process::Stdio;
use std::sync::Arc;

use billfold::model::ids::SessionId;
use billfold_test_issuer::{Decision, Running};
use tokio::process::{Child, Command};
use url::Url;

use crate::callback::{Callback, can_listen};
use crate::output::Output;
use crate::settings::Global;
use crate::terminal::Input;
use crate::trouble::{CommandError, Result, Trouble};

/// How the redirect comes back.
pub(crate) enum Return {
    /// To a port that this command listens on.
    Listen(Callback),
    /// To an address that only the user sees, who gives it on standard input.
    Type(Url),
    /// Later, to `resume`.
    Later(Url),
    /// The demonstration plays the user.
    Played { issuer: Arc<Running>, uri: Url },
}

impl Return {
    /// Gets ready before the issuance begins, because the authorization request names the address.
    pub(crate) async fn prepare(global: &Global, no_wait: bool) -> Result<Self> {
        let failed = |uri: &str, error: std::io::Error| {
            Trouble::command("listen_failed", format!("cannot listen for the sign-in at {uri}: {error}"))
        };
        match &global.redirect_uri {
            Some(uri) if no_wait => Ok(Self::Later(uri.clone())),
            Some(uri) if can_listen(uri) => {
                Callback::on(uri).await.map(Self::Listen).map_err(|error| failed(uri.as_str(), error))
            }
            Some(uri) => Ok(Self::Type(uri.clone())),
            None => {
                let callback = Callback::on_free_port().await.map_err(|error| failed("127.0.0.1", error))?;
                // Without waiting, nobody is to be there when the redirect comes: the browser shows
                // its address, and the user takes it to `resume`.
                Ok(if no_wait { Self::Later(callback.uri().clone()) } else { Self::Listen(callback) })
            }
        }
    }

    /// For a session that began in another process. Its sign-in returns to where that one
    /// listened, which is not here, unless the same address was named again.
    pub(crate) async fn prepare_again(global: &Global, no_wait: bool) -> Result<Self> {
        Self::prepare(global, no_wait || global.redirect_uri.is_none()).await
    }

    /// The demonstration's own user, at the demonstration's own issuer.
    pub(crate) fn played(issuer: Arc<Running>) -> Self {
        let uri = Url::parse("http://127.0.0.1/callback").expect("it is a URL");
        Self::Played { issuer, uri }
    }

    /// The redirect URI for the wallet.
    pub(crate) fn uri(&self) -> &Url {
        match self {
            Self::Listen(callback) => callback.uri(),
            Self::Type(uri) | Self::Later(uri) | Self::Played { uri, .. } => uri,
        }
    }

    /// Opens the page and waits for the redirect; nothing if it is to come later.
    pub(crate) async fn wait(
        self,
        url: &Url,
        session: &SessionId,
        global: &Global,
        output: &Output,
        input: &mut Input,
    ) -> Result<Option<String>> {
        match &self {
            Self::Later(_) => return Ok(None),
            Self::Played { issuer, .. } => {
                output.say("The demonstration opens that page and fills in its form, as you would in a browser …");
                let redirect = billfold_test_issuer::sign_in(url.as_str(), issuer.login(), Decision::Allow)
                    .await
                    .map_err(|error| {
                        Trouble::command("demo_failed", format!("the demonstration's user could not sign in: {error}"))
                    })?;
                output.say("… and is sent back to the wallet with a code.\n");
                return Ok(Some(redirect));
            }
            Self::Listen(_) | Self::Type(_) => {}
        }
        let mut browser = Browser::open(url, session, global, output)?;
        let back = async {
            match self {
                Self::Listen(callback) => {
                    let typed = async {
                        // On a remote machine the browser can't reach this port; its user still
                        // sees the address.
                        match (output.is_interactive(), input.word().await) {
                            (true, Some(word)) => word,
                            _ => std::future::pending().await,
                        }
                    };
                    if output.is_interactive() {
                        output.say("Waiting for the sign-in; or paste the address where your browser ended.");
                        tokio::select! {
                            url = callback.redirect() => url.map(String::from),
                            word = typed => Some(word),
                        }
                    } else {
                        callback.redirect().await.map(String::from)
                    }
                }
                Self::Type(_) => {
                    output.say("Paste the address where your browser ended:");
                    input.word().await
                }
                Self::Later(_) | Self::Played { .. } => None,
            }
        };
        tokio::select! {
            redirect = back => Ok(redirect),
            trouble = browser.failed() => Err(trouble),
            () = tokio::time::sleep(global.timeout) => Err(Trouble::Command(CommandError {
                code: "sign_in_timed_out",
                detail: format!("nobody signed in within {} seconds", global.timeout.as_secs()),
                retryable: true,
                session: Some(session.clone()),
                tolerated: None,
            })),
        }
    }
}

/// The program that shows the page, as far as it concerns us: whether it could be started.
struct Browser {
    child: Option<Child>,
    /// A command of the user's that fails is trouble; a system without a browser is not, the
    /// address has been printed.
    chosen: Option<String>,
    session: SessionId,
}

impl Browser {
    fn open(url: &Url, session: &SessionId, global: &Global, output: &Output) -> Result<Self> {
        let mut browser = Self { child: None, chosen: None, session: session.clone() };
        let words = match &global.browser {
            Some(words) => {
                browser.chosen = Some(words[0].clone());
                words.clone()
            }
            None if output.is_interactive() && matches!(url.scheme(), "http" | "https") => system_browser(),
            None => return Ok(browser),
        };
        let mut command = Command::new(&words[0]);
        // What the program says must not get among the events.
        command.args(&words[1..]).arg(url.as_str()).stdin(Stdio::null()).stdout(std::io::stderr());
        if browser.chosen.is_none() {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        match command.spawn() {
            Ok(child) => browser.child = Some(child),
            Err(error) if browser.chosen.is_some() => {
                return Err(browser.trouble(&format!("cannot be started: {error}")));
            }
            Err(_) => output.note("No browser could be opened; open the address yourself."),
        }
        Ok(browser)
    }

    fn trouble(&self, what: &str) -> Trouble {
        let name = self.chosen.as_deref().unwrap_or("the browser");
        Trouble::Command(CommandError {
            code: "browser_failed",
            detail: format!("`{name}` {what}"),
            retryable: true,
            session: Some(self.session.clone()),
            tolerated: None,
        })
    }

    /// Ends only when a chosen command has failed.
    async fn failed(&mut self) -> Trouble {
        if let (Some(child), true) = (&mut self.child, self.chosen.is_some()) {
            match child.wait().await {
                Ok(status) if status.success() => {}
                Ok(status) => return self.trouble(&format!("failed: {status}")),
                Err(error) => return self.trouble(&format!("failed: {error}")),
            }
        }
        std::future::pending().await
    }
}

fn system_browser() -> Vec<String> {
    let words: &[&str] = if cfg!(target_os = "macos") {
        &["open"]
    } else if cfg!(windows) {
        // What `start` does, without a shell that would read the address's `&`.
        &["rundll32", "url.dll,FileProtocolHandler"]
    } else {
        &["xdg-open"]
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
