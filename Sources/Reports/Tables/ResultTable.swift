/// A table that knows what its numbers mean, and is written as text, Markdown, CSV, LaTeX or HTML.
///
/// Footnotes carry what a fair comparison has to say beside its numbers: the corpus of the CIDEr
/// document frequencies, the METEOR stages that ran, learning rates, seeds. Every form prints them
/// but CSV, which is for programs and has no place for them.
public struct ResultTable: Sendable, Equatable {
  public enum Alignment: Sendable, Equatable {
    case left
    case right
    case center
  }

  public struct Column: Sendable, Equatable {
    public var header: String
    /// Printed after the header: `Time (s)`.
    public var unit: String?
    public var alignment: Alignment
    /// How numbers of this column are written; text cells ignore it.
    public var format: NumberFormat

    public init(
      _ header: String, unit: String? = nil, alignment: Alignment = .right,
      format: NumberFormat = .significant(4)
    ) {
      self.header = header
      self.unit = unit
      self.alignment = alignment
      self.format = format
    }

    /// Header and unit as one text.
    public var title: String { unit.map { "\(header) (\($0))" } ?? header }
  }

  public enum Cell: Sendable, Equatable {
    /// Nothing to say: a dash for people, an empty field in CSV.
    case missing
    case text(String)
    case number(Double)
    /// An estimate and the ends of its interval; written as the estimate ± half the interval's width.
    case interval(Double, low: Double, high: Double)
  }

  public struct Row: Sendable, Equatable {
    public var cells: [Cell]
    /// A line above this row, which sets groups apart.
    public var ruleAbove: Bool

    public init(_ cells: [Cell], ruleAbove: Bool = false) {
      self.cells = cells
      self.ruleAbove = ruleAbove
    }
  }

  /// The forms a table can be written in.
  public enum Format: String, Sendable, CaseIterable {
    case text
    case markdown
    case csv
    case latex
    case html
  }

  public var title: String
  public private(set) var columns: [Column]
  public private(set) var rows: [Row]
  public var footnotes: [String]

  /// - Precondition: every row has one cell for each column.
  public init(title: String, columns: [Column], rows: [Row], footnotes: [String] = []) {
    for row in rows {
      precondition(
        row.cells.count == columns.count,
        "a row of '\(title)' has \(row.cells.count) cells for \(columns.count) columns")
    }
    self.title = title
    self.columns = columns
    self.rows = rows
    self.footnotes = footnotes
  }

  /// The whole table in one form, with a line end after the last line.
  public func rendered(as format: Format) -> String {
    switch format {
    case .text: text()
    case .markdown: markdown()
    case .csv: csv()
    case .latex: latex()
    case .html: html()
    }
  }

  /// The same table without columns in which every row is missing, those at `kept` excepted.
  package func droppingEmptyColumns(keeping kept: Set<Int> = []) -> ResultTable {
    let used = columns.indices.filter { column in
      kept.contains(column) || rows.contains { $0.cells[column] != .missing }
    }
    return ResultTable(
      title: title, columns: used.map { columns[$0] },
      rows: rows.map { row in Row(used.map { row.cells[$0] }, ruleAbove: row.ruleAbove) },
      footnotes: footnotes)
  }

  /// What a cell says to people, before any escaping.
  func content(_ cell: Cell, in column: Column) -> String {
    switch cell {
    case .missing: "–"
    case .text(let text): text
    case .number(let value): column.format.text(value)
    case .interval(let value, let low, let high):
      "\(column.format.text(value)) ±\(column.format.text((high - low) / 2))"
    }
  }

  /// Runs of rows between rules.
  var groups: [[Row]] {
    var groups: [[Row]] = []
    for row in rows {
      if row.ruleAbove || groups.isEmpty { groups.append([]) }
      groups[groups.count - 1].append(row)
    }
    return groups
  }
}
