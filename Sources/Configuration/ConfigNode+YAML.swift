extension ConfigNode {
  /// YAML text in block style; it ends with a newline.
  ///
  /// Lists of scalars stay on one line. The text reads back as an equal tree in YAML 1.1 and 1.2.
  public var yaml: String {
    (inlineText ?? lines.joined(separator: "\n")) + "\n"
  }

  /// The text of a value that fits behind its key; `nil` for one that needs lines of its own.
  package var inlineText: String? {
    switch content {
    case .scalar: return scalarText
    case .mapping(let entries): return entries.isEmpty ? "{}" : nil
    case .sequence(let values):
      let texts = values.compactMap { value in
        if case .scalar = value.content { value.scalarText } else { nil }
      }
      return texts.count == values.count ? "[\(texts.joined(separator: ", "))]" : nil
    }
  }

  private var lines: [String] {
    switch content {
    case .scalar: [scalarText]
    case .mapping(let entries):
      entries.flatMap { entry in
        let key = Self.scalarText(entry.key)
        if let text = entry.value.inlineText { return ["\(key): \(text)"] }
        return ["\(key):"] + entry.value.lines.map { "  " + $0 }
      }
    case .sequence(let values):
      values.flatMap { value in
        let lines = value.inlineText.map { [$0] } ?? value.lines
        return lines.enumerated().map { index, line in (index == 0 ? "- " : "  ") + line }
      }
    }
  }

  private var scalarText: String {
    guard case .scalar(let text, let isQuoted) = content else { return "" }
    return isQuoted ? Self.scalarText(text) : text
  }

  /// Quoted, unless no reader could take it for anything but text.
  private static func scalarText(_ text: String) -> String {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
    let isPlain =
      text.first.map { $0.isASCII && $0.isLetter } ?? false
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./".contains($0)) }
      && !words.contains(text.lowercased())
    return isPlain ? text : JSONValue.quoted(text)
  }
}
