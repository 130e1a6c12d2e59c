//! The few `WebDriver` commands that a sign-in needs, and the browser that they drive.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{self, Group};
use super::web::Web;

const START_LIMIT: Duration = Duration::from_secs(30);
/// The member under which `WebDriver` hands out an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// A headless Chromium with a fresh profile; dropping it closes it.
pub(super) struct Browser {
    web: Web,
    session: String,
    // The driver is dropped before the folder that its browser writes to.
    _driver: Group,
    _profile: TempDir,
}

/// Something on the page.
pub(super) struct Element(String);

impl Browser {
    /// Starts chromedriver on a port that it chooses, and a browser under it.
    pub(super) fn start() -> Result<Self, String> {
        let profile =
            TempDir::with_prefix("billfold-browser-").map_err(|error| format!("no temporary folder: {error}"))?;
        let driver = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let mut command = Command::new(driver);
        command
            .arg("--port=0")
            // What the browser would otherwise leave in the home folder.
            .env("HOME", profile.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME");
        let mut driver = Group::spawn(&mut command, &profile.path().join("driver.log"))
            .map_err(|error| format!("{error} (Debian: chromium-driver)"))?;
        let port = process::poll(START_LIMIT, || {
            if let Some(status) = driver.ended()? {
                return Err(format!("chromedriver ended: {status}\n{}", driver.log_tail()));
            }
            Ok(announced_port(&driver.log()))
        })?
        .ok_or("chromedriver does not say its port")?;
        let web = Web::new();
        let base = format!("http://127.0.0.1:{port}/session");
        let answer = web.post_json(&base, None, &capabilities(profile.path()))?;
        let id = value(answer.status, answer.body)?["sessionId"]
            .as_str()
            .ok_or("chromedriver opened no session")?
            .to_owned();
        Ok(Self { web, session: format!("{base}/{id}"), _driver: driver, _profile: profile })
    }

    pub(super) fn open(&self, url: &str) -> Result<(), String> {
        self.post("url", &json!({ "url": url })).map(drop)
    }

    /// The address of the page, also of one that could not be loaded.
    pub(super) fn url(&self) -> Result<String, String> {
        self.get("url").map(|url| url.as_str().unwrap_or_default().to_owned())
    }

    pub(super) fn title(&self) -> Result<String, String> {
        self.get("title").map(|title| title.as_str().unwrap_or_default().to_owned())
    }

    /// The first element that the selector names and that can be seen.
    pub(super) fn find(&self, selector: &str) -> Result<Option<Element>, String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.post("elements", &query)?;
        for element in found.as_array().into_iter().flatten() {
            let Some(id) = element[ELEMENT].as_str() else { continue };
            // Between two pages an element can be gone again; then it is not the one.
            if self.get(&format!("element/{id}/displayed")) == Ok(Value::Bool(true)) {
                return Ok(Some(Element(id.to_owned())));
            }
        }
        Ok(None)
    }

    pub(super) fn fill(&self, element: &Element, text: &str) -> Result<(), String> {
        self.post(&format!("element/{}/clear", element.0), &json!({}))?;
        self.post(&format!("element/{}/value", element.0), &json!({ "text": text })).map(drop)
    }

    /// Clicks, and waits for the page that the click may load.
    pub(super) fn click(&self, element: &Element) -> Result<(), String> {
        self.post(&format!("element/{}/click", element.0), &json!({})).map(drop)
    }

    /// Whether the element is on the page still; a new page, even at the same address, has other elements.
    pub(super) fn has(&self, element: &Element) -> bool {
        self.get(&format!("element/{}/name", element.0)).is_ok()
    }

    /// What a person would read on the page.
    pub(super) fn text(&self) -> Result<String, String> {
        let script = "return document.body ? document.body.innerText : ''";
        let text = self.post("execute/sync", &json!({ "script": script, "args": [] }))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Whether the page has been loaded to its end.
    pub(super) fn complete(&self) -> Result<bool, String> {
        let script = "return document.readyState";
        let state = self.post("execute/sync", &json!({ "script": script, "args": [] }))?;
        Ok(state == "complete")
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let answer = self.web.get(&format!("{}/{path}", self.session), None)?;
        value(answer.status, answer.body)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let answer = self.web.post_json(&format!("{}/{path}", self.session), None, body)?;
        value(answer.status, answer.body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing the session ends the browser; the driver goes with its group.
        let _ = self.web.delete(&self.session);
    }
}

/// The `value` of an answer, or the driver's reason.
fn value(status: u16, body: Value) -> Result<Value, String> {
    if status != 200 {
        let kind = body["value"]["error"].as_str().unwrap_or("no reason");
        let text = body["value"]["message"].as_str().unwrap_or_default();
        return Err(format!("browser: {kind}: {}", text.lines().next().unwrap_or_default()));
    }
    let Value::Object(mut members) = body else {
        return Err("browser: an answer that is no object".into());
    };
    Ok(members.remove("value").unwrap_or_default())
}

fn announced_port(log: &str) -> Option<u16> {
    let (_, after) = log.split_once("started successfully on port ")?;
    let digits = after.find(|c: char| !c.is_ascii_digit())?;
    after[..digits].parse().ok()
}

fn capabilities(profile: &Path) -> Value {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-breakpad".to_owned(),
        "--disable-sync".to_owned(),
        "--no-first-run".to_owned(),
        "--no-default-browser-check".to_owned(),
        format!("--user-data-dir={}", profile.join("profile").display()),
    ];
    // Chromium refuses to sandbox for root, as containers run it; the pages are our own machine's.
    if rustix::process::geteuid().is_root() {
        arguments.push("--no-sandbox".to_owned());
    }
    let mut options = json!({ "args": arguments });
    if let Some(browser) = browser() {
        options["binary"] = browser.to_string_lossy().into();
    }
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "timeouts": { "pageLoad": 30000, "script": 10000 },
        "goog:chromeOptions": options,
    } } })
}

/// The browser: `CHROMIUM`, or the first of the usual names on the path.
fn browser() -> Option<OsString> {
    std::env::var_os("CHROMIUM").or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .flat_map(|folder| BROWSERS.iter().map(move |name| folder.join(name)))
            .find(|file| file.is_file())
            .map(PathBuf::into_os_string)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_only_when_its_line_is_whole() {
        assert_eq!(announced_port("ChromeDriver was started successfully on port 463"), None);
        assert_eq!(announced_port("x\nwas started successfully on port 46373.\n"), Some(46373));
    }

    #[test]
    fn a_refusal_says_what_the_driver_says() {
        let body = json!({"value": {"error": "no such element", "message": "gone\nstack"}});
        assert_eq!(value(404, body), Err("browser: no such element: gone".into()));
    }
}
