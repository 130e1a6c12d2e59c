import Foundation

/// What is offered, by whom, and what it takes: all that the user has to see before saying yes.
public struct Offer: Sendable, Hashable {
    /// The credential issuer identifier.
    public let credentialIssuer: String

    /// The issuer's name in the wallet's language, or its host when it gives none.
    public let issuerName: String

    /// How the issuer presents itself.
    public let issuerDisplay: Display?

    /// What is offered.
    public let credentials: [OfferedCredential]

    /// The grants that can be used.
    public let grants: [GrantType]

    /// Set when the user will have to type a code.
    public let txCode: TxCode?

    /// Who signed the issuer's metadata: the subject of a certificate that the wallet's metadata anchors vouch for.
    /// `nil` if it came unsigned, with nothing but TLS to vouch for it.
    public let metadataSignedBy: String?

    /// The names of what is offered.
    public var titles: [String] { credentials.map(\.title) }
}

/// One credential of an offer.
public struct OfferedCredential: Sendable, Hashable {
    /// The issuer's name for this kind of credential.
    public let configuration: String

    /// Its format identifier, such as `dc+sd-jwt`.
    public let format: String

    /// How it presents itself.
    public let display: Display?

    /// The name to show.
    public let title: String
}

/// The grants an issuance can use.
public enum GrantType: Sendable, Hashable, CaseIterable {
    /// The user signs in at the issuer.
    case authorizationCode
    /// The issuer already knows the user.
    case preAuthorizedCode
}

/// What the issuer says about a transaction code.
public struct TxCode: Sendable, Hashable {
    /// Which keyboard to show.
    public let inputMode: InputMode

    /// How many characters it has; a hint, not a rule.
    public let length: Int?

    /// Where the user finds the code.
    public let description: String?
}

/// How an issuer or a kind of credential presents itself in one language.
public struct Display: Sendable, Hashable {
    /// The name to show.
    public let name: String?

    /// BCP 47 language tag.
    public let locale: String?

    /// The logo.
    public let logo: Logo?

    /// A sentence about the credential.
    public let description: String?

    /// CSS colour as the issuer wrote it.
    public let backgroundColor: String?

    /// Picture behind the text.
    public let backgroundImage: Logo?

    /// CSS colour as the issuer wrote it.
    public let textColor: String?
}

/// A picture with its description for screen readers.
public struct Logo: Sendable, Hashable {
    /// The address as the issuer gave it.
    public let uri: String

    /// Text in place of the picture.
    public let altText: String?

    /// The address, when it is one: `https:` or `data:`. Of anything else this is `nil`.
    public var url: URL? {
        guard let url = URL(string: uri), let scheme = url.scheme?.lowercased() else { return nil }
        return scheme == "https" || scheme == "data" ? url : nil
    }
}
