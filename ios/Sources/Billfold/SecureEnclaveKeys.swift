#if canImport(Security)
import CryptoKit
import Foundation
import LocalAuthentication
import Security

/// Holder keys in the Secure Enclave: P-256, never readable by anybody, the app included.
///
/// Written against Apple's documentation and not yet tried on a device.
///
/// Keys don't survive their device and are not in backups. With `userPresence` each batch of signatures by
/// credentials' keys asks the user once for Face ID, Touch ID or the passcode; a user who says no ends as
/// ``KeyError/Kind/locked``. Keys for another ``KeyPurpose`` never ask, and sign while the device is locked too,
/// once it was unlocked after its start.
public final class SecureEnclaveKeys: HolderKeys {
    private static let prefix = "dev.billfold.holder."
    private let userPresence: Bool
    private let reason: String

    /// Whether this device has a Secure Enclave. The simulator and older Macs have none.
    public static var isAvailable: Bool { SecureEnclave.isAvailable }

    /// Keys that the user has to unlock, or not.
    ///
    /// - Parameters:
    ///   - userPresence: whether the user confirms each batch of signatures by credentials' keys.
    ///   - reason: what the system's prompt says, in the user's language.
    public init(userPresence: Bool = false, reason: String = "Receive a credential") {
        self.userPresence = userPresence
        self.reason = reason
    }

    /// The only one that a Secure Enclave has.
    public var algorithms: [Algorithm] { [.es256] }

    /// Makes `count` keys: all of them or none.
    ///
    /// - Throws: ``KeyError``
    public func create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) async throws -> [HolderKey] {
        guard algorithm == .es256 else {
            throw KeyError(.unsupported, "the Secure Enclave makes ES256 keys only")
        }
        var made: [HolderKey] = []
        do {
            for _ in 0..<count {
                let handle = SecureEnclaveKeys.prefix + UUID().uuidString
                // Its name first: a key without a public half has to go as well.
                made.append(HolderKey(handle: handle, algorithm: .es256, publicKey: Data()))
                let publicKey = try generate(handle, for: purpose)
                made[made.count - 1] = HolderKey(handle: handle, algorithm: .es256, publicKey: publicKey)
            }
        } catch {
            try? await delete(made.map(\.handle))
            throw error
        }
        return made
    }

    /// Signs all requests, in their order: all of them or none.
    ///
    /// - Throws: ``KeyError``
    public func sign(_ requests: [SignRequest]) async throws -> [Data] {
        let reason = self.reason
        // The prompt blocks the thread that signs.
        return try await SecureEnclaveKeys.aside {
            // One context for all, so that the user is asked once.
            let context = LAContext()
            context.localizedReason = reason
            context.touchIDAuthenticationAllowableReuseDuration = LATouchIDAuthenticationMaximumAllowableReuseDuration
            return try requests.map { request in
                let key = try SecureEnclaveKeys.find(request.handle, context)
                var error: Unmanaged<CFError>?
                let signature = SecKeyCreateSignature(
                    key, .ecdsaSignatureMessageX962SHA256, request.payload as CFData, &error
                )
                guard let signature else { throw SecureEnclaveKeys.failure("did not sign", error) }
                return signature as Data
            }
        }
    }

    /// Deletes keys. One that is not there is no error.
    ///
    /// - Throws: ``KeyError``
    public func delete(_ handles: [String]) async throws {
        for handle in handles {
            let status = SecItemDelete(SecureEnclaveKeys.query(handle) as CFDictionary)
            if status != errSecSuccess && status != errSecItemNotFound {
                throw SecureEnclaveKeys.failure("deleted no key", status)
            }
        }
    }

    /// The keys of these names that are in this Secure Enclave, without asking the user.
    ///
    /// - Throws: ``KeyError``
    public func find(_ handles: [String]) async throws -> [HolderKey?] {
        try handles.map { handle in
            let context = LAContext()
            context.interactionNotAllowed = true
            let key: SecKey
            do {
                key = try SecureEnclaveKeys.find(handle, context)
            } catch let error as KeyError where error.kind == .unknown {
                return nil
            }
            var error: Unmanaged<CFError>?
            guard let half = SecKeyCopyPublicKey(key), let octets = SecKeyCopyExternalRepresentation(half, &error) else {
                throw SecureEnclaveKeys.failure("gave no public key", error)
            }
            return HolderKey(handle: handle, algorithm: .es256, publicKey: octets as Data)
        }
    }

    private func generate(_ handle: String, for purpose: KeyPurpose) throws -> Data {
        var error: Unmanaged<CFError>?
        var flags: SecAccessControlCreateFlags = .privateKeyUsage
        if userPresence && purpose == .credential { flags.insert(.userPresence) }
        let accessible = purpose == .credential
            ? kSecAttrAccessibleWhenUnlockedThisDeviceOnly : kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
        let access = SecAccessControlCreateWithFlags(nil, accessible, flags, &error)
        guard let access else { throw SecureEnclaveKeys.failure("made no key", error) }
        let privateAttributes: [CFString: Any] = [
            kSecAttrIsPermanent: true,
            kSecAttrApplicationTag: Data(handle.utf8),
            kSecAttrAccessControl: access,
        ]
        let attributes: [CFString: Any] = [
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom,
            kSecAttrKeySizeInBits: 256,
            kSecAttrTokenID: kSecAttrTokenIDSecureEnclave,
            kSecUseDataProtectionKeychain: true,
            kSecPrivateKeyAttrs: privateAttributes,
        ]
        guard let key = SecKeyCreateRandomKey(attributes as CFDictionary, &error) else {
            throw SecureEnclaveKeys.failure("made no key", error)
        }
        guard let half = SecKeyCopyPublicKey(key), let octets = SecKeyCopyExternalRepresentation(half, &error) else {
            throw SecureEnclaveKeys.failure("gave no public key", error)
        }
        return octets as Data
    }

    private static func query(_ handle: String) -> [CFString: Any] {
        [
            kSecClass: kSecClassKey,
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom,
            kSecAttrApplicationTag: Data(handle.utf8),
            kSecUseDataProtectionKeychain: true,
        ]
    }

    private static func find(_ handle: String, _ context: LAContext) throws -> SecKey {
        var query = query(handle)
        query[kSecReturnRef] = true
        query[kSecUseAuthenticationContext] = context
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        guard status == errSecSuccess, let found, CFGetTypeID(found) == SecKeyGetTypeID() else {
            if status == errSecItemNotFound { throw KeyError(.unknown, "the Secure Enclave has no such key") }
            throw failure("gave no key", status)
        }
        // The type was looked at; Swift has no checked cast for Core Foundation's types.
        return unsafeDowncast(found, to: SecKey.self)
    }

    private static func failure(_ what: String, _ status: OSStatus) -> KeyError {
        let locked = [errSecInteractionNotAllowed, errSecUserCanceled, errSecAuthFailed].contains(status)
        return KeyError(locked ? .locked : .failed, "the Secure Enclave \(what) (\(status))")
    }

    private static func failure(_ what: String, _ error: Unmanaged<CFError>?) -> KeyError {
        guard let error = error?.takeRetainedValue() else {
            return KeyError(.failed, "the Secure Enclave \(what)")
        }
        let code = CFErrorGetCode(error)
        if (CFErrorGetDomain(error) as String) == LAError.errorDomain {
            return KeyError(.locked, "the Secure Enclave \(what): the user did not unlock it (\(code))")
        }
        return failure(what, OSStatus(truncatingIfNeeded: code))
    }

    private static func aside<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .userInitiated).async { continuation.resume(with: Result(catching: body)) }
        }
    }
}
#endif
