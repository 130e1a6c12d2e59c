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
 * @property validFrom when it begins to be valid, if it says so.
 * @property expiresAt when it stops being valid, if it says so.
 * @property statusLists the addresses of the lists that its status is kept in; empty if it says nothing of that.
 * @property statusFound what was found there last; `null` if nobody looked yet. [Billfold.recheck] looks again.
 * @property copies the copies, each bound to a key of its own; never empty.
 * @property report what was checked before it was stored.
 * @property isQuarantined whether it is put aside: received, but not to be used. [report] says why.
 * @property card what to show of it. Only pictures that came with it are in there; [Billfold.card] has all.
 */
public data class Credential(
    public val id: String,
    public val credentialIssuer: String,
    public val configuration: String,
    public val format: String,
    public val type: CredentialType,
    public val issuedAt: Instant,
    public val validFrom: Instant?,
    public val expiresAt: Instant?,
    public val statusLists: List<String>,
    public val statusFound: StatusFound?,
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

    /**
     * Of an mdoc.
     *
     * @property doctype its `docType`.
     */
    public data class Doctype(public val doctype: String) : CredentialType

    /** Of a format that this version does not know. */
    public data object Unknown : CredentialType
}

/**
 * One copy of a credential.
 *
 * @property raw the credential exactly as received. It holds claims: not for logs.
 * @property keyHandle the key that it is bound to, by its name in [HolderKeys]; `null` if it is bound to none, or
 *   [isKeyMissing].
 * @property isKeyMissing whether it is bound to a key that is not on this device: it came out of a backup. It can be
 *   looked at and renewed, and not be shown to anybody.
 * @property uses how often it was taken for use, see [Billfold.takeCopy].
 * @property lastUsedAt when that was last.
 */
public data class CredentialCopy(
    public val raw: String,
    public val keyHandle: String?,
    public val isKeyMissing: Boolean,
    public val uses: Int,
    public val lastUsedAt: Instant?,
) {
    /** Holds no claim. */
    override fun toString(): String = "CredentialCopy(${raw.length} characters, $keyHandle)"
}

/**
 * What was found in a status list, and when.
 *
 * @property value what it says.
 * @property checkedAt when it was looked up.
 */
public data class StatusFound(
    public val value: StatusValue,
    public val checkedAt: Instant,
)

/** What a status list says of a credential. */
public sealed interface StatusValue {
    /** It is good. */
    public data object Valid : StatusValue

    /** It was revoked for good. */
    public data object Invalid : StatusValue

    /** It is out of use for a while. */
    public data object Suspended : StatusValue

    /**
     * Something that only the issuer's own rules give a meaning.
     *
     * @property value the number in the list.
     */
    public data class Other(public val value: Int) : StatusValue
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
