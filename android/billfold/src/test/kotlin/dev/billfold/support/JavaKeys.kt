package dev.billfold.support

import dev.billfold.Algorithm
import dev.billfold.HolderKey
import dev.billfold.HolderKeys
import dev.billfold.KeyException
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
    val pairs = ConcurrentHashMap<String, KeyPair>()
    val signCalls = AtomicInteger()

    override suspend fun create(algorithm: Algorithm, count: Int): List<HolderKey> = List(count) {
        val generator = when (algorithm) {
            Algorithm.ES256 -> KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }
            Algorithm.ES384 -> KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp384r1")) }
            Algorithm.EDDSA -> KeyPairGenerator.getInstance("Ed25519")
            Algorithm.ES256K -> throw KeyException(KeyException.Kind.UNSUPPORTED, "no secp256k1 here")
        }
        val handle = UUID.randomUUID().toString()
        pairs[handle] = generator.generateKeyPair()
        HolderKey(handle, algorithm, pairs.getValue(handle).public)
    }

    override suspend fun sign(requests: List<SignRequest>): List<ByteArray> {
        signCalls.incrementAndGet()
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
}
