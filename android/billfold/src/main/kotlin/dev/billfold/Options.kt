package dev.billfold

import kotlin.time.Duration

/**
 * What most wallets leave as it is.
 *
 * @property locale BCP 47 language tag for names and `Accept-Language`.
 * @property allowLoopbackHttp allows plain http on loopback addresses: for development.
 * @property clockSkew how far clocks may differ; `null` for the library's own 60 seconds.
 * @property trustAnchors certificates, PEM, that issuers of credentials have to lead back to. With any
 *   of them the check [CheckKind.ISSUER_TRUST] is required.
 * @property trustAnchorsDer the same, DER.
 * @property rootCertificates more TLS roots, PEM, for the transport inside the native library.
 * @property policy where the verification policy differs from the default.
 * @property binding how key proofs name their keys.
 * @property profile the rules that issuances are held to, unless [AcceptOptions.profile] says otherwise.
 * @property attestationVersion which text of the attestation draft authorization servers follow.
 * @property signedMetadata what to do about issuers that sign their metadata. Other than
 *   [SignedMetadata.IGNORE], it needs [metadataAnchors] or [trustAnchors].
 * @property metadataAnchors certificates, PEM, that signers of metadata have to lead back to; the
 *   [trustAnchors] when there is none.
 * @property trustedIssuers the issuers that are trusted, by the DID or https identifier that their credentials name.
 *   With any of them the check [CheckKind.ISSUER_TRUST] is required; an anchor may vouch instead.
 * @property policies where the policy of a type of credentials differs from the default, by `vct`, `doctype` or W3C
 *   type; it holds in the place of [policy].
 * @property typeMetadata whether to look up what publishers say about the types of SD-JWT VCs; `null`: yes, but not
 *   in issuances that are held to [Profile.HAIP].
 * @property jsonLdContexts more JSON-LD contexts that `ldp_vc` credentials may refer to: the documents, as JSON text,
 *   by their addresses. None is ever fetched.
 * @property dialects whose ways of speaking the wallet puts up with; see [Issuance.tolerated].
 * @property didResolverUrl a server that resolves the DIDs which billfold does not resolve by itself: `GET URL/DID`
 *   gives the DID document, or a DID resolution result, as universal resolvers do. It takes the place of a
 *   [DidResolver]. Whoever runs it learns which issuers a user has credentials of, and is believed about their keys.
 */
public class BillfoldOptions(
    public val locale: String? = null,
    public val allowLoopbackHttp: Boolean = false,
    public val clockSkew: Duration? = null,
    public val trustAnchors: List<String> = emptyList(),
    public val trustAnchorsDer: List<ByteArray> = emptyList(),
    public val rootCertificates: List<String> = emptyList(),
    public val policy: Map<CheckKind, Requirement> = emptyMap(),
    public val binding: Binding = Binding.AUTO,
    public val profile: Profile = Profile.BASE,
    public val attestationVersion: AttestationVersion = AttestationVersion.V07,
    public val signedMetadata: SignedMetadata = SignedMetadata.IGNORE,
    public val metadataAnchors: List<String> = emptyList(),
    public val trustedIssuers: List<String> = emptyList(),
    public val policies: Map<String, Map<CheckKind, Requirement>> = emptyMap(),
    public val typeMetadata: TypeMetadataUse? = null,
    public val jsonLdContexts: Map<String, String> = emptyMap(),
    public val dialects: Dialects = Dialects.ANY,
    public val didResolverUrl: String? = null,
)

/** Whether a wallet looks up what the publishers of credential types say about them: names, colours and labels. */
public enum class TypeMetadataUse {
    /** It does, where the name of the type (`vct`) is an https address. Publishers learn that somebody has one. */
    FETCH,

    /** It does not. */
    OFF,
}

/** How a key proof names its key. */
public enum class Binding {
    /** As the issuer's metadata asks. */
    AUTO,

    /** The key itself (`jwk`). */
    JWK,

    /** `kid` with a `did:key`. */
    DID_KEY,

    /** `kid` with a `did:jwk`. */
    DID_JWK,

    /** `kid` with a `did:prism` in its long form, which only [Algorithm.ES256K] keys can have. */
    DID_PRISM,

    /** [HolderKey.certificates] (`x5c`). */
    X5C,
}

/** The rules that an issuance is held to. */
public enum class Profile {
    /**
     * OpenID4VCI as it stands: what is safer is used where the issuer offers it, and an ordinary issuer that
     * offers nothing of it works too.
     */
    BASE,

    /**
     * OpenID4VC High Assurance Interoperability Profile 1.0: what it demands of issuers is demanded, and an
     * issuance that falls short is refused before anything is spent. It needs a [WalletProvider].
     */
    HAIP,
}

/** Which text of the attestation draft authorization servers follow. */
public enum class AttestationVersion {
    /** Draft 07, which OpenID4VCI 1.0 and HAIP 1.0 name: both JWTs have an `iss`. */
    V07,

    /** Draft 08 and later: the proof of possession has none. */
    V08,
}

/** What to do about issuers that sign their metadata. A signature that does not hold ends the issuance. */
public enum class SignedMetadata {
    /** Unsigned metadata is asked for, and nothing else is taken. */
    IGNORE,

    /** Signed metadata is asked for first. Where an issuer has none, it is taken unsigned. */
    PREFER,

    /** Only signed metadata is taken. */
    REQUIRE,
}
