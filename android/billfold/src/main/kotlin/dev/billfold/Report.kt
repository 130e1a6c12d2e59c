package dev.billfold

/**
 * All checks of one credential and what they mean.
 *
 * @property checks one check a kind.
 * @property verdict what they mean under the wallet's policy.
 */
public data class Report(
    public val checks: List<Check>,
    public val verdict: Verdict,
) {
    /** The check of a kind. */
    public operator fun get(kind: CheckKind): Check? = checks.firstOrNull { it.kind == kind }

    /** The kinds that failed. */
    public val failed: List<CheckKind> get() = checks.filter { it.outcome == CheckOutcome.Failed }.map { it.kind }
}

/** What all checks together say. */
public enum class Verdict {
    /** Every required check passed. */
    VERIFIED,

    /** Every required check passed, another did not. */
    VERIFIED_WITH_WARNINGS,

    /** A required check could not be decided now; [Billfold.recheck] tries again. */
    UNVERIFIED,

    /** A required check failed. */
    REJECTED,
    ;

    /** Whether the credential may be used. */
    public val isUsable: Boolean get() = this == VERIFIED || this == VERIFIED_WITH_WARNINGS
}

/**
 * One check of a report.
 *
 * @property kind what was checked.
 * @property outcome how it came out.
 * @property detail how it was decided, for developers. Holds no claim of the credential's subject.
 */
public data class Check(
    public val kind: CheckKind,
    public val outcome: CheckOutcome,
    public val detail: String,
)

/** What a check looks at. */
public enum class CheckKind {
    /** The issuer's signature. */
    SIGNATURE,

    /** How the issuer's key was found. */
    ISSUER_KEY,

    /** Whether the app trusts that issuer. */
    ISSUER_TRUST,

    /** The key inside the credential is one that this wallet made for it. */
    HOLDER_BINDING,

    /** The issued type is the requested type. */
    TYPE,

    /** Not before, not after. */
    VALIDITY,

    /** SD-JWT disclosures or mdoc value digests. */
    DIGESTS,

    /** A status list. */
    STATUS,

    /** The credential's issuer fits the credential issuer that was asked. */
    ISSUER,

    /** A check of a newer native library. */
    OTHER,
}

/** How a check came out. */
public sealed interface CheckOutcome {
    /** It holds. */
    public data object Passed : CheckOutcome

    /** It does not hold. */
    public data object Failed : CheckOutcome

    /**
     * It could not be found out now.
     *
     * @property reason why.
     */
    public data class Unknown(public val reason: Reason) : CheckOutcome

    /**
     * It does not apply, or is switched off.
     *
     * @property reason why.
     */
    public data class Skipped(public val reason: Reason) : CheckOutcome
}

/** Why a check gave no answer. */
public enum class Reason {
    /** The credential is bound to no key, and its format allows that. */
    UNBOUND,

    /** The format has nothing of the kind. */
    NOT_APPLICABLE,

    /** The policy switched it off. */
    SWITCHED_OFF,

    /** The app named no anchors and no allowed issuers. */
    NO_ANCHORS,

    /** What is needed did not answer. */
    UNREACHABLE,

    /** A method, algorithm or key type that this version does not know. */
    UNSUPPORTED,

    /** A check that this one builds on did not pass. */
    DEPENDS_ON_FAILED,

    /** A reason of a newer native library. */
    OTHER,
}

/** What the policy makes of a check. */
public enum class Requirement {
    /** It has to pass. */
    REQUIRE,

    /** Not passing is shown, and the credential usable all the same. */
    WARN,

    /** It is not looked at. */
    OFF,
}
