package dev.billfold

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.AtomicFile
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.MessageDigest
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * Secrets in private files that are not backed up, each sealed with AES-256-GCM by a key that never
 * leaves the Android Keystore. The secret's name is sealed with it, so that files can't be exchanged.
 *
 * Compiled against Android's classes and not yet tried on a device.
 *
 * @param context any context of the app.
 */
public class AndroidKeystoreSecrets(context: Context) : SecretStore {
    private val folder = File(context.noBackupFilesDir, "billfold-secrets")
    private val store: KeyStore by lazy { KeyStore.getInstance(PROVIDER).apply { load(null) } }

    override suspend fun put(name: String, secret: ByteArray): Unit = guarded("kept no secret") {
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.ENCRYPT_MODE, key() ?: makeKey())
        cipher.updateAAD(name.toByteArray())
        val sealed = byteArrayOf(FORMAT, cipher.iv.size.toByte()) + cipher.iv + cipher.doFinal(secret)
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("the folder could not be made")
        val file = file(name)
        val stream = file.startWrite()
        try {
            stream.write(sealed)
            file.finishWrite(stream)
        } catch (error: IOException) {
            file.failWrite(stream)
            throw error
        }
    }

    override suspend fun get(name: String): ByteArray? = guarded("gave no secret") {
        val sealed = try {
            file(name).readFully()
        } catch (_: FileNotFoundException) {
            return@guarded null
        }
        if (sealed.size < HEADER || sealed[0] != FORMAT || sealed[1] < 1 || sealed.size < HEADER + sealed[1]) {
            throw SecretException("the file of a secret is damaged")
        }
        val key = key() ?: throw SecretException("the Android Keystore has lost the key of the secrets")
        val body = HEADER + sealed[1]
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, sealed, HEADER, sealed[1].toInt()))
        cipher.updateAAD(name.toByteArray())
        cipher.doFinal(sealed, body, sealed.size - body)
    }

    override suspend fun remove(name: String): Unit = guarded("removed no secret") { file(name).delete() }

    private suspend fun <T> guarded(failure: String, block: () -> T): T = withContext(Dispatchers.IO) {
        // One at a time: the key is made at the first use.
        synchronized(LOCK) {
            try {
                block()
            } catch (error: GeneralSecurityException) {
                throw SecretException("the Android Keystore $failure", error)
            } catch (error: IOException) {
                throw SecretException("the device's storage $failure", error)
            }
        }
    }

    /** Names can hold what file names can't. */
    private fun file(name: String): AtomicFile {
        val digest = MessageDigest.getInstance("SHA-256").digest(name.toByteArray())
        return AtomicFile(File(folder, digest.joinToString("") { "%02x".format(it) }))
    }

    private fun key(): SecretKey? = store.getKey(ALIAS, null) as? SecretKey

    private fun makeKey(): SecretKey {
        val spec = KeyGenParameterSpec.Builder(ALIAS, KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(KEY_BITS)
            .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER).run {
            init(spec)
            generateKey()
        }
    }

    private companion object {
        private const val PROVIDER = "AndroidKeyStore"
        private const val ALIAS = "billfold.secrets"
        private const val TRANSFORMATION = "AES/GCM/NoPadding"
        private const val KEY_BITS = 256
        private const val TAG_BITS = 128
        private const val FORMAT: Byte = 1
        private const val HEADER = 2
        val LOCK = Any()
    }
}
