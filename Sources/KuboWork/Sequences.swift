// SPDX-License-Identifier: GPL-3.0-or-later

extension Sequence where Element: Equatable {
  /// Each element once, in the order in which they come first.
  package var unique: [Element] {
    reduce(into: []) { found, element in
      if !found.contains(element) { found.append(element) }
    }
  }
}

/// What `work` gives, or its error unless that is a cancellation.
package func attempt<Value>(
  _ work: () async throws -> Value
) async throws -> Result<Value, any Error> {
  do {
    return .success(try await work())
  } catch let error where !(error is CancellationError) {
    return .failure(error)
  }
}
