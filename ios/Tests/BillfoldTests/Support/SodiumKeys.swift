import CSodium
import Foundation
@testable import Billfold

/// Ed25519 keys of libsodium: private halves that never leave this side of the border.
final class SodiumKeys: HolderKeys {
    let algorithms: [Algorithm] = [.edDSA]
    private let secretKeys = Locked<[String: (key: [UInt8], purpose: KeyPurpose)]>([:])
    private let calls = Locked((create: 0, sign: 0))

    /// How often it was asked for keys that credentials are bound to.
    var createCalls: Int { calls.with { $0.create } }

    /// How often it was asked to sign with keys that credentials are bound to.
    var signCalls: Int { calls.with { $0.sign } }

    /// The keys for a purpose that are there, by their names.
    func handles(_ purpose: KeyPurpose = .credential) -> Set<String> {
        Set(secretKeys.with { $0 }.filter { $0.value.purpose == purpose }.keys)
    }

    init() {
        precondition(sodium_init() >= 0, "libsodium does not work here")
    }

    func create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) async throws -> [HolderKey] {
        guard algorithm == .edDSA else { throw KeyError(.unsupported, "only EdDSA here") }
        if purpose == .credential { calls.with { $0.create += 1 } }
        return (0..<count).map { _ in
            var publicKey = [UInt8](repeating: 0, count: 32)
            var secretKey = [UInt8](repeating: 0, count: 64)
            precondition(crypto_sign_keypair(&publicKey, &secretKey) == 0, "libsodium made no key")
            let handle = UUID().uuidString
            secretKeys.with { $0[handle] = (secretKey, purpose) }
            return HolderKey(handle: handle, algorithm: .edDSA, publicKey: Data(publicKey))
        }
    }

    func sign(_ requests: [SignRequest]) async throws -> [Data] {
        let credentials = handles()
        if requests.contains(where: { credentials.contains($0.handle) }) { calls.with { $0.sign += 1 } }
        return try requests.map { request in
            guard let (key, _) = secretKeys.with({ $0[request.handle] }) else { throw KeyError(.unknown, "no such key") }
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

    func find(_ handles: [String]) async throws -> [HolderKey?] {
        handles.map { handle in
            // The second half of libsodium's secret keys is the public one.
            secretKeys.with { $0[handle] }.map {
                HolderKey(handle: handle, algorithm: .edDSA, publicKey: Data($0.key.suffix(32)))
            }
        }
    }
}

/// Keys that throw while told to, and work else.
final class BrokenKeys: HolderKeys {
    let whole = SodiumKeys()
    let thrown = Locked<(any Error)?>(nil)

    var algorithms: [Algorithm] { whole.algorithms }

    func create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) async throws -> [HolderKey] {
        try await whole.create(algorithm: algorithm, purpose: purpose, count: count)
    }

    func sign(_ requests: [SignRequest]) async throws -> [Data] {
        if let error = thrown.with({ $0 }) { throw error }
        return try await whole.sign(requests)
    }

    func delete(_ handles: [String]) async throws {
        try await whole.delete(handles)
    }
}
