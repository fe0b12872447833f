import Reports
import Testing

@Suite struct ResultTableTests {
  let table = ResultTable(
    title: "Three <arms> & 100%",
    columns: [
      .init("Arm", alignment: .left), .init("Time", unit: "s", format: .integer),
      .init("CIDEr-D", format: .decimals(3)),
    ],
    rows: [
      .init([.text("q_former"), .number(1234.4), .interval(0.5789, low: 0.55, high: 0.61)]),
      .init([.text(#"say "hi", | {x}"#), .missing, .number(0.25)]),
      .init([.text("untrained"), .number(0), .missing], ruleAbove: true),
    ],
    footnotes: ["CIDEr-D: document frequencies of 100 images."])

  @Test func `text is aligned, with a rule above controls`() {
    #expect(
      table.rendered(as: .text) == """
        Three <arms> & 100%

                          Time
        Arm                (s)       CIDEr-D
        ---------------  -----  ------------
        q_former         1,234  0.579 ±0.030
        say "hi", | {x}      –         0.250
        ---------------  -----  ------------
        untrained            0             –

        * CIDEr-D: document frequencies of 100 images.

        """)
  }

  @Test func `Markdown cells cannot end the cell or start markup`() {
    #expect(
      table.rendered(as: .markdown) == #"""
        **Three \<arms> &amp; 100%**

        | Arm | Time (s) | CIDEr-D |
        | :--- | ---: | ---: |
        | q_former | 1,234 | 0.579 ±0.030 |
        | say "hi", \| {x} | – | 0.250 |
        |  |  |  |
        | untrained | 0 | – |

        - CIDEr-D: document frequencies of 100 images.

        """#)
    #expect(
      Markup.markdown("a*b* _c_ d_e `f` ~g~ [h](i)\r\nj\nk\\")
        == #"a\*b\* \_c\_ d_e \`f\` \~g\~ \[h\](i)<br>j<br>k\\"#)
  }

  @Test func `CSV follows RFC 4180 with numbers in full precision`() {
    #expect(
      table.rendered(as: .csv)
        == "Arm,Time (s),CIDEr-D,CIDEr-D low,CIDEr-D high\r\n"
        + "q_former,1234.4,0.5789,0.55,0.61\r\n"
        + "\"say \"\"hi\"\", | {x}\",,0.25,,\r\n"
        + "untrained,0,,,\r\n")
    #expect(Markup.csv("a\r\nb") == "\"a\r\nb\"")
    #expect(Markup.csv(" a") == "\" a\"")
    #expect(Markup.csv("plain ±") == "plain ±")
  }

  @Test func `LaTeX uses booktabs and escapes every special character`() {
    #expect(
      table.rendered(as: .latex) == #"""
        \begin{table}[htbp]
          \centering
          \caption{Three \textless{}arms\textgreater{} \& 100\%}
          \begin{tabular}{lrr}
            \toprule
            Arm & Time (s) & CIDEr-D \\
            \midrule
            q\_former & 1,234 & 0.579 $\pm$0.030 \\
            say "hi", \textbar{} \{x\} & -- & 0.250 \\
            \midrule
            untrained & 0 & -- \\
            \bottomrule
          \end{tabular}
          \par{\footnotesize CIDEr-D: document frequencies of 100 images.}
        \end{table}

        """#)
    #expect(
      Markup.latex(##"\~^$#"##)
        == ##"\textbackslash{}\textasciitilde{}\textasciicircum{}\$\#"##)
  }

  @Test func `HTML escapes text, also where a combining mark follows`() {
    #expect(
      table.rendered(as: .html) == """
        <table>
        <caption>Three &lt;arms&gt; &amp; 100%</caption>
        <thead><tr><th scope="col">Arm</th><th scope="col" class="right">Time (s)</th>\
        <th scope="col" class="right"><span class="whole">CIDEr-D</span></th></tr></thead>
        <tbody>
        <tr><th scope="row">q_former</th><td class="right">1,234</td>\
        <td class="right">0.579 ±0.030</td></tr>
        <tr><th scope="row">say &quot;hi&quot;, | {x}</th><td class="right">–</td>\
        <td class="right">0.250</td></tr>
        </tbody>
        <tbody>
        <tr><th scope="row">untrained</th><td class="right">0</td><td class="right">–</td></tr>
        </tbody>
        </table>
        <ul class="footnotes">
        <li>CIDEr-D: document frequencies of 100 images.</li>
        </ul>

        """)
    let combined = Markup.html("<\u{0301}script>'\0")
    #expect(combined == "&lt;\u{0301}script&gt;&#39;\u{fffd}")
  }

  @Test func `columns without values are dropped unless kept`() {
    let sparse = ResultTable(
      title: "", columns: [.init("a"), .init("b"), .init("c")],
      rows: [.init([.missing, .missing, .number(1)])])
    #expect(sparse.droppingEmptyColumns().columns.map(\.header) == ["c"])
    #expect(sparse.droppingEmptyColumns(keeping: [1]).columns.map(\.header) == ["b", "c"])
  }
}
