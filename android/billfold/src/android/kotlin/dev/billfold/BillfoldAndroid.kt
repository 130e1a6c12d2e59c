package dev.billfold

import android.content.Context
import java.io.File

/**
 * A wallet on Android, with keys and secrets in the Android Keystore and the platform's own network stack.
 *
 * It opens its folder at the first use, so this may be called on the main thread; what goes wrong there
 * is thrown by the first suspending call.
 *
 * The records rest in the app's folder that is not backed up: the keys that they are sealed with and
 * bound to can't leave the device, so a copy elsewhere could not be read.
 *
 * @param context any context of the app.
 * @param clientId the `client_id` under which authorization servers know the app.
 * @param redirectUri where the browser returns to after the user signed in; the app's deep link.
 * @param keys the keys that credentials are bound to.
 * @param secrets where the key of the store rests.
 * @param http the way to the network. `null` is the transport inside the native library, which has no
 *   access to Android's certificates unless the app sets that up.
 * @param provider who vouches for the wallet and its keys, where servers and issuers ask for that: the app's
 *   back end. `null`: nobody.
 * @param options the rest.
 * @param store where the records rest, sealed with a key among [secrets]. `null`: an encrypted database in the
 *   app's folder that is not backed up.
 * @param resolver who resolves DIDs of methods that billfold does not know. `null`: nobody.
 */
@Suppress("FunctionName")
public fun Billfold(
    context: Context,
    clientId: String,
    redirectUri: String,
    keys: HolderKeys = AndroidKeystoreKeys(),
    secrets: SecretStore = AndroidKeystoreSecrets(context),
    http: HttpTransport? = UrlConnectionTransport(),
    provider: WalletProvider? = null,
    options: BillfoldOptions = BillfoldOptions(),
    store: CredentialStore? = null,
    resolver: DidResolver? = null,
): Billfold = Billfold.lazy(
    directory = File(context.noBackupFilesDir, "billfold"),
    clientId = clientId,
    redirectUri = redirectUri,
    keys = keys,
    secrets = secrets,
    http = http,
    provider = provider,
    options = options,
    store = store,
    resolver = resolver,
)
