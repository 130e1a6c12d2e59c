import Foundation
import XCTest
@testable import Billfold

/// The default transport against servers that behave, and others.
final class URLSessionTransportTests: XCTestCase {
    private let transport = URLSessionTransport()
    private var servers: [RawServer] = []

    override func tearDown() {
        servers.forEach { $0.stop() }
        servers = []
    }

    private func server(_ answer: @escaping @Sendable (String) -> Data?) throws -> RawServer {
        let server = try RawServer(answer)
        servers.append(server)
        return server
    }

    private func limits(
        body: Int = 1000, total: TimeInterval = 20, publicOnly: Bool = false
    ) -> HttpLimits {
        HttpLimits(maxBodyBytes: body, connectTimeout: 5, totalTimeout: total, publicAddressesOnly: publicOnly)
    }

    private func request(
        _ method: String = "GET", _ url: String, headers: [HttpHeader] = [], body: String = ""
    ) throws -> HttpRequest {
        HttpRequest(method: method, url: try XCTUnwrap(URL(string: url)), headers: headers, body: Data(body.utf8))
    }

    private func failed(_ request: HttpRequest, _ limits: HttpLimits) async throws -> TransportError {
        do {
            let response = try await transport.send(request, limits: limits)
            throw Trouble("it gave \(response)")
        } catch let error as TransportError {
            return error
        }
    }

    func testRequestAndAnswerArriveAsTheyAre() async throws {
        let server = try server { _ in
            Data("HTTP/1.1 418 Teapot\r\nX-Kind: green\r\nContent-Length: 4\r\n\r\ntea\n".utf8)
        }
        let response = try await transport.send(
            try request(
                "POST", server.base + "/pot?size=2", headers: [HttpHeader("Authorization", "DPoP abc"), HttpHeader("X-A", "1")],
                body: "sugar=no"
            ),
            limits: limits()
        )
        XCTAssertEqual(response.status, 418)
        XCTAssertEqual(response.body, Data("tea\n".utf8))
        XCTAssertEqual(response.headers.first { $0.name.lowercased() == "x-kind" }?.value, "green")
        let asked = try XCTUnwrap(server.requests.first)
        XCTAssertTrue(asked.hasPrefix("POST /pot?size=2 HTTP/1.1\r\n"), asked)
        XCTAssertTrue(asked.contains("Authorization: DPoP abc\r\n") && asked.contains("X-A: 1\r\n"), asked)
        XCTAssertTrue(asked.hasSuffix("\r\n\r\nsugar=no"), asked)
        XCTAssertFalse("\(response) \(try request("GET", server.base + "/?code=abc"))".contains("abc"))
    }

    func testAPostWithoutABody() async throws {
        let server = try server { _ in Data("HTTP/1.1 204 No Content\r\n\r\n".utf8) }
        let response = try await transport.send(try request("POST", server.base), limits: limits())
        XCTAssertEqual(response.status, 204)
        XCTAssertTrue(try XCTUnwrap(server.requests.first).contains("Content-Length: 0\r\n"), server.requests[0])
    }

    func testARefusalKeepsItsBody() async throws {
        let server = try server { _ in
            Data("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: DPoP error=\"x\"\r\nContent-Length: 2\r\n\r\nno".utf8)
        }
        let response = try await transport.send(try request("POST", server.base, body: "a"), limits: limits())
        XCTAssertEqual(response.status, 401)
        XCTAssertEqual(response.body, Data("no".utf8))
        XCTAssertEqual(server.requests.count, 1)
    }

    func testRedirectsAreNotFollowed() async throws {
        let server = try server { _ in
            Data("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".utf8)
        }
        let response = try await transport.send(try request("GET", server.base + "/here"), limits: limits())
        XCTAssertEqual(response.status, 302)
        XCTAssertEqual(response.headers.first { $0.name.lowercased() == "location" }?.value, "/elsewhere")
        XCTAssertEqual(server.requests.count, 1)
    }

