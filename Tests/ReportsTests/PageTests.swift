import Foundation
import Reports
import Testing

@Suite struct PageTests {
  @Test func `captions stand side by side, the ground truth once an image`() {
    let table = CaptionTable(
      title: "Captions",
      entries: [
        .init(
          imageID: "a.jpg", groundTruth: ["one | two", "three"],
          captions: [
            .init(arm: "mlp", before: "The", after: "a <dog>"),
            .init(arm: "qformer", before: nil, after: ""),
          ], picture: "figures/a b.png")
      ])
    #expect(
      table.markdown() == #"""
        **Captions**

        | Image | Ground truth | Arm | Before training | After training |
        | :--- | :--- | :--- | :--- | :--- |
        | a.jpg | one \| two<br>three | mlp | The | a \<dog> |
        |  |  | qformer | – | (empty) |

        """#)
    #expect(
      table.csv()
        == "Image,Ground truth,Arm,Before training,After training\r\n"
        + "a.jpg,\"one | two\nthree\",mlp,The,a <dog>\r\n"
        + "a.jpg,\"one | two\nthree\",qformer,,(empty)\r\n")
    #expect(
      table.html() == """
        <table class="captions">
        <caption>Captions</caption>
        <thead><tr><th scope="col">Image</th><th scope="col">Ground truth</th>\
        <th scope="col">Arm</th><th scope="col">Before training</th>\
        <th scope="col">After training</th></tr></thead>
        <tbody>
        <tr><th scope="rowgroup" rowspan="2"><img src="figures/a%20b.png" alt="" loading="lazy">\
        a.jpg</th><td class="truth" rowspan="2"><p>one | two</p><p>three</p></td><td>mlp</td>\
        <td class="before">The</td><td class="after">a &lt;dog&gt;</td></tr>
        <tr><td>qformer</td><td class="before">–</td><td class="after"><i>empty</i></td></tr>
        </tbody>
        </table>

        """)
  }

  @Test func `without captions before training their column is left out`() {
    let table = CaptionTable(
      title: "",
      entries: [
        .init(imageID: "a", groundTruth: [], captions: [.init(arm: "mlp", after: "x")])
      ])
    #expect(
      table.table().columns.map(\.header) == ["Image", "Ground truth", "Arm", "After training"])
    #expect(!table.html().contains("Before training"))
  }

  @Test func `tables alone are a whole page`() {
    let html = ReportPage.tables(
      [RunSummary.example.comparisonTable()], title: "mlp & qformer")
    #expect(html.hasPrefix("<!DOCTYPE html>\n") && html.hasSuffix("</body>\n</html>\n"))
    #expect(html.contains("<meta charset=\"utf-8\">"))
    #expect(html.contains("<title>mlp &amp; qformer</title>"))
    #expect(html.contains(RunSummary.example.comparisonTable().html()))
  }

  @Test func `the page needs nothing from outside but its pictures`() throws {
    let page = ReportPage(
      summary: .example, curves: [.init(path: "figures/loss #1.png", caption: "\"Loss\" <1>")],
      captions: Samples.captions, command: "dragoman run a.yaml && echo '<done>'")
    let html = page.html()
    #expect(html.hasPrefix("<!DOCTYPE html>\n"))
    #expect(!html.contains("<script") && !html.contains("http") && !html.contains("<link"))
    #expect(html.contains("<title>flickr8k-three-projectors</title>"))
    #expect(html.contains("src=\"figures/loss%20%231.png\" alt=\"&quot;Loss&quot; &lt;1&gt;\""))
    #expect(html.contains("<pre><code>dragoman run a.yaml &amp;&amp; echo &#39;&lt;done&gt;&#39;"))
    #expect(html.contains("The mlp | &lt;b&gt;"))
    #expect(html.contains("<li>CIDEr-D, mlp against qformer: mlp beats qformer.</li>"))
    #expect(html.contains("prefers-color-scheme: dark"))
    #expect(page.html() == html)
    // Every element that is opened is closed.
    for name in ["table", "thead", "tbody", "tr", "section", "div", "figure", "ul", "dl", "main"] {
      let opened =
        html.components(separatedBy: "<\(name)>").count
        + html.components(separatedBy: "<\(name) ").count - 2
      #expect(opened == html.components(separatedBy: "</\(name)>").count - 1, "\(name)")
    }
  }

  @Test func `parts of the page that have nothing to show are left out`() {
    let page = ReportPage(summary: RunSummary(experiment: "x", arms: []))
    #expect(page.sections.isEmpty)
    #expect(!page.html().contains("<nav>"))
  }

  @Test func `figures of fixed names stand in their sections where the run has them`() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-page-\(UUID().uuidString)", directoryHint: .isDirectory)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(ReportFigure.found(in: folder).isEmpty)
    let drawn = try Samples.similarity.place(in: folder, as: .similarity)
    _ = try Samples.predictions().place(in: folder, as: .predictions)
    let figures = ReportFigure.found(in: folder)
    #expect(Set(figures.keys) == [.similarity, .predictions])
    #expect(
      figures[.similarity]?.path == drawn.path && figures[.similarity]?.caption == drawn.caption)
    let page = ReportPage(summary: RunSummary(experiment: "x", arms: []), figures: figures)
    #expect(page.sections.map(\.title) == ["Answers", "Alignment"])
    #expect(page.html().contains("src=\"figures/similarity.png\""))
    // Every figure has a section that the page shows.
    let all = Dictionary(
      uniqueKeysWithValues: ReportFigure.allCases.map {
        ($0, ReportPage.Picture(path: $0.path, caption: "c"))
      })
    let html = ReportPage(summary: RunSummary(experiment: "x", arms: []), figures: all).html()
    for figure in ReportFigure.allCases { #expect(html.contains("src=\"\(figure.path)\"")) }
  }

  @Test func `a figure's file stays in the folder of figures`() throws {
    #expect(FigureName.safe("../../etc/passwd") == "_.._etc_passwd")
    #expect(FigureName.safe("..") == "figure")
    #expect(FigureName.safe("1001_a-b.jpg") == "1001_a-b.jpg")
    #expect(FigureName.safe("é/ü ") == "____")
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-page-\(UUID().uuidString)", directoryHint: .isDirectory)
    defer { try? FileManager.default.removeItem(at: folder) }
    let picture = try Samples.scatter.place(in: folder, named: "a/b", caption: "c")
    #expect(picture.path == "figures/a_b.png")
    let image = try Samples.scatter.image(scale: 1)
    #expect(picture.width == image.width)
    #expect(
      FileManager.default.fileExists(atPath: folder.appending(path: "figures/a_b.png").path))
  }
}
