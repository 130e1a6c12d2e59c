package dev.billfold

import java.security.PublicKey
import java.security.cert.Certificate
import kotlin.time.Duration

/**
 * Makes keys and signs with them. The private keys stay in the platform.
 *
 * [create] and [sign] take several at once, so that a platform which asks the user does it once for a
 * batch. Throw [KeyException]; of anything else that is thrown only the class name is passed on, and the
 * exception itself as the cause of the [BillfoldException] where it can be told.
 */
public interface HolderKeys {
    /** The algorithms that keys can have, the preferred first. Asked once, when the wallet is opened. */
    public val algorithms: List<Algorithm>

    /**
     * Makes [count] keys: all of them or none.
     *
     * @param purpose what they are for. Ask the user about keys of [KeyPurpose.CREDENTIAL] only.
     * @throws KeyException
     */
    public suspend fun create(algorithm: Algorithm, purpose: KeyPurpose, count: Int): List<HolderKey>

    /**
     * Signs all requests, in their order: all of them or none. ECDSA signatures may be DER, as
     * `java.security` makes them, or raw.
     *
     * @throws KeyException
     */
    public suspend fun sign(requests: List<SignRequest>): List<ByteArray>

    /**
     * Deletes keys. One that is not there is no error.
     *
     * @throws KeyException
     */
    public suspend fun delete(handles: List<String>)

    /**
     * The keys of these names, in their order; `null` for one that is not there. A backup names them: what is bound
     * to a key that is there can be used again at once. Without asking the user.
     *
     * @throws KeyException
     */
    public suspend fun find(handles: List<String>): List<HolderKey?> = handles.map { null }
}

/**
 * What a key is for. Only credentials' keys are worth asking the user about: the others sign on every request,
 * also when nobody looks at the phone.
 */
public enum class KeyPurpose {
    /** A credential will be bound to it. */
    CREDENTIAL,

    /** Access tokens will be bound to it (DPoP). */
    ACCESS_TOKEN,

    /** Client attestations will be bound to it. */
    CLIENT_INSTANCE,
}

/** A signature algorithm. */
public enum class Algorithm {
    /** ECDSA with P-256 and SHA-256 (`SHA256withECDSA`). */
    ES256,

    /** ECDSA with P-384 and SHA-384 (`SHA384withECDSA`). */
    ES384,

    /** EdDSA with Ed25519 (`Ed25519`). */
    EDDSA,

    /** ECDSA with secp256k1 and SHA-256. */
    ES256K,
}

/**
 * A key as the platform made it.
 *
 * @property handle its name in the key store, under which [HolderKeys.sign] finds it.
 * @property algorithm what it signs with.
 * @property publicKey its public half.
 * @property certificates certificates for it, if the platform has some: its own first. Needed only where proofs
 *   name their key by certificate.
 */
public class HolderKey(
    public val handle: String,
    public val algorithm: Algorithm,
    public val publicKey: PublicKey,
    public val certificates: List<Certificate> = emptyList(),
)

/**
 * One signature that is wanted.
 *
 * @property handle with which key.
 * @property algorithm with which algorithm, the one that the key was made for.
 * @property payload over which octets; the algorithm's own hash is applied to them.
 */
public class SignRequest(
    public val handle: String,
    public val algorithm: Algorithm,
    public val payload: ByteArray,
)

/**
 * A key operation that failed.
 *
 * @property kind what went wrong.
 * @param message a sentence for developers. It becomes part of errors and logs: no secrets.
 */
public class KeyException(
    public val kind: Kind,
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause) {
    /** What went wrong with a key. */
    public enum class Kind {
        /** There is no such key. */
        UNKNOWN,

        /** The user did not unlock it. */
        LOCKED,

        /** The platform can't make such keys. */
        UNSUPPORTED,

        /** Anything else. */
        FAILED,
    }
}