    func testCookiesAreNotKept() async throws {
        let server = try server { _ in
            Data("HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n\r\n{}".utf8)
        }
        for _ in 0..<2 { _ = try await transport.send(try request("GET", server.base), limits: limits()) }
        XCTAssertEqual(server.requests.count, 2)
        XCTAssertFalse(server.requests.joined().lowercased().contains("cookie"), server.requests.joined())
    }

    func testBodiesAreCutOff() async throws {
        let announced = try server { _ in
            Data("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".utf8) + Data(count: 1001)
        }
        let endless = try server { _ in Data("HTTP/1.1 200 OK\r\n\r\n".utf8) + Data(count: 3_000_000) }
        for server in [announced, endless] {
            let error = try await failed(try request("GET", server.base), limits())
            XCTAssertEqual(error.kind, .tooLarge)
        }
        let fits = try server { _ in Data("HTTP/1.1 200 OK\r\n\r\n".utf8) + Data(count: 1000) }
        let response = try await transport.send(try request("GET", fits.base), limits: limits())
        XCTAssertEqual(response.body.count, 1000)
    }

    func testSilenceEndsInTime() async throws {
        let server = try server { _ in nil }
        let begin = Date()
        let error = try await failed(try request("POST", server.base, body: "code=abc"), limits(total: 0.5))
        XCTAssertEqual(error.kind, .timedOut)
        XCTAssertTrue(error.maybeSent)
        XCTAssertLessThan(Date().timeIntervalSince(begin), 5)
    }

    func testABrokenConnectionIsNotTriedAgain() async throws {
        let server = try server { _ in Data() }
        let error = try await failed(try request("POST", server.base, body: "code=abc"), limits())
        XCTAssertEqual(error.kind, .connectionLost, error.detail)
        XCTAssertTrue(error.maybeSent)
        XCTAssertEqual(server.requests.count, 1)
    }

    func testHalfABodyIsNoAnswer() async throws {
        let server = try server { _ in Data("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\"".utf8) }
        let error = try await failed(try request("GET", server.base), limits())
        XCTAssertTrue([.connectionLost, .other].contains(error.kind), "\(error)")
        XCTAssertTrue(error.maybeSent)
    }

    func testNobodyThere() async throws {
        let server = try server { _ in nil }
        server.stop()
        servers = []
        let refused = try await failed(try request("GET", server.base + "?code=abc"), limits())
        XCTAssertEqual(refused.kind, .unreachable, refused.detail)
        XCTAssertFalse(refused.maybeSent)
        XCTAssertFalse("\(refused)".contains("abc"))
        let unknown = try await failed(try request("GET", "http://nothing.invalid/"), limits())
        XCTAssertEqual(unknown.kind, .unreachable, unknown.detail)
        XCTAssertFalse(unknown.maybeSent)
    }

    func testAServerWithoutTLS() async throws {
        let server = try server { _ in Data("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8) }
        let base = server.base.replacingOccurrences(of: "http://", with: "https://")
        let error = try await failed(try request("POST", base + "/token", body: "code=abc"), limits())
        XCTAssertEqual(error.kind, .tls, error.detail)
        // The handshake failed, so the code is still good.
        XCTAssertFalse(error.maybeSent)
    }

    func testPrivateAddressesAreRefused() async throws {
        let server = try server { _ in Data("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8) }
        let port = try XCTUnwrap(server.base.split(separator: ":").last)
        for host in ["127.0.0.1", "localhost", "[::1]", "2130706433", "[::ffff:127.0.0.1]"] {
            let error = try await failed(try request("GET", "http://\(host):\(port)/"), limits(publicOnly: true))
            XCTAssertEqual(error.kind, .forbiddenAddress, host)
            XCTAssertFalse(error.maybeSent)
        }
        XCTAssertEqual(server.requests, [])
    }

    func testACancelledTaskStopsWaiting() async throws {
        let asked = Gate()
        let server = try server { _ in
            asked.open()
            return nil
        }
        let transport = self.transport
        let (request, limits) = (try request("GET", server.base), limits())
        let waiting = Task { try await transport.send(request, limits: limits) }
        await asked.pass()
        waiting.cancel()
        let outcome = await waiting.result
        XCTAssertThrowsError(try outcome.get()) { XCTAssertTrue($0 is CancellationError, "\($0)") }
    }
}
