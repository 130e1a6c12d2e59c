package dev.billfold

import dev.billfold.internal.Border
import dev.billfold.internal.KeysToFfi
import dev.billfold.internal.LogToFfi
import dev.billfold.internal.ProviderToFfi
import dev.billfold.internal.ResolverToFfi
import dev.billfold.internal.SecretsToFfi
import dev.billfold.internal.StoreToFfi
import dev.billfold.internal.TransportToFfi
import dev.billfold.internal.anchors
import dev.billfold.internal.toFfi
import dev.billfold.internal.toPublic
import java.io.File
import java.lang.ref.WeakReference
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import dev.billfold.ffi.Issuance as FfiIssuance
import dev.billfold.ffi.StoreLocation as FfiStoreLocation
import dev.billfold.ffi.Wallet as FfiWallet
import dev.billfold.ffi.WalletConfig as FfiWalletConfig
import dev.billfold.ffi.setLogSink as ffiSetLogSink
import dev.billfold.ffi.verify as ffiVerify
import dev.billfold.ffi.version as ffiVersion

/**
 * A wallet: takes offers, gets the credentials behind them, checks them and keeps them.
 *
 * On Android it is made by the function `Billfold(context, clientId = …)`, elsewhere by
 * [Billfold.open]. One process opens one folder once; keep the object for as long as the app runs.
 * All functions may be called from any thread and throw [BillfoldException] only (and
 * [kotlinx.coroutines.CancellationException], as every suspending function does).
 *
 * **Cancellation.** A cancelled coroutine stops waiting at once, but a step that has begun is not
 * torn off half way, because it may have spent a code that works only once: it goes on to its end
 * and its result is stored. [resume] with the issuance's id shows where it got to. To give an
 * issuance up, call [Issuance.cancel].
 */
