import Reports

extension RunPlan {
  /// What is planned, for a terminal; it ends with a newline.
  public var text: String {
    var lines = LabelledLines()
    lines.add(
      "data",
      "\(data.kind): \(data.trainImages) training, \(data.validationImages) validation, "
        + "\(data.testImages) test images; \(data.captions) captions of "
        + "\(NumberFormat.decimals(1).text(data.meanCaptionTokens)) tokens on average")
    if let encoder { lines.add("encoder", encoder.text) }
    lines.add("features", featureText)
    lines.add("language model", languageModel.text)
    lines.add(
      "work in all", NumberFormat.amount(flops, "FLOP") + (seeds > 1 ? ", \(seeds) seeds" : ""))
    lines.add("memory at peak", NumberFormat.bytes(peakMemoryBytes))
    return "\(experiment)\n\n\(lines.text)\n\(armTable.text())\n\(memoryTable.text())"
      + (total.map { "\n" + timeTable($0).text() } ?? "")
  }

  private var featureText: String {
    let size = "\(features.images) images × \(features.tokens) × \(features.width)"
    guard encoder != nil else {
      return "\(size), made elsewhere"
    }
    let stored = features.stored.map { $0 == 0 ? "" : ", \($0) of them are there" } ?? ""
    return "\(size): \(NumberFormat.bytes(features.bytesOnDisk)) in the cache\(stored)"
  }

  private var armTable: ResultTable {
    ResultTable(
      title: "Arms",
      columns: [
        .init("Arm", alignment: .left), .init("Visual tokens", format: .integer),
        .init("Sequence", unit: "rows", format: .integer),
        .init("Projector parameters", format: .integer),
        .init("Trainable parameters", format: .integer),
        .init("Whole model", unit: "parameters", format: .integer),
        .init("FLOPs per sample", format: .prefixed(3)),
        .init("FLOPs per update", format: .prefixed(3)), .init("Updates", format: .integer),
        .init("FLOPs of training", format: .prefixed(3)),
      ],
      rows: arms.map { arm in
        .init([
          .text(arm.arm), .number(Double(arm.visualTokens)), .number(Double(arm.sequenceTokens)),
          .number(Double(arm.projectorParameters)), .number(Double(arm.trainableParameters)),
          .number(Double(arm.totalParameters)), .number(arm.flopsPerSample),
          .number(arm.flopsPerUpdate), .number(Double(arm.updates)), .number(arm.flops),
        ])
      },
      footnotes: [
        "A sample is one image and one caption of mean length, forward; an update is forward and "
          + "backward; training includes validation, of one seed."
      ])
  }

  private var memoryTable: ResultTable {
    let bytes = NumberFormat.prefixed(3)
    return ResultTable(
      title: "Memory while an arm trains",
      columns: [.init("Arm", alignment: .left)]
        + ["Weights", "Gradients", "Optimiser", "Activations", "In all"].map {
          .init($0, unit: "B", format: bytes)
        },
      rows: arms.map { arm in
        let memory = arm.memory
        return .init(
          [.text(arm.arm)]
            + [memory.weights, memory.gradients, memory.optimizer].map { .number(Double($0)) }
            + [memory.activations.map { .number(Double($0)) } ?? .missing]
            + [.number(Double(memory.total))])
      })
  }

  private func timeTable(_ total: Cost) -> ResultTable {
    func row(_ name: String, _ cost: Cost, rule: Bool = false) -> ResultTable.Row {
      .init(
        [
          .text(name), .text(Console.duration(cost.seconds)),
          .text(Console.duration(cost.processorSeconds / Double(threads))),
        ], ruleAbove: rule)
    }
    return ResultTable(
      title: "Expected time, \(threads) threads",
      columns: [
        .init("Step", alignment: .left), .init("As loaded now"), .init("With the machine idle"),
      ],
      rows: steps.map { row($0.step, $0.cost) } + [row("in all", total, rule: true)],
      footnotes: [
        "From a few seconds of the experiment's own work; idle: processor time over threads. Scoring "
          + "and figures are not in it."
      ])
  }
}

extension RunPlan.Model {
  fileprivate var text: String {
    let parameters = NumberFormat.integer.text(Double(self.parameters))
    return "\(name): \(parameters) parameters"
      + (flopsPerImage.map { ", \(NumberFormat.amount($0, "FLOP")) an image" } ?? "")
      + (isMadeByTheRun ? ", trained by the run first" : "")
  }
}
