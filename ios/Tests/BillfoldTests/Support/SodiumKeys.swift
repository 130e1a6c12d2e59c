import CSodium
import Foundation
@testable import Billfold

/// Ed25519 keys of libsodium: private halves that never leave this side of the border.
final class SodiumKeys: HolderKeys {
    let algorithms: [Algorithm] = [.edDSA]
    private let secretKeys = Locked<[String: [UInt8]]>([:])
    private let calls = Locked(0)

    /// The handles of the keys that are there.
    var handles: Set<String> { Set(secretKeys.with { $0 }.keys) }

    /// How often a batch was signed.
    var signCalls: Int { calls.with { $0 } }

    init() {
        precondition(sodium_init() >= 0, "libsodium does not work here")
    }

    func create(algorithm: Algorithm, count: Int) async throws -> [HolderKey] {
        guard algorithm == .edDSA else { throw KeyError(.unsupported, "only EdDSA here") }
        return (0..<count).map { _ in
            var publicKey = [UInt8](repeating: 0, count: 32)
            var secretKey = [UInt8](repeating: 0, count: 64)
            precondition(crypto_sign_keypair(&publicKey, &secretKey) == 0, "libsodium made no key")
            let handle = UUID().uuidString
            secretKeys.with { $0[handle] = secretKey }
            return HolderKey(handle: handle, algorithm: .edDSA, publicKey: Data(publicKey))
        }
    }

    func sign(_ requests: [SignRequest]) async throws -> [Data] {
        calls.with { $0 += 1 }
        return try requests.map { request in
            guard let key = secretKeys.with({ $0[request.handle] }) else { throw KeyError(.unknown, "no such key") }
            let payload = [UInt8](request.payload)
            var signature = [UInt8](repeating: 0, count: 64)
            guard crypto_sign_detached(&signature, nil, payload, UInt64(payload.count), key) == 0 else {
                throw KeyError(.failed, "libsodium did not sign")
            }
            return Data(signature)
        }
    }

    func delete(_ handles: [String]) async throws {
        secretKeys.with { keys in handles.forEach { keys[$0] = nil } }
    }
}

/// Keys that throw while told to, and work else.
final class BrokenKeys: HolderKeys {
    let whole = SodiumKeys()
    let thrown = Locked<(any Error)?>(nil)

    var algorithms: [Algorithm] { whole.algorithms }

    func create(algorithm: Algorithm, count: Int) async throws -> [HolderKey] {
        try await whole.create(algorithm: algorithm, count: count)
    }

    func sign(_ requests: [SignRequest]) async throws -> [Data] {
        if let error = thrown.with({ $0 }) { throw error }
        return try await whole.sign(requests)
    }

    func delete(_ handles: [String]) async throws {
        try await whole.delete(handles)
    }
}
