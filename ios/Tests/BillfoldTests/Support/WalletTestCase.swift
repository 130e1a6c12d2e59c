import Foundation
import XCTest
@testable import Billfold

/// A test with a folder of its own and a running issuer, and an end even when something waits for ever.
class WalletTestCase: XCTestCase {
    private(set) var issuer: TestIssuer!
    private(set) var folder: URL!
    private var others: [TestIssuer] = []
    private var watchdog: DispatchWorkItem?

    override func setUp() async throws {
        let name = self.name
        let watchdog = DispatchWorkItem { fatalError("\(name) takes more than a minute") }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: watchdog)
        self.watchdog = watchdog
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString, isDirectory: true)
        issuer = try TestIssuer()
    }

    override func tearDown() async throws {
        issuer?.stop()
        others.forEach { $0.stop() }
        if FileManager.default.fileExists(atPath: folder.path) { try FileManager.default.removeItem(at: folder) }
        watchdog?.cancel()
    }

    /// One more issuer, with arguments of its own.
    func issuer(_ arguments: String...) throws -> TestIssuer {
        try issuer(arguments)
    }

    func issuer(_ arguments: [String]) throws -> TestIssuer {
        let other = try TestIssuer(arguments)
        others.append(other)
        return other
    }

    /// A wallet whose keys, secrets and transport are all in Swift.
    func wallet(
        _ subfolder: String = "wallet",
        keys: (any HolderKeys)? = SodiumKeys(),
        secrets: (any SecretStore)? = MapSecrets(),
        http: (any HttpTransport)? = URLSessionTransport(),
        provider: (any WalletProvider)? = nil,
        options: BillfoldOptions = BillfoldOptions(locale: "en", allowLoopbackHttp: true),
        store: (any CredentialStore)? = nil,
        resolver: (any DidResolver)? = nil,
        clientID: String = "billfold-test-wallet"
    ) async throws -> Billfold {
        try await Billfold.open(
            clientID: clientID, redirectURI: "dev.billfold.wallet:/callback",
            directory: folder.appendingPathComponent(subfolder), keys: keys, secrets: secrets, http: http,
            provider: provider, options: options, store: store, resolver: resolver
        )
    }

    /// A wallet in a folder that another had until just now. What that one tells its issuers in the background
    /// may hold the folder for a moment.
    func reopen<T>(_ open: () async throws -> T) async throws -> T {
        let deadline = Date().addingTimeInterval(20)
        while true {
            do {
                return try await open()
            } catch let error as BillfoldError where error.code == "store_locked" && Date() < deadline {
                try await Task.sleep(nanoseconds: 20_000_000)
            }
        }
    }

    /// The ids of a step that has to be the last.
    func done(_ step: Step) throws -> [String] {
        guard case .done(let credentials, []) = step else { throw Trouble("not done: \(step)") }
        return credentials
    }

    /// The id of the one credential that came out.
    @discardableResult
    func one(_ step: Step) throws -> String {
        let ids = try done(step)
        guard ids.count == 1 else { throw Trouble("not one: \(step)") }
        return ids[0]
    }

    func signIn(_ step: Step) throws -> URL {
        guard case .signIn(let url) = step else { throw Trouble("no sign-in: \(step)") }
        return url
    }

    func enterCode(_ step: Step) throws -> CodeHint {
        guard case .enterCode(let hint) = step else { throw Trouble("no code: \(step)") }
        return hint
    }

    /// The error that the body has to throw.
    func refused<T>(_ kind: ErrorKind, _ body: () async throws -> T) async throws -> BillfoldError {
        let result: T
        do {
            result = try await body()
        } catch let error as BillfoldError {
            guard error.kind == kind else { throw Trouble("another kind, \(error.kind): \(error)") }
            return error
        }
        throw Trouble("it gave \(result)")
    }
}
