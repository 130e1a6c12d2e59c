import Foundation

internal import BillfoldFFI

/// The app's DID resolver, as the native library wants it. Everything thrown becomes an error that can cross.
final class ResolverToFFI: BillfoldFFI.DidResolver {
    private let resolver: any DidResolver
    private let border: Border

    init(resolver: any DidResolver, border: Border) {
        self.resolver = resolver
        self.border = border
    }

    func methods() throws -> [String] {
        resolver.methods
    }

    func resolve(did: String) async throws -> String {
        do {
            return try await resolver.resolve(did)
        } catch {
            let (kind, detail) = if let error = error as? DidResolverError {
                (error.kind.ffi, error.detail)
            } else {
                (BillfoldFFI.DidResolverErrorKind.unreachable, "the app's DID resolver threw \(name(of: error))")
            }
            border.remember(detail, error)
            throw BillfoldFFI.DidResolverError.Failed(kind: kind, detail: detail)
        }
    }
}

extension DidResolverError.Kind {
    var ffi: BillfoldFFI.DidResolverErrorKind {
        switch self {
        case .notFound: .notFound
        case .unreachable: .unreachable
        case .invalid: .invalid
        }
    }
}
