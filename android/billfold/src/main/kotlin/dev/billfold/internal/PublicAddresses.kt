package dev.billfold.internal

import java.net.Inet4Address
import java.net.InetAddress

/**
 * Whether an address is one of the public internet, and not a private, shared, loopback, link-local,
 * multicast, documentation or reserved one (RFC 6890), nor IPv6 that carries such an IPv4 address.
 */
internal fun isPublic(address: InetAddress): Boolean {
    val bytes = address.address.map { it.toInt() and 0xff }
    return if (address is Inet4Address) isPublicV4(bytes) else isPublicV6(bytes)
}

private fun isPublicV4(b: List<Int>): Boolean = when (b[0]) {
    0, 10, 127 -> false
    100 -> b[1] !in 64..127
    169 -> b[1] != 254
    172 -> b[1] !in 16..31
    192 -> !(b[1] == 168 || (b[1] == 0 && b[2] in listOf(0, 2)) || (b[1] == 88 && b[2] == 99))
    198 -> !(b[1] in 18..19 || (b[1] == 51 && b[2] == 100))
    203 -> !(b[1] == 0 && b[2] == 113)
    else -> b[0] < 224
}

private fun isPublicV6(b: List<Int>): Boolean {
    val words = b.chunked(2) { (high, low) -> high shl 8 or low }
    return when {
        // IPv4 written as IPv6, what NAT64 makes of names that have IPv4 only, and 6to4.
        words.take(5).all { it == 0 } && words[5] == 0xffff -> isPublicV4(b.takeLast(4))
        words[0] == 0x64 && words[1] == 0xff9b && words.subList(2, 6).all { it == 0 } -> isPublicV4(b.takeLast(4))
        words[0] == 0x2002 -> isPublicV4(b.subList(2, 6))
        // Protocol assignments, and documentation.
        words[0] == 0x2001 && (words[1] <= 0x1ff || words[1] == 0xdb8) -> false
        words[0] == 0x3fff && words[1] <= 0xfff -> false
        // Only 2000::/3 is given out as global unicast.
        else -> words[0] and 0xe000 == 0x2000
    }
}
