package dev.billfold

import java.time.Instant
import kotlin.time.Duration

/**
 * What [Billfold.verify] may build on.
 *
 * @property issuerKeys the issuer's keys: the text of a JWK or of a JWK Set.
 * @property trustAnchors certificates, PEM, under which issuers are trusted.
 * @property trustAnchorsDer the same, DER.
 * @property holderKeys the keys of which the credential has to be bound to one, each the text of a JWK; with none,
 *   the binding is not compared.
 * @property type the type that it has to have; any when `null`.
 * @property profile the rules that it is held to.
 * @property policy where the verification policy differs from the default.
 * @property at the time to check for; now when `null`.
 * @property clockSkew how far clocks may differ; `null` for the library's own 60 seconds.
 * @property allowLoopbackHttp allows plain http on loopback addresses: for development.
 * @property jsonLdContexts more JSON-LD contexts that an `ldp_vc` may refer to: the documents, as JSON text, by their
 *   addresses. None is ever fetched.
 */
public class VerifyOptions(
    public val issuerKeys: String? = null,
    public val trustAnchors: List<String> = emptyList(),
    public val trustAnchorsDer: List<ByteArray> = emptyList(),
    public val holderKeys: List<String> = emptyList(),
    public val type: CredentialType? = null,
    public val profile: Profile = Profile.BASE,
    public val policy: Map<CheckKind, Requirement> = emptyMap(),
    public val at: Instant? = null,
    public val clockSkew: Duration? = null,
    public val allowLoopbackHttp: Boolean = false,
    public val jsonLdContexts: Map<String, String> = emptyMap(),
)

/**
 * What [Billfold.verify] found out about a credential.
 *
 * @property report the checks, and what they mean together.
 * @property type what the credential says that it is.
 * @property claims its claims with disclosures put in place, as the text of a JSON object; `null` if they could not
 *   be read. Not for logs.
 * @property disclosable where the claims are that its holder can withhold.
 * @property validFrom when it begins to be valid, if it says so.
 * @property expiresAt when it stops being valid, if it says so.
 * @property statusLists the addresses of the lists that its status is kept in; empty if it says nothing of that.
 * @property statusFound what was found there, if it was looked up.
 */
public data class Verification(
    public val report: Report,
    public val type: CredentialType,
    public val claims: String?,
    public val disclosable: List<List<PathStep>>,
    public val validFrom: Instant?,
    public val expiresAt: Instant?,
    public val statusLists: List<String>,
    public val statusFound: StatusFound?,
) {
    /** Holds no claim. */
    override fun toString(): String = "Verification($type, ${report.verdict})"
}
