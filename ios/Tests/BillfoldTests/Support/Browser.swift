import Billfold
import Foundation

/// The user in the browser: reads the sign-in page and sends its form.
struct Browser: Sendable {
    private let user: String
    private let password: String
    private let http = URLSessionTransport()
    private let limits = HttpLimits(maxBodyBytes: 1 << 20, connectTimeout: 10, totalTimeout: 30, publicAddressesOnly: false)

    init(_ issuer: TestIssuer) {
        user = issuer.user
        password = issuer.password
    }

    /// Signs in, and gives the address that the browser is sent to.
    func signIn(_ url: URL, decision: String = "allow") async throws -> URL {
        let page = try await http.send(HttpRequest(method: "GET", url: url), limits: limits)
        let html = String(decoding: page.body, as: UTF8.self)
        guard page.status == 200 else { throw Trouble("the sign-in page answered \(page.status): \(html)") }
        let action = try Browser.find("<form method=\"post\" action=\"", in: html)
        let request = try Browser.find("name=\"request\" value=\"", in: html)
        guard let target = URL(string: action, relativeTo: url)?.absoluteURL else { throw Trouble("no address: \(action)") }
        let form = [("request", request), ("username", user), ("password", password), ("decision", decision)]
            .map { "\($0)=\(Browser.encoded($1))" }
            .joined(separator: "&")
        let answer = try await http.send(
            HttpRequest(
                method: "POST", url: target,
                headers: [HttpHeader("Content-Type", "application/x-www-form-urlencoded")], body: Data(form.utf8)
            ),
            limits: limits
        )
        guard let location = answer.headers.first(where: { $0.name.lowercased() == "location" }),
            let redirect = URL(string: location.value)
        else { throw Trouble("no redirect: \(answer.status) \(String(decoding: answer.body, as: UTF8.self))") }
        return redirect
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }

    private static func find(_ start: String, in page: String) throws -> String {
        guard let begin = page.range(of: start), let end = page[begin.upperBound...].firstIndex(of: "\"") else {
            throw Trouble("the page has no \(start): \(page)")
        }
        return String(page[begin.upperBound..<end])
    }
}
