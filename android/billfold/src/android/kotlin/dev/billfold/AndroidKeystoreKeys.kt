package dev.billfold

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import android.security.keystore.UserNotAuthenticatedException
import java.security.GeneralSecurityException
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.PrivateKey
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import java.util.UUID
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.security.ProviderException as KeystoreException

/**
 * Holder keys in the Android Keystore: P-256, in the StrongBox where the device has one, else in its
 * trusted execution environment.
 *
 * Compiled against Android's classes and not yet tried on a device.
 *
 * @param authenticationSeconds when set, a key that a credential is bound to signs only within so many seconds
 *   after the user has unlocked the device or confirmed with a fingerprint or face. Keys for other purposes
 *   sign without asking: they do so in the background too.
 * @param authenticate shows the system's prompt when that time is over; one prompt serves a whole batch.
 *   Without it, a locked key ends as [KeyException.Kind.LOCKED].
 */
public class AndroidKeystoreKeys(
    private val authenticationSeconds: Int? = null,
    private val authenticate: (suspend () -> Unit)? = null,
) : HolderKeys {
    private val store: KeyStore by lazy { KeyStore.getInstance(PROVIDER).apply { load(null) } }

    override val algorithms: List<Algorithm> = listOf(Algorithm.ES256)

    override suspend fun create(algorithm: Algorithm, purpose: KeyPurpose, count: Int): List<HolderKey> =
        withContext(Dispatchers.IO) {
            if (algorithm != Algorithm.ES256) {
                throw KeyException(KeyException.Kind.UNSUPPORTED, "the Android Keystore makes ES256 keys only")
            }
            val asking = authenticationSeconds.takeIf { purpose == KeyPurpose.CREDENTIAL }
            val made = mutableListOf<HolderKey>()
            try {
                repeat(count) {
                    val handle = PREFIX + UUID.randomUUID()
                    val pair = generate(handle, asking)
                    made += HolderKey(handle, Algorithm.ES256, pair.public)
                }
            } catch (error: GeneralSecurityException) {
                throw undone(made, error)
            } catch (error: KeystoreException) {
                throw undone(made, error)
            }
            made
        }

    override suspend fun sign(requests: List<SignRequest>): List<ByteArray> = try {
        signAll(requests)
    } catch (error: KeyException) {
        if (error.kind != KeyException.Kind.LOCKED || authenticate == null) throw error
        authenticate.invoke()
        signAll(requests)
    }

    override suspend fun delete(handles: List<String>): Unit = withContext(Dispatchers.IO) {
        try {
            handles.filter { store.containsAlias(it) }.forEach { store.deleteEntry(it) }
        } catch (error: GeneralSecurityException) {
            throw KeyException(KeyException.Kind.FAILED, "the Android Keystore deleted no key", error)
        }
    }

    override suspend fun find(handles: List<String>): List<HolderKey?> = withContext(Dispatchers.IO) {
        try {
            handles.map { handle -> store.getCertificate(handle)?.let { HolderKey(handle, Algorithm.ES256, it.publicKey) } }
        } catch (error: GeneralSecurityException) {
            throw KeyException(KeyException.Kind.FAILED, "the Android Keystore found no key", error)
        }
    }

    private suspend fun signAll(requests: List<SignRequest>): List<ByteArray> = withContext(Dispatchers.IO) {
        requests.map { request ->
            try {
                val key = store.getKey(request.handle, null) as? PrivateKey
                    ?: throw KeyException(KeyException.Kind.UNKNOWN, "the Android Keystore has no such key")
                Signature.getInstance("SHA256withECDSA").run {
                    initSign(key)
                    update(request.payload)
                    sign()
                }
            } catch (error: UserNotAuthenticatedException) {
                throw KeyException(KeyException.Kind.LOCKED, "the user has to unlock the key", error)
            } catch (error: KeyPermanentlyInvalidatedException) {
                throw KeyException(KeyException.Kind.UNKNOWN, "the key ended when the screen lock was changed", error)
            } catch (error: GeneralSecurityException) {
                throw KeyException(KeyException.Kind.FAILED, "the Android Keystore did not sign", error)
            } catch (error: KeystoreException) {
                throw KeyException(KeyException.Kind.FAILED, "the Android Keystore did not sign", error)
            }
        }
    }

    /** All keys or none. */
    private fun undone(made: List<HolderKey>, error: Exception): KeyException {
        made.forEach { runCatching { store.deleteEntry(it.handle) } }
        return KeyException(KeyException.Kind.FAILED, "the Android Keystore made no key", error)
    }

    private fun generate(handle: String, asking: Int?): KeyPair {
        return try {
            generate(handle, asking, strongBox = true)
        } catch (_: StrongBoxUnavailableException) {
            // Most devices have none; the trusted execution environment follows.
            generate(handle, asking, strongBox = false)
        }
    }

    private fun generate(handle: String, asking: Int?, strongBox: Boolean): KeyPair {
        val spec = KeyGenParameterSpec.Builder(handle, KeyProperties.PURPOSE_SIGN)
            .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
            .setDigests(KeyProperties.DIGEST_SHA256)
            .setIsStrongBoxBacked(strongBox)
        if (asking != null) {
            spec.setUserAuthenticationRequired(true)
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
                spec.setUserAuthenticationParameters(
                    asking,
                    KeyProperties.AUTH_BIOMETRIC_STRONG or KeyProperties.AUTH_DEVICE_CREDENTIAL,
                )
            } else {
                @Suppress("DEPRECATION")
                spec.setUserAuthenticationValidityDurationSeconds(asking)
            }
        }
        return KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, PROVIDER).run {
            initialize(spec.build())
            generateKeyPair()
        }
    }

    private companion object {
        private const val PROVIDER = "AndroidKeyStore"
        private const val PREFIX = "billfold.holder."
    }
}
