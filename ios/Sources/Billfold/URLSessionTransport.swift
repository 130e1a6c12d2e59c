import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The default ``HttpTransport``: the platform's own `URLSession`, with the platform's certificates, proxies
/// and App Transport Security. That one forbids plain http, so for development against a loopback issuer the
/// app has to set `NSAllowsLocalNetworking` too.
///
/// Every request has an ephemeral session of its own, without cookies, cache or stored credentials, and so a
/// connection of its own: on a connection that was kept the platform sends a request again by itself when it
/// turns out to be broken, and a code that works once would go out twice. The price is one handshake more a
/// request.
///
/// What `URLSession` can't do:
/// * It has no time limit for connecting alone; ``HttpLimits/connectTimeout`` is covered by
///   ``HttpLimits/totalTimeout``.
/// * It does not say which addresses it connects to. For ``HttpLimits/publicAddressesOnly`` the name is
///   looked up before the session does it again, so a name server that answers differently the second time
///   gets by. Behind a proxy the proxy looks names up. An app that has to rule that out takes the transport
///   inside the native library (`http: nil`), which connects to the very addresses that it has checked.
public struct URLSessionTransport: HttpTransport {
    private let configuration: @Sendable () -> URLSessionConfiguration

    /// A transport, by default with nothing special.
    ///
    /// - Parameter configuration: what sessions begin from, for proxies and the like. Cookies, cache and stored
    ///   credentials are taken out of it.
    public init(configuration: @escaping @Sendable () -> URLSessionConfiguration = { .ephemeral }) {
        self.configuration = configuration
    }

    /// Sends the request.
    ///
    /// - Throws: ``TransportError``
    public func send(_ request: HttpRequest, limits: HttpLimits) async throws -> HttpResponse {
        try Task.checkCancellation()
        let settings = configuration()
        settings.httpCookieStorage = nil
        settings.httpCookieAcceptPolicy = .never
        settings.httpShouldSetCookies = false
        settings.urlCache = nil
        settings.requestCachePolicy = .reloadIgnoringLocalCacheData
        settings.urlCredentialStorage = nil
        #if !canImport(FoundationNetworking)
        settings.waitsForConnectivity = false
        #endif
        let exchange = Exchange(request, limits, settings)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { exchange.begin($0) }
        } onCancel: {
            exchange.end(.failure(CancellationError()))
        }
    }
}

