/// All checks of one credential and what they mean.
public struct Report: Sendable, Hashable {
    /// One check a kind.
    public let checks: [Check]

    /// What they mean under the wallet's policy.
    public let verdict: Verdict

    /// The check of a kind.
    public subscript(kind: CheckKind) -> Check? { checks.first { $0.kind == kind } }

    /// The kinds that failed.
    public var failed: [CheckKind] { checks.filter { $0.outcome == .failed }.map(\.kind) }
}

/// What all checks together say.
public enum Verdict: Sendable, Hashable, CaseIterable {
    /// Every required check passed.
    case verified
    /// Every required check passed, another did not.
    case verifiedWithWarnings
    /// A required check could not be decided now; ``Billfold/recheck(_:)`` tries again.
    case unverified
    /// A required check failed.
    case rejected

    /// Whether the credential may be used.
    public var isUsable: Bool { self == .verified || self == .verifiedWithWarnings }
}

/// One check of a report.
public struct Check: Sendable, Hashable {
    /// What was checked.
    public let kind: CheckKind

    /// How it came out.
    public let outcome: CheckOutcome

    /// How it was decided, for developers. Holds no claim of the credential's subject.
    public let detail: String
}

/// What a check looks at.
public enum CheckKind: Sendable, Hashable, CaseIterable {
    /// The issuer's signature.
    case signature
    /// How the issuer's key was found.
    case issuerKey
    /// Whether the app trusts that issuer.
    case issuerTrust
    /// The key inside the credential is one that this wallet made for it.
    case holderBinding
    /// The issued type is the requested type.
    case type
    /// Not before, not after.
    case validity
    /// SD-JWT disclosures or mdoc value digests.
    case digests
    /// A status list.
    case status
    /// The credential's issuer fits the credential issuer that was asked.
    case issuer
    /// A check of a newer native library.
    case other
}

/// How a check came out.
public enum CheckOutcome: Sendable, Hashable {
    /// It holds.
    case passed
    /// It does not hold.
    case failed
    /// It could not be found out now.
    case unknown(Reason)
    /// It does not apply, or is switched off.
    case skipped(Reason)
}

/// Why a check gave no answer.
public enum Reason: Sendable, Hashable, CaseIterable {
    /// The credential is bound to no key, and its format allows that.
    case unbound
    /// The format has nothing of the kind.
    case notApplicable
    /// The policy switched it off.
    case switchedOff
    /// The app named no anchors and no allowed issuers.
    case noAnchors
    /// What is needed did not answer.
    case unreachable
    /// A method, algorithm or key type that this version does not know.
    case unsupported
    /// A check that this one builds on did not pass.
    case dependsOnFailed
    /// A reason of a newer native library.
    case other
}

/// What the policy makes of a check.
public enum Requirement: Sendable, Hashable, CaseIterable {
    /// It has to pass.
    case require
    /// Not passing is shown, and the credential usable all the same.
    case warn
    /// It is not looked at.
    case off
}
