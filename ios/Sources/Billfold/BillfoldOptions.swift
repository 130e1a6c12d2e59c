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

    /// The same, DER.
    public var trustAnchorsDER: [Data]

    /// More TLS roots, PEM, for the transport inside the native library.
    public var rootCertificates: [String]

    /// Where the verification policy differs from the default.
    public var policy: [CheckKind: Requirement]

    /// How key proofs name their keys.
    public var binding: Binding

    /// The rules that issuances are held to, unless ``AcceptOptions/profile`` says otherwise.
    public var profile: Profile

    /// Which text of the attestation draft authorization servers follow.
    public var attestationVersion: AttestationVersion

    /// What to do about issuers that sign their metadata. Other than ``SignedMetadata/ignore``, it needs
    /// ``metadataAnchors`` or ``trustAnchors``.
    public var signedMetadata: SignedMetadata

    /// Certificates, PEM, that signers of metadata have to lead back to; the ``trustAnchors`` when there is none.
    public var metadataAnchors: [String]

    /// The issuers that are trusted, by the DID or https identifier that their credentials name. With any of them the
    /// check ``CheckKind/issuerTrust`` is required; an anchor may vouch instead.
    public var trustedIssuers: [String]

    /// Where the policy of a type of credentials differs from the default, by `vct`, `doctype` or W3C type; it holds in
    /// the place of ``policy``.
    public var policies: [String: [CheckKind: Requirement]]

    /// Whether to look up what publishers say about the types of SD-JWT VCs; `nil`: yes, but not in issuances that are
    /// held to ``Profile/haip``.
    public var typeMetadata: TypeMetadataUse?

    /// More JSON-LD contexts that `ldp_vc` credentials may refer to: the documents, as JSON text, by their addresses.
    /// None is ever fetched.
    public var jsonLDContexts: [String: String]

    /// Whose ways of speaking the wallet puts up with; see ``Issuance/tolerated()``.
    public var dialects: Dialects

    /// A server that resolves the DIDs which billfold does not resolve by itself: `GET URL/DID` gives the DID document,
    /// or a DID resolution result, as universal resolvers do. It takes the place of a ``DidResolver``. Whoever runs it
    /// learns which issuers a user has credentials of, and is believed about their keys.
    public var didResolverURL: URL?

    /// Every option, each with its default.
    public init(
        locale: String? = nil,
        allowLoopbackHttp: Bool = false,
        clockSkew: TimeInterval? = nil,
        trustAnchors: [String] = [],
        trustAnchorsDER: [Data] = [],
        rootCertificates: [String] = [],
        policy: [CheckKind: Requirement] = [:],
        binding: Binding = .auto,
        profile: Profile = .base,
        attestationVersion: AttestationVersion = .v07,
        signedMetadata: SignedMetadata = .ignore,
        metadataAnchors: [String] = [],
        trustedIssuers: [String] = [],
        policies: [String: [CheckKind: Requirement]] = [:],
        typeMetadata: TypeMetadataUse? = nil,
        jsonLDContexts: [String: String] = [:],
        dialects: Dialects = .any,
        didResolverURL: URL? = nil
    ) {
        self.locale = locale
        self.allowLoopbackHttp = allowLoopbackHttp
        self.clockSkew = clockSkew
        self.trustAnchors = trustAnchors
        self.trustAnchorsDER = trustAnchorsDER
        self.rootCertificates = rootCertificates
        self.policy = policy
        self.binding = binding
        self.profile = profile
        self.attestationVersion = attestationVersion
        self.signedMetadata = signedMetadata
        self.metadataAnchors = metadataAnchors
        self.trustedIssuers = trustedIssuers
        self.policies = policies
        self.typeMetadata = typeMetadata
        self.jsonLDContexts = jsonLDContexts
        self.dialects = dialects
        self.didResolverURL = didResolverURL
    }
}

/// Whether a wallet looks up what the publishers of credential types say about them: names, colours and labels.
public enum TypeMetadataUse: Sendable, Hashable, CaseIterable {
    /// It does, where the name of the type (`vct`) is an https address. Publishers learn that somebody has one.
    case fetch
    /// It does not.
    case off
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
    /// `kid` with a `did:prism` in its long form, which only ``Algorithm/es256k`` keys can have.
    case didPrism
    /// ``HolderKey/certificates`` (`x5c`).
    case x5c
}

/// The rules that an issuance is held to.
public enum Profile: Sendable, Hashable, CaseIterable {
    /// OpenID4VCI as it stands: what is safer is used where the issuer offers it, and an ordinary issuer that
    /// offers nothing of it works too.
    case base
    /// OpenID4VC High Assurance Interoperability Profile 1.0: what it demands of issuers is demanded, and an
    /// issuance that falls short is refused before anything is spent. It needs a ``WalletProvider``.
    case haip
}

/// Which text of the attestation draft authorization servers follow.
public enum AttestationVersion: Sendable, Hashable, CaseIterable {
    /// Draft 07, which OpenID4VCI 1.0 and HAIP 1.0 name: both JWTs have an `iss`.
    case v07
    /// Draft 08 and later: the proof of possession has none.
    case v08
}

/// What to do about issuers that sign their metadata. A signature that does not hold ends the issuance.
public enum SignedMetadata: Sendable, Hashable, CaseIterable {
    /// Unsigned metadata is asked for, and nothing else is taken.
    case ignore
    /// Signed metadata is asked for first. Where an issuer has none, it is taken unsigned.
    case prefer
    /// Only signed metadata is taken.
    case require
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
