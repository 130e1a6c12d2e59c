//! A user made of code: opens the sign-in page, fills in the form, and says where it leads.

use http::header::{CONTENT_TYPE, HOST, LOCATION};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use crate::Error;
use crate::options::Login;

/// Most pages and redirects on the way.
const STEPS: usize = 10;

/// What the user does with the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Signs in and allows the wallet to have the credential.
    Allow,
    /// Says no.
    Deny,
}

/// Goes through the sign-in page behind an authorization URL, over real HTTP, and returns the
/// redirect that the browser would follow.
///
/// Redirects among the server's own pages are followed, and every form on the way is filled in. An
/// authorization request that is refused by redirect returns that redirect as well. A page without a
/// form is an error that quotes what the page says.
pub async fn sign_in(authorization_url: &str, login: &Login, decision: Decision) -> Result<String, Error> {
    let mut url = parse(authorization_url)?;
    let mut page = send(&url, Method::GET, None).await?;
    for _ in 0..STEPS {
        let leads = |to: &str| url.join(to).map_err(|error| Error(format!("'{to}' leads nowhere: {error}")));
        if let Some(location) = page.location {
            let next = leads(&location)?;
            if next.origin() != url.origin() {
                return Ok(location);
            }
            url = next;
            page = send(&url, Method::GET, None).await?;
            continue;
        }
        let Some(form) = Form::read(&page.text) else {
            return Err(Error(format!("the page ({}) has no form to fill in: {}", page.status, words(&page.text))));
        };
        let next = leads(&form.action)?;
        page = send(&next, Method::POST, Some(form.filled(login, decision))).await?;
        url = next;
        // The same form once more means that it was not taken.
        if page.location.is_none() && Form::read(&page.text).is_some_and(|again| again.same_fields(&form)) {
            return Err(Error(format!("the form was not taken ({}): {}", page.status, words(&page.text))));
        }
    }
    Err(Error("the pages do not come to an end".to_owned()))
}

/// The form of a page.
struct Form {
    action: String,
    hidden: Vec<(String, String)>,
    /// The names of everything else.
    names: Vec<String>,
}

impl Form {
    fn read(page: &str) -> Option<Self> {
        let (_, form) = page.split_once("<form")?;
        let form = form.split_once("</form>").map_or(form, |(form, _)| form);
        let mut read = Self { action: unescape(between(form, "action=\"")?), hidden: Vec::new(), names: Vec::new() };
        for tag in form.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("button")) {
            let Some(name) = between(tag, "name=\"") else { continue };
            if tag.contains("type=\"hidden\"") {
                let value = between(tag, "value=\"").unwrap_or_default();
                read.hidden.push((unescape(name), unescape(value)));
            } else {
                read.names.push(unescape(name));
            }
        }
        (!read.names.is_empty()).then_some(read)
    }

    fn same_fields(&self, other: &Self) -> bool {
        self.names == other.names
    }

    /// What is sent: who the user is where that is asked, and the button of the decision.
    fn filled(&self, login: &Login, decision: Decision) -> String {
        let allow = decision == Decision::Allow;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.hidden);
        let mut decided = false;
        for name in &self.names {
            let value = match name.as_str() {
                "username" => &login.user,
                "password" => &login.password,
                "decision" if !decided => {
                    if allow {
                        "allow"
                    } else {
                        "deny"
                    }
                }
                "accept" if allow => "Yes",
                "cancel" if !allow => "No",
                _ => continue,
            };
            decided |= name == "decision";
            form.append_pair(name, value);
        }
        form.finish()
    }
}

/// Text as it stood before it was put into a page.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// Opens a redirect that leads to a loopback address, as a browser would, and drops the answer.
pub async fn open(url: &str) -> Result<(), Error> {
    send(&parse(url)?, Method::GET, None).await.map(|_| ())
}

struct Page {
    status: StatusCode,
    location: Option<String>,
    text: String,
}

fn parse(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|error| Error(format!("'{text}' is not a URL: {error}")))
}

async fn send(url: &Url, method: Method, form: Option<String>) -> Result<Page, Error> {
    let failed = |error: &dyn std::fmt::Display| Error(format!("{method} {}: {error}", url.path()));
    if url.scheme() != "http" {
        return Err(Error(format!("only http is served here, not {}", url.scheme())));
    }
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    tokio::spawn(connection);
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = Request::builder().method(method.clone()).uri(target).header(HOST, format!("{host}:{port}"));
    if form.is_some() {
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let request = request.body(Full::new(Bytes::from(form.unwrap_or_default()))).map_err(|error| failed(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let status = answer.status();
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok()).map(str::to_owned);
    let body = answer.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
    Ok(Page { status, location, text: String::from_utf8_lossy(&body).into_owned() })
}

/// The text from after `start` to the next quote.
fn between<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once('"').map(|(found, _)| found)
}

/// The words of a page's body, without its markup.
fn words(page: &str) -> String {
    let body = page.split_once("<body>").map_or(page, |(_, body)| body);
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_page() {
        assert_eq!(words("<head><title>x</title></head><body>\n<h1>No</h1> <p>way</p></body>"), "No way");
    }
}
