import Foundation
@testable import Billfold

/// Secrets on this side of the border.
final class MapSecrets: SecretStore {
    let kept = Locked<[String: Data]>([:])

    func put(_ name: String, secret: Data) async throws {
        kept.with { $0[name] = secret }
    }

    func get(_ name: String) async throws -> Data? {
        kept.with { $0[name] }
    }

    func remove(_ name: String) async throws {
        kept.with { $0[name] = nil }
    }
}
