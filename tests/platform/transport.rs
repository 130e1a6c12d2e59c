use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use billfold::platform::http::{
    HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportErrorKind,
};
use billfold::platform::reqwest::ReqwestTransport;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that treats every connection alike and counts them.
pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start<F: Future<Output = ()> + Send>(
        serve: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let serve = Arc::new(serve);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let serve = serve.clone();
                tokio::spawn(async move { serve(stream).await });
            }
        });
        Self { address, connections }
    }

    /// Answers every request of every connection with the same octets.
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        Self::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                while read_request(&mut stream).await.is_some() {
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads one request, head and body by `content-length`.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut read = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
            if read.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&read).into_owned());
            }
        }
        match stream.read(&mut chunk).await {
            Ok(length @ 1..) => read.extend_from_slice(&chunk[..length]),
            _ => return None,
        }
    }
}

fn get(url: &str) -> HttpRequest {
    http::Request::get(url).body(Vec::new()).unwrap()
}

fn post(url: &str) -> HttpRequest {
    http::Request::post(url).header("content-type", "text/plain").body(b"code=once".to_vec()).unwrap()
}

fn limits() -> HttpLimits {
    HttpLimits {
        connect_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(20),
        ..HttpLimits::default()
    }
}

async fn send(request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
    ReqwestTransport::new().send(request, limits).await
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: 1\r\nx-a: 2\r\n\r\nhi";

#[tokio::test]
async fn an_answer_arrives_with_status_headers_and_body() {
    let server = Server::answering("HTTP/1.1 418 Teapot\r\ncontent-length: 3\r\nx-a: 1\r\nx-a: 2\r\n\r\nhi!").await;
    let answer = send(get(&server.url("/a?b=c")), limits()).await.unwrap();
    assert_eq!(answer.status(), 418);
    assert_eq!(answer.body(), b"hi!");
    let values: Vec<_> = answer.headers().get_all("x-a").iter().collect();
    assert_eq!(values, ["1", "2"]);
}

#[tokio::test]
async fn a_request_leaves_as_it_was_built() {
    let server = Server::start(|mut stream| async move {
        let request = read_request(&mut stream).await.unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{request}", request.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let mut request = post(&server.url("/token?x=%20y"));
    request.headers_mut().insert("accept", "application/json".parse().unwrap());
    let answer = send(request, limits()).await.unwrap();
    let seen = String::from_utf8(answer.into_body()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(seen.starts_with("POST /token?x=%20y HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\ncode=once"), "{seen}");
    assert!(seen.contains(&format!("user-agent: billfold/{version}\r\n")), "{seen}");
    assert!(seen.contains("accept: application/json\r\n"), "{seen}");
    for unwanted in ["accept-encoding", "cookie", "referer", "*/*"] {
        assert!(!seen.to_ascii_lowercase().contains(unwanted), "{seen}");
    }
}

#[tokio::test]
async fn connections_are_used_again_and_cookies_are_not_kept() {
    let server = Server::start(|mut stream| async move {
        while let Some(request) = read_request(&mut stream).await {
            assert!(!request.contains("cookie"), "{request}");
            let answer = "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\nhi";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let transport = ReqwestTransport::new();
    for _ in 0..3 {
        assert_eq!(transport.clone().send(get(&server.url("/")), limits()).await.unwrap().body(), b"hi");
    }
    assert_eq!(server.connections(), 1);
}

// covers: SEC-11
#[tokio::test]
async fn redirects_are_handed_over_and_not_followed() {
    let server =
        Server::answering("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n").await;
    let answer = send(post(&server.url("/")), limits()).await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.headers()["location"], "http://127.0.0.1:9/");
}

#[tokio::test]
async fn nobody_listening_is_unreachable_and_surely_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = send(post(&format!("http://{address}/")), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Unreachable, false), "{error:?}");
    let error = send(post("http://no-such-name.invalid/"), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Unreachable, false), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let server = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let begun = Instant::now();
    let limits = HttpLimits { total_timeout: Duration::from_millis(300), ..limits() };
    let error = send(post(&server.url("/")), limits).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::TimedOut, true), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_body_that_drips_times_out() {
    let server = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let limits = HttpLimits { total_timeout: Duration::from_millis(400), ..limits() };
    let error = send(get(&server.url("/")), limits).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::TimedOut, true), "{error:?}");
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_is_a_connect_timeout() {
    let server = Server::start(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let limits = HttpLimits { connect_timeout: Duration::from_millis(300), ..limits() };
    let pki = Pki::new(&["127.0.0.1"]);
    let transport = ReqwestTransport::builder().root_certificate(&pki.root).build().unwrap();
    let error = transport.send(post(&format!("https://{}/", server.address)), limits).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::TimedOut, false), "{error:?}");
}

#[tokio::test]
async fn a_dropped_connection_is_lost_and_not_tried_again() {
    let server = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    for request in [get(&server.url("/")), post(&server.url("/"))] {
        let before = server.connections();
        let error = send(request, limits()).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::ConnectionLost, true), "{error:?}");
        assert_eq!(server.connections(), before + 1);
    }
}

