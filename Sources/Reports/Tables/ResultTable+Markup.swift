extension ResultTable {
  /// A table in GitHub's Markdown, its title in bold above and footnotes as a list below.
  ///
  /// Markdown has no rules between rows: a row with `ruleAbove` follows an empty row.
  public func markdown() -> String {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    var lines: [String] = []
    if !title.isEmpty { lines += ["**\(Markup.markdown(title))**", ""] }
    lines.append(line(columns.map { Markup.markdown($0.title) }))
    lines.append(
      line(
        columns.map { column in
          switch column.alignment {
          case .left: ":---"
          case .right: "---:"
          case .center: ":---:"
          }
        }))
    for (index, row) in rows.enumerated() {
      if row.ruleAbove, index > 0 { lines.append(line(columns.map { _ in "" })) }
      lines.append(
        line(zip(row.cells, columns).map { Markup.markdown(content($0, in: $1)) }))
    }
    if !footnotes.isEmpty { lines += [""] + footnotes.map { "- " + Markup.markdown($0) } }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A `table` environment with booktabs rules; needs `\usepackage{booktabs}`.
  public func latex() -> String {
    let alignments = columns.map { column in
      switch column.alignment {
      case .left: "l"
      case .right: "r"
      case .center: "c"
      }
    }.joined()
    var lines = [#"\begin{table}[htbp]"#, #"  \centering"#]
    if !title.isEmpty { lines.append(#"  \caption{\#(Markup.latex(title))}"#) }
    lines += [#"  \begin{tabular}{\#(alignments)}"#, #"    \toprule"#]
    lines.append(
      "    " + columns.map { Markup.latex($0.title) }.joined(separator: " & ") + #" \\"#)
    lines.append(#"    \midrule"#)
    for (index, row) in rows.enumerated() {
      if row.ruleAbove, index > 0 { lines.append(#"    \midrule"#) }
      let cells = zip(row.cells, columns).map { Markup.latex(content($0, in: $1)) }
      lines.append("    " + cells.joined(separator: " & ") + #" \\"#)
    }
    lines += [#"    \bottomrule"#, #"  \end{tabular}"#]
    lines += footnotes.map { #"  \par{\footnotesize \#(Markup.latex($0))}"# }
    lines.append(#"\end{table}"#)
    return lines.joined(separator: "\n") + "\n"
  }

  /// A `<table>` whose row groups are `<tbody>` elements; footnotes follow as a list.
  public func html() -> String {
    func alignment(_ column: Column) -> String {
      switch column.alignment {
      case .left: ""
      case .right: " class=\"right\""
      case .center: " class=\"center\""
      }
    }
    var lines = ["<table>"]
    if !title.isEmpty { lines.append("<caption>\(Markup.html(title))</caption>") }
    let headers = columns.map { column in
      "<th scope=\"col\"\(alignment(column))>\(Markup.htmlHeader(column.title))</th>"
    }
    lines.append("<thead><tr>\(headers.joined())</tr></thead>")
    for group in groups {
      lines.append("<tbody>")
      for row in group {
        let cells = zip(row.cells, columns).enumerated().map { index, pair in
          let (cell, column) = pair
          let text = Markup.html(content(cell, in: column))
          return index == 0
            ? "<th scope=\"row\"\(alignment(column))>\(text)</th>"
            : "<td\(alignment(column))>\(text)</td>"
        }
        lines.append("<tr>\(cells.joined())</tr>")
      }
      lines.append("</tbody>")
    }
    lines.append("</table>")
    if !footnotes.isEmpty {
      lines.append("<ul class=\"footnotes\">")
      lines += footnotes.map { "<li>\(Markup.html($0))</li>" }
      lines.append("</ul>")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
