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
/// An authorization request that is refused by redirect returns that redirect as well. A page
/// without a form is an error that quotes what the page says.
pub async fn sign_in(authorization_url: &str, login: &Login, decision: Decision) -> Result<String, Error> {
    let url = parse(authorization_url)?;
    let page = send(&url, Method::GET, None).await?;
    if let Some(location) = page.location {
        return Ok(location);
    }
    let (Some(action), Some(request)) =
        (between(&page.text, "action=\""), between(&page.text, "name=\"request\" value=\""))
    else {
        return Err(Error(format!("the page ({}) has no form: {}", page.status, words(&page.text))));
    };
    let action = url.join(action).map_err(|error| Error(format!("the form leads nowhere: {error}")))?;
    let decision = match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
    };
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("request", request),
            ("username", &login.user),
            ("password", &login.password),
            ("decision", decision),
        ])
        .finish();
    let answer = send(&action, Method::POST, Some(form)).await?;
    answer.location.ok_or_else(|| Error(format!("the form was not taken ({}): {}", answer.status, words(&answer.text))))
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
