//! `sign-in --user U --password P URL`: a person at the login page, played by a headless Chromium.
//!
//! Made to be the wallet's `--browser`: it opens the URL, fills the login form, agrees on a consent page, and ends when
//! the browser has reached the redirect URI. It knows no server: any page with a password field is a login page.

use std::time::Duration;

use url::Url;

use super::process;
use super::webdriver::{Browser, Element};

const LIMIT: Duration = Duration::from_secs(60);

const USER: &str = "input[name=username], input[autocomplete=username], input[type=email]";
const PASSWORD: &str = "input[type=password]";
const SUBMIT: &str = "button[type=submit], input[type=submit], form button:not([type])";
/// What agrees on a consent page; where there is a way to refuse as well, its name tells them apart.
const AGREE: &str = "[name=accept], button[value=accept], button[value=allow], button[value=yes], \
                     button[value=approve]";

#[derive(Debug, Default)]
struct Arguments {
    user: String,
    password: String,
    url: String,
    /// Print the redirect URI that was reached, for a wallet that does not listen.
    print_redirect: bool,
}

impl Arguments {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().cloned().ok_or_else(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--user" => parsed.user = value()?,
                "--password" => parsed.password = value()?,
                "--print-redirect" => parsed.print_redirect = true,
                url if !url.starts_with('-') && parsed.url.is_empty() => url.clone_into(&mut parsed.url),
                other => return Err(format!("no option `{other}`")),
            }
        }
        for (given, name) in [(&parsed.user, "--user"), (&parsed.password, "--password"), (&parsed.url, "a URL")] {
            if given.is_empty() {
                return Err(format!("{name} is missing"));
            }
        }
        Ok(parsed)
    }
}

/// Runs the task: `sign-in --user U --password P [--print-redirect] URL`.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let arguments = Arguments::parse(arguments)?;
    process::catch_signals()?;
    let reached = sign_in(&arguments);
    // What fails after Ctrl-C fails because of it.
    process::check_interrupt()?;
    let reached = reached?;
    if arguments.print_redirect {
        println!("{reached}");
    }
    Ok(())
}

fn sign_in(arguments: &Arguments) -> Result<String, String> {
    let browser = Browser::start()?;
    browser.open(&arguments.url)?;
    let mut person = Person { browser: &browser, arguments, forms_at: Vec::new(), sent_password: false, left: None };
    let reached = process::poll(LIMIT, || person.act())?;
    match reached {
        Some(url) => Ok(url),
        None => Err(format!(
            "after {} s still at {}\n{}",
            LIMIT.as_secs(),
            person.place(),
            browser.text().unwrap_or_default()
        )),
    }
}

struct Person<'a> {
    browser: &'a Browser,
    arguments: &'a Arguments,
    /// Where forms were filled: the redirect URI is elsewhere.
    forms_at: Vec<url::Origin>,
    sent_password: bool,
    /// What was clicked last; while it is there the next page is not.
    left: Option<Element>,
}

impl Person<'_> {
    /// Looks at the page and does what it asks for. The redirect URI, once the browser is there.
    fn act(&mut self) -> Result<Option<String>, String> {
        if let Some(element) = &self.left
            && self.browser.has(element)
        {
            return Ok(None);
        }
        let address = self.browser.url()?;
        let Ok(url) = Url::parse(&address) else { return Ok(None) };
        if is_response(&url) {
            return Ok(Some(address));
        }
        if self.fill_login(&url)? || self.agree(&url)? {
            return Ok(None);
        }
        // The wallet may have sent the browser on to a page without the answer in its address.
        let elsewhere = !self.forms_at.is_empty() && !self.forms_at.contains(&url.origin());
        if elsewhere && url.scheme().starts_with("http") && self.browser.complete()? {
            return Ok(Some(address));
        }
        Ok(None)
    }

    /// Fills user name and password, on one page or on two.
    fn fill_login(&mut self, url: &Url) -> Result<bool, String> {
        let user = self.browser.find(USER)?;
        let password = self.browser.find(PASSWORD)?;
        if user.is_none() && password.is_none() {
            return Ok(false);
        }
        if self.sent_password {
            return Err(format!("the login page at {} refuses the user:\n{}", self.place(), self.browser.text()?));
        }
        if let Some(field) = &user {
            self.browser.fill(field, &self.arguments.user)?;
        }
        if let Some(field) = &password {
            self.browser.fill(field, &self.arguments.password)?;
            self.sent_password = true;
        }
        let button = self.browser.find(SUBMIT)?.ok_or_else(|| format!("the form at {} has no button", self.place()))?;
        self.send(button, url)?;
        Ok(true)
    }

    fn agree(&mut self, url: &Url) -> Result<bool, String> {
        let button = match self.browser.find(AGREE)? {
            Some(button) => button,
            // A page of the same server with a single way on.
            None if self.forms_at.contains(&url.origin()) => match self.browser.find(SUBMIT)? {
                Some(button) => button,
                None => return Ok(false),
            },
            None => return Ok(false),
        };
        self.send(button, url)?;
        Ok(true)
    }

    fn send(&mut self, button: Element, url: &Url) -> Result<(), String> {
        self.forms_at.push(url.origin());
        self.browser.click(&button)?;
        self.left = Some(button);
        Ok(())
    }

    /// The page's address without its query, and its title.
    fn place(&self) -> String {
        let mut address = self.browser.url().unwrap_or_default();
        address.truncate(address.find(['?', '#']).unwrap_or(address.len()));
        format!("{address} ({})", self.browser.title().unwrap_or_default())
    }
}

/// Whether the address carries the answer of an authorization server.
fn is_response(url: &Url) -> bool {
    let has = |wanted: &str| url.query_pairs().any(|(name, _)| name == wanted);
    (has("code") || has("error")) && has("state")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_ends_the_sign_in() {
        let is = |url| is_response(&Url::parse(url).expect("a URL"));
        assert!(is("http://127.0.0.1:9/cb?code=1&state=2&iss=x"));
        assert!(is("http://127.0.0.1:9/cb?error=access_denied&state=2"));
        assert!(!is("http://127.0.0.1:9/auth?response_type=code&state=2"));
        assert!(!is("http://127.0.0.1:9/login?session_code=1&tab_id=2"));
    }

    #[test]
    fn arguments_must_be_complete() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(Arguments::parse(&words("--user u --password p http://h/")).is_ok());
        assert!(Arguments::parse(&words("--user u http://h/")).is_err_and(|why| why.contains("--password")));
        assert!(Arguments::parse(&words("--user u --password p a b")).is_err());
    }
}
