import Configuration
import Testing

/// What an expression throws, in words.
private func message<Value>(_ body: () throws -> Value) -> String {
  do {
    return "no error, but \(try body())"
  } catch {
    return "\(error)"
  }
}

@Suite struct JSONTests {
  @Test func valuesAreReadWithTheirKinds() throws {
    let value = try JSONValue(
      parsing:
        #" {"a": [1, -2.5e1, true, null, "x\u00e9\n"], "b": {}, "big": 100000000000000000000} "#)
    #expect(value["a"]?.array == [.integer(1), .number(-25), .bool(true), .null, .string("xé\n")])
    #expect(value["b"] == [:])
    #expect(value["a"]?[1]?.int == -25)
    #expect(value["a"]?[0]?.double == 1)
    #expect(value["big"]?.double == 1e20)
    #expect(value["none"] == nil)
  }

  @Test(arguments: [
    ("", "the text ends where a value should stand (at byte 0)"),
    ("{\"a\":1,}", "a string is needed, got \"}\" (at byte 7)"),
    ("[1,]", "a value can't start with \"]\" (at byte 3)"),
    ("{\"a\" 1}", "an object's member needs \":\", got \"1\" (at byte 5)"),
    ("{\"a\":1,\"a\":2}", "an object has the key \"a\" twice (at byte 8)"),
    ("[1 2]", "an array goes on with \"2\" (at byte 3)"),
    ("nul", "a value should be null (at byte 0)"),
    ("1.", "a number has no digit after its point (at byte 2)"),
    ("-", "a value can't start with \"-\" (at byte 0)"),
    ("1e+", "a number has no digit in its exponent (at byte 3)"),
    ("\"\\x\"", "a string holds an unknown escape: \\ before \"x\" (at byte 1)"),
    ("\"\\u12g4\"", "\\u needs four hexadecimal digits (at byte 1)"),
    ("NaN", "a value can't start with \"N\" (at byte 0)"),
    ("{} {}", "the text goes on after its end with \"{\" (at byte 3)"),
  ])
  func everyFaultIsPlacedAndNamed(_ text: String, _ says: String) {
    #expect(message { try JSONValue(parsing: text) } == says)
  }

  @Test func duplicatesAreFoundAmongManyKeys() {
    let members = (0..<1000).map { "\"k\($0)\":\($0)" } + [#""\u006b7":0"#]
    #expect(
      message { try JSONValue(parsing: "{\(members.joined(separator: ","))}") }
        .hasPrefix("an object has the key \"k7\" twice"))
  }

  @Test func quotedTextReadsBack() throws {
    let text = "a\"b\\c\u{0}\u{1F}\n\t/é😀"
    #expect(try JSONValue(parsing: JSONValue.quoted(text)) == .string(text))
  }

  @Test func faultsAreAlsoPlacedByLine() {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\n\"a\": 1,\n}") }
    #expect(error?.line == 3)
  }

  @Test func keysAndTextsAreEqualWhereTheirBytesAre() throws {
    let value = try JSONValue(parsing: #"{"\u00e9": 1, "e\u0301": 2}"#)
    #expect(value["\u{e9}"] == 1)
    #expect(value["e\u{301}"] == 2)
    #expect(JSONValue.string("\u{e9}") != .string("e\u{301}"))
  }

  @Test func membersKeepTheOrderOfTheFile() throws {
    let text = #"{"z":[1,2.5,{"b":null}],"a":"x\"","m":{}}"#
    let value = try JSONValue(parsing: text)
    #expect(value.object?.map(\.key) == ["z", "a", "m"])
    #expect(value.compactText == text)
    #expect(try JSONValue(parsing: value.text()) == value)
  }

  @Test func nestingIsLimited() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSONValue(parsing: nested(128))
    #expect(
      message { try JSONValue(parsing: nested(129)) }
        == "values are nested deeper than 128 (at byte 129)")
  }

  @Test func aNumberBeyondDoubleIsRefused() {
    #expect(
      message { try JSONValue(parsing: "[1e999]") }
        == "the number 1e999 is too large (at byte 1)")
  }

  /// U+0085, U+2028 and U+2029 end a line in YAML 1.1; U+007F and U+FEFF are not printable there.
  @Test func whatYAMLTakesForTheEndOfALineIsEscaped() {
    #expect(
      JSONValue.quoted("a\u{85}\u{2028}\u{2029}\u{7F}\u{FEFF}é")
        == #""a\u0085\u2028\u2029\u007f\ufeffé""#)
  }
}
