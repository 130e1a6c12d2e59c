import Foundation

/// Where an issuance stands, and what has to come next.
public enum Step: Sendable, Hashable {
    /// The user looks at the offer; ``Issuance/accept(_:)`` or ``Issuance/decline()`` next.
    case review

    /// The user types the transaction code; ``Issuance/submitCode(_:)`` next.
    case enterCode(CodeHint)

    /// The user signs in at this address, opened in an `ASWebAuthenticationSession` or the system browser,
    /// never in a web view; ``Issuance/submitRedirect(_:)`` next.
    case signIn(URL)

    /// The issuer needs time; ``Issuance/poll()`` then, and not before.
    case wait(until: Date)

    /// A request failed, or the process ended on the way; ``Issuance/proceed()`` next.
    case interrupted

    /// At least one credential is verified, stored and usable: `credentials` are the ids of these, `failures`
    /// what else was asked for and did not come out well.
    case done(credentials: [String], failures: [Failure])
}

/// What to tell a user who has to type a transaction code.
public struct CodeHint: Sendable, Hashable {
    /// Which keyboard to show.
    public let inputMode: InputMode

    /// How many characters it has; a hint for the input field, not a rule.
    public let length: Int?

    /// Where the user finds the code, in the issuer's words.
    public let description: String?

    /// Whether a code was refused already.
    public let wasRefused: Bool

    /// How many more times the wallet lets the user try.
    public let attemptsLeft: Int
}

/// The characters of a transaction code.
public enum InputMode: Sendable, Hashable, CaseIterable {
    /// Digits. They stay text: leading zeros count.
    case numeric
    /// Any characters.
    case text
}

/// A credential that did not become usable.
public struct Failure: Sendable, Hashable {
    /// What was asked for.
    public let configuration: String

    /// The stable error code, as in ``BillfoldError/code``.
    public let code: String

    /// A sentence for developers.
    public let detail: String

    /// The id of the credential that was put aside, if one came.
    public let quarantined: String?
}
