import Configuration
import Testing

/// `projectors:` by name beside ordinary keys.
private struct Root: ConfigSection {
  var lanes = 8
  var prompt = ""
  var seeds = [0]
  var inner = Inner()
  var stages = [Inner()]
  var arms = ConfigMap<Arm>()
  var search: Search?

  static let fields: [Field<Self>] = [
    .integer("lanes", \.lanes, .positive, "Lanes."),
    .string("prompt", \.prompt, .any, "Prompt."),
    .list("seeds", \.seeds, of: .integer(.any), .nonEmpty, "Seeds."),
    .section("inner", \.inner, "A section."),
    .list("stages", \.stages, of: .section, .nonEmpty, "Stages."),
    .map("arms", \.arms, "Arms."),
    .section("search", \.search, "Search."),
  ]
}

private struct Arm: ConfigSection {
  var shape = Shape.square(Square())
  var extra = Partial<Inner>()

  static let fields: [Field<Self>] = [
    .flattened(\.shape), .partial("extra", \.extra, "More."),
  ]
}

struct Search: ConfigSection {
  var images = 400
  var values = ConfigEntries<[Double]>()

  static let fields: [Field<Self>] = [
    .open(
      \.values, of: .list(of: .number(.positive), .nonEmptyUnique), keys: .keyPath(atLeast: 2),
      name: "KEY.OF.AN.ARM", "Values to try."),
    .integer("images", \.images, .positive, "Images."),
  ]
}

private let file = mapping([
  "lanes": .plain("4"),
  "arms": mapping([
    "one": mapping(["kind": .plain("square"), "side": .plain("2")]),
    "two": mapping(["kind": .plain("circle"), "radius": .plain("3")]),
  ]),
])

/// Reads `[1, 2]`; enough YAML for these tests.
private func parse(_ text: String, _ source: ConfigSource) throws(ConfigError) -> ConfigNode {
  if text == "{kind: square}" { return mapping(["kind": .plain("square")]) }
  guard text.hasPrefix("["), text.hasSuffix("]") else {
    return ConfigNode(.scalar(String(text.dropFirst().dropLast()), isQuoted: true), source: source)
  }
  let parts = text.dropFirst().dropLast().split(separator: ",")
  return ConfigNode(
    .sequence(parts.map { .plain($0.trimmingPrefix(" ").description) }), source: source)
}

private func run(_ overrides: String...) throws -> [(label: String, root: Root)] {
  try ConfigOverride.expand(overrides, parse: parse).map { point in
    var node = file
    for override in point.overrides { try override.apply(to: &node, shape: Root.shape) }
    return (point.label, try Root.decode(node, folder: "/", environment: [:]))
  }
}

private func failure(_ override: String) throws -> String {
  let error = #expect(throws: ConfigError.self) { try run(override) }
  return try #require(error).description
}

private func points(_ overrides: String...) throws -> [ConfigPoint] {
  try ConfigOverride.expand(overrides, parse: parse)
}

