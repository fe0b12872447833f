extension ResultTable {
  /// Comma-separated values after RFC 4180, for programs: numbers in full precision, empty fields
  /// where a value is missing, no title and no footnotes.
  ///
  /// A column with intervals becomes three: the value, `… low` and `… high`.
  public func csv() -> String {
    let withInterval = columns.indices.map { column in
      rows.contains { row in
        if case .interval = row.cells[column] { true } else { false }
      }
    }
    let header = columns.indices.flatMap { column in
      let title = columns[column].title
      return withInterval[column] ? [title, title + " low", title + " high"] : [title]
    }
    let body = rows.map { row in
      columns.indices.flatMap { column -> [String] in
        let fields = Self.fields(row.cells[column])
        return withInterval[column]
          ? fields + Array(repeating: "", count: 3 - fields.count) : fields
      }
    }
    return ([header] + body)
      .map { $0.map(Markup.csv).joined(separator: ",") + "\r\n" }
      .joined()
  }

  private static func fields(_ cell: Cell) -> [String] {
    switch cell {
    case .missing: [""]
    case .text(let text): [text]
    case .number(let value): [plain(value)]
    case .interval(let value, let low, let high): [plain(value), plain(low), plain(high)]
    }
  }

  /// The shortest digits that read back as the same number; whole numbers without a point.
  private static func plain(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    return String(value)
  }
}
