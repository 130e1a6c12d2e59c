import Foundation

internal import BillfoldFFI

/// A wallet: takes offers, gets the credentials behind them, checks them and keeps them.
///
/// One process opens one folder once; keep the object for as long as the app runs. Everything here may
/// be called from any thread or actor, and throws ``BillfoldError`` only (and `CancellationError`).
///
/// **Cancellation.** A cancelled task stops waiting at once, with `CancellationError`. A step that has
/// begun is not torn off half way, because it may have spent a code that works only once: it goes on to
/// its end and its result is stored. ``resume(_:)`` with the issuance's id shows where it got to. To give
/// an issuance up, call ``Issuance/cancel()``.
public final class Billfold: Sendable {
    private let border: Border
    private let opening: Opening
    private let issuances = Locked<[WeakIssuance]>([])

    /// Makes a wallet that opens its folder at the first use, so that an app can have one from its start.
    /// What goes wrong while opening is thrown by the first call.
    ///
    /// On Apple platforms keys rest in the Secure Enclave and secrets in the Keychain, unless others are
    /// given. Elsewhere keys are software keys, kept among the secrets, and the secrets rest in a file in
    /// `directory` that only its user can read. That protects from other users of the machine, and from
    /// nothing else.
    ///
    /// - Parameters:
    ///   - clientID: the `client_id` under which authorization servers know the app.
    ///   - redirectURI: where the browser returns to after the user signed in; the app's own scheme.
    ///   - directory: where the encrypted records rest; made if it is not there. `nil`: the folder `billfold`
    ///     in the app's Application Support. Keep it out of backups: the keys can't leave the device.
    ///   - keys: the keys that credentials are bound to. `nil`: the platform's, see above.
    ///   - secrets: where the key of the store rests, and software keys. `nil`: the platform's, see above.
    ///   - http: the way to the network. `nil`: the transport inside the native library.
    ///   - provider: who vouches for the wallet and its keys, where servers and issuers ask for that. `nil`: nobody.
    ///   - options: the rest.
    ///   - store: where the records rest, sealed with a key among the secrets. `nil`: an encrypted database in
    ///     `directory`.
    ///   - resolver: who resolves DIDs of methods that billfold does not know. `nil`: nobody.
    /// - Throws: ``BillfoldError`` when there is no folder to use.
    public convenience init(
        clientID: String,
        redirectURI: String? = nil,
        directory: URL? = nil,
        keys: (any HolderKeys)? = nil,
        secrets: (any SecretStore)? = nil,
        http: (any HttpTransport)? = URLSessionTransport(),
        provider: (any WalletProvider)? = nil,
        options: BillfoldOptions = BillfoldOptions(),
        store: (any CredentialStore)? = nil,
        resolver: (any DidResolver)? = nil
    ) throws {
        let folder = try directory ?? Billfold.defaultDirectory()
        guard folder.isFileURL else {
            throw BillfoldError(setup: "the directory is not a file URL")
        }
        self.init(
            folder: folder, clientID: clientID, redirectURI: redirectURI,
            keys: keys ?? PlatformDefaults.keys(), secrets: secrets ?? PlatformDefaults.secrets(),
            http: http, provider: provider, options: options, store: store,
            resolver: resolver
        )
    }

    /// As ``init(clientID:redirectURI:directory:keys:secrets:http:provider:options:store:resolver:)``, and opens the folder now.
    ///
    /// - Throws: ``BillfoldError``
    public static func open(
        clientID: String,
        redirectURI: String? = nil,
        directory: URL? = nil,
        keys: (any HolderKeys)? = nil,
        secrets: (any SecretStore)? = nil,
        http: (any HttpTransport)? = URLSessionTransport(),
        provider: (any WalletProvider)? = nil,
        options: BillfoldOptions = BillfoldOptions(),
        store: (any CredentialStore)? = nil,
        resolver: (any DidResolver)? = nil
    ) async throws -> Billfold {
        let billfold = try Billfold(
            clientID: clientID, redirectURI: redirectURI, directory: directory,
            keys: keys, secrets: secrets, http: http, provider: provider, options: options, store: store,
            resolver: resolver
        )
        try await billfold.call { _ in }
        return billfold
    }

