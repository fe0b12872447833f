import Configuration
import Testing

/// A section with one field of every kind.
struct Sample: ConfigSection {
  enum Colour: String, ConfigChoice {
    case red
    case blue
  }

  var rate = 0.5
  var count = 3
  var limit: Int?
  var isOn = false
  var word = "plain"
  var colour = Colour.red
  var counts = [1, 2]
  var file: ConfigPath?
  var inner = Inner()
  var shape = Shape.square(Square())
  var overrides = Partial<Inner>()

  static let fields: [Field<Self>] = [
    .number("rate", \.rate, .range(0...1), "A rate."),
    .integer("count", \.count, .positive, "A count."),
    .integer("limit", \.limit, .positive, "A limit or none."),
    .bool("is_on", \.isOn, "A switch."),
    .string("word", \.word, .any, "A word."),
    .choice("colour", \.colour, "A colour."),
    .list("counts", \.counts, of: .integer(.atLeast(0)), .nonEmptyUnique, "Counts."),
    .path("file", \.file, "A file."),
    .section("inner", \.inner, "A section."),
    .union("shape", \.shape, "A union."),
    .partial("overrides", \.overrides, "Overrides of inner."),
  ]
}

struct Inner: ConfigSection {
  var width = 8
  var heads = 2
  var steps: Int?
  var fraction: Double?

  static let fields: [Field<Self>] = [
    .integer("width", \.width, .positive, "Width."),
    .integer("heads", \.heads, .positive, "Heads."),
    .integer("steps", \.steps, .positive, "Steps."),
    .number("fraction", \.fraction, .positive, "Fraction."),
  ]

  static let alternatives = [["steps", "fraction"]]

  var problems: [SectionProblem] {
    width % heads == 0 ? [] : [SectionProblem("heads", "must divide \(width), got \(heads)")]
  }
}

struct Square: ConfigSection {
  var side = 1
  static let fields: [Field<Self>] = [.integer("side", \.side, .positive, "Side.")]
}

struct Circle: ConfigSection {
  var radius = 1
  static let fields: [Field<Self>] = [.integer("radius", \.radius, .positive, "Radius.").required]
}

enum Shape: ConfigUnion {
  case square(Square)
  case circle(Circle)

  static let cases: [UnionCase<Self>] = [
    UnionCase("square", "A square.", Self.square) {
      if case .square(let config) = $0 { config } else { nil }
    },
    UnionCase("circle", "A circle.", Self.circle) {
      if case .circle(let config) = $0 { config } else { nil }
    },
  ]
}

func mapping(_ entries: KeyValuePairs<String, ConfigNode>) -> ConfigNode {
  ConfigNode(.mapping(entries.map { ConfigNode.Entry($0.key, $0.value) }))
}

func read(_ node: ConfigNode, environment: [String: String] = [:]) throws -> Sample {
  try Sample.decode(node, folder: "/experiments", environment: environment)
}

/// The one message of a decoding that must fail, without its place.
func message(_ node: ConfigNode) throws -> String {
  let error = #expect(throws: ConfigError.self) { try read(node) }
  let problems = try #require(error?.problems)
  #expect(problems.count == 1, "\(problems)")
  return "\(problems[0].keyPath): \(problems[0].message)"
}

@Suite("Sections")
struct SectionTests {
  @Test("keys that aren't given keep the values of init()")
  func defaults() throws {
    #expect(try read(mapping([:])) == Sample())
    #expect(try read(.null) == Sample())
  }

  @Test("the resolved form decodes into the same section")
  func resolvedRoundTrip() throws {
    var sample = Sample()
    sample.rate = 1e-5
    sample.limit = 4
    sample.word = "no"
    sample.colour = .blue
    sample.counts = [7]
    sample.shape = .circle(Circle(radius: 5))
    sample.overrides = Partial(Inner(width: 6, heads: 3), keys: ["heads", "width"])
    #expect(try read(sample.resolved) == sample)
  }

