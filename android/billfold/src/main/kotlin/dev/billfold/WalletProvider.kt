package dev.billfold

/**
 * The app's back end, as far as the wallet needs it: it vouches for the wallet and for its keys, towards
 * authorization servers and issuers that ask for that.
 *
 * Say in [capabilities] what it can do, and implement that; it is asked for nothing else. What it gives is
 * checked before it is used. Throw [ProviderException]; anything else that is thrown counts as a back end
 * that is not there just now. The functions may take their time, and run side by side.
 */
public interface WalletProvider {
    /** What it can do. Asked once, when the wallet is opened. */
    public val capabilities: ProviderCapabilities

    /**
     * A client attestation (OpenID4VCI appendix E), as a compact JWT with `typ` `oauth-client-attestation+jwt`.
     *
     * @throws ProviderException
     */
    public suspend fun clientAttestation(request: ClientAttestationRequest): String =
        throw ProviderException(ProviderException.Kind.UNSUPPORTED, "the wallet provider gives no client attestations")

    /**
     * A signature with the client's own key (`private_key_jwt`, RFC 7523). An ECDSA signature may be DER, as
     * `java.security` makes it, or raw.
     *
     * @throws ProviderException
     */
    public suspend fun signClientAssertion(request: ClientAssertionRequest): ByteArray =
        throw ProviderException(ProviderException.Kind.UNSUPPORTED, "the wallet provider signs no client assertions")

    /**
     * A key attestation (OpenID4VCI appendix D), as a compact JWT with `typ` `key-attestation+jwt`.
     *
     * @throws ProviderException
     */
    public suspend fun keyAttestation(request: KeyAttestationRequest): String =
        throw ProviderException(ProviderException.Kind.UNSUPPORTED, "the wallet provider gives no key attestations")
}

/**
 * What a [WalletProvider] can do.
 *
 * @property clientAttestation it gives client attestations: the wallet authenticates with them where a server
 *   takes `attest_jwt_client_auth`.
 * @property clientAssertion it signs client assertions with this key: the wallet authenticates with them where
 *   a server takes `private_key_jwt` and no attestation.
 * @property keyAttestation it gives key attestations.
 */
public class ProviderCapabilities(
    public val clientAttestation: Boolean = false,
    public val clientAssertion: ClientAssertionKey? = null,
    public val keyAttestation: Boolean = false,
)

/**
 * The key behind client assertions, known to the authorization servers.
 *
 * @property algorithm what it signs with.
 * @property keyId its `kid` in the client's registered keys, if it has one.
 */
public class ClientAssertionKey(
    public val algorithm: Algorithm,
    public val keyId: String? = null,
)

/**
 * A key of the wallet that the provider has to name in what it signs.
 *
 * @property handle its name in [HolderKeys].
 * @property algorithm what it signs with.
 * @property publicJwk its public half as the text of a JWK, to be put into `cnf` or `attested_keys` as it is.
 * @property certificates what [HolderKey.certificates] were when it was made: DER, the key's own first.
 */
public class KeyToAttest(
    public val handle: String,
    public val algorithm: Algorithm,
    public val publicJwk: String,
    public val certificates: List<ByteArray>,
)

/**
 * Asks for a client attestation.
 *
 * @property authorizationServer the authorization server that will see it. An attestation is never shown to
 *   another one.
 * @property clientId the `sub` that it has to have. It names the wallet product, never one installation: every
 *   user of the app shares it, or issuers could follow one user by it.
 * @property key the key that it has to name as `cnf.jwk`: fresh, and in [HolderKeys].
 */
public class ClientAttestationRequest(
    public val authorizationServer: String,
    public val clientId: String,
    public val key: KeyToAttest,
)

/**
 * Asks for the signature of a client assertion.
 *
 * @property authorizationServer the authorization server that will see it.
 * @property key which key has to sign.
 * @property payload over which octets; the algorithm's own hash is applied to them.
 */
public class ClientAssertionRequest(
    public val authorizationServer: String,
    public val key: ClientAssertionKey,
    public val payload: ByteArray,
)

/**
 * Asks for a key attestation.
 *
 * @property credentialIssuer the credential issuer that will see it.
 * @property keys the keys that it has to name as `attested_keys`, in this order. All are of one algorithm.
 * @property nonce the `nonce` that it has to carry; `null` where the issuer gives none.
 * @property keyStorage the `key_storage` levels of which the issuer accepts any; empty where it does not care.
 * @property userAuthentication the `user_authentication` levels of which the issuer accepts any; empty where it
 *   does not care.
 * @property signingAlgorithms the algorithms that the attestation may be signed with, by their JOSE names.
 * @property isInsideJwtProof whether it travels in the header of a `jwt` proof, where it needs an `exp`;
 *   otherwise it is the proof itself.
 */
public class KeyAttestationRequest(
    public val credentialIssuer: String,
    public val keys: List<KeyToAttest>,
    public val nonce: String?,
    public val keyStorage: List<String>,
    public val userAuthentication: List<String>,
    public val signingAlgorithms: List<String>,
    public val isInsideJwtProof: Boolean,
)

/**
 * A wallet provider that did not help.
 *
 * @property kind what went wrong.
 * @param message a sentence for developers. It becomes part of errors and logs: no secrets.
 */
public class ProviderException(
    public val kind: Kind,
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause) {
    /** What went wrong at the wallet provider. */
    public enum class Kind {
        /** It could not be reached, or failed; later it may work. */
        UNAVAILABLE,

        /** It does not vouch for this wallet or these keys. */
        REFUSED,

        /** It does not do this at all. */
        UNSUPPORTED,
    }
}
