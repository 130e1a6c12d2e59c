package dev.billfold

import java.time.Instant

/**
 * A stored credential.
 *
 * @property id its name in the wallet.
 * @property credentialIssuer who issued it.
 * @property configuration as what it was asked for.
 * @property format its format identifier, such as `dc+sd-jwt`.
 * @property type its type, as its format says it.
 * @property issuedAt when it was received.
 * @property expiresAt when it stops being valid, if it says so.
 * @property copies the copies, each bound to a key of its own; never empty.
 * @property report what was checked before it was stored.
 * @property isQuarantined whether it is put aside: received, but not to be used. [report] says why.
 * @property card what to show of it.
 */
public data class Credential(
    public val id: String,
    public val credentialIssuer: String,
    public val configuration: String,
    public val format: String,
    public val type: CredentialType,
    public val issuedAt: Instant,
    public val expiresAt: Instant?,
    public val copies: List<CredentialCopy>,
    public val report: Report,
    public val isQuarantined: Boolean,
    public val card: Card,
) {
    /** Names the credential; holds no claim. */
    override fun toString(): String = "Credential($id, $configuration, ${report.verdict})"
}

/** The type of a credential, as its format says it. */
public sealed interface CredentialType {
    /**
     * Of an SD-JWT VC.
     *
     * @property vct its `vct`.
     */
    public data class Vct(public val vct: String) : CredentialType

    /**
     * Of a W3C credential.
     *
     * @property types its `type` values.
     */
    public data class Types(public val types: List<String>) : CredentialType

    /** Of a format that this version does not know. */
    public data object Unknown : CredentialType
}

/**
 * One copy of a credential.
 *
 * @property raw the credential exactly as received. It holds claims: not for logs.
 * @property keyHandle the key that it is bound to, by its name in [HolderKeys].
 */
public data class CredentialCopy(
    public val raw: String,
    public val keyHandle: String?,
) {
    /** Holds no claim. */
    override fun toString(): String = "CredentialCopy(${raw.length} characters, $keyHandle)"
}

/**
 * What to show of a credential, in the wallet's language.
 *
 * @property title the name of the credential.
 * @property issuerName the name of the issuer.
 * @property description a sentence about the credential.
 * @property logo the logo.
 * @property backgroundColor CSS colour as the issuer wrote it.
 * @property textColor CSS colour as the issuer wrote it.
 * @property claims the claims, in the issuer's order.
 */
public data class Card(
    public val title: String,
    public val issuerName: String,
    public val description: String?,
    public val logo: Logo?,
    public val backgroundColor: String?,
    public val textColor: String?,
    public val claims: List<CardClaim>,
) {
    /** Holds no claim. */
    override fun toString(): String = "Card($title, $issuerName, ${claims.size} claims)"
}

/**
 * One claim, ready to be shown.
 *
 * @property path where it is in the credential.
 * @property label what to call it.
 * @property value its value as text.
 */
public data class CardClaim(
    public val path: List<PathStep>,
    public val label: String,
    public val value: String,
) {
    /** Holds no value. */
    override fun toString(): String = "CardClaim($label)"
}

/** One step of a claim path. */
public sealed interface PathStep {
    /**
     * A member of an object.
     *
     * @property name its name.
     */
    public data class Key(public val name: String) : PathStep

    /**
     * An element of an array.
     *
     * @property index which one, from 0.
     */
    public data class Index(public val index: Long) : PathStep

    /** Every element of an array. */
    public data object All : PathStep
}

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
