package dev.billfold.support

import dev.billfold.SecretStore
import java.util.concurrent.ConcurrentHashMap

/** Secrets on this side of the border. */
class MapSecrets : SecretStore {
    val kept = ConcurrentHashMap<String, ByteArray>()

    override suspend fun put(name: String, secret: ByteArray) {
        kept[name] = secret
    }

    override suspend fun get(name: String): ByteArray? = kept[name]

    override suspend fun remove(name: String) {
        kept.remove(name)
    }
}
