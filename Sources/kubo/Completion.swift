// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation

extension CompletionKind {
  /// The shipped models, and the model files and folders that a path may go on to.
  static var model: CompletionKind {
    .custom { _, _, prefix in
      let files = FileManager.default
      func names(_ folder: String) -> [String] {
        ((try? files.contentsOfDirectory(atPath: folder)) ?? []).sorted()
      }
      let start = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
      let own = names(start.isEmpty ? "." : start).compactMap { name -> String? in
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: start + name, isDirectory: &isFolder) else { return nil }
        if isFolder.boolValue { return name.hasPrefix(".") ? nil : "\(start)\(name)/" }
        return name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? start + name : nil
      }
      return Installation.shippedModels + own
    }
  }
}