public class Billfold private constructor(
    private val border: Border,
    private val opening: suspend () -> FfiWallet,
) : AutoCloseable {
    private val lock = Mutex()

    @Volatile
    private var opened: FfiWallet? = null

    @Volatile
    private var closed = false

    private val issuances = mutableListOf<WeakReference<Issuance>>()

    /**
     * Reads an offer and what its issuer says about itself. Nothing of the offer is spent yet: show
     * [Issuance.offer] to the user, then [Issuance.accept] or [Issuance.decline].
     *
     * @param link the text of a deep link, a scanned QR code or an https address.
     * @throws BillfoldException
     */
    public suspend fun openOffer(link: String): Issuance = issuance { openOffer(link) }

    /**
     * Begins an issuance without an offer.
     *
     * @param credentialIssuer the credential issuer identifier.
     * @param configurations which of the issuer's credential configurations to ask for.
     * @throws BillfoldException
     */
    public suspend fun start(credentialIssuer: String, configurations: List<String>): Issuance =
        issuance { start(credentialIssuer, configurations) }

    /**
     * Takes up a stored issuance again, after a restart or a cancelled coroutine. [Issuance.step]
     * tells where it stands, [Issuance.proceed] goes on.
     *
     * @param id the [Issuance.id].
     * @throws BillfoldException
     */
    public suspend fun resume(id: String): Issuance = issuance { resume(id) }

    /**
     * Finds the issuance that a redirect belongs to, when the app was restarted while the user was in
     * the browser. [Issuance.submitRedirect] with the same address next.
     *
     * @throws BillfoldException
     */
    public suspend fun resumeRedirect(redirectUrl: String): Issuance = issuance { resumeRedirect(redirectUrl) }

    /**
     * The issuances that have not ended.
     *
     * @throws BillfoldException
     */
    public suspend fun pending(): List<PendingIssuance> = call { pending() }.map { it.toPublic() }

    /**
     * All stored credentials; the ones that are put aside are among them, see [Credential.isQuarantined].
     *
     * @throws BillfoldException
     */
    public suspend fun credentials(): List<Credential> = call { credentials() }.map { it.toPublic() }

    /**
     * One stored credential.
     *
     * @throws BillfoldException
     */
    public suspend fun credential(id: String): Credential = call { credential(id) }.toPublic()

    /**
     * The card of a credential, with its pictures: what [Credential.card] has, and what is fetched for it. Pictures
     * are kept for the time without a network; one that can't be had fails nothing.
     *
     * @param id the [Credential.id].
     * @param locale BCP 47 language tag of names and labels; the wallet's own when `null`.
     * @throws BillfoldException
     */
    public suspend fun card(id: String, locale: String? = null): Card = call { card(id, locale) }.toPublic()

    /**
     * The credentials that a query asks for, a page of them, in the order in which they came. One whose record can't
     * be read hides no other: [CredentialPage.unreadable] names it.
     *
     * @throws BillfoldException
     */
    public suspend fun find(query: CredentialQuery = CredentialQuery()): CredentialPage =
        call { find(query.toFfi()) }.toPublic()

    /**
     * Takes a copy of a credential to be shown to somebody: the one that was used least. The use is written down
     * before the copy is given, so that no two calls get the same one as long as there are others.
     *
     * @param id the [Credential.id].
     * @throws BillfoldException.Verification for a credential that was put aside.
     * @throws BillfoldException.Keys for one whose key is not on this device.
     */
    public suspend fun takeCopy(id: String): TakenCopy = call { takeCopy(id) }.toPublic()

    /**
     * All credentials as one sealed file, for the user to keep. It holds no private key and no token: on another
     * device the credentials can be looked at, and asked for anew at their issuers. It is as strong as the
     * passphrase; a good part of a second and 64 MiB of memory are spent on that.
     *
     * @throws BillfoldException
     */
    public suspend fun exportBackup(passphrase: String): ByteArray = call { exportBackup(passphrase) }

    /**
     * Takes the credentials out of a backup. Those that the wallet has stay as they are.
     *
     * @throws BillfoldException.Store for a file that can't be used, and with [Advice.ASK_PASSPHRASE_AGAIN] for
     *   another passphrase.
     */
    public suspend fun importBackup(backup: ByteArray, passphrase: String): ImportedBackup =
        call { importBackup(backup, passphrase) }.toPublic()

    /**
     * Seals all records of the encrypted database with a new key, and forgets the old one. It may be cut off at any
     * moment, nothing is lost by that. A [CredentialStore] of the app's own has no such key.
     *
     * @throws BillfoldException
     */
    public suspend fun changeStoreKey(): KeyChanged = call { changeStoreKey() }.toPublic()

    /**
     * What becomes of credentials, each after it was written down. It goes on until its collector goes, or the
     * wallet is closed.
     *
     * The first of each collection is [CredentialChange.Missed]: whoever reads the list whenever that comes, and
     * single credentials for all else, has them as they are.
     *
     * @throws BillfoldException while it is collected
     */
    public fun changes(): Flow<CredentialChange> = flow {
        call { changes() }.use { changes ->
            emit(CredentialChange.Missed)
            while (true) emit((border.cross { changes.next() } ?: break).toPublic())
        }
    }

    /**
     * Verifies a stored credential again. One that could not be checked completely may become usable
     * by that, and one that is out of date is put aside.
     *
     * @throws BillfoldException
     */
    public suspend fun recheck(id: String): Credential = call { recheck(id) }.toPublic()

    /**
     * Asks for a credential once more, to put the new one in the place of the old one: before it expires, or
     * when its data changed.
     *
     * Go on with [Issuance.proceed]: as long as the issuer takes the tokens of the first issuance, it needs
     * nobody. When it does not, or there are none, the issuance waits at [Step.Review]: [Issuance.accept] lets
     * the user agree again. Either way the old credential stays until the new one is verified; then all its
     * copies are replaced at once, under the same id.
     *
     * @param id the [Credential.id].
     * @throws BillfoldException
     */
    public suspend fun refresh(id: String): Issuance = issuance { refresh(id) }

    /**
     * Deletes a credential and its keys.
     *
     * @throws BillfoldException
     */
    public suspend fun forget(id: String): Unit = call { forget(id) }

    /**
     * Lets go of the folder. Steps that have begun go on to their end and hold it until then (who opens it
     * meanwhile waits up to three seconds); what is being told to issuers in the background is left for the
     * next time; every other call on this object and its issuances fails from now on. Nothing stored is lost.
     */
    override fun close() {
        closed = true
        synchronized(issuances) {
            issuances.forEach { it.get()?.close() }
            issuances.clear()
        }
        opened?.close()
        opened = null
    }

    private suspend fun <T> call(block: suspend FfiWallet.() -> T): T = border.cross { wallet().block() }

    private suspend fun issuance(block: suspend FfiWallet.() -> FfiIssuance): Issuance {
        val issuance = Issuance(call(block), border)
        synchronized(issuances) {
            issuances.removeAll { it.get() == null }
            issuances += WeakReference(issuance)
        }
        if (closed) issuance.close()
        return issuance
    }

    /** Opens at the first use. One that failed is tried again at the next. */
    private suspend fun wallet(): FfiWallet = opened ?: lock.withLock {
        if (closed) throw border.closed()
        // An opening that nobody waits for would hold the folder a while longer than its caller.
        opened ?: withContext(NonCancellable) { opening() }.also { opened = it }
    }

    public companion object {
        /** The version of the native library. */
        public val version: String get() = ffiVersion()

        /**
         * Opens a wallet in a folder, for programs on the JVM. On Android use the function
         * `Billfold(context, …)`, which brings the platform's own protection along.
         *
         * @param directory where the encrypted records rest; made if it is not there.
         * @param clientId the `client_id` under which authorization servers know the app.
         * @param redirectUri where the browser returns to after the user signed in.
         * @param keys the keys that credentials are bound to. `null`: software keys, kept among the secrets.
         * @param secrets where the key of the store rests, and software keys. `null`: a file in
         *   [directory] that only its user can read. That protects from other users of the machine and
         *   from nothing else.
         * @param http the way to the network. `null`: the transport inside the native library.
         * @param provider who vouches for the wallet and its keys, where servers and issuers ask for that.
         *   `null`: nobody.
         * @param options the rest.
         * @param store where the records rest, sealed with a key among [secrets]. `null`: an encrypted database
         *   in [directory].
         * @param resolver who resolves DIDs of methods that billfold does not know. `null`: nobody.
         * @throws BillfoldException
         */
        public suspend fun open(
            directory: File,
            clientId: String,
            redirectUri: String? = null,
            keys: HolderKeys? = null,
            secrets: SecretStore? = null,
            http: HttpTransport? = UrlConnectionTransport(),
            provider: WalletProvider? = null,
            options: BillfoldOptions = BillfoldOptions(),
            store: CredentialStore? = null,
            resolver: DidResolver? = null,
        ): Billfold {
            val billfold = lazy(directory, clientId, redirectUri, keys, secrets, http, provider, options, store, resolver)
            billfold.border.cross { billfold.wallet() }
            return billfold
        }

        /** As [open], but opens at the first use. */
        internal fun lazy(
            directory: File,
            clientId: String,
            redirectUri: String?,
            keys: HolderKeys?,
            secrets: SecretStore?,
            http: HttpTransport?,
            provider: WalletProvider?,
            options: BillfoldOptions,
            store: CredentialStore?,
            resolver: DidResolver?,
        ): Billfold {
            val border = Border()
            val config = FfiWalletConfig(
                clientId = clientId,
                redirectUri = redirectUri,
                store = FfiStoreLocation.Directory(directory.path),
                secretsFile = if (secrets == null) File(directory, "secrets").path else null,
                locale = options.locale,
                allowLoopbackHttp = options.allowLoopbackHttp,
                clockSkewSeconds = options.clockSkew?.toFfi(),
                trustAnchors = anchors(options.trustAnchors, options.trustAnchorsDer),
                rootCertificatesPem = options.rootCertificates,
                policy = options.policy.toFfi(),
                binding = options.binding.toFfi(),
                profile = options.profile.toFfi(),
                attestationVersion = options.attestationVersion.toFfi(),
                signedMetadata = options.signedMetadata.toFfi(),
                metadataAnchors = anchors(options.metadataAnchors, emptyList()),
                trustedIssuers = options.trustedIssuers,
                policies = options.policies.mapValues { (_, policy) -> policy.toFfi() },
                typeMetadata = options.typeMetadata?.toFfi(),
                jsonLdContexts = options.jsonLdContexts,
                dialects = options.dialects.toFfi(),
                didResolverUrl = options.didResolverUrl,
            )
            return Billfold(border) {
                FfiWallet.open(
                    config,
                    secrets?.let { SecretsToFfi(it, border) },
                    keys?.let { KeysToFfi(it, border) },
                    http?.let { TransportToFfi(it, border) },
                    provider?.let { ProviderToFfi(it, border) },
                    store?.let { StoreToFfi(it, border) },
                    resolver?.let { ResolverToFfi(it, border) },
                )
            }
        }

        /**
         * Checks a credential that came from anywhere, outside of any wallet, by the rules of wallets. What is
         * wrong with it stands in the report.
         *
         * @param format its format identifier, such as `dc+sd-jwt`.
         * @param credential the text of a JWT or SD-JWT, the JSON of an `ldp_vc`, the CBOR of an `mso_mdoc` as it
         *   is or as base64url.
         * @param options what to build on: without any, nobody is trusted and no key known.
         * @param http lets it fetch what the credential refers to: DID documents, issuers' keys, status lists.
         *   `null`: what would have to be fetched is unknown.
         * @param resolver who resolves DIDs of methods that billfold does not know. `null`: nobody.
         * @throws BillfoldException
         */
        public suspend fun verify(
            format: String,
            credential: ByteArray,
            options: VerifyOptions = VerifyOptions(),
            http: HttpTransport? = null,
            resolver: DidResolver? = null,
        ): Verification {
            val border = Border()
            return border.cross {
                ffiVerify(
                    format,
                    credential,
                    options.toFfi(),
                    http?.let { TransportToFfi(it, border) },
                    resolver?.let { ResolverToFfi(it, border) },
                ).toPublic()
            }
        }

        /**
         * Sends the native library's log events of [level] and above to [sink], until the process ends.
         * They hold no token, code, key or claim at any level. The sink is called from any thread.
         *
         * @return whether it took effect: only the first call of a process does.
         */
        public fun setLogSink(level: LogLevel = LogLevel.INFO, sink: LogSink): Boolean =
            ffiSetLogSink(LogToFfi(sink), level.toFfi())
    }
}

/** How much a log event matters. */
public enum class LogLevel {
    /** A fault in the library. */
    ERROR,

    /** Something that the app's developer should look at. */
    WARN,

    /** Milestones. */
    INFO,

    /** For who follows one issuance. */
    DEBUG,

    /** Everything. */
    TRACE,
}

/** Takes log events. */
public fun interface LogSink {
    /**
     * One event; to return soon.
     *
     * @param target the part of the library that it comes from.
     */
    public fun log(level: LogLevel, target: String, text: String)
}
