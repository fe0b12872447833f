import Foundation
import Testing

@testable import Storage

@Suite struct JSONTests {
  @Test func valuesAreReadWithTheirKinds() throws {
    let value = try JSONValue(
      parsing:
        #" {"a": [1, -2.5e1, true, null, "x\u00e9\n"], "b": {}, "big": 100000000000000000000} "#)
    #expect(value["a"]?.array == [.integer(1), .number(-25), .bool(true), .null, .string("xé\n")])
    #expect(value["b"]?.object == [:])
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
    #expect(try JSONValue(parsing: JSONText.quoted(text)) == .string(text))
  }
}
