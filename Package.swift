// swift-tools-version: 6.2
import PackageDescription

/// Settings every Swift target of ours shares: Swift 6 language mode, warnings are errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

/// A library module. `uses` is the whole list of what it may import: DESIGN.md §1, held by
/// `Tests/HarnessTests/ImportTableTests.swift` and by `--explicit-target-dependency-import-check`.
func module(_ name: String, uses: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: uses, swiftSettings: strict)
}

func tests(_ name: String, uses: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: uses + ["TestSupport"], swiftSettings: strict)
}

/// `DRAGOMAN_TESTS=Metrics,Storage` builds these modules' tests and what they need, nothing else: for
/// work on one module.
let wanted: [String]? = Context.environment["DRAGOMAN_TESTS"]?.split(separator: ",")
  .map { "\($0)Tests" }

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let targets: [Target] = [
  // C leaves: module maps and `static inline` shims.
  .systemLibrary(
    name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
  .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
  .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
  .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
  .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg62-turbo-dev"])]),
  .systemLibrary(name: "CSndFile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
  .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
  .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
  .systemLibrary(name: "CStemmer", providers: [.apt(["libstemmer-dev"])]),
  .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off"])]),

  module("Configuration"),
  module("Tensors", uses: ["CKernels", "COpenBLAS", "COneDNN"]),
  module("Layers", uses: ["Tensors", "Configuration"]),
  module(
    "Storage",
    uses: [
      "Tensors", "Configuration", "CKernels", "CHDF5", "CPNG", "CJPEG", "CSndFile", "CXXHash",
    ]),
  module("Tokenizers", uses: ["Configuration"]),
  module("Datasets", uses: ["Tensors", "Storage", "Tokenizers", "Configuration"]),
  module("Encoders", uses: ["Tensors", "Layers", "Storage", "Datasets", "Configuration"]),
  module("Projectors", uses: ["Tensors", "Layers", "Configuration"]),
  module("LanguageModels", uses: ["Tensors", "Layers", "Storage", "Configuration"]),
  module(
    "Training",
    uses: [
      "Tensors", "Layers", "Storage", "Tokenizers", "Datasets", "Projectors", "LanguageModels",
      "Configuration",
    ]),
  module("Metrics", uses: ["Configuration", "CStemmer", "CZlib"]),
  module("Reports", uses: ["Metrics", "Storage", "Configuration", "CCairo"]),
  module(
    "Harness",
    uses: [
      "Tensors", "Layers", "Storage", "Tokenizers", "Datasets", "Encoders", "Projectors",
      "LanguageModels", "Training", "Metrics", "Reports", "Configuration", yams,
    ]),
  .executableTarget(
    name: "dragoman", dependencies: ["Harness", "Metrics", arguments], swiftSettings: strict),

  .target(
    name: "TestSupport", dependencies: ["Storage"], path: "Tests/TestSupport",
    swiftSettings: strict),
  tests("ConfigurationTests", uses: ["Configuration"]),
  tests("CKernelsTests", uses: ["CKernels"]),
  tests("TensorsTests", uses: ["Tensors", "Storage"]),
  tests("LayersTests", uses: ["Layers", "Tensors", "Storage"]),
  tests("StorageTests", uses: ["Storage", "Tensors", "Configuration"]),
  tests("TokenizersTests", uses: ["Tokenizers"]),
  tests(
    "DatasetsTests", uses: ["Datasets", "Storage", "Tokenizers", "Tensors", "Configuration"]),
  tests("EncodersTests", uses: ["Encoders", "Layers", "Tensors", "Storage", "Datasets"]),
  tests("ProjectorsTests", uses: ["Projectors", "Layers", "Tensors", "Storage"]),
  tests(
    "LanguageModelsTests",
    uses: ["LanguageModels", "Layers", "Tensors", "Storage", "Configuration"]),
  tests(
    "TrainingTests",
    uses: [
      "Training", "Projectors", "LanguageModels", "Layers", "Tensors", "Storage", "Datasets",
      "Tokenizers", "Configuration",
    ]),
  tests("MetricsTests", uses: ["Metrics", "Configuration", "CZlib"]),
  tests("ReportsTests", uses: ["Reports", "Metrics", "Storage"]),
  tests(
    "HarnessTests",
    uses: [
      "Harness", "Training", "Encoders", "Projectors", "LanguageModels", "Layers", "Tensors",
      "Storage", "Datasets", "Tokenizers", "Metrics", "Reports", "Configuration",
    ]),
]

/// The targets that some of them need, themselves included.
func closure(of names: [String], in targets: [Target]) -> Set<String> {
  var found: Set<String> = []
  var open = names
  while let name = open.popLast() {
    guard found.insert(name).inserted, let target = targets.first(where: { $0.name == name }) else {
      continue
    }
    for dependency in target.dependencies {
      if case .byNameItem(let name, _) = dependency { open.append(name) }
    }
  }
  return found
}

/// The tests of the Harness run the built program that lies beside them.
let built = wanted.map { wanted in
  closure(of: wanted + (wanted.contains("HarnessTests") ? ["dragoman"] : []), in: targets)
}

let package = Package(
  name: "dragoman",
  platforms: [.macOS(.v15)],
  products: built?.contains("dragoman") ?? true
    ? [.executable(name: "dragoman", targets: ["dragoman"])] : [],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: targets.filter { built?.contains($0.name) ?? true }
)
