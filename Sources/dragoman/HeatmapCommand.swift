import ArgumentParser
import Foundation
import Harness

struct HeatmapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heatmap",
    abstract: "Draws where trained projectors look in images, from the results of a run.",
    discussion: """
      Writes PNG files to the figures folder of RUN and prints their paths. RUN is a results folder \
      (all arms side by side) or the folder of one run in it (qformer/seed-0).

      attention: probabilities, mean over heads, over the patches alone. gradient: ReLU of \
      probability times the gradient of the log-likelihood of the arm's caption. rollout: attention \
      multiplied through the layers with their residual connections (Abnar & Zuidema 2020).
      """)

  @Argument(
    help: ArgumentHelp("A results folder, or the folder of one run in it.", valueName: "run"),
    completion: .directory)
  var folder: String

  @Option(
    help: ArgumentHelp(
      "An image by its name in the data set; may be repeated. Default: those of the experiment.",
      valueName: "id"))
  var image: [String] = []

  @Option(
    parsing: .unconditional,  // -1 is a value, not a flag
    help: ArgumentHelp(
      "all: the mean over the layers that see the patches; N: one, -1 the last. Default: the "
        + "experiment's.", valueName: "all|N"),
    transform: { text in
      guard let layer = HeatmapLayer(text) else {
        throw ValidationError("Give 'all' or a whole number, not '\(text)'.")
      }
      return layer
    })
  var layer: HeatmapLayer?

  @Option(
    help: ArgumentHelp(
      "mean: over queries or latents; all: a grid with each on its own; N: one of them, from 0.",
      valueName: "all|mean|N"),
    transform: { text in
      guard let query = HeatmapQuery(text) else {
        throw ValidationError("Give 'all', 'mean' or a whole number from 0, not '\(text)'.")
      }
      return query
    })
  var query = HeatmapQuery.mean

  @Option(help: "What is drawn. Default: those of the experiment.")
  var weighting: HeatmapWeighting?

  @Option(
    help: ArgumentHelp("Where figures go; default: figures in RUN.", valueName: "dir"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "The experiment file, if it has relative paths: they start from its folder.",
      valueName: "file"))
  var experiment: String?

  @OptionGroup var cache: CacheArguments

  @Option(help: "Threads. Default: all cores.")
  var threads: Int?

  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  func validate() throws {
    try atLeastOne(threads, "--threads")
  }

  func run() throws {
    let options = HeatmapOptions(
      run: URL(filePath: folder), experimentFile: experiment, images: image, layer: layer,
      query: query, weighting: weighting, output: output.map { URL(filePath: $0) },
      cache: cache.folder,
      threads: threads ?? allCores, isQuiet: quiet)
    for figure in try HeatmapSession(options).run() {
      try StandardOutput.print(figure.relativePath)
    }
  }
}

extension HeatmapWeighting: ExpressibleByArgument {}
