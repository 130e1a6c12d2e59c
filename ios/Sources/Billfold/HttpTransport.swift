import Foundation

/// Sends one request and gives its answer, whatever its status.
///
/// An implementation does not follow redirects, does not repeat a request by itself (a code or a nonce works
/// once), keeps no cookies, and checks server certificates. Requests run side by side. Throw
/// ``TransportError``; anything else that is thrown counts as a request that may have been sent.
public protocol HttpTransport: Sendable {
    /// Sends the request.
    ///
    /// - Throws: ``TransportError``
    func send(_ request: HttpRequest, limits: HttpLimits) async throws -> HttpResponse
}

/// A header field.
public struct HttpHeader: Sendable, Hashable {
    /// Its name.
    public let name: String

    /// Its value.
    public let value: String

    /// A field of a name.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension HttpHeader: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no value: it may be a token.
    public var description: String { name }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing: the value may be a token.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A request to send as it is.
public struct HttpRequest: Sendable, Hashable {
    /// The method.
    public let method: String

    /// The address. Its query may hold secrets.
    public let url: URL

    /// The header fields; a name can stand there twice.
    public let headers: [HttpHeader]

    /// The body; empty when there is none.
    public let body: Data

    /// A request, for tests of an implementation.
    public init(method: String, url: URL, headers: [HttpHeader] = [], body: Data = Data()) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

extension HttpRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no query, header value or body.
    public var description: String {
        let address = url.absoluteString.prefix { $0 != "?" && $0 != "#" }
        return "\(method) \(address) \(headers)"
    }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing: query, header fields and body may be secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a transport has to hold a request to.
public struct HttpLimits: Sendable, Hashable {
    /// A longer body ends as ``TransportError/Kind/tooLarge``; the transport stops reading there.
    public let maxBodyBytes: Int

    /// Time to connect, in seconds.
    public let connectTimeout: TimeInterval

    /// Time for the whole exchange, in seconds.
    public let totalTimeout: TimeInterval

    /// Whether names that lead to private, link-local or loopback addresses are refused
    /// (``TransportError/Kind/forbiddenAddress``).
    public let publicAddressesOnly: Bool

    /// Limits, for tests of an implementation.
    public init(maxBodyBytes: Int, connectTimeout: TimeInterval, totalTimeout: TimeInterval, publicAddressesOnly: Bool) {
        self.maxBodyBytes = maxBodyBytes
        self.connectTimeout = connectTimeout
        self.totalTimeout = totalTimeout
        self.publicAddressesOnly = publicAddressesOnly
    }
}

/// An answer.
public struct HttpResponse: Sendable, Hashable {
    /// The status.
    public let status: Int

    /// The header fields.
    public let headers: [HttpHeader]

    /// The body.
    public let body: Data

    /// An answer as it came.
    public init(status: Int, headers: [HttpHeader], body: Data) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension HttpResponse: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no header value or body.
    public var description: String { "\(status) \(headers), \(body.count) bytes" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing: header fields and body may be secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A request that got no answer.
public struct TransportError: Error, Sendable, Hashable {
    /// What went wrong.
    public let kind: Kind

    /// Whether the request may have reached the server. When in doubt, `true`.
    public let maybeSent: Bool

    /// A sentence for developers. It becomes part of errors and logs: no header values, bodies or queries.
    public let detail: String

    /// What went wrong on the way.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// No connection: the name did not resolve, nobody listens, the network is down.
        case unreachable
        /// Time ran out.
        case timedOut
        /// The connection broke.
        case connectionLost
        /// The server's certificate, or the TLS handshake.
        case tls
        /// The answer is over the limit.
        case tooLarge
        /// The name leads to an address that this request may not go to.
        case forbiddenAddress
        /// Anything else.
        case other
    }

    /// A failure of a kind, with its sentence.
    public init(_ kind: Kind, maybeSent: Bool, _ detail: String) {
        self.kind = kind
        self.maybeSent = maybeSent
        self.detail = detail
    }
}
