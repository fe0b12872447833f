import Configuration
import Testing

/// `projectors:` by name beside ordinary keys.
private struct Root: ConfigSection {
  var lanes = 8
  var seeds = [0]
  var inner = Inner()
  var stages = [Inner()]
  var arms = ConfigMap<Arm>()

  static let fields: [Field<Self>] = [
    .integer("lanes", \.lanes, .positive, "Lanes."),
    .list("seeds", \.seeds, of: .integer(.any), .nonEmpty, "Seeds."),
    .section("inner", \.inner, "A section."),
    .list("stages", \.stages, of: .section, .nonEmpty, "Stages."),
    .map("arms", \.arms, "Arms."),
  ]
}

private struct Arm: ConfigSection {
  var shape = Shape.square(Square())
  var extra = Partial<Inner>()

  static let fields: [Field<Self>] = [
    .flattened(\.shape), .partial("extra", \.extra, "More."),
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
      ("laens=3", "laens: unknown key; did you mean 'lanes'?"),
      ("lanes=x", "lanes: must be a whole number, got x"),
    ])
  func mistakes(override: String, message: String) throws {
    #expect(try failure(override) == "override '\(override)': \(message)")
  }
}