/**
 * Sends one request and gives its answer, whatever its status.
 *
 * An implementation does not follow redirects, does not repeat a request by itself (a code or a nonce
 * works once), keeps no cookies, and checks server certificates. Requests run side by side. Throw
 * [TransportException]; anything else that is thrown counts as a request that may have been sent.
 */
public interface HttpTransport {
    /**
     * Sends the request.
     *
     * @throws TransportException
     */
    public suspend fun send(request: HttpRequest, limits: HttpLimits): HttpResponse
}

/**
 * A header field.
 *
 * @property name its name.
 * @property value its value.
 */
public class HttpHeader(
    public val name: String,
    public val value: String,
) {
    /** Holds no value: it may be a token. */
    override fun toString(): String = name
}

/**
 * A request to send as it is.
 *
 * @property method the method.
 * @property url the address. Its query may hold secrets.
 * @property headers the header fields; a name can stand there twice.
 * @property body the body; empty when there is none.
 */
public class HttpRequest(
    public val method: String,
    public val url: String,
    public val headers: List<HttpHeader>,
    public val body: ByteArray,
) {
    /** Holds no query, header value or body. */
    override fun toString(): String = "$method ${url.substringBefore('?')} $headers"
}

/**
 * What a transport has to hold a request to.
 *
 * @property maxBodyBytes a longer body ends as [TransportException.Kind.TOO_LARGE]; the transport stops
 *   reading there.
 * @property connectTimeout time to connect.
 * @property totalTimeout time for the whole exchange.
 * @property publicAddressesOnly whether names that lead to private, link-local or loopback addresses are
 *   refused ([TransportException.Kind.FORBIDDEN_ADDRESS]).
 */
public class HttpLimits(
    public val maxBodyBytes: Int,
    public val connectTimeout: Duration,
    public val totalTimeout: Duration,
    public val publicAddressesOnly: Boolean,
)

/**
 * An answer.
 *
 * @property status the status.
 * @property headers the header fields.
 * @property body the body.
 */
public class HttpResponse(
    public val status: Int,
    public val headers: List<HttpHeader>,
    public val body: ByteArray,
) {
    /** Holds no header value or body. */
    override fun toString(): String = "$status $headers, ${body.size} bytes"
}

/**
 * A request that got no answer.
 *
 * @property kind what went wrong.
 * @property maybeSent whether the request may have reached the server. When in doubt, `true`.
 * @param message a sentence for developers. It becomes part of errors and logs: no header values, bodies
 *   or queries.
 */
public class TransportException(
    public val kind: Kind,
    public val maybeSent: Boolean,
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause) {
    /** What went wrong on the way. */
    public enum class Kind {
        /** No connection: the name did not resolve, nobody listens, the network is down. */
        UNREACHABLE,

        /** Time ran out. */
        TIMED_OUT,

        /** The connection broke. */
        CONNECTION_LOST,

        /** The server's certificate, or the TLS handshake. */
        TLS,

        /** The answer is over the limit. */
        TOO_LARGE,

        /** The name leads to an address that this request may not go to. */
        FORBIDDEN_ADDRESS,

        /** Anything else. */
        OTHER,
    }
}

/**
 * Keeps small secrets by name. The platform's own protection belongs behind it. What it keeps has to
 * last as long as the wallet's folder: without it nothing in there can be read again.
 *
 * Throw [SecretException]; of anything else that is thrown only the class name is passed on.
 */
public interface SecretStore {
    /**
     * Keeps a secret under a name; an older one of that name is replaced.
     *
     * @throws SecretException
     */
    public suspend fun put(name: String, secret: ByteArray)

    /**
     * The secret of that name.
     *
     * @throws SecretException
     */
    public suspend fun get(name: String): ByteArray?

    /**
     * Forgets a secret. One that is not there is no error.
     *
     * @throws SecretException
     */
    public suspend fun remove(name: String)
}

/**
 * A secret that could not be kept or read.
 *
 * @param message a sentence for developers, without the secret.
 */
public class SecretException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)
