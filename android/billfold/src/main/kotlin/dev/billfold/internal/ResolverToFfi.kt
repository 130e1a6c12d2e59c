package dev.billfold.internal

import dev.billfold.DidResolver
import dev.billfold.DidResolverException
import dev.billfold.ffi.DidResolver as FfiDidResolver
import dev.billfold.ffi.DidResolverErrorKind as FfiDidResolverErrorKind
import dev.billfold.ffi.DidResolverException as FfiDidResolverException

/** The app's DID resolver, as the native library wants it. Everything thrown is caught here, errors too. */
internal class ResolverToFfi(private val resolver: DidResolver, private val border: Border) : FfiDidResolver {
    override fun methods(): List<String> = try {
        resolver.methods
    } catch (error: Throwable) {
        throw failure(error)
    }

    override suspend fun resolve(did: String): String = guarded(::failure) { resolver.resolve(did) }

    private fun failure(error: Throwable): FfiDidResolverException {
        val (kind, detail) = when (error) {
            is DidResolverException -> error.kind.toFfi() to error.message.orEmpty()
            else -> FfiDidResolverErrorKind.UNREACHABLE to unexpected("DID resolver", error)
        }
        border.remember(detail, error)
        return FfiDidResolverException.Failed(kind, detail)
    }
}

private fun DidResolverException.Kind.toFfi(): FfiDidResolverErrorKind = when (this) {
    DidResolverException.Kind.NOT_FOUND -> FfiDidResolverErrorKind.NOT_FOUND
    DidResolverException.Kind.UNREACHABLE -> FfiDidResolverErrorKind.UNREACHABLE
    DidResolverException.Kind.INVALID -> FfiDidResolverErrorKind.INVALID
}
