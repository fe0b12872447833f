import Configuration
import Testing

/// Sections and unions that may be absent, lists of numbers, and keys of the user's choice.
private struct Kinds: ConfigSection {
  var folds: Inner?
  var shape: Shape?
  var factors: [Double] = []
  var search: Search?
  var settings: ConfigEntries<[ConfigNode]> = ConfigEntries()

  static let fields: [Field<Self>] = [
    .section("folds", \.folds, "Folds."),
    .union("shape", \.shape, "A shape."),
    .list("factors", \.factors, of: .number(.positive), .any, "Factors."),
    .section("search", \.search, "Search."),
    .open(
      \.settings, of: .list(of: .anyScalar, .nonEmpty), keys: .keyPath(atLeast: 2), name: "KEY",
      "Settings."),
  ]
}

private func read(_ entries: KeyValuePairs<String, ConfigNode>) throws -> Kinds {
  try Kinds.decode(mapping(entries), folder: "/", environment: [:])
}

private func problems(_ entries: KeyValuePairs<String, ConfigNode>) throws -> [String] {
  let error = #expect(throws: ConfigError.self) { try read(entries) }
  return (error?.problems ?? []).map { "\($0.keyPath): \($0.message)" }
}

private func list(_ texts: String...) -> ConfigNode {
  ConfigNode(.sequence(texts.map(ConfigNode.plain)))
}

@Suite("Kinds of fields")
struct FieldKindTests {
  @Test("a section or union that may be absent is null until it is given")
  func optionals() throws {
    #expect(try read([:]) == Kinds())
    let given = try read([
      "folds": mapping(["width": .plain("4")]),
      "shape": mapping(["kind": .plain("circle"), "radius": .plain("2")]),
    ])
    #expect(given.folds?.width == 4)
    #expect(given.shape == .circle(Circle(radius: 2)))
    #expect(try read(["folds": .null, "shape": .null]) == Kinds())
    #expect(
      try problems(["shape": mapping(["kind": .plain("circel")])])
        == ["shape.kind: must be one of square, circle, got circel; did you mean 'circle'?"])
  }

  @Test("a list of numbers checks each of them")
  func numbers() throws {
    #expect(try read(["factors": list("1", "2.5e-1")]).factors == [1, 0.25])
    #expect(
      try problems(["factors": list("1", "0", "x")]) == [
        "factors.1: must be greater than 0, got 0", "factors.2: must be a number, got x",
      ])
  }

  @Test("keys of the user's choice stand beside a section's own, in their order")
  func openKeys() throws {
    let search = try read([
      "search": mapping([
        "optimizer.rate": list("3.0e-4", "1.0e-3"), "images": .plain("7"), "a.b": list("1"),
      ])
    ]).search
    #expect(search?.images == 7)
    #expect(search?.values.map(\.key) == ["optimizer.rate", "a.b"])
    #expect(search?.values["optimizer.rate"] == [3e-4, 1e-3])
    #expect(search?.values["none"] == nil)
  }

  @Test("any scalar is kept as it is written")
  func scalars() throws {
    let settings = try read(["a.b": list("1e-3", "true", "x")]).settings
    #expect(settings["a.b"] == [.plain("1e-3"), .plain("true"), .plain("x")])
    #expect(
      try problems(["a.b": ConfigNode(.sequence([mapping([:])]))])
        == ["a.b.0: must be a number, a text, true, false or null, got a mapping"])
  }

  @Test("a key that is no dotted path is unknown, with the nearest of the section's own")
  func unknownKeys() throws {
    #expect(
      try problems(["search": mapping(["imagse": .plain("7")])])
        == ["search.imagse: unknown key; did you mean 'images'?"])
    #expect(try problems(["search": mapping(["a..b": list("1")])]).count == 1)
    #expect(
      try problems(["search": mapping(["a.b": list("1", "1")])])
        == ["search.a.b.1: stands twice in the list: 1"])
  }

  @Test("the resolved form decodes into the same section")
  func roundTrip() throws {
    var kinds = Kinds()
    #expect(try Kinds.decode(kinds.resolved, folder: "/", environment: [:]) == kinds)
    kinds.folds = Inner()
    kinds.shape = .square(Square(side: 3))
    kinds.factors = [0.5]
    var search = Search()
    search.values = ["a.b": [1, 2]]
    kinds.search = search
    kinds.settings = ["c.d": [.plain("x")]]
    #expect(try Kinds.decode(kinds.resolved, folder: "/", environment: [:]) == kinds)
    #expect(search.resolved.yaml == "a.b: [1.0, 2.0]\nimages: 400\n")
  }

  @Test("the schema says what the check says")
  func schema() throws {
    let schema = try JSONValue(parsing: Kinds.jsonSchema(title: "T", description: "D"))
    let properties = schema["properties"]
    #expect(properties?["folds"]?["anyOf"]?[1] == ["type": "null"])
    #expect(properties?["folds"]?["anyOf"]?[0]?["properties"]?["width"]?["type"] == "integer")
    #expect(properties?["shape"]?["anyOf"]?[0]?["oneOf"]?.array?.count == 2)
    #expect(properties?["factors"]?["items"] == ["type": "number", "exclusiveMinimum": 0])
    let pattern = #"^[a-z][a-z0-9_]*(\.[a-z0-9_]+){1,}$"#
    let search = properties?["search"]?["anyOf"]?[0]
    #expect(search?["patternProperties"]?[pattern]?["type"] == "array")
    #expect(search?["patternProperties"]?[pattern]?["description"] == "Values to try.")
    #expect(search?["additionalProperties"] == false)
    #expect(
      schema["patternProperties"]?[pattern]?["items"]
        == ["type": ["number", "string", "boolean", "null"]])
  }

  @Test("the reference lists them")
  func reference() {
    let text = Kinds.reference(title: "T", introduction: "I")
    #expect(text.contains("| `folds` | section, or null | `null` | Folds. |"))
    #expect(text.contains("| `shape` | section by kind, or null | `null` | A shape. |"))
    #expect(text.contains("| `factors` | list of: a number, greater than 0 | `[]` | Factors. |"))
    #expect(
      text.contains(
        "| `KEY.OF.AN.ARM` | list of: a number, greater than 0 | | Values to try. |"))
    #expect(text.contains("## `search`"))
  }
}
