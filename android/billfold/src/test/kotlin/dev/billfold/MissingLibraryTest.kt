package dev.billfold

import dev.billfold.support.refused
import dev.billfold.support.test
import java.io.File
import java.util.concurrent.TimeUnit
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Run in a JVM of its own, which does not find the native library. */
internal object WithoutLibrary {
    @JvmStatic
    fun main(arguments: Array<String>) = test {
        val error = refused<BillfoldException.Unsupported> { Billfold.open(File(arguments.single()), "client") }
        println("${error.code} ${error.advice} ${error.detail}")
    }
}

class MissingLibraryTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `it says what to do`() {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val process = ProcessBuilder(
            java,
            // By another name, because what the system's own search path holds is not in this test's hands.
            "-Duniffi.component.billfold_ffi.libraryOverride=billfold_absent",
            "-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            WithoutLibrary::class.java.name, folder.path,
        ).redirectErrorStream(true).start()
        val text = process.inputStream.bufferedReader().readText()
        assertTrue(process.waitFor(60, TimeUnit.SECONDS))
        assertEquals(0, process.exitValue(), text)
        assertTrue(text.startsWith("library_missing FIX_SETUP the native library did not load (on a JVM, name its folder"), text)
        assertEquals(1, text.trim().lines().size, text)
    }
}
