extension ResultTable {
  /// Aligned columns for a terminal; line breaks inside a cell become spaces.
  ///
  /// A column is as wide as its cells and the longest word of its header, which breaks into lines.
  public func text() -> String {
    let body = rows.map { row in
      zip(row.cells, columns).map { Self.oneLine(content($0, in: $1)) }
    }
    let widths = columns.enumerated().map { index, column in
      let words = column.title.split(whereSeparator: \.isWhitespace).map(\.count)
      return max(words.max() ?? 0, body.map { $0[index].count }.max() ?? 0)
    }
    let headers = zip(columns, widths).map { column, width in
      TextWrapping.lines(Self.oneLine(column.title), width: width)
    }
    let headerHeight = headers.map(\.count).max() ?? 0
    // Headers stand on the rule: short ones start with empty lines.
    let header = (0..<headerHeight).map { row in
      headers.map { lines in
        let place = row - (headerHeight - lines.count)
        return lines.indices.contains(place) ? lines[place] : ""
      }
    }
    let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
    func line(_ cells: [String]) -> String {
      let padded = columns.indices.map { column in
        Self.padded(cells[column], to: widths[column], columns[column].alignment)
      }
      return Self.trimmingEnd(padded.joined(separator: "  "))
    }
    var lines: [String] = []
    if !title.isEmpty { lines += [title, ""] }
    lines += header.map(line) + [rule]
    for (index, row) in rows.enumerated() {
      if row.ruleAbove, index > 0 { lines.append(rule) }
      lines.append(line(body[index]))
    }
    if !footnotes.isEmpty {
      lines.append("")
      lines += footnotes.flatMap { note in
        TextWrapping.lines(Self.oneLine(note), width: 98).enumerated().map { index, line in
          (index == 0 ? "* " : "  ") + line
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  private static func padded(_ text: String, to width: Int, _ alignment: Alignment) -> String {
    let missing = max(width - text.count, 0)
    let left =
      switch alignment {
      case .left: 0
      case .right: missing
      case .center: missing / 2
      }
    return String(repeating: " ", count: left) + text
      + String(repeating: " ", count: missing - left)
  }

  private static func trimmingEnd(_ text: String) -> String {
    var kept = Substring(text)
    while kept.hasSuffix(" ") { kept.removeLast() }
    return String(kept)
  }
}

/// Breaks text into lines at spaces.
enum TextWrapping {
  /// Lines of at most `width` characters; a word longer than that stands alone and whole.
  static func lines(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}
