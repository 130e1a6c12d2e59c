import Foundation
import XCTest
@testable import Billfold

/// Addresses cross the border as they are.
final class AddressTests: XCTestCase {
    func testWhatIsEncodedIsNotEncodedAgain() throws {
        let plain = "https://a.example/authorize?client_id=x&request_uri=urn%3Aietf%3Ax&state=a%2Fb"
        XCTAssertEqual(URL(ffi: plain)?.absoluteString, plain)
        XCTAssertEqual(
            URL(ffi: "https://a.example/?scope=a|b&state=%7B")?.absoluteString,
            "https://a.example/?scope=a%7Cb&state=%7B"
        )
        XCTAssertEqual(URL(ffi: "http://[::1]:80/x?a[]=%5B")?.absoluteString, "http://[::1]:80/x?a%5B%5D=%5B")
    }

    /// From an offer's link to the app's transport.
    func testATransportIsAskedForWhatTheIssuerWrote() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("billfold-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let transport = NothingThere()
        let wallet = try await Billfold.open(clientID: "client", directory: folder, keys: nil, http: transport)
        let offer = "https%3A%2F%2Fissuer.example%2Fo%3Fa%3Db%7Cc%26s%3D%252F"
        do {
            let issuance = try await wallet.openOffer("openid-credential-offer://?credential_offer_uri=\(offer)")
            XCTFail("it gave \(issuance)")
        } catch let error as BillfoldError {
            XCTAssertEqual(error.kind, .network)
        }
        XCTAssertEqual(transport.asked.with { $0 }, ["https://issuer.example/o?a=b%7Cc&s=%2F"])
        wallet.close()
    }
}

/// A network without anybody in it.
private final class NothingThere: HttpTransport {
    let asked = Locked<[String]>([])

    func send(_ request: HttpRequest, limits: HttpLimits) async throws -> HttpResponse {
        asked.with { $0.append(request.url.absoluteString) }
        throw TransportError(.unreachable, maybeSent: false, "nothing there")
    }
}
