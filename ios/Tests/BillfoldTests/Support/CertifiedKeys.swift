import Foundation
@testable import Billfold

/// Keys that come with a certificate each, signed by the key itself.
struct CertifiedKeys: HolderKeys {
    private let bare = SodiumKeys()

    var algorithms: [Algorithm] { bare.algorithms }

    func create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) async throws -> [HolderKey] {
        var certified: [HolderKey] = []
        for key in try await bare.create(algorithm: algorithm, purpose: purpose, count: count) {
            certified.append(
                HolderKey(
                    handle: key.handle, algorithm: key.algorithm, publicKey: key.publicKey,
                    certificates: [try await certificate(of: key)]
                )
            )
        }
        return certified
    }

    func sign(_ requests: [SignRequest]) async throws -> [Data] { try await bare.sign(requests) }

    func delete(_ handles: [String]) async throws { try await bare.delete(handles) }

    /// The least that RFC 5280 and RFC 8410 take for a certificate.
    private func certificate(of key: HolderKey) async throws -> Data {
        let ed25519 = der(0x30, der(0x06, Data([0x2b, 0x65, 0x70])))
        let commonName = der(0x06, Data([0x55, 0x04, 0x03])) + der(0x0c, Data("holder".utf8))
        let name = der(0x30, der(0x31, der(0x30, commonName)))
        let validity = der(0x30, der(0x17, Data("200101000000Z".utf8)) + der(0x17, Data("491231235959Z".utf8)))
        let version3 = der(0xa0, der(0x02, Data([2])))
        let serial = der(0x02, Data([1]))
        let subjectKey = der(0x30, ed25519 + der(0x03, Data([0]) + key.publicKey))
        let content = der(0x30, version3 + serial + ed25519 + name + validity + name + subjectKey)
        let request = SignRequest(handle: key.handle, algorithm: key.algorithm, payload: content)
        let signature = try await sign([request])[0]
        return der(0x30, content + ed25519 + der(0x03, Data([0]) + signature))
    }

    private func der(_ tag: UInt8, _ content: Data) -> Data {
        let long = withUnsafeBytes(of: UInt32(content.count).bigEndian) { Array($0.drop { $0 == 0 }) }
        let length = content.count < 128 ? [UInt8(content.count)] : [0x80 | UInt8(long.count)] + long
        return Data([tag] + length) + content
    }
}
