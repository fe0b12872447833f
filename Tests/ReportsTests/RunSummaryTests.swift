import Foundation
import Reports
import Testing

extension RunSummary {
  /// A made-up run of three projectors and two controls.
  static let example = RunSummary(
    experiment: "flickr8k-three-projectors",
    arms: [
      Arm(
        arm: "mlp", visualTokens: 256, trainableParameters: 663_552, flopsPerSample: 957e9,
        seconds: 1840.4, validationLoss: .init(best: 2.5, final: 2.61),
        metrics: [
          "CIDEr-D": .init(mean: 0.41, ci95: .init(0.35, 0.48), perSeed: [0.41]),
          "METEOR-1.5 (exact+stem)": .init(mean: 0.14, ci95: .init(0.13, 0.15), perSeed: [0.14]),
          "BLEU-1": .init(mean: 0.5, perSeed: [0.5]),
          "BLEU-4": .init(mean: 0.15, perSeed: [0.15]),
          "ROUGE-L": .init(mean: 0.4, perSeed: [0.4]),
        ],
        stages: [.projector(rate: 1e-3)], bestEpoch: 3),
      Arm(
        arm: "qformer", visualTokens: 32, trainableParameters: 30_000_000, seconds: 2000,
        validationLoss: .init(best: 2.75, final: .nan),
        metrics: ["CIDEr-D": .init(mean: 0.3, ci95: .init(0.25, 0.35), perSeed: [0.3])],
        stages: [.projector(rate: 1e-4)], bestEpoch: 4),
      Arm(
        arm: "untrained mlp", control: true, visualTokens: 256, trainableParameters: 0,
        metrics: ["CIDEr-D": .init(mean: 0.001, ci95: .init(0, 0.002), perSeed: [0.001])]),
    ],
    comparisons: [
      .init(
        a: "mlp", b: "qformer", metric: "CIDEr-D", difference: 0.11, ci95: .init(0.05, 0.17),
        p: 0.0001, pHolm: 0.0003),
      .init(
        a: "qformer", b: "mlp", metric: "CIDEr-D", difference: -0.11, ci95: .init(-0.17, -0.05),
        p: 0.0001, pHolm: 0.0003),
      .init(
        a: "mlp", b: "qformer", metric: "METEOR", difference: 0.01, ci95: .init(0.005, 0.02)),
    ],
    seeds: [0], primary: "CIDEr-D", testImages: 100,
    metricNotes: ["CIDEr-D": "document frequencies of the 100 test images"])
}

extension RunSummary.Stage {
  static func projector(rate: Double, source: String = "given") -> Self {
    .init(
      name: "stage 1", train: ["projector"], data: "captions", epochs: 4,
      trainableParameters: 663_552, totalParameters: 135_178_560, learningRate: rate,
      rateSource: source)
  }
}

