import Foundation
import XCTest
@testable import Billfold

/// The example does what its readers will take it to do.
final class HappyPathTests: WalletTestCase {
    private let shown = Locked<[String]>([])
    private let errors = Locked<[(kind: ErrorKind, isRetryable: Bool)]>([])

    private func screen(consent: Bool = true, codes: [String] = [], browser: Browser? = nil) -> Screen {
        let shown = self.shown
        let errors = self.errors
        let codes = Locked(codes)
        return Screen(
            askConsent: { _ in consent },
            askCode: { _ in codes.with { $0.isEmpty ? "" : $0.removeFirst() } },
            signIn: { url in
                guard let browser else { throw Trouble("nobody should have to sign in") }
                return try await browser.signIn(url)
            },
            pollLater: { _, _ in XCTFail("this issuer is never late") },
            show: { credentials in shown.with { $0 += credentials } },
            showError: { kind, isRetryable in errors.with { $0.append((kind, isRetryable)) } }
        )
    }

    func testCodeSignInRefusalTrouble() async throws {
        let wallet = try await wallet()
        let offer = try await issuer.offer(txCode: true)
        let right = try XCTUnwrap(offer.txCode)
        let wrong = right == "1111" ? "2222" : "1111"
        try await receive(wallet, offer.link, screen(codes: [wrong, right]))
        XCTAssertEqual(shown.with { $0 }.count, 1)

        try await receive(wallet, try await issuer.offer(grant: TestIssuer.code).link, screen(browser: Browser(issuer)))
        XCTAssertEqual(Set(shown.with { $0 }).count, 2)

        try await receive(wallet, try await issuer.offer().link, screen(consent: false))
        XCTAssertEqual(shown.with { $0 }.count, 2)
        XCTAssertTrue(errors.with { $0.isEmpty })

        try await issuer.fault("credential-denied")
        try await receive(wallet, try await issuer.offer().link, screen())
        XCTAssertEqual(errors.with { $0.map(\.kind) }, [.issuer])
        XCTAssertEqual(errors.with { $0.map(\.isRetryable) }, [false])
        let stored = try await wallet.credentials()
        XCTAssertEqual(stored.count, 2)
    }

    func testTheDocumentationShowsTheseVeryExamples() throws {
        for (file, start, page) in [
            ("HappyPath", "func receive", "README.md"), ("ShowCard", "func showCard", "README.md"),
            ("Provider", "struct BackEnd", "README.md"),
            ("Provider", "struct BackEnd", "Sources/Billfold/WalletProvider.swift"),
            ("Renewal", "func renew", "README.md"),
        ] {
            var shown = try Tree.text("ios/\(page)")
            if page.hasSuffix(".swift") {
                shown = shown.replacingOccurrences(of: "/// ?", with: "", options: .regularExpression)
            }
            let source = try Tree.text("ios/Tests/BillfoldTests/\(file).swift")
            let parts = source.components(separatedBy: "// example:begin\n")
            let example = try XCTUnwrap(parts.last?.components(separatedBy: "// example:end").first)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            XCTAssertTrue(parts.count == 2 && example.hasPrefix(start), file)
            XCTAssertTrue(shown.contains(example), "ios/\(page) shows another example:\n\(example)")
        }
    }
}
