#if canImport(Security)
import Foundation
import Security

/// Secrets in the Keychain: on this device only, in no backup, and readable from the first unlock after a
/// restart, so that an issuance can go on in the background.
///
/// Written against Apple's documentation and not yet tried on a device. On a Mac it needs a signed app with
/// a keychain access group; a bare program gets `errSecMissingEntitlement` (-34018).
public struct KeychainSecrets: SecretStore {
    private let service: String

    /// Secrets under a service name. Wallets in different folders need different names.
    public init(service: String = "dev.billfold") {
        self.service = service
    }

    /// Keeps a secret under a name; an older one of that name is replaced.
    ///
    /// - Throws: ``SecretError``
    public func put(_ name: String, secret: Data) async throws {
        let values: [CFString: Any] = [
            kSecValueData: secret,
            kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
        var status = SecItemUpdate(query(name) as CFDictionary, values as CFDictionary)
        if status == errSecItemNotFound {
            status = SecItemAdd(query(name).merging(values) { $1 } as CFDictionary, nil)
        }
        guard status == errSecSuccess else { throw SecretError("the Keychain kept no secret (\(status))") }
    }

    /// The secret of that name.
    ///
    /// - Throws: ``SecretError``
    public func get(_ name: String) async throws -> Data? {
        var query = query(name)
        query[kSecReturnData] = true
        query[kSecMatchLimit] = kSecMatchLimitOne
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess, let secret = found as? Data else {
            throw SecretError("the Keychain gave no secret (\(status))")
        }
        return secret
    }

    /// Forgets a secret. One that is not there is no error.
    ///
    /// - Throws: ``SecretError``
    public func remove(_ name: String) async throws {
        let status = SecItemDelete(query(name) as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else {
            throw SecretError("the Keychain removed no secret (\(status))")
        }
    }

    private func query(_ name: String) -> [CFString: Any] {
        [
            kSecClass: kSecClassGenericPassword,
            kSecAttrService: service,
            kSecAttrAccount: name,
            kSecUseDataProtectionKeychain: true,
        ]
    }
}
#endif