@Suite("Overrides")
struct OverrideTests {
  @Test("KEY=VALUE changes what the file says and makes sections it leaves out")
  func set() throws {
    let root = try #require(
      try run("lanes=2", "arms.one.side=9", "inner.width=32", "stages.0.width=64").first?.root)
    #expect(root.lanes == 2)
    #expect(root.arms["one"]?.shape == .square(Square(side: 9)))
    #expect(root.arms["two"]?.shape == .circle(Circle(radius: 3)))
    #expect(root.inner.width == 32)
    #expect(root.stages.map(\.width) == [64])
  }

  @Test("[1,2] is a list and 1,2 a sweep over every combination")
  func sweeps() throws {
    #expect(try run("seeds=[1,2]").map(\.root.seeds) == [[1, 2]])
    let points = try run("lanes=2,3", "seeds=[5]", "inner.heads=1,4")
    #expect(points.map(\.root.lanes) == [2, 2, 3, 3])
    #expect(points.map(\.root.inner.heads) == [1, 4, 1, 4])
    #expect(
      points.map(\.label) == [
        "lanes=2,inner.heads=1", "lanes=2,inner.heads=4", "lanes=3,inner.heads=1",
        "lanes=3,inner.heads=4",
      ])
    #expect(try run("seeds=[1,2],[3]").map(\.root.seeds) == [[1, 2], [3]])
  }

  @Test("~ deletes and + adds")
  func deleteAndAdd() throws {
    #expect(try run("~arms.one").first?.root.arms.names == ["two"])
    #expect(try run("+arms.new.kind=square").first?.root.arms.names == ["one", "two", "new"])
    #expect(try run("+arms.new={kind: square}").first?.root.arms.names == ["one", "two", "new"])
    #expect(try run("++lanes=3").first?.root.lanes == 3)
    #expect(try run("+arms.one.extra.heads=4").first?.root.arms["one"]?.extra.given == ["heads"])
  }

  @Test("each point tells the swept keys with the values as typed, and no others")
  func sweptValues() throws {
    let swept = try points("lanes=2,3", "seeds=[5]", "arms.*.side=1e-3,[1,2]")
    #expect(swept.count == 4)
    #expect(
      swept[1].swept == [
        .init(path: ["lanes"], value: "2"), .init(path: ["arms", "*", "side"], value: "[1,2]"),
      ])
    #expect(swept[1].overrides.map(\.text) == ["lanes=2", "seeds=[5]", "arms.*.side=[1,2]"])
    #expect(try points("lanes=2")[0].swept == [])
  }

  @Test("quotation marks keep commas in one text; an apostrophe is none; spaces at commas go")
  func quoting() throws {
    #expect(try run("prompt='a, b'").map(\.root.prompt) == ["a, b"])
    #expect(try run("prompt='a, b', 'c'").map(\.root.prompt) == ["a, b", "c"])
    #expect(try run("prompt=a dog's life, it's").map(\.root.prompt) == ["a dog's life", "it's"])
    #expect(try run("prompt= a ").map(\.root.prompt) == [" a "])
    #expect(try run("prompt=").map(\.root.prompt) == [""])
  }

  @Test("a sweep over texts can be warned of, with the one text that may have been meant")
  func textSweep() throws {
    let sweep = try points("prompt=Say, please")[0].overrides[0]
    #expect(
      sweep.adviceOnTextSweep(in: Root.shape)
        == "prompt=Say, please sweeps over 2 texts; for one text with a comma write "
        + "prompt='Say, please'")
    for other in ["lanes=2,3", "prompt='Say, please'", "arms.one.side=2,3"] {
      #expect(try points(other)[0].overrides[0].adviceOnTextSweep(in: Root.shape) == nil)
    }
  }

  @Test("* stands for every name of a map and every element of a list")
  func wildcard() throws {
    let root = try #require(try run("arms.*.extra.heads=4").first?.root)
    #expect(root.arms.map(\.section.extra.given) == [["heads"], ["heads"]])
    #expect(try run("+stages.0.width=8", "stages.*.width=64")[0].root.stages.map(\.width) == [64])
    #expect(
      try run("~arms.*.side", "arms.one.side=7")[0].root.arms["one"]?.shape
        == .square(Square(side: 7)))
    #expect(
      try failure("arms.*.side=5")
        == "override 'arms.*.side=5': arms.two.side: unknown key; possible here: kind, radius, extra"
    )
  }

  @Test("a key with dots of its own is reached by its whole path")
  func openKeys() throws {
    let root = try #require(
      try run("search.images=7", "+search.optimizer.rate=[1,2]").first?.root)
    #expect(root.search?.images == 7)
    #expect(root.search?.values["optimizer.rate"] == [1, 2])
    let changed = try run("+search.optimizer.rate=[1]", "search.optimizer.rate=[3],[4]")
    #expect(changed.map { $0.root.search?.values["optimizer.rate"] } == [[3], [4]])
    #expect(
      try run("+search.optimizer.rate=[1]", "~search.optimizer.rate")[0].root.search?.values.count
        == 0)
  }

  @Test("a program sets a value without text")
  func setting() throws {
    var node = file
    try ConfigOverride(setting: ["arms", "one", "side"], to: .plain("5"))
      .apply(to: &node, shape: Root.shape)
    let root = try Root.decode(node, folder: "/", environment: [:])
    #expect(root.arms["one"]?.shape == .square(Square(side: 5)))
  }

  @Test(
    "a sweep that can't be meant names the override and the way out",
    arguments: [
      (
        ["seeds=0,1"],
        "override 'seeds=0,1': seeds: must be a list, and 0,1 sweeps over 2 single values; write [0,1]"
      ),
      (
        ["lanes=1,,2"],
        "override 'lanes=1,,2': a value of the sweep is empty; write '' for an empty text, or quote "
          + "a text that holds a comma: lanes='1,,2'"
      ),
      (["lanes=1,2,1"], "override 'lanes=1,2,1': stands twice in the sweep: 1"),
      (
        ["lanes=1,2", "lanes=3,4"],
        "override 'lanes=3,4': the key is swept twice; give all values once"
      ),
    ])
  func wrongSweeps(overrides: [String], message: String) throws {
    let error = #expect(throws: ConfigError.self) {
      for point in try ConfigOverride.expand(overrides, parse: parse) {
        var node = file
        for override in point.overrides { try override.apply(to: &node, shape: Root.shape) }
      }
    }
    #expect(error?.description == message)
  }

  @Test(
    "a mistake names the override as it was typed",
    arguments: [
      ("lanes", "must be KEY=VALUE; to delete the key write ~lanes"),
      ("=3", "must be KEY=VALUE with a dotted key, such as training.lanes=4"),
      ("lanes..x=3", "must be KEY=VALUE with a dotted key, such as training.lanes=4"),
      ("~lanes=3", "a deletion takes no value; write ~lanes"),
      ("~arms.on", "arms: has no 'on' to delete; did you mean 'one'?"),
      (
        "arms.twoo.radius=3",
        "arms: has no 'twoo'; did you mean 'two'? (+arms.twoo.radius=… adds it)"
      ),
      ("+lanes=3", "lanes: is there already; leave out the '+' to change it"),
      ("lanes.x=3", "lanes: holds 4, so it has no key 'x'"),
      ("stages.1.width=3", "stages: has no element '1'; it is empty"),
      (
        "inner.*=3",
        "inner: '*' stands for names of your choice or elements of a list, and here are none"
      ),
      ("stages.*.width=3", "stages: is empty, so '*' stands for no element"),
      ("~arms.*.sides", "arms.*: has no 'sides' to delete; did you mean 'side'?"),
      (
        "search.imagse=3",
        "search: has no 'imagse'; nothing may stand here (+search.imagse=… adds it)"
      ),
      ("+search.imagse=3", "search.imagse: unknown key; did you mean 'images'?"),
      ("laens=3", "laens: unknown key; did you mean 'lanes'?"),
      ("lanes=x", "lanes: must be a whole number, got x"),
    ])
  func mistakes(override: String, message: String) throws {
    #expect(try failure(override) == "override '\(override)': \(message)")
  }
}
