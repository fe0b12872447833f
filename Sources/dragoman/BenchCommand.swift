import ArgumentParser
import Foundation
import Harness

extension Precision: ExpressibleByArgument {}

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Times training steps, encoders, generation, tokenizers and the feature store here.",
    discussion: """
      Times are wall-clock; processor seconds beside them say what the work costs whoever else runs \
      here.
      """,
    subcommands: [
      Roofline.self, Step.self, Encode.self, Generate.self, Tokenize.self, Features.self,
    ])
}

extension BenchCommand {
  /// What every benchmark is asked for.
  struct Options: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "A model folder, or hf:ORG/NAME[@REV] in the local cache.", valueName: "dir")
    )
    var model: String

    @Flag(help: "Random weights of the model's shape: only config.json is read.")
    var random = false

    @Option(help: "Threads. Default: all cores.")
    var threads: Int?

    @Option(help: "Inputs of the products of frozen weights.")
    var precision = Precision.float32

    @Flag(help: "Print JSON.")
    var json = false

    var threadCount: Int { threads ?? allCores }

    func validate() throws {
      try atLeastOne(threads, "--threads")
    }

    func loadModel() throws -> BenchmarkModel { try BenchmarkModel(model, random: random) }
  }

  struct Step: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "step",
      abstract: "Times the training step of an MLP projector with the language model frozen.",
      discussion: """
        The work: visual tokens through the projector, the language model on them and one caption an \
        image, loss on the caption, gradients of the projector, clipping, AdamW. With --dump its input \
        and start values are those of a PyTorch run (features [image, patch, width], input_ids [image, \
        token], lengths [image], projector.{0,2}.{weight,bias} in a safetensors file), so that the \
        losses can be compared.
        """)

    @OptionGroup var options: Options

    @Option(help: "Images in a step. Default: 8, or the dump's.")
    var batch: Int?

    @Option(help: "Patches of an image. Default: 256, or the dump's.")
    var patches: Int?

    @Option(help: "Width of a patch. Default: 384, or the dump's.")
    var width: Int?

    @Option(help: "Tokens of the longest caption. Default: 16, or the dump's.")
    var caption: Int?

    @Option(help: "Steps that are timed, after one that is not.")
    var steps = 5

    @Option(help: "Parts of a batch, as an experiment's training.lanes.")
    var lanes = 8

    @Option(
      help: ArgumentHelp("Input and start values, instead of random ones.", valueName: "file"))
    var dump: String?

    func validate() throws {
      for (value, name) in [
        (batch, "--batch"), (patches, "--patches"), (width, "--width"), (caption, "--caption"),
        (steps, "--steps"), (lanes, "--lanes"),
      ] {
        try atLeastOne(value, name)
      }
      if dump != nil, [batch, patches, width, caption].contains(where: { $0 != nil }) {
        throw ValidationError(
          "--dump gives the sizes: leave --batch, --patches, --width, --caption out.")
      }
    }

    func run() throws {
      var sizes = TrainingStepBenchmark.Sizes()
      if let batch { sizes.batch = batch }
      if let patches { sizes.patches = patches }
      if let width { sizes.width = width }
      if let caption { sizes.caption = caption }
      let report = try StepReport(
        options.loadModel(), sizes: sizes, dump: dump.map { URL(filePath: $0) }, steps: steps,
        lanes: lanes, precision: options.precision, threads: options.threadCount)
      try show(report, text: report.text, json: options.json)
    }
  }

  struct Roofline: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "roofline",
      abstract:
        "Says for each part of a training step what it does beside what this machine can do.",
      discussion: """
        The step of `bench step`, on one thread, in float32 and in bfloat16: FLOPs, bytes and seconds of \
        each kind of operation, and its share of the best product rate.
        """)

    @Option(
      help: ArgumentHelp(
        "A model folder, or hf:ORG/NAME[@REV] in the local cache.", valueName: "dir")
    )
    var model: String

    @Flag(help: "Random weights of the model's shape: only config.json is read.")
    var random = false

    @Option(help: "Images in a step.")
    var batch = 8

    @Option(help: "Patches of an image.")
    var patches = 256

    @Option(help: "Parts of a batch, as an experiment's training.lanes.")
    var lanes = 8

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
      for (value, name) in [(batch, "--batch"), (patches, "--patches"), (lanes, "--lanes")] {
        try atLeastOne(value, name)
      }
    }

    func run() throws {
      var sizes = TrainingStepBenchmark.Sizes()
      (sizes.batch, sizes.patches) = (batch, patches)
      let report = try RooflineReport(
        BenchmarkModel(model, random: random), sizes: sizes, lanes: lanes)
      try show(report, text: report.text, json: json)
    }
  }

  struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "encode",
      abstract: "Times an encoder on made-up pictures.")

    @OptionGroup var options: Options

    @Option(help: "Pictures.")
    var images = 32

    @Option(help: "Images that a thread takes at a time, as an experiment's encoder.batch.")
    var batch = 8

    func validate() throws {
      try atLeastOne(images, "--images")
      try atLeastOne(batch, "--batch")
    }

    func run() throws {
      let report = try EncodeReport(
        options.loadModel(), images: images, batch: batch, precision: options.precision,
        threads: options.threadCount)
      try show(report, text: report.text, json: options.json)
    }
  }

  struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "generate",
      abstract: "Times greedy decoding after a prefix of visual tokens.")

    @OptionGroup var options: Options

    @Option(help: "Captions generated together; a thread takes one such batch.")
    var batch = 16

    @Option(help: "Visual tokens before a caption.")
    var patches = 64

    @Option(help: "New tokens of a caption.")
    var tokens = 30

    func validate() throws {
      try atLeastOne(batch, "--batch")
      try atLeastOne(patches, "--patches")
      if tokens < 2 { throw ValidationError("--tokens must be at least 2.") }
    }

    func run() throws {
      let report = try GenerationReport(
        options.loadModel(), batch: batch, visualTokens: patches, newTokens: tokens,
        precision: options.precision, threads: options.threadCount)
      try show(report, text: report.text, json: options.json)
    }
  }

  struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "tokenize",
      abstract: "Times a tokenizer on one thread.",
      discussion: """
        Every line of the file is a text. The count of tokens is what huggingface/tokenizers gives with \
        add_special_tokens=False.
        """)

    @Option(
      help: ArgumentHelp(
        "A folder with tokenizer.json, or hf:ORG/NAME[@REV] in the local cache.", valueName: "dir"))
    var model: String

    @Option(help: ArgumentHelp("UTF-8, a text a line.", valueName: "file"))
    var texts: String

    @Option(help: "Passes that are timed, after one that meets every word for the first time.")
    var passes = 5

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
      try atLeastOne(passes, "--passes")
    }

    func run() throws {
      let report = try TokenizeReport(model, texts: URL(filePath: texts), passes: passes)
      try show(report, text: report.text, json: json)
    }
  }

  struct Features: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "features",
      abstract: "Times the feature store beside a plain file.",
      discussion: """
        Made-up features are written and read, and removed again. Both the store and the file are \
        forced to the disk; in /dev/shm there is none, and the page cache's speed shows.
        """)

    @Option(help: ArgumentHelp("Where to write. Default: the temporary folder.", valueName: "dir"))
    var folder: String?

    @Option(help: "MiB of features.")
    var size = 1024

    @Option(help: "Tokens of an image.")
    var tokens = 256

    @Option(help: "Width of a token.")
    var width = 384

    @Flag(help: "Store float16 instead of float32.")
    var half = false

    @Option(help: "Rounds, of which the middle one is told.")
    var rounds = 3

    @Option(help: "Threads of the store; the plain file has one.")
    var threads = 1

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
      for (value, name) in [
        (size, "--size"), (tokens, "--tokens"), (width, "--width"), (rounds, "--rounds"),
        (threads, "--threads"),
      ] {
        try atLeastOne(value, name)
      }
    }

    func run() throws {
      var sizes = FeatureStoreReport.Sizes()
      sizes.bytes = size << 20
      sizes.tokens = tokens
      sizes.width = width
      sizes.isHalf = half
      let folder = folder.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory
      let report = try FeatureStoreReport(sizes, folder: folder, rounds: rounds, threads: threads)
      try show(report, text: report.text, json: json)
    }
  }
}
