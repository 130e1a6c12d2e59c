//! What the adapters make of apps that keep to the contract, and of those that do not.

use std::sync::Mutex;

use billfold::model::ids::KeyHandle;
use billfold::platform::http::HttpTransport as _;
use billfold::platform::keys::HolderKeys as _;
use billfold::platform::secret::SecretStore as _;

use super::*;

/// The generator of P-256 as an uncompressed point: a legal public key.
const POINT: &str = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                     4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

fn point() -> Vec<u8> {
    let digits = POINT.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("digits"), 16).expect("hexadecimal")).collect()
}

struct Keys {
    algorithms: Result<Vec<Algorithm>, KeyError>,
    made: Vec<HolderKey>,
    signatures: Result<Vec<Vec<u8>>, KeyError>,
    asked: Mutex<Vec<String>>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            algorithms: Ok(vec![Algorithm::Es256]),
            made: Vec::new(),
            signatures: Ok(Vec::new()),
            asked: Mutex::default(),
        }
    }
}

#[async_trait]
impl HolderKeys for Keys {
    fn algorithms(&self) -> Result<Vec<Algorithm>, KeyError> {
        self.algorithms.clone()
    }

    async fn create(&self, algorithm: Algorithm, purpose: KeyPurpose, count: u32) -> Result<Vec<HolderKey>, KeyError> {
        self.asked.lock().expect("not poisoned").push(format!("create {algorithm:?} {purpose:?} {count}"));
        Ok(self.made.clone())
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        let asked = requests.iter().map(|request| format!("sign {} {:?}", request.handle, request.payload));
        self.asked.lock().expect("not poisoned").extend(asked);
        self.signatures.clone()
    }

    async fn delete(&self, handles: Vec<String>) -> Result<(), KeyError> {
        self.asked.lock().expect("not poisoned").push(format!("delete {handles:?}"));
        Ok(())
    }

    async fn find(&self, handles: Vec<String>) -> Result<Vec<Option<HolderKey>>, KeyError> {
        let found = |handle: &String| self.made.iter().find(|key| key.handle == *handle).cloned();
        // One that loses count, for who asks for three.
        Ok(handles.iter().take(2).map(found).collect())
    }
}

fn adapted(keys: Keys) -> (Arc<Keys>, KeysAdapter) {
    let keys = Arc::new(keys);
    let adapter = KeysAdapter::new(keys.clone()).expect("these can be used");
    (keys, adapter)
}

fn key(algorithm: Algorithm, public_key: Vec<u8>) -> HolderKey {
    HolderKey { handle: String::from("k1"), algorithm, public_key, certificates: vec![vec![9]] }
}

#[tokio::test]
async fn keys_cross_in_both_directions() {
    let made = vec![key(Algorithm::Es256, point())];
    let (keys, adapter) = adapted(Keys { made, signatures: Ok(vec![vec![7]]), ..Keys::default() });
    assert_eq!(adapter.algorithms(), [jwk::Algorithm::Es256]);

    let spec = core_keys::KeySpec::new(jwk::Algorithm::Es256);
    let made = adapter.create(spec.clone(), 1).await.expect("made");
    assert_eq!(made[0].handle.as_str(), "k1");
    assert_eq!(made[0].public_jwk.to_point(), point());
    assert_eq!(made[0].certificates, [[9]]);
    for purpose in [core_keys::KeyPurpose::AccessToken, core_keys::KeyPurpose::ClientInstance] {
        adapter.create(spec.clone().purpose(purpose), 1).await.expect("made");
    }

    let request =
        core_keys::SignRequest { handle: KeyHandle::from("k1"), algorithm: jwk::Algorithm::Es256, payload: vec![1, 2] };
    assert_eq!(adapter.sign(vec![request]).await.expect("signed"), [[7]]);
    adapter.delete(vec![KeyHandle::from("k1")]).await.expect("deleted");
    let asked = keys.asked.lock().expect("not poisoned").clone();
    assert_eq!(
        asked,
        [
            "create Es256 Credential 1",
            "create Es256 AccessToken 1",
            "create Es256 ClientInstance 1",
            "sign k1 [1, 2]",
            "delete [\"k1\"]"
        ]
    );
}

