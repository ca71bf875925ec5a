// SPDX-License-Identifier: GPL-3.0-or-later

/// Words of a command line as one line of text that a shell reads as the same words, and back.
///
///     ShellWords.joined(["spectrum", "my model.yaml", "it's"])   spectrum 'my model.yaml' 'it'"'"'s'
///
/// Without backslashes, which the header of a table doubles.
public enum ShellWords {
  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "A"..."Z", "a"..."z", "0"..."9", "_", "@", "%", "+", "=", ":", ",", ".", "/", "-": true
    default: false
    }
  }

  /// The words, quoted where a shell would read them otherwise.
  public static func joined(_ words: some Sequence<String>) -> String {
    words.map { word in
      if !word.isEmpty, word.unicodeScalars.allSatisfy(isPlain) { return word }
      return "'" + word.replacing("'", with: "'\"'\"'") + "'"
    }.joined(separator: " ")
  }

  /// The words that ``joined(_:)`` makes `text` of; nil if there are none.
  ///
  /// Strict: nothing that ``joined(_:)`` does not write is read, so that no expansion, substitution or escape of a
  /// shell can be meant.
  public static func split(_ text: String) -> [String]? {
    var words: [String] = []
    var rest = text.unicodeScalars[...]
    while !rest.isEmpty || words.isEmpty {
      var word = ""
      while let scalar = rest.first, scalar != " " {
        rest.removeFirst()
        if scalar == "'" || scalar == "\"" {
          guard let end = rest.firstIndex(of: scalar) else { return nil }
          word.unicodeScalars.append(contentsOf: rest[..<end])
          rest = rest[rest.index(after: end)...]
        } else {
          word.unicodeScalars.append(scalar)
        }
      }
      words.append(word)
      if rest.popFirst() != nil, rest.isEmpty { return nil }
    }
    // By code points: equality of strings takes composed and decomposed letters for the same.
    return Array(joined(words).unicodeScalars) == Array(text.unicodeScalars) ? words : nil
  }
}
