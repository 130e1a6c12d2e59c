//! A listener on this machine that catches the redirect at the end of a sign-in (RFC 8252, 7.3).

use std::io;
use std::time::Duration;

use billfold::model::ids::is_loopback;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use url::Url;

/// The path that the command listens on when it chooses the address itself.
const PATH: &str = "/callback";
/// No browser sends a longer head.
const MAX_HEAD: usize = 32 * 1024;
/// Browsers open connections that they may never use.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens for one redirect.
pub(crate) struct Callback {
    uri: Url,
    listeners: Vec<TcpListener>,
}

impl Callback {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) async fn on_free_port() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let uri = format!("http://{}{PATH}", listener.local_addr()?);
        let uri = Url::parse(&uri).expect("an address with a port makes a URL");
        Ok(Self { uri, listeners: vec![listener] })
    }

    /// Listens where a loopback redirect URI points.
    pub(crate) async fn on(uri: &Url) -> io::Result<Self> {
        let port = uri.port_or_known_default().unwrap_or(80);
        let mut listeners = Vec::new();
        let mut failed = None;
        // A name such as `localhost` may lead a browser to either family.
        for address in uri.socket_addrs(|| Some(port))? {
            match TcpListener::bind(address).await {
                Ok(listener) => listeners.push(listener),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if listeners.is_empty() => Err(error),
            _ => Ok(Self { uri: uri.clone(), listeners }),
        }
    }

    /// The redirect URI that leads here.
    pub(crate) fn uri(&self) -> &Url {
        &self.uri
    }

    /// Waits for the redirect and gives it back whole. Other requests are answered and forgotten.
    pub(crate) async fn redirect(self) -> Option<Url> {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(accept(listener, self.uri.clone(), sender.clone()));
        }
        drop(sender);
        receiver.recv().await
    }
}

async fn accept(listener: TcpListener, uri: Url, sender: mpsc::Sender<Url>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let (uri, sender) = (uri.clone(), sender.clone());
            connections.spawn(async move {
                // A connection that fails was not the one that is waited for.
                let _ = tokio::time::timeout(PATIENCE, answer(stream, &uri, &sender)).await;
            });
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(mut stream: TcpStream, uri: &Url, sender: &mpsc::Sender<Url>) -> io::Result<()> {
    let head = read_head(&mut stream).await?;
    let reply = reply(&head, uri);
    let (status, text) = match &reply {
        Reply::Redirect(url) if url.query_pairs().any(|(name, _)| name == "error") => {
            ("200 OK", "The sign-in did not succeed. The wallet says why; you can close this page.")
        }
        Reply::Redirect(_) => ("200 OK", "You are signed in. Go back to the wallet; you can close this page."),
        Reply::Refused(status) => (*status, "There is nothing here."),
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>billfold</title>\
         <body style=\"font: 1.2rem system-ui; margin: 4rem auto; max-width: 32rem; text-align: center\">\
         <p>{text}</p></body></html>"
    );
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         connection: close\r\n\r\n{page}",
        page.len()
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await?;
    if let Reply::Redirect(url) = reply {
        // Only the first one counts; a second finds the channel full or closed.
        let _ = sender.try_send(url);
    }
    Ok(())
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let read = stream.read(&mut chunk).await?;
        head.extend_from_slice(&chunk[..read]);
        if head.windows(4).any(|end| end == b"\r\n\r\n") {
            return String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into());
        }
        if read == 0 || head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Redirect(Url),
    Refused(&'static str),
}

/// What a request means: only a GET of the very path, with parameters, is the redirect.
fn reply(head: &str, uri: &Url) -> Reply {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Reply::Refused("400 Bad Request");
    };
    if method != "GET" {
        return Reply::Refused("405 Method Not Allowed");
    }
    match target.split_once('?') {
        Some((path, query)) if path == uri.path() && !query.is_empty() => {
            let mut url = uri.clone();
            // A redirect URI may have parameters of its own; they are part of what comes back.
            url.set_query(Some(query));
            Reply::Redirect(url)
        }
        _ => Reply::Refused("404 Not Found"),
    }
}

/// Whether the command can listen where a redirect URI points.
pub(crate) fn can_listen(uri: &Url) -> bool {
    uri.scheme() == "http" && uri.host().is_some_and(|host| is_loopback(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_redirect_itself_is_taken() {
        let uri = Url::parse("http://127.0.0.1:5000/callback").expect("url");
        let at = |line: &str| reply(&format!("{line}\r\nhost: x\r\n\r\n"), &uri);
        let url = Url::parse("http://127.0.0.1:5000/callback?code=a%20b&state=c").expect("url");
        assert_eq!(at("GET /callback?code=a%20b&state=c HTTP/1.1"), Reply::Redirect(url));
        for other in [
            "GET /favicon.ico HTTP/1.1",
            "GET /callback HTTP/1.1",
            "GET /callback? HTTP/1.1",
            "GET /callbacks?code=1 HTTP/1.1",
        ] {
            assert_eq!(at(other), Reply::Refused("404 Not Found"), "{other}");
        }
        assert_eq!(at("POST /callback?code=1 HTTP/1.1"), Reply::Refused("405 Method Not Allowed"));
        assert_eq!(at("nonsense"), Reply::Refused("400 Bad Request"));
    }

    #[test]
    fn loopback_over_http_only() {
        for (uri, can) in [
            ("http://127.0.0.1:1/x", true),
            ("http://localhost:1/x", true),
            ("http://[::1]:1/x", true),
            ("https://127.0.0.1:1/x", false),
            ("http://wallet.example/x", false),
            ("com.example.wallet:/x", false),
        ] {
            assert_eq!(can_listen(&Url::parse(uri).expect("url")), can, "{uri}");
        }
    }

    #[tokio::test]
    async fn idle_and_stray_connections_do_not_disturb() {
        let callback = Callback::on_free_port().await.expect("a port");
        let uri = callback.uri().clone();
        let address = uri.socket_addrs(|| None).expect("an address")[0];
        let waiting = tokio::spawn(callback.redirect());
        let _idle = TcpStream::connect(address).await.expect("connects");
        let ask = async |line: &str| {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            stream.write_all(format!("{line}\r\n\r\n").as_bytes()).await.expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("answered");
            answer
        };
        assert!(ask("GET /favicon.ico HTTP/1.1").await.starts_with("HTTP/1.1 404"));
        assert!(!waiting.is_finished());
        let answer = ask("GET /callback?code=1&state=2 HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("no-store"), "{answer}");
        let redirect = waiting.await.expect("no panic").expect("a redirect");
        assert_eq!(redirect.as_str(), format!("{uri}?code=1&state=2"));
    }
}
