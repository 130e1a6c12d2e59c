import Foundation

/// What most wallets leave as it is.
public struct BillfoldOptions: Sendable {
    /// BCP 47 language tag for names and `Accept-Language`.
    public var locale: String?

    /// Allows plain http on loopback addresses: for development.
    public var allowLoopbackHttp: Bool

    /// How far clocks may differ, in whole seconds; `nil` for the library's own 60.
    public var clockSkew: TimeInterval?

    /// Certificates, PEM, that issuers of credentials have to lead back to. With any of them the check
    /// ``CheckKind/issuerTrust`` is required.
    public var trustAnchors: [String]

    /// More TLS roots, PEM, for the transport inside the native library.
    public var rootCertificates: [String]

    /// Where the verification policy differs from the default.
    public var policy: [CheckKind: Requirement]

    /// How key proofs name their keys.
    public var binding: Binding

    /// Every option, each with its default.
    public init(
        locale: String? = nil,
        allowLoopbackHttp: Bool = false,
        clockSkew: TimeInterval? = nil,
        trustAnchors: [String] = [],
        rootCertificates: [String] = [],
        policy: [CheckKind: Requirement] = [:],
        binding: Binding = .auto
    ) {
        self.locale = locale
        self.allowLoopbackHttp = allowLoopbackHttp
        self.clockSkew = clockSkew
        self.trustAnchors = trustAnchors
        self.rootCertificates = rootCertificates
        self.policy = policy
        self.binding = binding
    }
}

/// How a key proof names its key.
public enum Binding: Sendable, Hashable, CaseIterable {
    /// As the issuer's metadata asks.
    case auto
    /// The key itself (`jwk`).
    case jwk
    /// `kid` with a `did:key`.
    case didKey
    /// `kid` with a `did:jwk`.
    case didJwk
}

/// How much a log event matters.
public enum LogLevel: Sendable, Hashable, CaseIterable {
    /// A fault in the library.
    case error
    /// Something that the app's developer should look at.
    case warn
    /// Milestones.
    case info
    /// For who follows one issuance.
    case debug
    /// Everything.
    case trace
}

/// Takes one log event: its level, the part of the library that it comes from, and its text. It is called
/// from any thread, and has to return soon.
public typealias LogSink = @Sendable (_ level: LogLevel, _ target: String, _ text: String) -> Void
