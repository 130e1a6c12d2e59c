package dev.billfold.support

import dev.billfold.Algorithm
import dev.billfold.HolderKey
import dev.billfold.HolderKeys
import dev.billfold.KeyException
import dev.billfold.KeyPurpose
import dev.billfold.SignRequest
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger

/** Keys of `java.security`, on this side of the border. */
class JavaKeys(override val algorithms: List<Algorithm> = listOf(Algorithm.ES256)) : HolderKeys {
    private val pairs = ConcurrentHashMap<String, KeyPair>()
    private val purposes = ConcurrentHashMap<String, KeyPurpose>()

    /** How often it was asked to sign with keys that credentials are bound to. */
    val signCalls = AtomicInteger()

    /** How often it was asked for keys that credentials are bound to. */
    val createCalls = AtomicInteger()

    /** The keys for a purpose that are there, by their names. */
    fun handles(purpose: KeyPurpose = KeyPurpose.CREDENTIAL): Set<String> =
        pairs.keys.filter { purposes[it] == purpose }.toSet()

    override suspend fun create(algorithm: Algorithm, purpose: KeyPurpose, count: Int): List<HolderKey> {
        if (purpose == KeyPurpose.CREDENTIAL) createCalls.incrementAndGet()
        return List(count) { create(algorithm, purpose) }
    }

    private fun create(algorithm: Algorithm, purpose: KeyPurpose): HolderKey {
        val generator = when (algorithm) {
            Algorithm.ES256 -> KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }
            Algorithm.ES384 -> KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp384r1")) }
            Algorithm.EDDSA -> KeyPairGenerator.getInstance("Ed25519")
            Algorithm.ES256K -> throw KeyException(KeyException.Kind.UNSUPPORTED, "no secp256k1 here")
        }
        val handle = UUID.randomUUID().toString()
        purposes[handle] = purpose
        pairs[handle] = generator.generateKeyPair()
        return HolderKey(handle, algorithm, pairs.getValue(handle).public)
    }

    override suspend fun sign(requests: List<SignRequest>): List<ByteArray> {
        if (requests.any { purposes[it.handle] == KeyPurpose.CREDENTIAL }) signCalls.incrementAndGet()
        return requests.map { request ->
            val pair = pairs[request.handle] ?: throw KeyException(KeyException.Kind.UNKNOWN, "no such key")
            val name = when (request.algorithm) {
                Algorithm.ES256, Algorithm.ES256K -> "SHA256withECDSA"
                Algorithm.ES384 -> "SHA384withECDSA"
                Algorithm.EDDSA -> "Ed25519"
            }
            Signature.getInstance(name).run {
                initSign(pair.private)
                update(request.payload)
                sign()
            }
        }
    }

    override suspend fun delete(handles: List<String>) = handles.forEach { pairs.remove(it) }

    override suspend fun find(handles: List<String>): List<HolderKey?> = handles.map { handle ->
        pairs[handle]?.let { HolderKey(handle, algorithms.first(), it.public) }
    }
}