#[tokio::test]
async fn a_key_is_held_if_its_public_half_is_the_same() {
    let (_, adapter) = adapted(Keys { made: vec![key(Algorithm::Es256, point())], ..Keys::default() });
    let asked = |handle: &str, public_key| {
        let key = HolderKey { handle: handle.to_owned(), ..key(Algorithm::Es256, public_key) };
        core_credential::HolderKey::try_from(key).expect("a legal key")
    };
    // The point with the other `y`, which lies on the curve too.
    let mut other = point();
    let y = "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a";
    for (index, octet) in other[33..].iter_mut().enumerate() {
        *octet = u8::from_str_radix(&y[2 * index..2 * index + 2], 16).expect("hexadecimal");
    }
    let held = adapter.holds(&[asked("k1", point()), asked("k2", point())]).await;
    assert_eq!(held.expect("an answer"), [true, false]);
    assert_eq!(adapter.holds(&[asked("k1", other)]).await.expect("an answer"), [false]);
    let three = [asked("k1", point()), asked("k1", point()), asked("k1", point())];
    assert_eq!(adapter.holds(&three).await.expect_err("miscounted").kind, core_keys::KeyErrorKind::Failed);
}

#[tokio::test]
async fn keys_that_were_not_asked_for_are_refused() {
    for made in [
        vec![],
        vec![key(Algorithm::Es256, point()), key(Algorithm::Es256, point())],
        vec![key(Algorithm::Es384, point())],
        vec![key(Algorithm::EdDsa, vec![1; 32])],
        vec![key(Algorithm::Es256, vec![5; 65])],
        vec![key(Algorithm::Es256, Vec::new())],
    ] {
        let (keys, adapter) = adapted(Keys { made, ..Keys::default() });
        let error = adapter.create(core_keys::KeySpec::new(jwk::Algorithm::Es256), 1).await.expect_err("refused");
        assert_eq!(error.kind, core_keys::KeyErrorKind::Failed);
        assert!(error.detail.starts_with("the app's key store"), "{}", error.detail);
        let asked = keys.asked.lock().expect("not poisoned");
        assert!(asked.last().is_some_and(|last| last.starts_with("delete")), "left behind: {asked:?}");
    }
    let (_, adapter) = adapted(Keys { signatures: Ok(vec![vec![1], vec![2]]), ..Keys::default() });
    let error = adapter.sign(Vec::new()).await.expect_err("two too many");
    assert_eq!(error.detail, "the app's key store was asked for 0 signatures and gave 2");
}

#[tokio::test]
async fn key_errors_keep_their_kind() {
    for (kind, expected) in [
        (KeyErrorKind::Unknown, core_keys::KeyErrorKind::Unknown),
        (KeyErrorKind::Locked, core_keys::KeyErrorKind::Locked),
        (KeyErrorKind::Unsupported, core_keys::KeyErrorKind::Unsupported),
        (KeyErrorKind::Failed, core_keys::KeyErrorKind::Failed),
    ] {
        let signatures = Err(KeyError::Failed { kind, detail: String::from("why") });
        let (_, adapter) = adapted(Keys { signatures, ..Keys::default() });
        let error = adapter.sign(Vec::new()).await.expect_err("it failed");
        assert_eq!((error.kind, error.detail.as_str()), (expected, "why"));
    }
}

#[test]
fn keys_without_algorithms_are_a_setup_error() {
    let none = Keys { algorithms: Ok(Vec::new()), ..Keys::default() };
    let broken = KeyError::Failed { kind: KeyErrorKind::Failed, detail: String::from("no chip") };
    let failing = Keys { algorithms: Err(broken), ..Keys::default() };
    for (keys, detail) in [(none, "the app's key store names no algorithm"), (failing, "no chip")] {
        let error = KeysAdapter::new(Arc::new(keys)).err().expect("refused");
        assert_eq!((error.code(), error.detail()), (ErrorCode::SetupInvalid, detail));
    }
}

/// What an app throws unexpectedly may quote a secret.
#[test]
fn unexpected_exceptions_leave_their_text_behind() {
    let thrown = || uniffi::UnexpectedUniFFICallbackError::new("token=abc");
    let key = KeyError::from(thrown());
    let transport = TransportError::from(thrown());
    let secret = SecretError::from(thrown());
    assert!(matches!(&key, KeyError::Failed { kind: KeyErrorKind::Failed, .. }));
    assert!(matches!(&transport, TransportError::Failed { kind: TransportErrorKind::Other, maybe_sent: true, .. }));
    assert!(!format!("{key} {transport} {secret}").contains("abc"));
}

struct Transport(Result<HttpResponse, TransportError>, Duration);

#[async_trait]
impl HttpTransport for Transport {
    async fn send(&self, request: HttpRequest, _: HttpLimits) -> Result<HttpResponse, TransportError> {
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://h.example/t?a=b"));
        assert_eq!(request.body, b"x=y");
        let headers: Vec<_> = request.headers.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
        assert_eq!(headers, [("accept", "1"), ("accept", "2")]);
        tokio::time::sleep(self.1).await;
        self.0.clone()
    }
}