@Suite struct RunSummaryTests {
  @Test func `summary json has exactly the contract's keys, and null where a value is unknown`()
    throws
  {
    let root = try #require(
      try JSONSerialization.jsonObject(with: RunSummary.example.json()) as? [String: Any])
    #expect(
      Set(root.keys) == [
        "experiment", "arms", "comparisons", "seeds", "primary", "test_images", "metric_notes",
      ])
    let arms = try #require(root["arms"] as? [[String: Any]])
    let contract: Set = [
      "arm", "control", "visual_tokens", "trainable_parameters", "flops_per_sample", "seconds",
      "validation_loss", "metrics",
    ]
    #expect(Set(arms[0].keys) == contract.union(["stages", "best_epoch"]))
    let stages = try #require(arms[0]["stages"] as? [[String: Any]])
    #expect(
      Set(stages[0].keys) == [
        "name", "train", "data", "epochs", "trainable_parameters", "total_parameters",
        "learning_rate", "rate_source",
      ])
    #expect(Set(arms[2].keys) == contract)
    #expect(arms[2]["control"] as? Bool == true)
    #expect(arms[2]["seconds"] is NSNull)
    let loss = try #require(arms[1]["validation_loss"] as? [String: Any])
    #expect(Set(loss.keys) == ["best", "final"])
    #expect(loss["best"] as? Double == 2.75)
    #expect(loss["final"] is NSNull)
    let metrics = try #require(arms[0]["metrics"] as? [String: [String: Any]])
    let cider = try #require(metrics["CIDEr-D"])
    #expect(Set(cider.keys) == ["mean", "std", "ci95", "per_seed"])
    #expect(cider["std"] is NSNull)
    #expect(cider["ci95"] as? [Double] == [0.35, 0.48])
    #expect(cider["per_seed"] as? [Double] == [0.41])
    let pairs = try #require(root["comparisons"] as? [[String: Any]])
    #expect(
      Set(pairs[0].keys) == ["a", "b", "metric", "difference", "ci95", "p", "p_holm"])
    #expect(pairs[0]["p_holm"] as? Double == 0.0003)
    #expect(pairs[2]["p"] is NSNull && pairs[2]["p_holm"] is NSNull, "described, not tested")
    #expect(pairs[0]["ci95"] as? [Double] == [0.05, 0.17])
  }

  @Test func `a summary reads back as it was, and equal summaries give equal bytes`() throws {
    var summary = RunSummary.example
    summary.arms[1].validationLoss.final = 2.8
    let bytes = try summary.json()
    #expect(try RunSummary(json: bytes) == summary)
    #expect(try RunSummary(json: bytes).json() == bytes)
    #expect(String(decoding: bytes, as: UTF8.self).contains("\"mean\" : 0.41,"))
  }

  @Test func `keys of a later version are passed over`() throws {
    let json = #"{"experiment": "x", "arms": [], "comparisons": [], "later": {"a": 1}}"#
    #expect(try RunSummary(json: Data(json.utf8)) == RunSummary(experiment: "x", arms: []))
  }

  @Test func `a damaged summary fails with the file, the key and the rule`() throws {
    func message(_ json: String) -> String? {
      do {
        _ = try RunSummary(json: Data(json.utf8), from: "out/summary.json")
        return nil
      } catch {
        return "\(error)"
      }
    }
    let arm = #"{"arm": "mlp", "visual_tokens": 3}"#
    #expect(
      message(#"{"experiment": "x", "comparisons": [], "arms": [\#(arm)]}"#)
        == "out/summary.json: 'arms[0].control' is missing. "
        + "Was the file edited, or written by another version?")
    #expect(message("{\"experiment\": ")?.hasPrefix("out/summary.json: ") == true)
  }

  @Test func `the comparison table shows costs, losses and metrics, controls below a rule`() {
    #expect(
      RunSummary.example.comparisonTable().text() == """
        flickr8k-three-projectors: comparison

                                            FLOPs                     Best   Final
                       Visual   Trainable     per   Time  Learning    val.    val.      \
                    METEOR-1.5
        Arm            tokens  parameters  sample    (s)      rate    loss    loss      \
         CIDEr-D  (exact+stem)  BLEU-4  ROUGE-L
        -------------  ------  ----------  ------  -----  --------  ------  ------  ----\
        --------  ------------  ------  -------
        mlp               256     663,552   957 G  1,840     0.001  2.5000  2.6100  0.41\
        0 ±0.065  0.140 ±0.010   0.150    0.400
        qformer            32  30,000,000       –  2,000    0.0001  2.7500       –  0.30\
        0 ±0.050             –       –        –
        -------------  ------  ----------  ------  -----  --------  ------  ------  ----\
        --------  ------------  ------  -------
        untrained mlp     256           0       –      –         –       –       –  0.00\
        1 ±0.001             –       –        –

        * ± is half the width of the 95 % bootstrap interval over the 100 test images.
        * CIDEr-D: document frequencies of the 100 test images.
        * Learning rates: given.
        * Seed: 0.
        * FLOPs per sample: one image and one caption, forward pass, a multiply-add counted as two.
        * Rows below the rule are controls: what is earned without training, without the image, or with
          another one.

        """)
  }

  @Test func `an arm beats another only if the interval excludes zero and Holm's p is below 5 %`() {
    #expect(
      RunSummary.example.comparisons.map(\.finding)
        == ["mlp beats qformer", "mlp beats qformer", "described, not tested"])
    let table = RunSummary.example.comparisonsTable()
    #expect(
      table.rows.map { $0.cells.last } == [
        .text("mlp beats qformer"), .text("mlp beats qformer"), .text("described, not tested"),
      ])
    // One group of rows a metric, set apart by a rule.
    #expect(table.rows.map(\.ruleAbove) == [false, false, true])
    #expect(RunSummary.example.comparisonsTable(metrics: ["METEOR"]).rows.count == 1)
    func verdict(_ low: Double, _ high: Double, pHolm: Double?, _ metric: String = "CIDEr-D")
      -> Verdict
    {
      RunSummary.Comparison(
        a: "x", b: "y", metric: metric, difference: (low + high) / 2, ci95: .init(low, high), p: 0,
        pHolm: pHolm
      ).verdict
    }
    #expect(verdict(0.5, 1.5, pHolm: 0.04) == .aBeatsB)
    #expect(verdict(-1.5, -0.5, pHolm: 0.04) == .bBeatsA)
    #expect(verdict(-0.1, 1.5, pHolm: 0.04) == .noDifferenceShown, "the interval holds 0")
    #expect(verdict(0.5, 1.5, pHolm: 0.05) == .noDifferenceShown, "Holm does not reject")
    #expect(verdict(0.5, 1.5, pHolm: nil) == .notTested)
    #expect(verdict(0.5, 1.5, pHolm: 0, "validation loss") == .bBeatsA, "less loss is better")
  }

  @Test
  func `pairs of the primary metric have p, Holm's p and what could be detected, others none`()
    throws
  {
    var summary = RunSummary.example
    summary.comparisons[0].smallestDetectable = 0.08
    let table = summary.comparisonsTable()
    func column(_ name: String) throws -> [ResultTable.Cell] {
      let place = try #require(table.columns.firstIndex { $0.header == name })
      return table.rows.map { $0.cells[place] }
    }
    #expect(try column("p") == [.number(0.0001), .number(0.0001), .missing])
    #expect(try column("p (Holm)") == [.number(0.0003), .number(0.0003), .missing])
    #expect(try column("Detectable") == [.number(0.08), .missing, .missing])
    #expect(table.footnotes.contains { $0.contains("primary metric, CIDEr-D, are tested") })
    // A table of described pairs has no columns for tests.
    let described = summary.comparisonsTable(metrics: ["METEOR"])
    #expect(!described.columns.contains { $0.header.hasPrefix("p") || $0.header == "Detectable" })
  }

  @Test func `the stages' table has a row for each stage that trained an arm`() {
    var summary = RunSummary.example
    summary.arms[1].stages.append(
      .init(
        name: "tune", train: ["projector", "language_model"], data: "questions", epochs: 1,
        trainableParameters: 7, totalParameters: 9, learningRate: 2e-5, rateSource: "searched 2e-5")
    )
    let table = summary.stagesTable()
    #expect(table.rows.map { $0.cells[0] } == [.text("mlp"), .text("qformer"), .text("qformer")])
    #expect(
      table.rows[2].cells == [
        .text("qformer"), .text("tune"), .text("projector, language_model"), .text("questions"),
        .number(1), .number(7), .number(9), .number(2e-5), .text("searched 2e-5"),
      ])
    #expect(table.rows.map(\.ruleAbove) == [false, true, false])
    // The comparison shows each stage's rate, and how it came about.
    let comparison = summary.comparisonTable()
    #expect(comparison.rows[1].cells[5] == .text("0.0001 / 2e-5"))
    #expect(
      comparison.footnotes.contains(
        "Learning rates: mlp: given; qformer: given, searched 2e-5."))
  }

  @Test func `a study that is not whole says so in its titles and under its tables`() {
    var summary = RunSummary.example
    summary.missing = ["qformer/seed-1: the loss is nan at update 12"]
    #expect(
      summary.comparisonTable().title == "flickr8k-three-projectors: comparison (cells missing)")
    #expect(
      summary.comparisonTable().footnotes.contains(
        "Missing cells: qformer/seed-1: the loss is nan at update 12."))
    summary.missing = nil
    summary.steps = 20
    let cut = "(stages ended after 20 updates)"
    for table in [
      summary.comparisonTable(), summary.comparisonsTable(), summary.metricsTable(),
      summary.stagesTable(),
    ] {
      #expect(table.title.hasSuffix(cut))
    }
    #expect(
      summary.comparisonTable().footnotes.contains(
        "Each stage was ended after 20 updates: no finished result."))
  }

  @Test func `what the interval spans is said: images, seeds, folds`() {
    var summary = RunSummary.example
    summary.seeds = [0, 7]
    summary.folds = 5
    let notes = summary.comparisonTable().footnotes
    #expect(
      notes.first
        == "± is half the width of the 95 % bootstrap interval over the 100 test images and 2 seeds "
        + "and 5 folds.")
    #expect(notes.contains("Seeds: 0, 7."))
  }

  @Test func `scores by fold appear with folds`() {
    var summary = RunSummary.example
    #expect(summary.foldTable() == nil)
    summary.folds = 3
    summary.arms[0].metrics["CIDEr-D"] = .init(
      mean: 0.5, perSeed: [0.5], perFold: [0.4, 0.5, 0.6], foldStd: 0.1)
    let table = summary.foldTable(metrics: ["CIDEr-D"])
    #expect(
      table?.columns.map(\.header) == [
        "Metric", "Arm", "Mean", "Std", "Fold 0", "Fold 1", "Fold 2",
      ])
    #expect(
      table?.rows.first?.cells == [
        .text("CIDEr-D"), .text("mlp"), .number(0.5), .number(0.1), .number(0.4), .number(0.5),
        .number(0.6),
      ])
    #expect(summary.tables.contains { $0.title.contains("scores by fold") })
  }

  @Test func `scores by seed appear with more than one seed`() {
    var summary = RunSummary.example
    #expect(summary.seedTable() == nil)
    summary.seeds = [0, 7]
    summary.arms[0].metrics["CIDEr-D"] = .init(mean: 0.5, std: 0.1, perSeed: [0.43, 0.57])
    let table = summary.seedTable(metrics: ["CIDEr-D"])
    #expect(table?.columns.map(\.header) == ["Metric", "Arm", "Mean", "Std", "Seed 0", "Seed 7"])
    #expect(
      table?.rows.first?.cells
        == [
          .text("CIDEr-D"), .text("mlp"), .number(0.5), .number(0.1), .number(0.43), .number(0.57),
        ])
  }
}