    private init(
        folder: URL,
        clientID: String,
        redirectURI: String?,
        keys: (any HolderKeys)?,
        secrets: (any SecretStore)?,
        http: (any HttpTransport)?,
        provider: (any WalletProvider)?,
        options: BillfoldOptions,
        store: (any CredentialStore)?,
        resolver: (any DidResolver)?
    ) {
        let border = Border()
        let config = BillfoldFFI.WalletConfig(
            clientId: clientID,
            redirectUri: redirectURI,
            store: .directory(path: folder.path),
            secretsFile: secrets == nil ? folder.appendingPathComponent("secrets").path : nil,
            locale: options.locale,
            allowLoopbackHttp: options.allowLoopbackHttp,
            clockSkewSeconds: options.clockSkew.map(seconds),
            trustAnchors: anchors(options.trustAnchors, options.trustAnchorsDER),
            rootCertificatesPem: options.rootCertificates,
            policy: options.policy.ffi,
            binding: options.binding.ffi,
            profile: options.profile.ffi,
            attestationVersion: options.attestationVersion.ffi,
            signedMetadata: options.signedMetadata.ffi,
            metadataAnchors: anchors(options.metadataAnchors, []),
            trustedIssuers: options.trustedIssuers,
            policies: options.policies.mapValues(\.ffi),
            typeMetadata: options.typeMetadata?.ffi,
            jsonLdContexts: options.jsonLDContexts,
            dialects: options.dialects.ffi,
            didResolverUrl: options.didResolverURL?.absoluteString
        )
        self.border = border
        self.opening = Opening {
            try await BillfoldFFI.Wallet.open(
                config: config,
                secrets: secrets.map { SecretsToFFI(secrets: $0, border: border) },
                keys: keys.map { KeysToFFI(keys: $0, border: border) },
                http: http.map { TransportToFFI(http: $0, border: border) },
                provider: provider.map { ProviderToFFI(provider: $0, border: border) },
                store: store.map { StoreToFFI(store: $0, border: border) },
                resolver: resolver.map { ResolverToFFI(resolver: $0, border: border) }
            )
        }
    }

    deinit {
        // Issuances go on without the wallet, and a task that has just ended must not keep its folder.
        opening.close()
    }

    /// Reads an offer and what its issuer says about itself. Nothing of the offer is spent yet: show
    /// ``Issuance/offer`` to the user, then ``Issuance/accept(_:)`` or ``Issuance/decline()``.
    ///
    /// - Parameter link: the text of a deep link, a scanned QR code or an https address.
    /// - Throws: ``BillfoldError``
    public func openOffer(_ link: String) async throws -> Issuance {
        try await issuance { try await $0.openOffer(link: link) }
    }

    /// The same with the address that the system opened the app with.
    ///
    /// - Throws: ``BillfoldError``
    public func openOffer(_ link: URL) async throws -> Issuance {
        try await openOffer(link.absoluteString)
    }

    /// Begins an issuance without an offer.
    ///
    /// - Parameters:
    ///   - credentialIssuer: the credential issuer identifier.
    ///   - configurations: which of the issuer's credential configurations to ask for.
    /// - Throws: ``BillfoldError``
    public func start(_ credentialIssuer: String, configurations: [String]) async throws -> Issuance {
        try await issuance { try await $0.start(credentialIssuer: credentialIssuer, configurations: configurations) }
    }

    /// Takes up a stored issuance again, after a restart or a cancelled task. ``Issuance/step()`` tells
    /// where it stands, ``Issuance/proceed()`` goes on.
    ///
    /// - Parameter id: the ``Issuance/id``.
    /// - Throws: ``BillfoldError``
    public func resume(_ id: String) async throws -> Issuance {
        try await issuance { try await $0.resume(id: id) }
    }

    /// Finds the issuance that a redirect belongs to, when the app was restarted while the user was in the
    /// browser. ``Issuance/submitRedirect(_:)`` with the same address next.
    ///
    /// - Throws: ``BillfoldError``
    public func resumeRedirect(_ redirectURL: URL) async throws -> Issuance {
        try await issuance { try await $0.resumeRedirect(redirectUrl: redirectURL.absoluteString) }
    }

    /// The issuances that have not ended.
    ///
    /// - Throws: ``BillfoldError``
    public func pending() async throws -> [PendingIssuance] {
        try await call { try await $0.pending().map(PendingIssuance.init) }
    }

