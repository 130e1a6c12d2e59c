//! The pages that the user sees: sign-in with consent, and errors that must not be redirected.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::authorize::{Pending, redirect_code, redirect_error};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::oauth::Form;
use crate::refusal::{Refusal, note};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}\
label{display:block;margin:1rem 0}input{display:block;width:100%;font:inherit;padding:.4rem;box-sizing:border-box}\
button{font:inherit;padding:.5rem 1.5rem;margin:.5rem .5rem 0 0}[role=alert]{color:#a40000}";

/// The sign-in page of a request.
pub(crate) fn page(issuer: &Issuer, id: &str, request: &Pending, problem: Option<&str>) -> Response {
    let mut credentials = String::new();
    for configuration in request.wanted.all().iter().filter_map(|id| issuer.configuration(id)) {
        let name = configuration.kind.names()[0].1;
        let _ = write!(credentials, "<li>{}</li>", escape(name));
    }
    let problem = problem.map_or(String::new(), |text| format!("<p role=\"alert\">{}</p>", escape(text)));
    let action = format!("{}/login", issuer.servers[request.server].path);
    let body = format!(
        "<h1>Test University</h1>\n\
         <p><b>{client}</b> asks for:</p>\n<ul id=\"credentials\">{credentials}</ul>\n{problem}\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{id}\">\n\
         <label>User name <input name=\"username\" autocomplete=\"username\" autofocus></label>\n\
         <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label>\n\
         <button name=\"decision\" value=\"allow\">Sign in and allow</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>",
        client = escape(&request.client_id),
        action = escape(&action),
        id = escape(id),
    );
    html(StatusCode::OK, "Sign in", &body)
}

/// A page for errors that stay with the server, because the client or its redirect URI is not
/// to be trusted.
pub(crate) fn error_page(refusal: &Refusal) -> Response {
    let body = format!(
        "<h1>This request cannot be served</h1>\n<p><code id=\"error\">{}</code>: \
         <span id=\"error_description\">{}</span></p>",
        escape(refusal.code),
        escape(&refusal.description)
    );
    let mut response = html(StatusCode::BAD_REQUEST, "Error", &body);
    note(&mut response, refusal.code, &refusal.description);
    response
}

/// Takes the form.
pub(crate) fn submit(issuer: &Issuer, server: usize, headers: &HeaderMap, body: &[u8]) -> Response {
    let form = match Form::from_body(headers, body) {
        Ok(form) => form,
        Err(refusal) => return error_page(&refusal),
    };
    let id = form.get("request").unwrap_or_default().to_owned();
    let pending = issuer.book().sign_ins.get(&id).cloned();
    let Some(request) = pending.filter(|pending| pending.server == server && pending.expires > issuer.now()) else {
        return error_page(&Refusal::new("invalid_request", "This sign-in is over; start again in the wallet"));
    };
    let login = &issuer.options.login;
    let known = form.get("username") == Some(&login.user) && form.get("password") == Some(&login.password);
    let refusal = match form.get("decision") {
        Some("deny") => Some("The user said no"),
        Some("allow") if !known => {
            return page(issuer, &id, &request, Some("Wrong user name or password"));
        }
        Some("allow") if issuer.faults.strikes(Fault::DenyLogin) => Some("This user may not have the credential"),
        Some("allow") => None,
        _ => return error_page(&Refusal::new("invalid_request", "The form has no decision")),
    };
    issuer.book().sign_ins.remove(&id);
    match refusal {
        None => redirect_code(issuer, request),
        Some(reason) => {
            let refusal = Refusal::new("access_denied", reason);
            redirect_error(issuer, server, &request.redirect_uri, request.state.as_deref(), &refusal)
        }
    }
}

fn html(status: StatusCode, title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    );
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // No form-action: browsers would apply it to the redirect into the wallet as well.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_from_outside_is_text() {
        assert_eq!(escape("<a b='c'>&\""), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
    }
}
