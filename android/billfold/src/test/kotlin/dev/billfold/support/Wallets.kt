package dev.billfold.support

import dev.billfold.Billfold
import dev.billfold.BillfoldException
import dev.billfold.BillfoldOptions
import dev.billfold.CredentialStore
import dev.billfold.DidResolver
import dev.billfold.HolderKeys
import dev.billfold.HttpTransport
import dev.billfold.SecretStore
import dev.billfold.UrlConnectionTransport
import dev.billfold.WalletProvider
import java.io.File
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

const val CLIENT = "billfold-test-wallet"
const val REDIRECT = "dev.billfold.wallet:/callback"

/** A wallet whose keys, secrets and transport are all in Kotlin. */
suspend fun wallet(
    directory: File,
    keys: HolderKeys? = JavaKeys(),
    secrets: SecretStore? = MapSecrets(),
    http: HttpTransport? = UrlConnectionTransport(),
    options: BillfoldOptions = BillfoldOptions(allowLoopbackHttp = true, locale = "en"),
    provider: WalletProvider? = null,
    store: CredentialStore? = null,
    resolver: DidResolver? = null,
    clientId: String = CLIENT,
): Billfold {
    val folder = File(System.getProperty("jna.library.path"))
    check(File(folder, System.mapLibraryName("billfold_ffi")).isFile) {
        "there is no native library in $folder; build it with `cargo build -p billfold-ffi`, " +
            "or run these tests by `cargo xtask test kotlin`"
    }
    return Billfold.open(directory, clientId, REDIRECT, keys, secrets, http, provider, options, store, resolver)
}

/** A test that waits, and not for ever. */
fun test(block: suspend () -> Unit) = runBlocking { withTimeout(60_000) { block() } }

/** The exception that the block has to throw. */
suspend inline fun <reified E : BillfoldException> refused(block: suspend () -> Any?): E {
    val result = try {
        block()
    } catch (error: BillfoldException) {
        return error as? E ?: throw AssertionError("another kind: ${error.javaClass.simpleName}", error)
    }
    throw AssertionError("it gave $result")
}