    /// All stored credentials; the ones that are put aside are among them, see ``Credential/isQuarantined``.
    ///
    /// - Throws: ``BillfoldError``
    public func credentials() async throws -> [Credential] {
        try await call { try await $0.credentials().map(Credential.init) }
    }

    /// One stored credential.
    ///
    /// - Throws: ``BillfoldError``
    public func credential(_ id: String) async throws -> Credential {
        try await call { Credential(try await $0.credential(id: id)) }
    }

    /// The card of a credential, with its pictures: what ``Credential/card`` has, and what is fetched for it. Pictures
    /// are kept for the time without a network; one that can't be had fails nothing.
    ///
    /// - Parameters:
    ///   - id: the ``Credential/id``.
    ///   - locale: BCP 47 language tag of names and labels; the wallet's own when `nil`.
    /// - Throws: ``BillfoldError``
    public func card(_ id: String, locale: String? = nil) async throws -> Card {
        try await call { Card(try await $0.card(id: id, locale: locale)) }
    }

    /// The credentials that a query asks for, a page of them, in the order in which they came. One whose record can't be
    /// read hides no other: ``CredentialPage/unreadable`` names it.
    ///
    /// - Throws: ``BillfoldError``
    public func find(_ query: CredentialQuery = CredentialQuery()) async throws -> CredentialPage {
        let query = query.ffi
        return try await call { CredentialPage(try await $0.find(query: query)) }
    }

    /// Takes a copy of a credential to be shown to somebody: the one that was used least. The use is written down before
    /// the copy is given, so that no two calls get the same one as long as there are others.
    ///
    /// - Parameter id: the ``Credential/id``.
    /// - Throws: ``BillfoldError``, of the code `credential_quarantined` for a credential that was put aside, and
    ///   `key_missing` for one whose key is not on this device.
    public func takeCopy(_ id: String) async throws -> TakenCopy {
        try await call { TakenCopy(try await $0.takeCopy(id: id)) }
    }

    /// All credentials as one sealed file, for the user to keep. It holds no private key and no token: on another device
    /// the credentials can be looked at, and asked for anew at their issuers. It is as strong as the passphrase; a good
    /// part of a second and 64 MiB of memory are spent on that.
    ///
    /// - Throws: ``BillfoldError``
    public func exportBackup(passphrase: String) async throws -> Data {
        try await call { try await $0.exportBackup(passphrase: passphrase) }
    }

    /// Takes the credentials out of a backup. Those that the wallet has stay as they are.
    ///
    /// - Throws: ``BillfoldError``, with the advice ``Advice/askPassphraseAgain`` for another passphrase.
    public func importBackup(_ backup: Data, passphrase: String) async throws -> ImportedBackup {
        try await call { ImportedBackup(try await $0.importBackup(backup: backup, passphrase: passphrase)) }
    }

    /// Seals all records of the encrypted database with a new key, and forgets the old one. It may be cut off at any
    /// moment, nothing is lost by that. A ``CredentialStore`` of the app's own has no such key.
    ///
    /// - Throws: ``BillfoldError``
    public func changeStoreKey() async throws -> KeyChanged {
        try await call { KeyChanged(try await $0.changeStoreKey()) }
    }

    /// What becomes of credentials from now on, each after it was written down. Who reads the list after this call
    /// misses nothing.
    ///
    /// - Throws: ``BillfoldError``
    public func changes() async throws -> CredentialChanges {
        try await call { CredentialChanges($0.changes()) }
    }

    /// Verifies a stored credential again. One that could not be checked completely may become usable by
    /// that, and one that is out of date is put aside.
    ///
    /// - Throws: ``BillfoldError``
    public func recheck(_ id: String) async throws -> Credential {
        try await call { Credential(try await $0.recheck(id: id)) }
    }

    /// Asks for a credential once more, to put the new one in the place of the old one: before it expires, or when
    /// its data changed.
    ///
    /// Go on with ``Issuance/proceed()``: as long as the issuer takes the tokens of the first issuance, it needs
    /// nobody. When it does not, or there are none, the issuance waits at ``Step/review``: ``Issuance/accept(_:)``
    /// lets the user agree again. Either way the old credential stays until the new one is verified; then all its
    /// copies are replaced at once, under the same id.
    ///
    /// - Parameter id: the ``Credential/id``.
    /// - Throws: ``BillfoldError``
    public func refresh(_ id: String) async throws -> Issuance {
        try await issuance { try await $0.refresh(id: id) }
    }

