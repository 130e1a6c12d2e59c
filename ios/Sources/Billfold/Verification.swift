import Foundation

/// What ``Billfold/verify(_:format:options:http:resolver:)`` may build on.
public struct VerifyOptions: Sendable {
    /// The issuer's keys: the text of a JWK or of a JWK Set.
    public var issuerKeys: String?

    /// Certificates, PEM, under which issuers are trusted.
    public var trustAnchors: [String]

    /// The same, DER.
    public var trustAnchorsDER: [Data]

    /// The keys of which the credential has to be bound to one, each the text of a JWK; with none, the binding is
    /// not compared.
    public var holderKeys: [String]

    /// The type that it has to have; any when `nil`.
    public var type: CredentialType?

    /// The rules that it is held to.
    public var profile: Profile

    /// Where the verification policy differs from the default.
    public var policy: [CheckKind: Requirement]

    /// The time to check for; now when `nil`.
    public var at: Date?

    /// How far clocks may differ, in whole seconds; `nil` for the library's own 60.
    public var clockSkew: TimeInterval?

    /// Allows plain http on loopback addresses: for development.
    public var allowLoopbackHttp: Bool

    /// More JSON-LD contexts that an `ldp_vc` may refer to: the documents, as JSON text, by their addresses. None is ever
    /// fetched.
    public var jsonLDContexts: [String: String]

    /// Every option, each with its default.
    public init(
        issuerKeys: String? = nil,
        trustAnchors: [String] = [],
        trustAnchorsDER: [Data] = [],
        holderKeys: [String] = [],
        type: CredentialType? = nil,
        profile: Profile = .base,
        policy: [CheckKind: Requirement] = [:],
        at: Date? = nil,
        clockSkew: TimeInterval? = nil,
        allowLoopbackHttp: Bool = false,
        jsonLDContexts: [String: String] = [:]
    ) {
        self.issuerKeys = issuerKeys
        self.trustAnchors = trustAnchors
        self.trustAnchorsDER = trustAnchorsDER
        self.holderKeys = holderKeys
        self.type = type
        self.profile = profile
        self.policy = policy
        self.at = at
        self.clockSkew = clockSkew
        self.allowLoopbackHttp = allowLoopbackHttp
        self.jsonLDContexts = jsonLDContexts
    }
}

/// What ``Billfold/verify(_:format:options:http:resolver:)`` found out about a credential.
public struct Verification: Sendable, Hashable {
    /// The checks, and what they mean together.
    public let report: Report

    /// What the credential says that it is.
    public let type: CredentialType

    /// Its claims with disclosures put in place, as the text of a JSON object; `nil` if they could not be read. Not
    /// for logs.
    public let claims: String?

    /// Where the claims are that its holder can withhold.
    public let disclosable: [[PathStep]]

    /// When it begins to be valid, if it says so.
    public let validFrom: Date?

    /// When it stops being valid, if it says so.
    public let expiresAt: Date?

    /// The addresses of the lists that its status is kept in; empty if it says nothing of that.
    public let statusLists: [String]

    /// What was found there, if it was looked up.
    public let statusFound: StatusFound?
}

extension Verification: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no claim.
    public var description: String { "Verification(\(type), \(report.verdict))" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
