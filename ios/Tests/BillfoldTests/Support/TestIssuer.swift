import Foundation
import XCTest
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The project's test issuer, as the program that it is, on a free port. It ends with its standard input.
final class TestIssuer {
    static let preAuthorized = "pre-authorized"
    static let code = "code"
    static let sdJwt = "dc+sd-jwt"
    static let jwtVc = "jwt_vc_json"

    let base: String
    let user: String
    let password: String
    /// The root behind the issuer's certificates, PEM.
    let trust: String
    private let process: Process
    private let input: Pipe
    private let output: Pipe

    /// An offer: its link, the code that goes with it, and what its issuer makes every wallet know beforehand.
    struct Offer {
        let link: String
        let txCode: String?
        let args: [String]

        /// The value of an option, such as `client-id`.
        func arg(_ option: String) throws -> String {
            guard let at = args.firstIndex(of: "--\(option)"), at + 1 < args.count else {
                throw Trouble("no \(option) in \(args)")
            }
            return args[at + 1]
        }
    }

    init(_ arguments: [String] = []) throws {
        process = Process()
        input = Pipe()
        output = Pipe()
        process.executableURL = try TestIssuer.program()
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()

        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw Trouble("the test issuer ended before it said anything") }
            line += more
        }
        let announcement = try TestIssuer.object(line)
        let login = announcement["login"] as? [String: Any]
        guard let base = announcement["base"] as? String, let user = login?["user"] as? String,
            let password = login?["password"] as? String, let trust = announcement["trust"] as? String
        else { throw Trouble("the test issuer announced something else: \(announcement)") }
        self.base = base
        self.user = user
        self.password = password
        self.trust = trust
    }

    /// A new offer.
    func offer(
        grant: String = preAuthorized, format: String = sdJwt, by: String = "value", txCode: Bool = false,
        configurations: [String]? = nil, status: String? = nil
    ) async throws -> Offer {
        var wanted: [String: Any] = ["grant": grant, "format": format, "by": by]
        if let status { wanted["status"] = status }
        if let configurations { wanted["configurations"] = configurations }
        if txCode { wanted["tx_code"] = ["input_mode": "numeric", "length": 4] as [String: Any] }
        let made = try await ask("/test/offer", wanted)
        guard let link = made["link"] as? String else { throw Trouble("no offer: \(made)") }
        return Offer(link: link, txCode: made["tx_code"] as? String, args: made["args"] as? [String] ?? [])
    }

    /// The user signs in; gives the address that the browser is sent to. Knows the pages of every system.
    func signIn(_ url: URL) throws -> URL {
        let program = Process()
        let said = Pipe()
        program.executableURL = try TestIssuer.program()
        program.arguments = ["sign-in", "--no-open", "--user", user, "--password", password, url.absoluteString]
        program.standardOutput = said
        try program.run()
        let text = String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        program.waitUntilExit()
        guard program.terminationStatus == 0,
            let redirect = URL(string: text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw Trouble("the user could not sign in: \(text)") }
        return redirect
    }

    private static func program() throws -> URL {
        guard let path = ProcessInfo.processInfo.environment["BILLFOLD_TEST_ISSUER"],
            FileManager.default.isExecutableFile(atPath: path)
        else {
            throw Trouble("BILLFOLD_TEST_ISSUER names no test issuer; run these tests by `cargo xtask test swift`")
        }
        return URL(fileURLWithPath: path)
    }

    /// Makes the issuer do something wrong from now on.
    func fault(_ name: String, times: Int? = nil) async throws {
        var wanted: [String: Any] = ["name": name]
        if let times { wanted["times"] = times }
        _ = try await ask("/test/fault", wanted)
    }

    /// Sets the status of everything that has one.
    func status(_ value: Int) async throws {
        for index in try await ask("/test/status", nil).keys {
            _ = try await ask("/test/status", ["index": Int(index) ?? 0, "value": value])
        }
    }

    /// The paths of the requests so far, in their order.
    func requested() async throws -> [String] {
        try await requests("").compactMap { $0["path"] as? String }
    }

    /// The requests to an endpoint so far, as the issuer saw them.
    func requests(_ endpoint: String) async throws -> [[String: Any]] {
        let log = try await ask("/test/log", nil)
        guard let requests = log["requests"] as? [[String: Any]] else { throw Trouble("no log: \(log)") }
        return requests.filter { ($0["path"] as? String)?.hasSuffix(endpoint) ?? false }
    }

    /// The events that it was told of, as soon as there are any.
    func notifications() async throws -> [String] {
        for _ in 0..<100 {
            let told = try await ask("/test/log", nil)["notifications"] as? [[String: Any]] ?? []
            if !told.isEmpty { return told.compactMap { $0["event"] as? String } }
            try await Task.sleep(nanoseconds: 100_000_000)
        }
        return []
    }

    /// Forgets what it was asked so far.
    func resetLog() async throws {
        _ = try await ask("/test/log/reset", [:])
    }

    /// How often the token endpoint was asked.
    func tokenRequests() async throws -> Int {
        try await requested().filter { $0.hasSuffix("/token") }.count
    }

    func stop() {
        guard process.isRunning else { return }
        try? input.fileHandleForWriting.close()
        let deadline = Date().addingTimeInterval(10)
        while process.isRunning && Date() < deadline { usleep(5000) }
        if process.isRunning { process.terminate() }
    }

    private func ask(_ path: String, _ body: [String: Any]?) async throws -> [String: Any] {
        try await TestIssuer.ask(base, path, body)
    }

    static func ask(_ base: String, _ path: String, _ body: [String: Any]?) async throws -> [String: Any] {
        guard let url = URL(string: base + path) else { throw Trouble("no address: \(base)\(path)") }
        var request = URLRequest(url: url)
        if let body {
            request.httpMethod = "POST"
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = try JSONSerialization.data(withJSONObject: body)
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else {
            throw Trouble("the test issuer answered \(response): \(String(decoding: data, as: UTF8.self))")
        }
        return try TestIssuer.object(data)
    }

    static func object(_ json: Data) throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: json) as? [String: Any] else {
            throw Trouble("not an object: \(String(decoding: json, as: UTF8.self))")
        }
        return object
    }
}

/// What a test can't go on with.
struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