    /// Deletes a credential and its keys.
    ///
    /// - Throws: ``BillfoldError``
    public func forget(_ id: String) async throws {
        try await call { try await $0.forget(id: id) }
    }

    /// Lets go of the folder. Steps that have begun go on to their end and hold it until then (who opens it
    /// meanwhile waits up to three seconds); what is being told to issuers in the background is left for the
    /// next time; every other call on this object and its issuances fails from
    /// now on, with the code `closed`. Nothing stored is lost.
    ///
    /// An app that keeps one wallet has no need of this. Who opens the same folder once more calls it first:
    /// without it the folder is let go some time after the last reference to the wallet and its issuances.
    public func close() {
        opening.close()
        let living = issuances.with { issuances in
            defer { issuances = [] }
            return issuances.compactMap(\.issuance)
        }
        living.forEach { $0.close() }
    }

    /// The version of the native library.
    public static var version: String { BillfoldFFI.version() }

    /// Checks a credential that came from anywhere, outside of any wallet, by the rules of wallets. What is wrong
    /// with it stands in the report.
    ///
    /// - Parameters:
    ///   - credential: the text of a JWT or SD-JWT, the JSON of an `ldp_vc`, the CBOR of an `mso_mdoc` as it is or as
    ///     base64url.
    ///   - format: its format identifier, such as `dc+sd-jwt`.
    ///   - options: what to build on: without any, nobody is trusted and no key known.
    ///   - http: lets it fetch what the credential refers to: DID documents, issuers' keys, status lists. `nil`: what
    ///     would have to be fetched is unknown.
    ///   - resolver: who resolves DIDs of methods that billfold does not know. `nil`: nobody.
    /// - Throws: ``BillfoldError``
    public static func verify(
        _ credential: Data,
        format: String,
        options: VerifyOptions = VerifyOptions(),
        http: (any HttpTransport)? = nil,
        resolver: (any DidResolver)? = nil
    ) async throws -> Verification {
        let border = Border()
        return try await border.cross {
            Verification(
                try await BillfoldFFI.verify(
                    format: format, credential: credential, options: options.ffi,
                    http: http.map { TransportToFFI(http: $0, border: border) },
                    resolver: resolver.map { ResolverToFFI(resolver: $0, border: border) }
                )
            )
        }
    }

    /// Sends the native library's log events of a level and above to a sink, until the process ends. They
    /// hold no token, code, key or claim at any level. The sink is called from any thread.
    ///
    /// - Returns: whether it took effect: only the first call of a process does.
    @discardableResult
    public static func setLogSink(level: LogLevel = .info, _ sink: @escaping LogSink) -> Bool {
        BillfoldFFI.setLogSink(sink: LogToFFI(sink: sink), level: level.ffi)
    }

    private func call<T: Sendable>(_ body: @escaping @Sendable (BillfoldFFI.Wallet) async throws -> T) async throws -> T {
        // Whoever waits keeps the object, the task itself must not; see `deinit`.
        defer { withExtendedLifetime(self) {} }
        let opening = self.opening
        return try await border.cross { try await body(try await opening.wallet()) }
    }

    private func issuance(
        _ body: @escaping @Sendable (BillfoldFFI.Wallet) async throws -> BillfoldFFI.Issuance
    ) async throws -> Issuance {
        let border = self.border
        // Made on the other side of the task, which must not keep the native object; see `Opening`.
        let issuance = try await call { Issuance(try await body($0), border: border) }
        issuances.with { issuances in
            issuances.removeAll { $0.issuance == nil }
            issuances.append(WeakIssuance(issuance: issuance))
        }
        if opening.isClosed { issuance.close() }
        return issuance
    }

    private static func defaultDirectory() throws -> URL {
        let support: URL
        do {
            support = try FileManager.default.url(
                for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true
            )
        } catch {
            throw BillfoldError(setup: "there is no Application Support folder; give a directory")
        }
        return support.appendingPathComponent("billfold", isDirectory: true)
    }
}

/// An issuance as long as somebody else keeps it.
private struct WeakIssuance: @unchecked Sendable {
    // Never assigned again; Swift 6.0 has no `weak let`.
    private(set) weak var issuance: Issuance?
}