#[tokio::test]
async fn a_request_on_a_used_connection_goes_out_once_too() {
    let posts = Arc::new(AtomicUsize::new(0));
    let counter = posts.clone();
    let server = Server::start(move |mut stream| {
        let counter = counter.clone();
        async move {
            while let Some(request) = read_request(&mut stream).await {
                if request.starts_with("POST") {
                    counter.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let transport = ReqwestTransport::new();
    transport.send(get(&server.url("/")), limits()).await.unwrap();
    let error = transport.send(post(&server.url("/")), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::ConnectionLost, true), "{error:?}");
    assert_eq!((posts.load(Ordering::SeqCst), server.connections()), (1, 1));
}

#[tokio::test]
async fn a_connection_dropped_in_the_body_is_lost() {
    for head in ["content-length: 10", "transfer-encoding: chunked"] {
        let server = Server::start(move |mut stream| async move {
            read_request(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n4\r\nab");
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let error = send(get(&server.url("/")), limits()).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::ConnectionLost, true), "{error:?}");
    }
}

#[tokio::test]
async fn an_announced_body_over_the_limit_is_not_read() {
    let server = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let error = send(get(&server.url("/")), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::TooLarge, true), "{error:?}");
}

// covers: SEC-11
#[tokio::test]
async fn an_endless_body_is_cut_off_at_the_limit() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = written.clone();
    let server = Server::start(move |mut stream| {
        let counter = counter.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {
                counter.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let error = send(get(&server.url("/")), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::TooLarge, true), "{error:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    // What the sockets hold on both sides comes on top of the 1 MiB.
    assert!(written.load(Ordering::SeqCst) < 32 * 1024 * 1024);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit() {
    let server = Server::answering(OK).await;
    let at = |max_body_bytes| HttpLimits { max_body_bytes, ..limits() };
    assert_eq!(send(get(&server.url("/")), at(2)).await.unwrap().body(), b"hi");
    assert_eq!(send(get(&server.url("/")), at(1)).await.unwrap_err().kind, TransportErrorKind::TooLarge);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
        let mut more = stream.write_all(b"HTTP/1.1 200 OK\r\nx-a: ").await.is_ok();
        while more {
            more = stream.write_all(&[b'x'; 4096]).await.is_ok();
        }
    })
    .await;
    let error = send(get(&server.url("/")), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::TooLarge, true), "{error:?}");
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    let server = Server::answering("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    let error = send(get(&server.url("/")), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Other, true), "{error:?}");
}

#[tokio::test]
async fn references_from_outside_stay_away_from_this_machine_and_its_network() {
    let server = Server::answering(OK).await;
    let port = server.address.port();
    let limits = HttpLimits { public_addresses_only: true, ..limits() };
    let transport = ReqwestTransport::new();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "[fe80::1]",
        "[fd00::1]",
    ] {
        let Ok(request) = http::Request::get(format!("http://{host}:{port}/")).body(Vec::new()) else {
            panic!("{host} makes no request");
        };
        let error = transport.send(request, limits).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::ForbiddenAddress, false), "{host}: {error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn without_a_runtime_it_is_an_error_and_no_panic() {
    let transport = ReqwestTransport::new();
    let sent = transport.send(get("http://127.0.0.1:9/"), limits());
    let error = futures_util::FutureExt::now_or_never(sent).expect("it does not wait").unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Other, false));
}

/// A certificate authority, and a server certificate by it.
struct Pki {
    root: String,
    server: Arc<rustls::ServerConfig>,
}

impl Pki {
    fn new(names: &[&str]) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Test root");
        let root_key = rcgen::KeyPair::generate().unwrap();
        let root = params.self_signed(&root_key).unwrap();
        let issuer = rcgen::Issuer::new(params, root_key);
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls_pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        Self { root: root.pem(), server: Arc::new(server) }
    }

    async fn serve(&self) -> Server {
        let acceptor = tokio_rustls::TlsAcceptor::from(self.server.clone());
        Server::start(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    answer_until_closed(&mut stream).await;
                }
            }
        })
        .await
    }
}

