/// What protects keys and secrets when the app says nothing. `nil` is the native library's own: software
/// keys, and a file.
enum PlatformDefaults {
    static func keys() -> (any HolderKeys)? {
        #if canImport(Security)
        return SecureEnclaveKeys.isAvailable ? SecureEnclaveKeys() : nil
        #else
        return nil
        #endif
    }

    static func secrets() -> (any SecretStore)? {
        #if canImport(Security)
        return KeychainSecrets()
        #else
        return nil
        #endif
    }
}
