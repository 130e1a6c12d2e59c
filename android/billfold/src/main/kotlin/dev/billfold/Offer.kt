package dev.billfold

/**
 * What is offered, by whom, and what it takes: all that the user has to see before saying yes.
 *
 * @property credentialIssuer the credential issuer identifier.
 * @property issuerName the issuer's name in the wallet's language, or its host when it gives none.
 * @property issuerDisplay how the issuer presents itself.
 * @property credentials what is offered.
 * @property grants the grants that can be used.
 * @property txCode set when the user will have to type a code.
 * @property metadataSignedBy who signed the issuer's metadata: the subject of a certificate that the wallet's
 *   metadata anchors vouch for. `null` if it came unsigned, with nothing but TLS to vouch for it.
 */
public data class Offer(
    public val credentialIssuer: String,
    public val issuerName: String,
    public val issuerDisplay: Display?,
    public val credentials: List<OfferedCredential>,
    public val grants: List<GrantType>,
    public val txCode: TxCode?,
    public val metadataSignedBy: String?,
) {
    /** The names of what is offered. */
    public val titles: List<String> get() = credentials.map { it.title }
}

/**
 * One credential of an offer.
 *
 * @property configuration the issuer's name for this kind of credential.
 * @property format its format identifier, such as `dc+sd-jwt`.
 * @property display how it presents itself.
 * @property title the name to show.
 */
public data class OfferedCredential(
    public val configuration: String,
    public val format: String,
    public val display: Display?,
    public val title: String,
)

/** The grants an issuance can use. */
public enum class GrantType {
    /** The user signs in at the issuer. */
    AUTHORIZATION_CODE,

    /** The issuer already knows the user. */
    PRE_AUTHORIZED_CODE,
}

/**
 * What the issuer says about a transaction code.
 *
 * @property inputMode which keyboard to show.
 * @property length how many characters it has; a hint, not a rule.
 * @property description where the user finds the code.
 */
public data class TxCode(
    public val inputMode: InputMode,
    public val length: Int?,
    public val description: String?,
)

/**
 * How an issuer or a kind of credential presents itself in one language.
 *
 * @property name the name to show.
 * @property locale BCP 47 language tag.
 * @property logo the logo.
 * @property description a sentence about the credential.
 * @property backgroundColor CSS colour as the issuer wrote it.
 * @property backgroundImage picture behind the text.
 * @property textColor CSS colour as the issuer wrote it.
 */
public data class Display(
    public val name: String?,
    public val locale: String?,
    public val logo: Logo?,
    public val description: String?,
    public val backgroundColor: String?,
    public val backgroundImage: Logo?,
    public val textColor: String?,
)

/**
 * A picture with its description for screen readers.
 *
 * @property uri `https:` or `data:` address, as the issuer gave it. Look at its scheme before use.
 * @property altText text in place of the picture.
 */
public data class Logo(
    public val uri: String,
    public val altText: String?,
)
