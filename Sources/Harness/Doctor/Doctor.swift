import Foundation
import Metrics
import Reports
import Storage
import Tensors

/// Looks at what a run needs or can use on this machine: `dragoman doctor`.
public struct Doctor {
  /// What the machine and the libraries say of themselves.
  struct Machine: Sendable {
    var processor: String
    var cores: Int
    var memoryBytes: Int
    var instructionSet: String
    /// Of float32: library, version, kernels.
    var products: String
    /// What bfloat16 products run on, and whether that is the processor's own.
    var bfloat16: (text: String, isFast: Bool)
    var libraries: [(name: String, version: String)]
    var hasFigureFont: Bool
  }

  private let environment: [String: String]
  private let machine: Machine
  private let cache: URL
  private let results: URL
  /// Below it a run of a thousand photographs does not fit.
  private let neededDiskBytes: Int64 = 2_000_000_000

  /// - Parameter cache: of features and small models.
  public init(
    cache: URL, results: URL,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.init(cache: cache, results: results, environment: environment, machine: .this)
  }

  init(cache: URL, results: URL, environment: [String: String], machine: Machine) {
    self.environment = environment
    self.machine = machine
    self.cache = cache
    self.results = results
  }

  public func report() -> DoctorReport {
    let models = HuggingFaceCache(environment: environment)
    let variables = environment.filter {
      !$0.value.isEmpty
        && ($0.key.hasPrefix("DRAGOMAN_") || ["HF_HOME", "HF_HUB_CACHE"].contains($0.key))
    }
    return DoctorReport(
      version: Version.text,
      checks: machineChecks + libraryChecks + [fontCheck] + meteorChecks
        + [folderCheck("cache folder", cache), folderCheck("results folder", results)]
        + variableChecks(variables),
      modelCache: models.folder.path(percentEncoded: false),
      models: CachedModel.list(in: models), variables: variables)
  }

  private var machineChecks: [DoctorReport.Check] {
    let isFast = machine.instructionSet != "portable"
    return [
      .init("processor", .ok, "\(machine.processor), \(machine.cores) cores"),
      .init(
        "kernels", isFast ? .ok : .optional, machine.instructionSet,
        advice: isFast
          ? nil : "A processor with AVX2 and FMA runs our kernels several times as fast."),
      .init("memory", .ok, NumberFormat.bytes(machine.memoryBytes)),
    ]
  }

  private var libraryChecks: [DoctorReport.Check] {
    [
      .init(
        "products", .ok, "\(machine.products); one thread a lane (--threads says how many)"),
      .init(
        "bfloat16", machine.bfloat16.isFast ? .ok : .optional, machine.bfloat16.text,
        advice: machine.bfloat16.isFast
          ? nil
          : "precision: bfloat16 means the same here, and is slower than float32: the processor has no "
            + "bfloat16 products (AVX512_BF16 or AMX)."),
    ] + machine.libraries.map { .init($0.name, .ok, $0.version) }
      + [.init("Java", .ok, "not needed")]
  }

  private var fontCheck: DoctorReport.Check {
    machine.hasFigureFont
      ? .init("fonts", .ok, "DejaVu Sans")
      : .init(
        "fonts", .missing, "Cairo finds no DejaVu Sans: figures would have another font or none",
        advice: "apt-get install fonts-dejavu-core")
  }

  private var meteorChecks: [DoctorReport.Check] {
    let places = METEORResources.locate(environment: environment)
    let synonyms: DoctorReport.Check =
      if let folder = places.wordNet {
        .init("WordNet", .ok, folder)
      } else if let jar = places.jar {
        .init("WordNet", .ok, "in \(jar)")
      } else {
        .init(
          "WordNet", .optional,
          "METEOR runs without synonyms; looked in "
            + places.searchedForWordNet.joined(separator: ", "),
          advice: "apt-get install wordnet-base, or set WNSEARCHDIR to WordNet's dict folder")
      }
    let paraphrases: DoctorReport.Check =
      if let table = places.paraphrases {
        .init("METEOR paraphrases", .ok, table)
      } else if let folder = places.named, places.jar == nil {
        .init(
          "METEOR paraphrases", .missing, "DRAGOMAN_METEOR_DATA names \(folder), which holds none",
          advice: "Name the meteor folder of an installed pycocoevalcap, or unset it.")
      } else {
        .init(
          "METEOR paraphrases", .optional,
          "METEOR runs without paraphrases; looked in "
            + (places.searchedForMETEOR.isEmpty
              ? "no folder: there is no Python" : places.searchedForMETEOR.joined(separator: ", ")),
          advice: "pip install pycocoevalcap in a virtual environment that is active when dragoman "
            + "runs, or set DRAGOMAN_METEOR_DATA to its meteor folder")
      }
    return [synonyms, paraphrases]
  }

  /// Whether a folder can be made or written to, and how much room there is.
  private func folderCheck(_ name: String, _ folder: URL) -> DoctorReport.Check {
    let path = folder.standardizedFileURL.path
    var there = path
    while !FileManager.default.fileExists(atPath: there), there != "/", !there.isEmpty {
      there = (there as NSString).deletingLastPathComponent
    }
    let option = name == "cache folder" ? "--cache or DRAGOMAN_CACHE" : "--results"
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: there, isDirectory: &isFolder), isFolder.boolValue,
      FileManager.default.isWritableFile(atPath: there)
    else {
      return .init(
        name, .missing, "\(path) can't be written to", advice: "Name another with \(option).")
    }
    guard let free = AtomicFile.freeBytes(at: URL(filePath: there)) else {
      return .init(name, .ok, path)
    }
    let text = "\(path), \(NumberFormat.bytes(Int(free))) free"
    guard free < neededDiskBytes else { return .init(name, .ok, text) }
    return .init(
      name, .optional, text,
      advice: "A thousand photographs take about 1 GB. Make room, or name another with \(option).")
  }

  /// Folders that a variable names and that are not there.
  private func variableChecks(_ variables: [String: String]) -> [DoctorReport.Check] {
    let folders = [
      "DRAGOMAN_DATA", "DRAGOMAN_MODELS", "DRAGOMAN_FIXTURES", "HF_HOME", "HF_HUB_CACHE",
    ]
    return folders.compactMap { name in
      guard let path = variables[name], !FileManager.default.fileExists(atPath: path) else {
        return nil
      }
      return .init(
        name, .optional, "there is no folder \(path)",
        advice: "Set \(name) to a folder that is there, or unset it.")
    }
  }
}

extension Doctor.Machine {
  static var this: Self {
    Self(
      processor: processorName, cores: ProcessInfo.processInfo.activeProcessorCount,
      memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory),
      instructionSet: KernelInformation.instructionSet,
      products: ProductInformation.float32,
      bfloat16: (ProductInformation.bfloat16, ProductInformation.hasBFloat16Products),
      libraries: [
        ("Swift", swiftVersion), ("HDF5", StorageLibraries.hdf5), ("libpng", StorageLibraries.png),
        ("libjpeg-turbo", StorageLibraries.jpegTurbo), ("cairo", FigureFonts.cairoVersion),
      ], hasFigureFont: FigureFonts.isInstalled)
  }

  private static var processorName: String {
    let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }

  /// Of the compiler: the runtime does not say its own.
  private static var swiftVersion: String {
    #if compiler(>=6.4)
    "built with 6.4 or later"
    #elseif compiler(>=6.3)
    "built with 6.3"
    #else
    "built with 6.2"
    #endif
  }
}
