import Reports

/// Text for a terminal: a label, then what there is to say of it, aligned.
struct LabelledLines {
  private var rows: [(label: String, text: String)] = []

  /// More than one line of `text` stand below each other.
  mutating func add(_ label: String, _ text: String) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      rows.append((index == 0 ? label : "", String(line)))
    }
  }

  /// Indented lines, each with its end.
  var text: String {
    let width = (rows.map(\.label.count).max() ?? 0) + 2
    return rows.map { label, text in
      "  \(label)" + String(repeating: " ", count: width - label.count) + text + "\n"
    }.joined()
  }
}

extension NumberFormat {
  /// Three digits with a prefix of 1000 and a unit: `957 GFLOP`, `12 B`.
  static func amount(_ value: Double, _ unit: String) -> String {
    let text = NumberFormat.prefixed(3).text(value)
    return text.contains(" ") ? text + unit : "\(text) \(unit)"
  }

  static func bytes(_ count: Int) -> String { amount(Double(count), "B") }
}