  @Test("`no` is a text to a text field and wrong to a switch")
  func scalarsFollowTheField() throws {
    #expect(try read(mapping(["word": .plain("no")])).word == "no")
    #expect(
      try message(mapping(["is_on": .plain("no")])) == "is_on: must be true or false, got no")
  }

  @Test(
    "a wrong value says the rule and what came",
    arguments: [
      ("rate", ConfigNode.plain("2"), "must be from 0.0 to 1.0, got 2"),
      ("rate", .plain("nan"), "must be a number, got nan"),
      ("rate", .plain("0x1p-2"), "must be a number, got 0x1p-2"),
      ("rate", .text("0.5"), "must be a number, got \"0.5\"; leave out the quotes"),
      ("count", .plain("0"), "must be at least 1, got 0"),
      ("count", .plain("2.5"), "must be a whole number, got 2.5"),
      ("count", .plain("99999999999999999999"), "must be a whole number, got 99999999999999999999"),
      ("count", .plain("9000000000"), "must be at most 1000000000, got 9000000000"),
      ("count", .null, "must be a whole number, got nothing"),
      ("word", ConfigNode(.sequence([])), "must be a text, got a list"),
      ("colour", .plain("bleu"), "must be one of red, blue, got bleu; did you mean 'blue'?"),
      ("counts", .plain("3"), "must be a list, got 3; write [3]"),
      ("counts", ConfigNode(.sequence([])), "must have at least 1 element"),
      ("inner", .plain("x"), "must be a mapping (KEY: VALUE), got x"),
      ("shape", .null, "'kind' is missing; give one of square, circle"),
    ])
  func wrongValue(key: String, value: ConfigNode, expected: String) throws {
    let node = ConfigNode(.mapping([ConfigNode.Entry(key, value)]))
    #expect(try message(node) == "\(key): \(expected)")
  }

  @Test("an element that stands twice is refused where a list is a set")
  func duplicateElement() throws {
    let node = mapping(["counts": ConfigNode(.sequence([.plain("1"), .plain("1")]))])
    #expect(try message(node) == "counts.1: stands twice in the list: 1")
  }

  @Test("an unknown key is refused with the nearest known one")
  func unknownKey() throws {
    #expect(
      try message(mapping(["cuont": .plain("1")])) == "cuont: unknown key; did you mean 'count'?")
    #expect(
      try message(
        mapping([
          "shape": mapping(["kind": .plain("circle"), "side": .plain("1"), "radius": .plain("2")])
        ]))
        == "shape.side: unknown key; possible here: kind, radius")
  }

  @Test("a required key must be given")
  func requiredKey() throws {
    #expect(
      try message(mapping(["shape": mapping(["kind": .plain("circle")])]))
        == "shape: 'radius' is missing; it has no default")
  }

  @Test("fields that are wrong together are found when each is right alone")
  func sectionProblems() throws {
    #expect(
      try message(mapping(["inner": mapping(["heads": .plain("3")])]))
        == "inner.heads: must divide 8, got 3")
  }

  @Test("of alternatives a file gives one")
  func alternatives() throws {
    let both = mapping(["steps": .plain("1"), "fraction": .plain("0.5")])
    #expect(
      try message(mapping(["inner": both])) == "inner: give one of steps, fraction, not several")
    let one = mapping(["steps": .plain("1"), "fraction": .null])
    #expect(try read(mapping(["inner": one])).inner.steps == 1)
  }

  @Test("every problem is reported, not only the first")
  func allProblems() throws {
    let node = mapping(["rate": .plain("x"), "count": .plain("y"), "wrod": .plain("z")])
    let error = #expect(throws: ConfigError.self) { try read(node) }
    #expect(error?.problems.map(\.keyPath) == ["rate", "count", "wrod"])
  }

  @Test("a path takes variables and is relative to the file's folder")
  func paths() throws {
    let relative = try read(mapping(["file": .text("../a b/c.txt")]))
    #expect(relative.file?.path == "/a b/c.txt")
    #expect(relative.file?.written == "../a b/c.txt")
    let variable = try read(
      mapping(["file": .text("${ROOT}/x/${NAME}.txt")]), environment: ["ROOT": "/r", "NAME": "n"])
    #expect(variable.file?.path == "/r/x/n.txt")
    #expect(
      try message(mapping(["file": .text("${NOWHERE}/x")]))
        == "file: the environment variable NOWHERE is not set; run `export NOWHERE=…`")
    #expect(
      try message(mapping(["file": .text("${OPEN")])) == "file: '${' without '}' in \"${OPEN\"")
  }

  @Test("partial sections override only what they give")
  func partials() throws {
    let sample = try read(
      mapping(["overrides": mapping(["heads": .plain("4"), "steps": .plain("9")])]))
    #expect(sample.overrides.given == ["heads", "steps"])
    let base = Inner(width: 16, heads: 1, steps: nil, fraction: 0.5)
    #expect(
      sample.overrides.applied(to: base) == Inner(width: 16, heads: 4, steps: 9, fraction: 0.5))
  }

  @Test("a model is a folder or a name in the Hugging Face cache")
  func models() throws {
    func model(_ text: String) throws -> ModelReference? {
      var decoding = ConfigDecoding(folder: "/here", environment: [:])
      return ValueType<ModelReference>.model.decode(.plain(text), &decoding)
    }
    #expect(try model("m") == .folder(ConfigPath(written: "m", path: "/here/m")))
    #expect(try model("hf:a/b") == .hub(repository: "a/b", revision: nil))
    #expect(try model("hf:a/b@v1") == .hub(repository: "a/b", revision: "v1"))
    for wrong in ["hf:a", "hf:a/b/c", "hf:a/b@", "hf:../b", "hf:/b"] {
      #expect(try model(wrong) == nil, "\(wrong)")
    }
  }
}

@Suite("YAML of resolved files")
struct EmitterTests {
  @Test("texts that a reader could take for something else are quoted")
  func quoting() {
    let node = mapping([
      "a": .text("no"), "b": .text("plain"), "c": .text(""), "d": .text("1.5"),
      "e": .text("two words: x"), "f": .plain("null"), "g": ConfigNode(.sequence([])),
      "h": ConfigNode(.sequence([mapping(["x": .plain("1"), "y": mapping([:])])])),
      "i": .text("line\nbreak \"quoted\" \\ é"),
    ])
    #expect(
      node.yaml == """
        a: "no"
        b: plain
        c: ""
        d: "1.5"
        e: "two words: x"
        f: null
        g: []
        h:
          - x: 1
            "y": {}
        i: "line\\nbreak \\"quoted\\" \\\\ é"

        """)
  }

  @Test(
    "numbers are written so that YAML 1.1 takes them for numbers too",
    arguments: [(1e-5, "1.0e-05"), (0.001, "0.001"), (3, "3.0"), (1.5e-8, "1.5e-08")])
  func numbers(value: Double, text: String) {
    #expect(ConfigNumber.text(value) == text)
  }
}
