package dev.billfold

/**
 * Resolves DIDs of methods that billfold does not resolve by itself. It is never asked for did:key, did:jwk,
 * did:web and the long form of did:prism.
 *
 * A document is judged by the same rules as one of a did:web: its `id` has to be the DID, and only keys that it lists
 * for assertions (`assertionMethod`) sign credentials. Throw [DidResolverException]; anything else that is thrown
 * counts as a resolver that is not there just now.
 */
public interface DidResolver {
    /**
     * The methods that it knows, such as `ebsi` of `did:ebsi:…`, or `*` for all that billfold does not resolve by
     * itself. Asked once, when the wallet is opened.
     */
    public val methods: List<String>

    /**
     * The DID document, as the text of a JSON object.
     *
     * @param did a DID without path, query and fragment.
     * @throws DidResolverException
     */
    public suspend fun resolve(did: String): String
}

/**
 * A DID that was not resolved.
 *
 * @property kind what became of it.
 * @param message a sentence for developers. It stands in the credential's report.
 */
public class DidResolverException(
    public val kind: Kind,
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause) {
    /** What became of a DID that was not resolved. */
    public enum class Kind {
        /** There is no such DID, or it was deactivated: a credential of it is rejected. */
        NOT_FOUND,

        /** It can't be found out now; later it may. A credential of it is unverified until then. */
        UNREACHABLE,

        /** It is not a DID of its method: a credential of it is rejected. */
        INVALID,
    }
}