async fn answer_until_closed(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    while read_request(stream).await.is_some() {
        stream.write_all(OK.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
}

// covers: SEC-02
#[tokio::test]
async fn tls_takes_an_extra_root_and_nobody_elses_certificate() {
    let (pki, other) = (Pki::new(&["127.0.0.1", "localhost"]), Pki::new(&["127.0.0.1"]));
    let server = pki.serve().await;
    let url = format!("https://{}/", server.address);
    let named = format!("https://localhost:{}/", server.address.port());

    let transport = ReqwestTransport::builder().root_certificate(&pki.root).build().unwrap();
    assert_eq!(transport.send(get(&url), limits()).await.unwrap().body(), b"hi");
    assert_eq!(transport.send(get(&named), limits()).await.unwrap().body(), b"hi");

    let both = format!("{}{}", other.root, pki.root);
    let transport = ReqwestTransport::builder().root_certificate(both).build().unwrap();
    assert_eq!(transport.send(get(&url), limits()).await.unwrap().body(), b"hi");

    let strangers =
        [ReqwestTransport::new(), ReqwestTransport::builder().root_certificate(other.root).build().unwrap()];
    for transport in strangers {
        let error = transport.send(post(&url), limits()).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Tls, false), "{error:?}");
    }
    // The right authority, another name.
    let pki = Pki::new(&["localhost"]);
    let server = pki.serve().await;
    let transport = ReqwestTransport::builder().root_certificate(&pki.root).build().unwrap();
    let error = transport.send(get(&format!("https://{}/", server.address)), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Tls, false), "{error:?}");
}

#[tokio::test]
async fn tls_to_a_server_without_tls_fails_as_tls() {
    let server = Server::start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
        read_request(&mut stream).await;
    })
    .await;
    let pki = Pki::new(&["127.0.0.1"]);
    let transport = ReqwestTransport::builder().root_certificate(pki.root).build().unwrap();
    let error = transport.send(post(&format!("https://{}/", server.address)), limits()).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Tls, false), "{error:?}");
}

#[test]
fn what_is_no_certificate_is_refused() {
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "hello", no_certificate, "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"] {
        let error = ReqwestTransport::builder().root_certificate(pem).build().unwrap_err();
        assert_eq!((error.kind, error.maybe_sent), (TransportErrorKind::Tls, false), "{pem}");
    }
}

#[test]
fn no_provider_is_installed_for_the_whole_process() {
    let transport = ReqwestTransport::new();
    drop(transport);
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

/// What a child process with proxies in its environment sends; see the test below.
#[tokio::test]
#[ignore = "runs only as a child of proxies_of_the_environment_are_used_but_not_for_loopback"]
async fn child_with_proxies() {
    let Ok(direct) = std::env::var("BILLFOLD_TEST_DIRECT") else { return };
    let transport = ReqwestTransport::new();
    assert_eq!(transport.send(get(&direct), limits()).await.unwrap().body(), b"direct");
    for public_addresses_only in [false, true] {
        let limits = HttpLimits { public_addresses_only, ..limits() };
        let answer = transport.send(get("http://issuer.invalid/path"), limits).await.unwrap();
        assert_eq!(answer.body(), b"proxied");
    }
    // Nor may a reference from outside make the proxy talk to private addresses, or to itself.
    let limits = HttpLimits { public_addresses_only: true, ..limits() };
    for url in ["http://10.0.0.1/", "http://localhost:1/", "http://[::1]/"] {
        let error = transport.send(get(url), limits).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::ForbiddenAddress, "{url}: {error:?}");
    }
}

#[tokio::test]
async fn proxies_of_the_environment_are_used_but_not_for_loopback() {
    let direct = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ndirect").await;
    let proxy = Server::start(|mut stream| async move {
        while let Some(request) = read_request(&mut stream).await {
            assert!(request.starts_with("GET http://issuer.invalid/path HTTP/1.1"), "{request}");
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nproxied";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "transport::child_with_proxies", "--ignored", "--nocapture"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env("http_proxy", format!("http://localhost:{}", proxy.address.port()))
        .env("BILLFOLD_TEST_DIRECT", direct.url("/"))
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(proxy.connections() > 0);
}
