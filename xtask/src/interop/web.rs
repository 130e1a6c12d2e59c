//! Plain HTTP to servers on this machine.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;

/// A client without proxy and without redirects that takes every status as an answer.
pub(super) struct Web {
    agent: ureq::Agent,
}

/// An answer: its status and its body, as JSON where it is JSON.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// The body of a success.
    pub(super) fn ok(self, what: &str) -> Result<Value, String> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(format!("{what}: status {}: {}", self.status, self.body))
    }
}

impl Web {
    pub(super) fn new() -> Self {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self { agent }
    }

    pub(super) fn get(&self, url: &str, token: Option<&str>) -> Result<Answer, String> {
        let mut request = self.agent.get(url);
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        answer(request.call())
    }

    /// Asks for one media type.
    pub(super) fn get_as(&self, url: &str, media_type: &str) -> Result<Answer, String> {
        answer(self.agent.get(url).header("Accept", media_type).call())
    }

    pub(super) fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, String> {
        answer(self.agent.post(url).send_form(form.iter().copied()))
    }

    pub(super) fn post_json(&self, url: &str, token: Option<&str>, body: &Value) -> Result<Answer, String> {
        let mut request = self.agent.post(url);
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        answer(request.send_json(body))
    }

    pub(super) fn delete(&self, url: &str) -> Result<Answer, String> {
        answer(self.agent.delete(url).call())
    }
}

fn answer(result: Result<Response<ureq::Body>, ureq::Error>) -> Result<Answer, String> {
    let mut response = result.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}

/// A loopback port that was free a moment ago.
pub(super) fn free_port() -> Result<u16, String> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}
