package dev.billfold

/**
 * Whose ways of speaking a wallet puts up with.
 *
 * Tolerance is about the form of messages. What protects the user holds either way: the issuer's identity, TLS, PKCE,
 * `state`, one-time use, and every check of a credential.
 */
public enum class Dialects {
    /**
     * OpenID4VCI 1.0 Final, its drafts back to the eleventh, and the deployed systems that mix them. Which it is shows
     * in what the issuer says; [Issuance.tolerated] tells what was found.
     */
    ANY,

    /** OpenID4VCI 1.0 Final only. Whatever departs from it is an error. [Profile.HAIP] implies it. */
    STRICT,
}

/**
 * Something in which an issuer departs from OpenID4VCI 1.0 Final and that was put up with. For integrators: none of it
 * is for users to read.
 *
 * @property name the stable name, such as `single_proof`. Later versions may know more of them.
 * @property sentence what it is.
 */
public data class Tolerance(
    public val name: String,
    public val sentence: String,
)

/**
 * How an issuer is spoken to, and why: for logs and bug reports. Nothing in it is a secret, and nothing is for users.
 *
 * @property looksLike what the issuer's metadata looks like, such as `1.0` or `draft 13`. A guess for show: nothing
 *   depends on it.
 * @property seen what was seen in the issuer's metadata that tells drafts apart.
 * @property concluded what was concluded, behaviour by behaviour.
 * @property request the members of the credential request that will be sent, in words.
 * @property tolerated what was put up with so far.
 */
public data class DialectReport(
    public val looksLike: String,
    public val seen: List<String>,
    public val concluded: List<Conclusion>,
    public val request: String,
    public val tolerated: List<Tolerance>,
)

/**
 * One behaviour of an issuer.
 *
 * @property behaviour which one, such as `nonce` or `credential_request`.
 * @property conclusion what was concluded about it.
 */
public data class Conclusion(
    public val behaviour: String,
    public val conclusion: String,
)
