import Configuration
import Storage
import Tensors
import Testing

@Suite struct ModelConfigFileTests {
  private func file(_ json: JSONValue) throws -> ModelConfigFile {
    try ModelConfigFile(json, path: "m/config.json")
  }

  @Test func whatIsAbsentOrNullHasTheValueGivenForIt() throws {
    let file = try file(["a": .null])
    #expect(try file.count("a", else: 3) == 3)
    #expect(try file.positive("b", else: 0.5) == 0.5)
    #expect(try file.bool("b", else: true))
    #expect(try file.string("b", else: "x") == "x")
    #expect(try file.strings("b", else: ["x"]) == ["x"])
    #expect(try file.activation("b", else: .silu) == .silu)
    #expect(try file.member("a")?.path == nil)
    #expect(!file.contains("a"))
    #expect(message { try file.count("a") } == "m/config.json: a is missing.")
  }

  @Test func valuesAreReadByType() throws {
    let file = try file([
      "count": 224.0, "positive": 1, "bool": false, "string": "x", "strings": ["y", "z"],
      "activation": "quick_gelu", "member": ["count": 2],
    ])
    #expect(try file.count("count") == 224)
    #expect(try file.positive("positive") == 1)
    #expect(try !file.bool("bool"))
    #expect(try file.string("string") == "x")
    #expect(try file.strings("strings") == ["y", "z"])
    #expect(try file.activation("activation") == .quickGELU)
    #expect(try file.member("member")?.count("count") == 2)
  }

  @Test func aValueThatBreaksItsRuleIsNamedWithItsPath() throws {
    let file = try file([
      "count": 0, "huge": 4_294_967_296, "positive": -1.5, "bool": "yes", "strings": ["y", 1],
      "activation": "mish", "member": [:], "list": [1], "model_type": "gpt2",
    ])
    func says(_ read: (ModelConfigFile) throws -> some Any) -> String { message { try read(file) } }
    #expect(
      says { try $0.count("count") }
        == "m/config.json: count must be a whole number of at least 1; it is 0.")
    #expect(says { try $0.count("huge") }.hasSuffix("it is 4294967296."))
    #expect(
      says { try $0.positive("positive") }
        == "m/config.json: positive must be a positive number; it is -1.5.")
    #expect(
      says { try $0.bool("bool") }
        == "m/config.json: bool must be true or false; it is \"yes\".")
    #expect(
      says { try $0.strings("strings") }
        == "m/config.json: strings must be a list of strings; it is a list of 2.")
    #expect(
      says { try $0.activation("activation") }.hasPrefix(
        "m/config.json: activation must be one of gelu, "))
    #expect(says { try $0.member("list") }.hasSuffix("list must be an object; it is a list of 1."))
    #expect(
      says { try $0.member("member")?.count("inner") } == "m/config.json: member.inner is missing.")
    #expect(
      says { try $0.modelType(among: ["vit", "clip"], kind: "encoder") }
        == "m/config.json: model_type must be vit or clip for this kind of encoder; it is gpt2.")
  }

  @Test func aFileThatHoldsNoObjectIsRefused() {
    #expect(
      message { try ModelConfigFile([1, 2], path: "c") }
        == "c: the file must hold a JSON object; it is a list of 2.")
  }
}
