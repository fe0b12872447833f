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
        learningRate: 1e-3, learningRateSource: "given"),
      Arm(
        arm: "qformer", visualTokens: 32, trainableParameters: 30_000_000, seconds: 2000,
        validationLoss: .init(best: 2.75, final: .nan),
        metrics: ["CIDEr-D": .init(mean: 0.3, ci95: .init(0.25, 0.35), perSeed: [0.3])],
        learningRate: 1e-4, learningRateSource: "given"),
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
        a: "mlp", b: "qformer", metric: "METEOR", difference: 0.01, ci95: .init(0, 0.02), p: 0.06,
        pHolm: 0.12),
    ],
    seeds: [0], testImages: 100,
    metricNotes: ["CIDEr-D": "document frequencies of the 100 test images"])
}

@Suite struct RunSummaryTests {
  @Test func `summary json has exactly the contract's keys, and null where a value is unknown`()
    throws
  {
    let root = try #require(
      try JSONSerialization.jsonObject(with: RunSummary.example.json()) as? [String: Any])
    #expect(
      Set(root.keys) == [
        "experiment", "arms", "comparisons", "seeds", "test_images", "metric_notes",
      ])
    let arms = try #require(root["arms"] as? [[String: Any]])
    let contract: Set = [
      "arm", "control", "visual_tokens", "trainable_parameters", "flops_per_sample", "seconds",
      "validation_loss", "metrics",
    ]
    #expect(Set(arms[0].keys) == contract.union(["learning_rate", "learning_rate_source"]))
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
        * Learning rates: mlp given; qformer given.
        * Seed: 0.
        * FLOPs per sample: one image and one caption, forward pass, a multiply-add counted as two.
        * Rows below the rule are controls: what is earned without training, without the image, or with
          another one.

        """)
  }

  @Test func `an arm beats another only if the interval excludes zero`() {
    #expect(
      RunSummary.example.comparisons.map(\.finding)
        == ["mlp beats qformer", "mlp beats qformer", "no difference shown"])
    let table = RunSummary.example.comparisonsTable()
    #expect(
      table.rows.map { $0.cells.last } == [
        .text("mlp beats qformer"), .text("mlp beats qformer"), .text("no difference shown"),
      ])
    // One group of rows a metric, set apart by a rule.
    #expect(table.rows.map(\.ruleAbove) == [false, false, true])
    #expect(RunSummary.example.comparisonsTable(metrics: ["METEOR"]).rows.count == 1)
    let loss = RunSummary.Comparison(
      a: "x", b: "y", metric: "validation loss", difference: 1, ci95: .init(0.5, 1.5), p: 0,
      pHolm: 0)
    #expect(loss.verdict == .bBeatsA)
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
