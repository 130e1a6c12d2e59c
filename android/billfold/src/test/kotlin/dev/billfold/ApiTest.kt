package dev.billfold

import java.io.File
import java.io.PrintWriter
import java.io.StringWriter
import java.util.spi.ToolProvider
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/**
 * The public signatures are the committed ones of `bindings/api`. A change there is a change for every
 * app: look at it, then `mvn test -Dtest=ApiTest -Dbillfold.api.update=true` writes the files anew.
 */
class ApiTest {
    private val root = File(System.getProperty("billfold.root"))
    private val classes = File(root, "android/billfold/target/classes/dev/billfold")

    @Test
    fun `the Kotlin library`() = compare("kotlin.txt", public(classes) { true })

    @Test
    fun `the border to the native library`() =
        // Converters and handles are the generator's own affair.
        compare("ffi.txt", public(File(classes, "ffi")) { name -> GENERATED.none { it in name } })

    private fun compare(name: String, found: String) {
        val file = File(root, "bindings/api/$name")
        if (System.getProperty("billfold.api.update") == "true") {
            file.parentFile.mkdirs()
            file.writeText(found)
        }
        val committed = if (file.isFile) file.readText() else ""
        assertEquals(committed, found, "bindings/api/$name no longer fits; ApiTest says how to write it anew")
    }

    /** What `javap` shows of the classes in a folder, without what Kotlin makes public for itself only. */
    private fun public(folder: File, wanted: (String) -> Boolean): String {
        val files = checkNotNull(folder.listFiles { file -> file.extension == "class" && wanted(file.name) })
        check(files.isNotEmpty()) { "there are no classes in $folder" }
        val text = StringWriter()
        val complaints = StringWriter()
        val javap = ToolProvider.findFirst("javap").orElseThrow { IllegalStateException("these tests need a JDK") }
        val paths = files.sortedBy { it.name }.map { it.path }
        val status = javap.run(PrintWriter(text), PrintWriter(complaints), "-public", *paths.toTypedArray())
        check(status == 0) { "javap: $complaints" }

        return text.toString().split("Compiled from").drop(1)
            .map { it.substringAfter('\n').trimEnd() }
            .filter { it.startsWith("public ") && INTERNAL_CLASSES.none { name -> name in it.lineSequence().first() } }
            .map { declaration -> declaration.lines().filter { line -> INTERNAL.none { it in line } }.joinToString("\n") }
            .sorted()
            .joinToString("\n\n", postfix = "\n")
    }

    private companion object {
        val GENERATED = listOf(
            "FfiConverter", "Uniffi", "uniffi", "RustBuffer", "ForeignBytes", "NoHandle", "Impl", "Cleaner", "IntegrityChecking",
        )

        /** Kotlin calls these internal; the JVM has no such thing. */
        val INTERNAL_CLASSES = listOf("BillfoldException\$Details", "\$WhenMappings")

        /** Mangled names of internal functions, what takes internal types, bridges for inner classes. */
        val INTERNAL = listOf(
            "\$billfold(", "\$billfold_ffi(", " access\$", "dev.billfold.internal.", "BillfoldException\$Details",
            "uniffi", "Uniffi", "RustBuffer", "NoHandle", "ErrorHandler",
        )
    }
}
