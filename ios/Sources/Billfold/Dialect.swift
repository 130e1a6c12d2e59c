/// Whose ways of speaking a wallet puts up with.
///
/// Tolerance is about the form of messages. What protects the user holds either way: the issuer's identity, TLS, PKCE,
/// `state`, one-time use, and every check of a credential.
public enum Dialects: Sendable, Hashable, CaseIterable {
    /// OpenID4VCI 1.0 Final, its drafts back to the eleventh, and the deployed systems that mix them. Which it is shows
    /// in what the issuer says; ``Issuance/tolerated()`` tells what was found.
    case any
    /// OpenID4VCI 1.0 Final only. Whatever departs from it is an error. ``Profile/haip`` implies it.
    case strict
}

/// Something in which an issuer departs from OpenID4VCI 1.0 Final and that was put up with. For integrators: none of it
/// is for users to read.
public struct Tolerance: Sendable, Hashable {
    /// The stable name, such as `single_proof`. Later versions may know more of them.
    public let name: String

    /// What it is.
    public let sentence: String
}

/// How an issuer is spoken to, and why: for logs and bug reports. Nothing in it is a secret, and nothing is for users.
public struct DialectReport: Sendable, Hashable {
    /// What the issuer's metadata looks like, such as `1.0` or `draft 13`. A guess for show: nothing depends on it.
    public let looksLike: String

    /// What was seen in the issuer's metadata that tells drafts apart.
    public let seen: [String]

    /// What was concluded, behaviour by behaviour.
    public let concluded: [Conclusion]

    /// The members of the credential request that will be sent, in words.
    public let request: String

    /// What was put up with so far.
    public let tolerated: [Tolerance]
}

/// One behaviour of an issuer.
public struct Conclusion: Sendable, Hashable {
    /// Which one, such as `nonce` or `credential_request`.
    public let behaviour: String

    /// What was concluded about it.
    public let conclusion: String
}
