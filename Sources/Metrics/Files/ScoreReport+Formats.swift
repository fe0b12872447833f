import Configuration
import Foundation

extension ScoreReport {
  /// A table for people.
  public var text: String {
    var lines: [String] = []
    let head = ["\(images.count) images"] + candidates.map(\.name)
    var rows: [[String]] = []
    for (index, score) in candidates[0].scores.enumerated() {
      rows.append(
        [score.name]
          + candidates.map { candidate in
            let value = Self.fixed(candidate.scores[index].corpus)
            guard !candidate.intervals.isEmpty else { return value }
            let interval = candidate.intervals[index]
            return "\(value) [\(Self.fixed(interval.lower)), \(Self.fixed(interval.upper))]"
          })
    }
    for (index, value) in (candidates[0].diversity?.values ?? []).enumerated() {
      rows.append(
        [value.name]
          + candidates.map { candidate in
            let value = candidate.diversity?.values[index].value ?? .nan
            return value == value.rounded() && value > 1 ? "\(Int(value))" : Self.fixed(value)
          })
    }
    lines += Self.aligned([head] + rows)
    let notes = candidates[0].scores.compactMap { score in
      score.note.map { "\(score.name): \($0)" }
    }
    if !notes.isEmpty { lines += [""] + notes }
    if !candidates[0].intervals.isEmpty {
      lines += ["", "Intervals: 95 %, bootstrap over images, document frequencies fixed."]
    }
    if !comparisons.isEmpty {
      lines.append("")
      lines += Self.aligned(
        [["metric", "a", "b", "a − b", "95 % interval", "p", "p (Holm)"]]
          + comparisons.map { comparison in
            let result = comparison.result
            return [
              result.metric, comparison.a, comparison.b, Self.fixed(result.difference),
              "[\(Self.fixed(result.ci95.lower)), \(Self.fixed(result.ci95.upper))]",
              Self.fixed(result.p), Self.fixed(comparison.pHolm),
            ]
          })
      lines += [
        "",
        "Interval: paired bootstrap over images. p: paired approximate randomisation, two-sided.",
      ]
    }
    return lines.joined(separator: "\n")
  }

  /// Rows of candidate, metric, value and, where made, interval.
  public var csv: String {
    var rows = [["candidates", "metric", "value", "ci95_lower", "ci95_upper"]]
    for candidate in candidates {
      for (index, score) in candidate.scores.enumerated() {
        let interval = candidate.intervals.isEmpty ? nil : candidate.intervals[index]
        rows.append([
          candidate.name, score.name, "\(score.corpus)", interval.map { "\($0.lower)" } ?? "",
          interval.map { "\($0.upper)" } ?? "",
        ])
      }
      for value in candidate.diversity?.values ?? [] {
        rows.append([candidate.name, value.name, "\(value.value)", "", ""])
      }
    }
    if !comparisons.isEmpty {
      rows.append([])
      rows.append([
        "a", "b", "metric", "difference", "ci95_lower", "ci95_upper", "p", "p_holm",
      ])
      for comparison in comparisons {
        let result = comparison.result
        rows.append(
          [comparison.a, comparison.b, result.metric]
            + [
              result.difference, result.ci95.lower, result.ci95.upper, result.p, comparison.pHolm,
            ].map { "\($0)" })
      }
    }
    return rows.map { $0.map(Self.csvField).joined(separator: ",") }.joined(separator: "\n")
  }

  /// `{"corpus": {NAME: value}, "per_image": {IMAGE: {NAME: value}}}` for one file, with the same names
  /// in both; beside them `diversity`, `notes` and, where made, `ci95`. For several files such an
  /// object for each under `candidates`, and `comparisons`.
  public var json: String {
    if candidates.count == 1 { return object(of: candidates[0], indent: "") }
    let files = candidates.map { candidate in
      "    \(JSONValue.quoted(candidate.name)): \(object(of: candidate, indent: "    "))"
    }
    let pairs = comparisons.map { comparison in
      let result = comparison.result
      return
        "    {\"a\": \(JSONValue.quoted(comparison.a)), \"b\": \(JSONValue.quoted(comparison.b)), "
        + "\"metric\": \(JSONValue.quoted(result.metric)), "
        + "\"difference\": \(Self.number(result.difference)), "
        + "\"ci95\": \(Self.list([result.ci95.lower, result.ci95.upper])), "
        + "\"p\": \(Self.number(result.p)), \"p_holm\": \(Self.number(comparison.pHolm))}"
    }
    return "{\n  \"candidates\": {\n\(files.joined(separator: ",\n"))\n  },\n  \"comparisons\": [\n"
      + "\(pairs.joined(separator: ",\n"))\n  ]\n}"
  }

  private func object(of candidate: Candidate, indent: String) -> String {
    let corpus = candidate.scores.map { (JSONValue.quoted($0.name), Self.number($0.corpus)) }
    var text = "{\n\(indent)  \"corpus\": {\(Self.joined(corpus))},\n"
    if !candidate.intervals.isEmpty {
      let intervals = zip(candidate.scores, candidate.intervals).map { score, interval in
        (JSONValue.quoted(score.name), Self.list([interval.lower, interval.upper]))
      }
      text += "\(indent)  \"ci95\": {\(Self.joined(intervals))},\n"
    }
    if let diversity = candidate.diversity {
      let values = diversity.values.map { (JSONValue.quoted($0.name), Self.number($0.value)) }
      text += "\(indent)  \"diversity\": {\(Self.joined(values))},\n"
    }
    let notes = candidate.scores.compactMap { score in
      score.note.map { (JSONValue.quoted(score.name), JSONValue.quoted($0)) }
    }
    text += "\(indent)  \"notes\": {\(Self.joined(notes))},\n"
    let names = candidate.scores.map { JSONValue.quoted($0.name) }
    let rows = images.enumerated().map { index, image in
      let values = candidate.scores.map { Self.number($0.perImage[index]) }
      return
        "\(indent)    \(JSONValue.quoted(image.text)): {\(Self.joined(Array(zip(names, values))))}"
    }
    return text
      + "\(indent)  \"per_image\": {\n\(rows.joined(separator: ",\n"))\n\(indent)  }\n\(indent)}"
  }

  private static func joined(_ members: [(String, String)]) -> String {
    members.map { "\($0.0): \($0.1)" }.joined(separator: ", ")
  }

  private static func list(_ values: [Double]) -> String {
    "[\(values.map(number).joined(separator: ", "))]"
  }

  private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }

  private static func csvField(_ text: String) -> String {
    // By code points: a carriage return and a line feed are one character.
    guard text.unicodeScalars.contains(where: { [",", "\"", "\n", "\r"].contains($0) }) else {
      return text
    }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }

  private static func fixed(_ value: Double) -> String { String(format: "%.4f", value) }

  /// Columns side by side, the first to the left, the others to the right.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + space : space + text
      }.joined(separator: "  ")
    }
  }
}
