import Foundation
@testable import Billfold

/// Records on this side of the border.
final class MapStore: CredentialStore {
    struct Kept {
        let place: Int
        let record: StoreRecord
    }

    // What Swift calls equal, as texts of other scalars, are other ids: their octets are the keys.
    typealias Tables = [StoreTable: [Data: Kept]]

    private let state = Locked<(tables: Tables, next: Int)>(([:], 0))

    func commit(_ changes: [StoreChange]) async throws {
        try state.with { state in
            var (tables, next) = state
            for change in changes {
                switch change {
                case .put(let table, let id, let content, let expected):
                    let key = Data(id.utf8)
                    let found = tables[table]?[key]
                    let fits = switch expected {
                    case .anything: true
                    case .nothing: found == nil
                    case .revision(let revision): found?.record.revision == revision
                    }
                    guard fits else { throw StoreError(.conflict, "another revision is there") }
                    let record = StoreRecord(id: id, revision: (found?.record.revision ?? 0) + 1, content: content)
                    tables[table, default: [:]][key] = Kept(place: found?.place ?? next, record: record)
                    next += 1
                case .remove(let table, let id):
                    tables[table]?[Data(id.utf8)] = nil
                }
            }
            state = (tables, next)
        }
    }

    func get(_ table: StoreTable, id: String) async throws -> StoreRecord? {
        state.with { $0.tables[table]?[Data(id.utf8)]?.record }
    }

    func list(_ table: StoreTable) async throws -> [StoreRecord] {
        all(table).map(\.record)
    }

    func page(_ table: StoreTable, after: String?, limit: Int) async throws -> [StoreRecord] {
        var all = all(table)[...]
        if let after {
            guard let at = all.firstIndex(where: { Data($0.record.id.utf8) == Data(after.utf8) }) else {
                throw StoreError(.conflict, "nothing is there to go on after")
            }
            all = all[(at + 1)...]
        }
        return all.prefix(limit).map(\.record)
    }

    private func all(_ table: StoreTable) -> [Kept] {
        state.with { ($0.tables[table] ?? [:]).values.sorted { $0.place < $1.place } }
    }
}