async fn send(transport: Transport) -> Result<core_http::HttpResponse, core_http::TransportError> {
    let request = http::Request::post("https://h.example/t?a=b")
        .header("Accept", "1")
        .header("Accept", "2")
        .body(b"x=y".to_vec())
        .expect("a request");
    let limits = core_http::HttpLimits { max_body_bytes: 3, ..core_http::HttpLimits::default() };
    TransportAdapter(Arc::new(transport)).send(request, limits).await
}

fn answer(status: u16, body: &[u8]) -> HttpResponse {
    let field = |name: &str, value: &str| HttpHeader { name: name.to_owned(), value: value.to_owned() };
    let headers = vec![field("DPoP-Nonce", "1"), field("dpop-nonce", "2"), field("no name", "x"), field("x", "a\nb")];
    HttpResponse { status, headers, body: body.to_vec() }
}

#[tokio::test]
async fn answers_cross_with_their_repeated_fields() {
    let response = send(Transport(Ok(answer(401, b"abc")), Duration::ZERO)).await.expect("an answer");
    assert_eq!(response.status(), 401);
    assert_eq!(response.body(), b"abc");
    let nonces: Vec<_> = response.headers().get_all("dpop-nonce").iter().collect();
    assert_eq!(nonces, ["1", "2"]);
    // What is no field is as good as not sent.
    assert_eq!(response.headers().len(), 2);
}

#[tokio::test]
async fn answers_that_are_none_are_errors() {
    let error = send(Transport(Ok(answer(200, b"abcd")), Duration::ZERO)).await.expect_err("too long");
    assert_eq!((error.kind, error.maybe_sent), (core_http::TransportErrorKind::TooLarge, true));
    let error = send(Transport(Ok(answer(0, b"")), Duration::ZERO)).await.expect_err("no status");
    assert_eq!((error.kind, error.maybe_sent), (core_http::TransportErrorKind::Other, true));
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_never_comes_back_is_given_up() {
    let error = send(Transport(Ok(answer(200, b"")), Duration::from_secs(3600))).await.expect_err("too late");
    assert_eq!((error.kind, error.maybe_sent), (core_http::TransportErrorKind::TimedOut, true));
}

#[tokio::test]
async fn transport_errors_keep_their_kind() {
    for (kind, expected) in [
        (TransportErrorKind::Unreachable, core_http::TransportErrorKind::Unreachable),
        (TransportErrorKind::TimedOut, core_http::TransportErrorKind::TimedOut),
        (TransportErrorKind::ConnectionLost, core_http::TransportErrorKind::ConnectionLost),
        (TransportErrorKind::Tls, core_http::TransportErrorKind::Tls),
        (TransportErrorKind::TooLarge, core_http::TransportErrorKind::TooLarge),
        (TransportErrorKind::ForbiddenAddress, core_http::TransportErrorKind::ForbiddenAddress),
        (TransportErrorKind::Other, core_http::TransportErrorKind::Other),
    ] {
        for maybe_sent in [false, true] {
            let failed = TransportError::Failed { kind, maybe_sent, detail: String::from("why") };
            let error = send(Transport(Err(failed), Duration::ZERO)).await.expect_err("it failed");
            assert_eq!((error.kind, error.maybe_sent, error.detail.as_str()), (expected, maybe_sent, "why"));
        }
    }
}

#[derive(Default)]
struct Secrets(Mutex<Vec<(String, Vec<u8>)>>);

#[async_trait]
impl SecretStore for Secrets {
    async fn put(&self, name: String, secret: Vec<u8>) -> Result<(), SecretError> {
        self.0.lock().expect("not poisoned").push((name, secret));
        Ok(())
    }

    async fn get(&self, name: String) -> Result<Option<Vec<u8>>, SecretError> {
        let kept = self.0.lock().expect("not poisoned");
        Ok(kept.iter().find(|(known, _)| *known == name).map(|(_, secret)| secret.clone()))
    }

    async fn remove(&self, _: String) -> Result<(), SecretError> {
        Err(SecretError::Failed { detail: String::from("why") })
    }
}

#[tokio::test]
async fn secrets_cross_in_both_directions() {
    let adapter = SecretsAdapter(Arc::new(Secrets::default()));
    adapter.put("a", Zeroizing::new(vec![1])).await.expect("kept");
    assert_eq!(adapter.get("a").await.expect("read"), Some(Zeroizing::new(vec![1])));
    assert_eq!(adapter.get("b").await.expect("read"), None);
    assert_eq!(adapter.remove("a").await.expect_err("it failed").detail, "why");
}
