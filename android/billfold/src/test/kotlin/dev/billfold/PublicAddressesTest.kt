package dev.billfold

import dev.billfold.internal.instant
import dev.billfold.internal.isPublic
import java.net.InetAddress
import java.time.Instant
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class PublicAddressesTest {
    @Test
    fun `public addresses pass`() {
        for (text in listOf("1.1.1.1", "9.255.255.255", "100.63.0.1", "100.128.0.0", "172.15.0.1", "172.32.0.0", "192.0.1.1",
            "198.17.0.1", "223.255.255.255", "2606:4700:4700::1111", "2001:200::1", "64:ff9b::101:101", "2002:101:101::1")) {
            assertTrue(isPublic(InetAddress.getByName(text)), text)
        }
    }

    @Test
    fun `others do not`() {
        for (text in listOf("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254", "172.16.0.1",
            "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
            "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
            "2001:0:1::1", "64:ff9b::7f00:1", "2002:7f00:1::1", "3fff::1", "::ffff:10.0.0.1")) {
            assertFalse(isPublic(InetAddress.getByName(text)), text)
        }
    }

    @Test
    fun `times beyond any calendar become its ends`() {
        assertEquals(Instant.MAX.epochSecond, instant(Long.MAX_VALUE).epochSecond)
        assertEquals(Instant.MIN, instant(Long.MIN_VALUE))
        assertEquals(Instant.parse("2025-12-01T00:00:00Z"), instant(1_764_547_200))
    }
}
