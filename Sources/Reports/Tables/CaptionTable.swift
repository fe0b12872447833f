/// Captions side by side: what people wrote, and what each arm said before and after training.
public struct CaptionTable: Sendable, Equatable {
  /// What one arm said about one picture; `nil` where it was not asked.
  public struct ArmCaptions: Sendable, Equatable {
    public var arm: String
    public var before: String?
    public var after: String?

    public init(arm: String, before: String? = nil, after: String?) {
      self.arm = arm
      self.before = before
      self.after = after
    }
  }

  public struct Entry: Sendable, Equatable {
    public var imageID: String
    public var groundTruth: [String]
    public var captions: [ArmCaptions]
    /// A picture of it, relative to the page: `figures/photo-1.png`. Only the HTML form shows it.
    public var picture: String?

    public init(
      imageID: String, groundTruth: [String], captions: [ArmCaptions], picture: String? = nil
    ) {
      self.imageID = imageID
      self.groundTruth = groundTruth
      self.captions = captions
      self.picture = picture
    }
  }

  public var title: String
  public var entries: [Entry]
  public var footnotes: [String]

  public init(title: String, entries: [Entry], footnotes: [String] = []) {
    self.title = title
    self.entries = entries
    self.footnotes = footnotes
  }

  private var hasBefore: Bool { entries.contains { $0.captions.contains { $0.before != nil } } }

  /// One row an image and arm, for text, Markdown, CSV and LaTeX.
  ///
  /// `repeated` writes image and ground truth in every row, as programs want it, and not only in the
  /// first row of an image.
  public func table(repeated: Bool = false) -> ResultTable {
    let withBefore = hasBefore
    let rows = entries.enumerated().flatMap { place, entry in
      entry.captions.enumerated().map { index, captions in
        let isFirst = index == 0 || repeated
        let image =
          isFirst ? [entry.imageID, entry.groundTruth.joined(separator: "\n")] : ["", ""]
        let before = withBefore ? [Self.cell(captions.before)] : []
        return ResultTable.Row(
          image.map { .text($0) } + [.text(captions.arm)] + before + [Self.cell(captions.after)],
          ruleAbove: index == 0 && place > 0 && !repeated)
      }
    }
    let before = withBefore ? ["Before training"] : []
    return ResultTable(
      title: title,
      columns: (["Image", "Ground truth", "Arm"] + before + ["After training"]).map {
        .init($0, alignment: .left)
      },
      rows: rows, footnotes: footnotes)
  }

  private static func cell(_ caption: String?) -> ResultTable.Cell {
    caption.map { .text($0.isEmpty ? "(empty)" : $0) } ?? .missing
  }

  public func markdown() -> String { table().markdown() }

  public func csv() -> String { table(repeated: true).csv() }

  /// A table whose image cells span the rows of their arms.
  public func html() -> String {
    let withBefore = hasBefore
    func caption(_ text: String?, _ kind: String) -> String {
      let content = text.map { $0.isEmpty ? "<i>empty</i>" : Markup.html($0) } ?? "–"
      return "<td class=\"\(kind)\">\(content)</td>"
    }
    let before = withBefore ? "<th scope=\"col\">Before training</th>" : ""
    var lines = [
      "<table class=\"captions\">", "<caption>\(Markup.html(title))</caption>",
      "<thead><tr><th scope=\"col\">Image</th><th scope=\"col\">Ground truth</th>"
        + "<th scope=\"col\">Arm</th>\(before)<th scope=\"col\">After training</th></tr></thead>",
    ]
    for entry in entries where !entry.captions.isEmpty {
      lines.append("<tbody>")
      for (index, captions) in entry.captions.enumerated() {
        var row = "<tr>"
        if index == 0 { row += Self.imageCells(entry) }
        row += "<td>\(Markup.html(captions.arm))</td>"
        if withBefore { row += caption(captions.before, "before") }
        row += caption(captions.after, "after") + "</tr>"
        lines.append(row)
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

  private static func imageCells(_ entry: Entry) -> String {
    let span = "rowspan=\"\(entry.captions.count)\""
    let picture =
      entry.picture.map {
        "<img src=\"\(Markup.html(Markup.relativeAddress($0)))\" alt=\"\" loading=\"lazy\">"
      } ?? ""
    let truth = entry.groundTruth.map { "<p>\(Markup.html($0))</p>" }.joined()
    return "<th scope=\"rowgroup\" \(span)>\(picture)\(Markup.html(entry.imageID))</th>"
      + "<td class=\"truth\" \(span)>\(truth)</td>"
  }
}
