import Foundation
import XCTest
@testable import Billfold

/// Credentials that no wallet holds.
final class VerifyTests: WalletTestCase {
    /// The generator of P-256: a legal public key of nobody.
    private let stranger = """
        {"kty":"EC","crv":"P-256",
         "x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}
        """

    func testWhatItBuildsOnIsWhatTheCallerSays() async throws {
        let wallet = try await wallet()
        let id = try one(try await wallet.openOffer(try await issuer.offer().link).accept())
        let credential = try await wallet.credential(id)
        let raw = Data(credential.copies[0].raw.utf8)
        let anchors = try issuer.trust.components(separatedBy: "-----END CERTIFICATE-----").dropLast().map { pem in
            let base64 = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
            return try XCTUnwrap(Data(base64Encoded: base64))
        }
        let found = try await Billfold.verify(
            raw, format: credential.format, options: VerifyOptions(trustAnchorsDER: anchors)
        )
        XCTAssertEqual(found.report.verdict, .verified, "\(found.report)")
        XCTAssertEqual(found.report[.issuerTrust]?.outcome, .passed)
        XCTAssertEqual(found.type, credential.type)
        XCTAssertEqual(found.expiresAt, credential.expiresAt)
        let claims = try XCTUnwrap(found.claims)
        XCTAssertNotNil(try TestIssuer.object(Data(claims.utf8))["vct"])
        XCTAssertFalse("\(found)".contains(claims))
        let withheld = credential.card.claims.filter(\.isDisclosable).map(\.path)
        XCTAssertTrue(Set(found.disclosable).isSuperset(of: withheld), "\(found.disclosable)")

        let format = credential.format
        func failed(_ options: VerifyOptions) async throws -> [CheckKind] {
            try await Billfold.verify(raw, format: format, options: options).report.failed
        }
        let late = try XCTUnwrap(credential.expiresAt).addingTimeInterval(61)
        for (options, expected) in [
            (VerifyOptions(trustAnchors: [issuer.trust]), []), (VerifyOptions(at: late), [CheckKind.validity]),
            (VerifyOptions(type: .vct("another")), [.type]), (VerifyOptions(holderKeys: [stranger]), [.holderBinding]),
        ] {
            let kinds = try await failed(options)
            XCTAssertEqual(kinds, expected)
        }
        let kinds = try await failed(VerifyOptions(issuerKeys: stranger))
        XCTAssertTrue(kinds.contains(.signature), "\(kinds)")
        let lenient = VerifyOptions(trustAnchors: [issuer.trust], type: .vct("another"), policy: [.type: .warn])
        let warned = try await Billfold.verify(raw, format: format, options: lenient)
        XCTAssertEqual(warned.report.verdict, .verifiedWithWarnings)
    }

    func testWhatCannotBeRead() async throws {
        let found = try await Billfold.verify(Data("nothing".utf8), format: "dc+sd-jwt")
        XCTAssertEqual(found.report.verdict, .rejected)
        XCTAssertNil(found.claims)
        let unknown = try await refused(.unsupported) { try await Billfold.verify(Data([1]), format: "ac_vp") }
        XCTAssertEqual(unknown.code, "format_unsupported")
        for wrong in [
            VerifyOptions(issuerKeys: "no JSON"), VerifyOptions(trustAnchors: ["no certificate"]),
            VerifyOptions(trustAnchorsDER: [Data([0x30, 0])]), VerifyOptions(holderKeys: ["{}"]),
            VerifyOptions(policy: [.other: .off]),
        ] {
            let error = try await refused(.unsupported) {
                try await Billfold.verify(Data([1]), format: "dc+sd-jwt", options: wrong)
            }
            XCTAssertEqual(error.code, "setup_invalid")
        }
    }

    /// Knows two methods, and fails in each way.
    private final class Own: DidResolver {
        struct Trouble: Error {
            let password = "password1"
        }

        let methods = ["own", "odd"]
        let asked = Locked<[String]>([])
        private let document: String

        init(document: String) {
            self.document = document
        }

        func resolve(_ did: String) async throws -> String {
            asked.with { $0.append(did) }
            switch did {
            case "did:own:1": return document
            case "did:own:gone": throw DidResolverError(.notFound, "it was given back")
            default: throw Trouble()
            }
        }
    }

    func testDIDsOfTheAppsOwnMethods() async throws {
        func base64(_ bytes: Data) -> String {
            bytes.base64EncodedString().replacingOccurrences(of: "+", with: "-")
                .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        }
        let keys = SodiumKeys()
        let key = try await keys.create(algorithm: .edDSA, purpose: .credential, count: 1)[0]
        let resolver = Own(
            document: """
                {"id":"did:own:1","assertionMethod":["did:own:1#k"],"verificationMethod":[{"id":"did:own:1#k",
                "type":"JsonWebKey2020","controller":"did:own:1",
                "publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"\(base64(key.publicKey))"}}]}
                """
        )
        func verified(_ did: String) async throws -> Report {
            let header = #"{"alg":"EdDSA","typ":"JWT","kid":"\#(did)#k"}"#
            let payload = """
                {"iss":"\(did)","nbf":1,"vc":{"@context":["https://www.w3.org/2018/credentials/v1"],
                "type":["VerifiableCredential","Note"],"credentialSubject":{"text":"hello"}}}
                """
            let signed = "\(base64(Data(header.utf8))).\(base64(Data(payload.utf8)))"
            let request = SignRequest(handle: key.handle, algorithm: .edDSA, payload: Data(signed.utf8))
            let signature = try await keys.sign([request])[0]
            let credential = Data("\(signed).\(base64(signature))".utf8)
            return try await Billfold.verify(credential, format: "jwt_vc_json", resolver: resolver).report
        }
        let good = try await verified("did:own:1")
        XCTAssertEqual(good.verdict, .verified, "\(good)")
        let gone = try await verified("did:own:gone")
        XCTAssertEqual(gone.verdict, .rejected, "\(gone)")
        XCTAssertTrue(gone.checks.contains { $0.detail.contains("it was given back") }, "\(gone)")
        let late = try await verified("did:odd:1")
        XCTAssertEqual(late.verdict, .unverified, "\(late)")
        XCTAssertFalse("\(late)".contains("password1"))
        let foreign = try await verified("did:foreign:1")
        XCTAssertEqual(foreign.verdict, .unverified)
        XCTAssertEqual(resolver.asked.with { $0 }, ["did:own:1", "did:own:gone", "did:odd:1"])
        let opened = try await wallet(resolver: resolver)
        opened.close()
    }

    func testOffersInPictures() async throws {
        let link = try await issuer.offer().link
        let png = try await QRCode.png(link)
        let read = try await QRCode.read(png)
        XCTAssertEqual(read, link)
        let svg = try await QRCode.svg(link)
        XCTAssertTrue(svg.hasPrefix("<svg "), svg)
        let unreadable = try await refused(.offer) { try await QRCode.read(png.prefix(40)) }
        XCTAssertEqual(unreadable.code, "qr_unreadable")
        let tooLarge = try await refused(.offer) { try await QRCode.svg(String(repeating: "x", count: 3000)) }
        XCTAssertEqual(tooLarge.code, "qr_too_large")
    }
}
