import Foundation

/// `report.html`: everything that a run found, on one page that needs no network and no script.
///
/// Pictures are files beside the page (`figures/*.png`), named by relative paths; everything else is
/// in the page. It is legible in light and dark and on paper.
public struct ReportPage: Sendable, Equatable {
  /// A name and what it stands for: "Seeds", "0, 1, 2".
  public struct Fact: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A picture beside the page.
  public struct Picture: Sendable, Equatable {
    /// Relative to the page: `figures/loss.png`.
    public var path: String
    public var caption: String
    /// Width at which it is shown, in points; its own if `nil`.
    public var width: Int?

    public init(path: String, caption: String, width: Int? = nil) {
      self.path = path
      self.caption = caption
      self.width = width
    }
  }

  public enum Block: Sendable, Equatable {
    /// Paragraphs, parted by empty lines.
    case text(String)
    case list([String])
    case facts([Fact])
    case table(ResultTable)
    case captions(CaptionTable)
    /// Pictures that stand side by side where the page is wide enough.
    case pictures([Picture])
    /// Text as it is: a command, a configuration.
    case code(String)
  }

  public struct Section: Sendable, Equatable {
    public var title: String
    public var blocks: [Block]

    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  public var title: String
  /// The question that the experiment asks.
  public var question: String?
  public var facts: [Fact]
  public var sections: [Section]

  public init(title: String, question: String? = nil, facts: [Fact] = [], sections: [Section]) {
    self.title = title
    self.question = question
    self.facts = facts
    self.sections = sections
  }

  /// The page of a run; parts that are empty are left out.
  ///
  /// - Parameters:
  ///   - curves: Pictures of the losses over training.
  ///   - heatmaps: Pictures of attention and feature magnitude.
  ///   - figures: Those of fixed names that the run has.
  ///   - configuration: The resolved experiment file.
  public init(
    summary: RunSummary, facts: [Fact] = [], curves: [Picture] = [], bars: [Picture] = [],
    heatmaps: [Picture] = [], captions: CaptionTable? = nil, captionPictures: [Picture] = [],
    figures: [ReportFigure: Picture] = [:], provenance: [Fact] = [], command: String? = nil,
    configuration: String? = nil
  ) {
    var sections: [Section] = []
    func add(_ title: String, _ blocks: [Block]) {
      let shown = blocks.filter { !$0.isEmpty }
      if !shown.isEmpty { sections.append(Section(title, shown)) }
    }
    let headline = summary.primary ?? summary.metricNames.first
    let findings = summary.comparisons.filter { $0.metric == headline }.map { pair in
      "\(pair.metric), \(pair.a) against \(pair.b): \(pair.finding)."
    }
    add("Result", [.table(summary.comparisonTable()), .list(findings), .pictures(bars)])
    if !summary.comparisons.isEmpty {
      add(
        "Which arm beats which",
        [.table(summary.comparisonsTable(metrics: summary.headlineMetricNames))])
    }
    if summary.arms.contains(where: { $0.stages.count > 1 }) {
      add("Stages", [.table(summary.stagesTable())])
    }
    if let seeds = summary.seedTable() { add("Scores by seed", [.table(seeds)]) }
    if let folds = summary.foldTable() { add("Scores by fold", [.table(folds)]) }
    if summary.comparisonTable().columns.count < summary.metricsTable().columns.count
      || summary.metricNames.count > 4
    {
      add("All metrics", [.table(summary.metricsTable())])
    }
    func addFigures(_ section: String, after blocks: [Block] = []) {
      add(section, blocks + [.pictures(ReportFigure.pictures(of: section, in: figures))])
    }
    if let shares = summary.sharesTable() { add("Right answers", [.table(shares)]) }
    for section in ["Cost and score", "Fine detail"] { addFigures(section) }
    addFigures("Training", after: [.pictures(curves)])
    addFigures("Answers")
    add(
      "Captions",
      (captions.map { [.captions($0)] } ?? []) + [.pictures(captionPictures)])
    for section in ["Alignment", "What the encoder sees"] { addFigures(section) }
    add("Where the projectors looked", [.pictures(heatmaps)])
    add(
      "Provenance",
      [.code(command ?? ""), .facts(provenance), .code(configuration ?? "")])
    self.init(
      title: summary.experiment, question: summary.question, facts: facts, sections: sections)
  }

  /// Tables alone, as a page: `comparison.html`.
  public static func tables(_ tables: [ResultTable], title: String) -> String {
    let blocks = tables.map { Block.table($0) }.filter { !$0.isEmpty }
    let parts = opening(title: title) + blocks.map { $0.html() } + ["</body>", "</html>"]
    return parts.joined(separator: "\n") + "\n"
  }