/// One request and its answer, and the delegate of their session.
private final class Exchange: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private struct State {
        var session: URLSession?
        var response: HTTPURLResponse?
        var body = Data()
        var hasEnded = false
    }

    private let request: HttpRequest
    private let limits: HttpLimits
    private let settings: URLSessionConfiguration
    private let waiting = Waiting<HttpResponse>()
    private let state = Locked(State())

    init(_ request: HttpRequest, _ limits: HttpLimits, _ settings: URLSessionConfiguration) {
        self.request = request
        self.limits = limits
        self.settings = settings
    }

    func begin(_ continuation: CheckedContinuation<HttpResponse, any Error>) {
        guard waiting.begin(continuation) else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + limits.totalTimeout) { [weak self] in
            self?.timeOut()
        }
        if limits.publicAddressesOnly {
            // Looking a name up blocks, so not on a thread of Swift's own pool.
            DispatchQueue.global().async {
                do {
                    try PublicAddresses.require(host: self.request.url.host ?? "")
                    self.connect()
                } catch {
                    self.end(.failure(error))
                }
            }
        } else {
            connect()
        }
    }

    func end(_ result: Result<HttpResponse, any Error>) {
        let session = state.with { state in
            state.hasEnded = true
            state.body = Data()
            defer { state.session = nil }
            return state.session
        }
        // First, because the session reports its own end too.
        waiting.end(result)
        // A session keeps its delegate until it is invalidated.
        session?.invalidateAndCancel()
    }

    private func connect() {
        var request = URLRequest(url: self.request.url)
        request.httpMethod = self.request.method
        request.timeoutInterval = max(limits.totalTimeout, 0.001)
        for header in self.request.headers { request.addValue(header.value, forHTTPHeaderField: header.name) }
        if self.request.method != "GET" && self.request.method != "HEAD" { request.httpBody = self.request.body }

        let task: URLSessionTask? = state.with { state in
            if state.hasEnded { return nil }
            let session = URLSession(configuration: settings, delegate: self, delegateQueue: nil)
            state.session = session
            return session.dataTask(with: request)
        }
        task?.resume()
    }

    private func timeOut() {
        let maybeSent = state.with { $0.session != nil }
        end(.failure(TransportError(.timedOut, maybeSent: maybeSent, "no answer within \(limits.totalTimeout) seconds")))
    }

    private func tooLarge() -> TransportError {
        TransportError(.tooLarge, maybeSent: true, "the answer is longer than \(limits.maxBodyBytes) bytes")
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        // The redirect itself is the answer.
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        state.with { $0.response = response as? HTTPURLResponse }
        completionHandler(.allow)
        if response.expectedContentLength > Int64(limits.maxBodyBytes) { end(.failure(tooLarge())) }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let fits = state.with { state in
            if state.hasEnded { return true }
            if state.body.count + data.count > limits.maxBodyBytes { return false }
            state.body.append(data)
            return true
        }
        if !fits { end(.failure(tooLarge())) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error {
            end(.failure(TransportError(error)))
            return
        }
        let (response, body) = state.with { ($0.response ?? task.response as? HTTPURLResponse, $0.body) }
        guard let response else {
            end(.failure(TransportError(.other, maybeSent: true, "the answer is not HTTP")))
            return
        }
        let headers = response.allHeaderFields.compactMap { name, value in
            (name as? String).map { HttpHeader($0, "\(value)") }
        }
        end(.success(HttpResponse(status: response.statusCode, headers: headers, body: body)))
    }
}

private extension TransportError {
    /// The text of the platform's errors can quote an address with its query, so only the number is named.
    init(_ error: any Error) {
        guard let error = error as? URLError else {
            self.init(.other, maybeSent: true, "the connection failed (\(name(of: error)))")
            return
        }
        let number = error.errorCode
        #if canImport(FoundationNetworking)
        // There is no code for it here, only libcurl's words; these are of the handshake alone.
        let words = ["TLS connect error", "SSL certificate problem", "SSL: "]
        if error.code == .unknown, words.contains(where: error.localizedDescription.hasPrefix) {
            self.init(.tls, maybeSent: false, "no trusted connection (\(number))")
            return
        }
        #endif
        switch error.code {
        case .cannotFindHost, .dnsLookupFailed:
            self.init(.unreachable, maybeSent: false, "the name did not resolve (\(number))")
        case .cannotConnectToHost, .notConnectedToInternet, .dataNotAllowed, .internationalRoamingOff, .callIsActive:
            self.init(.unreachable, maybeSent: false, "no connection (\(number))")
        case .secureConnectionFailed, .serverCertificateHasBadDate, .serverCertificateUntrusted,
             .serverCertificateHasUnknownRoot, .serverCertificateNotYetValid, .clientCertificateRejected,
             .clientCertificateRequired, .appTransportSecurityRequiresSecureConnection:
            self.init(.tls, maybeSent: false, "no trusted connection (\(number))")
        case .badURL, .unsupportedURL:
            self.init(.other, maybeSent: false, "the platform can't use the address (\(number))")
        case .timedOut:
            self.init(.timedOut, maybeSent: true, "no answer in time")
        case .networkConnectionLost, .badServerResponse, .cannotParseResponse:
            self.init(.connectionLost, maybeSent: true, "the connection broke (\(number))")
        default:
            self.init(.other, maybeSent: true, "the connection failed (\(number))")
        }
    }
}