  private static func opening(title: String) -> [String] {
    [
      "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
      "<meta name=\"generator\" content=\"dragoman\">",
      "<title>\(Markup.html(title))</title>", "<style>", style, "</style>", "</head>", "<body>",
    ]
  }

  /// The whole page.
  public func html() -> String {
    let places = sections.enumerated().map { "section-\($0.offset + 1)" }
    var parts = Self.opening(title: title) + ["<header>", "<h1>\(Markup.html(title))</h1>"]
    if let question { parts.append("<p class=\"question\">\(Markup.html(question))</p>") }
    if !facts.isEmpty { parts.append(Block.facts(facts).html()) }
    if sections.count > 1 {
      let links = zip(places, sections).map { place, section in
        "<a href=\"#\(place)\">\(Markup.html(section.title))</a>"
      }
      parts.append("<nav>\(links.joined(separator: " "))</nav>")
    }
    parts.append("</header>")
    parts.append("<main>")
    for (place, section) in zip(places, sections) {
      parts.append("<section id=\"\(place)\">")
      parts.append("<h2>\(Markup.html(section.title))</h2>")
      parts += section.blocks.map { $0.html() }
      parts.append("</section>")
    }
    parts += ["</main>", "</body>", "</html>"]
    return parts.joined(separator: "\n") + "\n"
  }
}

extension ReportPage.Block {
  var isEmpty: Bool {
    switch self {
    case .text(let text), .code(let text): text.isEmpty
    case .list(let items): items.isEmpty
    case .facts(let facts): facts.isEmpty
    case .table(let table): table.rows.isEmpty
    case .captions(let captions): captions.entries.isEmpty
    case .pictures(let pictures): pictures.isEmpty
    }
  }

  func html() -> String {
    switch self {
    case .text(let text):
      text.components(separatedBy: "\n\n").map { "<p>\(Markup.html($0))</p>" }
        .joined(separator: "\n")
    case .list(let items):
      "<ul>\n" + items.map { "<li>\(Markup.html($0))</li>\n" }.joined() + "</ul>"
    case .facts(let facts):
      "<dl>\n"
        + facts.map {
          "<div><dt>\(Markup.html($0.name))</dt><dd>\(Markup.html($0.value))</dd></div>\n"
        }
        .joined() + "</dl>"
    case .table(let table): "<div class=\"wide\">\n\(table.html())</div>"
    case .captions(let captions): "<div class=\"wide\">\n\(captions.html())</div>"
    case .pictures(let pictures):
      "<div class=\"pictures\">\n" + pictures.map { $0.html() + "\n" }.joined() + "</div>"
    case .code(let text): "<pre><code>\(Markup.html(text))</code></pre>"
    }
  }
}

extension ReportPage.Picture {
  func html() -> String {
    let address = Markup.html(Markup.relativeAddress(path))
    let size = width.map { " width=\"\($0)\"" } ?? ""
    let text = Markup.html(caption)
    return "<figure><a href=\"\(address)\"><img src=\"\(address)\" alt=\"\(text)\"\(size)></a>"
      + "<figcaption>\(text)</figcaption></figure>"
  }
}

extension Figure {
  /// Writes the figure to `figures/NAME.png` in a results folder and gives its place on the report
  /// page.
  ///
  /// Characters of `name` other than ASCII letters, digits, `-`, `_` and `.` become `_`, so that a
  /// data set's image names cannot leave the folder.
  public func place(
    in folder: URL, named name: String, caption: String, scale: Int = 2
  ) throws -> ReportPage.Picture {
    let figures = folder.appending(path: "figures", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: figures, withIntermediateDirectories: true)
    let safe = FigureName.safe(name)
    let image = try image(scale: scale)
    try image.writePNG(to: figures.appending(path: "\(safe).png"))
    return ReportPage.Picture(
      path: "figures/\(safe).png", caption: caption, width: image.width / scale)
  }
}

package enum FigureName {
  package static func safe(_ name: String) -> String {
    let kept = name.unicodeScalars.map { scalar -> Character in
      let isPlain = scalar.isASCII && scalar.properties.isAlphabetic
      let isOther = "0123456789-_.".unicodeScalars.contains(scalar)
      return isPlain || isOther ? Character(scalar) : "_"
    }
    // No hidden files, and no name that is only dots.
    let trimmed = String(kept).drop { $0 == "." }
    return trimmed.isEmpty ? "figure" : String(trimmed.prefix(120))
  }
}
