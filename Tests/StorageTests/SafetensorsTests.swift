import Foundation
import TestSupport
import Testing

@testable import Storage

/// A file of the safetensors format from a header's text and its data.
func safetensors(_ header: String, data: [UInt8] = [], size: UInt64? = nil) -> [UInt8] {
  let text = Array(header.utf8)
  return withUnsafeBytes(of: (size ?? UInt64(text.count)).littleEndian) { Array($0) } + text + data
}

@Suite struct SafetensorsReadingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
    try SafetensorsFile(try folder.write(bytes, "model.safetensors"))
  }

  @Test func everyFloatTypeIsConverted() throws {
    let header =
      #"{"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"#
      + #""b":{"dtype":"BF16","shape":[1,2],"data_offsets":[6,10]},"#
      + #""f":{"dtype":"F32","shape":[1],"data_offsets":[10,14]},"#
      + #""d":{"dtype":"F64","shape":[],"data_offsets":[14,22]}}"#
    var data: [UInt8] = [0x00, 0x3E, 0xFF, 0xFB, 0x01, 0x00]  // 1.5, −65504, the least subnormal
    data += [0x80, 0x3F, 0x20, 0xC0]  // 1, −2.5
    data += withUnsafeBytes(of: Float(0.1)) { Array($0) } + withUnsafeBytes(of: 1e-3) { Array($0) }
    let file = try open(safetensors(header, data: data))
    #expect(file.names == ["h", "b", "f", "d"])
    #expect(try file.floats("h") == [1.5, -65504, 0x1p-24])
    #expect(try file.floats("b") == [1, -2.5])
    #expect(try file.floats("f") == [0.1])
    #expect(try file.floats("d") == [1e-3])
    #expect(file.info("d")?.shape == [])
    #expect(
      file.info("b")
        == .init(
          dtype: .bf16, shape: [1, 2],
          byteRange: 8 + header.utf8.count + 6..<8 + header.utf8.count + 10))
    #expect(file.info("x") == nil)
    #expect(try file.withBytes("b") { Array($0) } == [0x80, 0x3F, 0x20, 0xC0])
  }

  @Test func integersAndBooleansAreRead() throws {
    let header =
      #"{"i":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"#
      + #""s":{"dtype":"I8","shape":[2],"data_offsets":[16,18]},"#
      + #""t":{"dtype":"BOOL","shape":[3],"data_offsets":[18,21]}}  "#
    let data: [UInt8] =
      [7, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8) + [0x80, 0x7F] + [1, 0, 1]
    let file = try open(safetensors(header, data: data))
    #expect(try file.int64s("i") == [7, -1])
    #expect(try file.int64s("s") == [-128, 127])
    #expect(try file.int64s("t") == [1, 0, 1])
    #expect(
      message { try file.floats("i") }
        == "The tensor \"i\" in \(file.url.path) is I64; F32, F16, BF16 or F64 is needed.")
  }

  @Test func aMissingTensorSuggestsSimilarNames() throws {
    let header =
      #"{"model.norm.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"#
      + #""lm_head":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#
    let file = try open(safetensors(header))
    #expect(
      message { try file.floats("model.norm.weights") }
        == "The safetensors file \(file.url.path) has no tensor \"model.norm.weights\". "
        + "Similar names: \"model.norm.weight\".")
  }

  @Test func aBufferOfAnotherSizeIsRefused() throws {
    let file = try open(
      safetensors(
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"f":{"dtype":"F16","shape":[2,1],"data_offsets":[2,6]}}"#,
        data: [1, 2, 3, 4, 5, 6]))
    var room = [Float](repeating: 0, count: 3)
    #expect(
      message { try room.withUnsafeMutableBufferPointer { try file.read("f", into: $0) } }
        == "The tensor \"f\" in \(file.url.path) has shape [2, 1], which does not fill a buffer of "
        + "3 values.")
  }

  @Test func namesAndMetadataMayHoldEscapes() throws {
    let header =
      #"{"__metadata__":{"no\tte":"\u00fc\ud83d\ude00"},"#
      + #""a\u002eb":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"later":{"x":[1,null]}}}"#
    let file = try open(safetensors(header, data: [0, 0, 0x80, 0x3F]))
    #expect(file.metadata == ["no\tte": "ü😀"])
    #expect(try file.floats("a.b") == [1])
  }

  struct Bad: CustomTestStringConvertible {
    let bytes: [UInt8]
    let says: String
    var testDescription: String { says }

    init(_ bytes: [UInt8], _ says: String) {
      self.bytes = bytes
      self.says = says
    }
  }

  private static func entry(_ name: String, _ dtype: String, _ shape: String, _ offsets: String)
    -> String
  {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  static let bad: [Bad] = [
    Bad([1, 2, 3], "is truncated: it has 3 bytes and needs 8"),
    Bad(safetensors("{}", size: 100), "is truncated: it has 10 bytes and needs 108"),
    Bad(
      safetensors("{}", size: 100_000_001),
      "a header of 100000001 bytes; the format allows 100000000"),
    Bad(safetensors("{}", size: .max), "a header of 9223372036854775807 bytes"),
    Bad(safetensors(""), "the header must start with \"{\" (at byte 0)"),
    Bad(safetensors(" {}"), "the header must start with \"{\" (at byte 0)"),
    Bad(safetensors("[]"), "the header must start with \"{\""),
    Bad(safetensors("{}x"), "the text goes on after its end with \"x\" (at byte 2)"),
    Bad(safetensors("{}", data: [0]), "it holds 1 bytes of data, its tensors end at 0"),
    Bad(
      safetensors("{\(entry("a", "F32", "[1]", "[0,4]"))}", data: [0, 0]),
      "is truncated: it has 64 bytes and needs 66"),
    Bad(
      safetensors(
        "{\(entry("a", "F32", "[1]", "[0,4]")),\(entry("a", "F32", "[1]", "[4,8]"))}",
        data: [UInt8](repeating: 0, count: 8)),
      "an object has the key \"a\" twice"),
    Bad(
      safetensors(
        "{\(entry("a", "U8", "[1]", "[0,1]")),\(entry(#"\u0061"#, "U8", "[1]", "[1,2]"))}",
        data: [0, 0]),
      "an object has the key \"a\" twice"),
    Bad(safetensors(#"{"__metadata__":{"k":"1","k":"2"}}"#), "an object has the key \"k\" twice"),
    Bad(safetensors(#"{"__metadata__":{"k":1}}"#), "a string is needed, got \"1\""),
    Bad(
      safetensors(
        "{\(entry("a", "U8", "[1]", "[0,1]")),\(entry("b", "U8", "[1]", "[2,3]"))}",
        data: [0, 0, 0]),
      "bytes 1..<2 of its data, before the tensor \"b\", belong to no tensor"),
    Bad(
      safetensors("{\(entry("a", "U8", "[1]", "[1,2]"))}", data: [0, 0]),
      "bytes 0..<1 of its data, before the tensor \"a\", belong to no tensor"),
    Bad(
      safetensors(
        "{\(entry("a", "U8", "[2]", "[0,2]")),\(entry("b", "U8", "[2]", "[1,3]"))}",
        data: [0, 0, 0]),
      "the tensors \"a\" and \"b\" overlap"),
    Bad(
      safetensors(
        "{\(entry("a", "U8", "[1]", "[0,1]")),\(entry("b", "U8", "[1]", "[0,1]"))}", data: [0]),
      "the tensors \"a\" and \"b\" overlap"),
    Bad(
      safetensors(
        "{\(entry("a", "F32", "[2,3]", "[0,20]"))}", data: [UInt8](repeating: 0, count: 20)),
      "F32 of shape [2, 3] takes 24 bytes, its data_offsets [0, 20] hold 20"),
    Bad(
      safetensors(
        "{\(entry("a", "F32", "[4294967296,4294967296]", "[0,4]"))}", data: [0, 0, 0, 0]),
      "the size of its shape does not fit 63 bits"),
    Bad(
      safetensors("{\(entry("a", "F32", "[18446744073709551617]", "[0,4]"))}", data: [0, 0, 0, 0]),
      "an integer does not fit 63 bits"),
    Bad(
      safetensors("{\(entry("a", "F32", "[-1]", "[0,4]"))}"),
      "an integer of at least 0 is needed, got \"-\""),
    Bad(
      safetensors("{\(entry("a", "F32", "[1.0]", "[0,4]"))}"),
      "an integer is needed, got a fraction"),
    Bad(safetensors("{\(entry("a", "F32", "[01]", "[0,4]"))}"), "an array goes on with \"1\""),
    Bad(
      safetensors("{\(entry("a", "F32", "[1]", "[4,0]"))}"), "its data_offsets [4, 0] run backwards"
    ),
    Bad(
      safetensors("{\(entry("a", "F32", "[1]", "[0,4,4]"))}"),
      "needs a begin and an end, got 3 numbers"),
    Bad(
      safetensors("{\(entry("a", "FLOAT", "[1]", "[0,4]"))}"), "the dtype \"FLOAT\" is not known"),
    Bad(
      safetensors("{\(entry("a", "F4", "[1]", "[0,0]"))}"), "its F4 values do not fill whole bytes"),
    Bad(safetensors(#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#), "it has no dtype"),
    Bad(safetensors(#"{"a":{"dtype":"U8","data_offsets":[0,4]}}"#), "it has no shape"),
    Bad(safetensors(#"{"a":{"dtype":"U8","shape":[1]}}"#), "it has no data_offsets"),
    Bad(
      safetensors(
        #"{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: [0]),
      "an object has the key \"dtype\" twice"),
    Bad(safetensors(#"{"a":1}"#), "an object needs \"{\", got \"1\""),
    Bad(safetensors("{\"\u{1}\":{}}"), "a string holds the control character 1"),
    Bad(Array(safetensors("{").dropLast()) + [], "is truncated"),
    Bad([3, 0, 0, 0, 0, 0, 0, 0] + [0x7B, 0x22, 0x61], "a string does not end"),
    Bad(
      [8, 0, 0, 0, 0, 0, 0, 0] + [0x7B, 0x22, 0xC0, 0xAF, 0x22, 0x3A, 0x30, 0x7D],
      "a string is not valid UTF-8"),
    Bad(safetensors(#"{"\ud800":{}}"#), "a string holds half a surrogate pair"),
    Bad(
      safetensors("{\"a\":" + String(repeating: "[", count: 2000)),
      "an object needs \"{\", got \"[\""),
    Bad(
      safetensors(#"{"a":{"x":"# + String(repeating: "[", count: 2000)),
      "values are nested deeper than 128"),
  ]

  @Test(arguments: bad) func everyRuleOfTheFormatIsHeld(_ bad: Bad) throws {
    let said = message { try open(bad.bytes) }
    #expect(said.contains(bad.says), "said: \(said)")
    #expect(said.contains(folder.file("model.safetensors").path))
  }

  @Test func aFileThatIsNotThereIsNamed() {
    #expect(
      message { try SafetensorsFile(folder.file("none.safetensors")) }
        == "Cannot read the safetensors file \(folder.file("none.safetensors").path): "
        + "No such file or directory.")
    #expect(
      message { try SafetensorsFile(folder.url) }.contains("it is a folder or device, not a file"))
  }

  @Test func emptyTensorsTakeNoBytes() throws {
    let header =
      "{\(Self.entry("e", "F32", "[0,9223372036854775807]", "[1,1]")),"
      + "\(Self.entry("a", "U8", "[1]", "[0,1]")),\(Self.entry("z", "F16", "[3,0]", "[0,0]"))}"
    let file = try open(safetensors(header, data: [5]))
    #expect(try file.floats("e") == [])
    #expect(try file.bytes("a") == [5])
    #expect(file.names == ["z", "a", "e"])
  }

  @Test func manyTensorsAreFoundByName() throws {
    let names = (0..<5000).map { "layer.\($0 &* 7919 % 5000).weight" }
    let entries = names.enumerated().map { Self.entry($1, "U8", "[1]", "[\($0),\($0 + 1)]") }
    let data = names.indices.map { UInt8(truncatingIfNeeded: $0) }
    let file = try open(safetensors("{\(entries.joined(separator: ","))}", data: data))
    #expect(file.names == names)
    for (index, name) in names.enumerated() {
      #expect(try file.bytes(name) == [UInt8(truncatingIfNeeded: index)])
    }
  }
}

@Suite struct SafetensorsWritingTests {
  /// What Python's safetensors 0.8 writes for these tensors.
  private static let reference =
    "cAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCIsIm5vdGUiOiJhIFwicXVvdGVkXCIgw7xcbiJ9LCJz"
    + "dGVwIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMCwxNl19LCJlbXB0eSI6eyJkdHlw"
    + "ZSI6IkYzMiIsInNoYXBlIjpbMCwzXSwiZGF0YV9vZmZzZXRzIjpbMTYsMTZdfSwibGluZWFyLndlaWdodCI6eyJkdHlw"
    + "ZSI6IkYzMiIsInNoYXBlIjpbMiwzXSwiZGF0YV9vZmZzZXRzIjpbMTYsNDBdfSwic2NhbGFyIjp7ImR0eXBlIjoiRjMy"
    + "Iiwic2hhcGUiOltdLCJkYXRhX29mZnNldHMiOls0MCw0NF19LCJub3JtIjp7ImR0eXBlIjoiRjE2Iiwic2hhcGUiOlsz"
    + "XSwiZGF0YV9vZmZzZXRzIjpbNDQsNTBdfX0gICAgIAcAAAAAAAAA9/////////8AAIA/AAAAQAAAQEAAAAC/AACAPm8S"
    + "gzoAAABAAD7/ewEA"

  private static let tensors: [SafetensorsTensor] = [
    .init(name: "empty", shape: [0, 3], values: .float32([])),
    .init(name: "linear.weight", shape: [2, 3], values: .float32([1, 2, 3, -0.5, 0.25, 1e-3])),
    .init(name: "norm", shape: [3], values: .float16([1.5, 65504, 6e-8])),
    .init(name: "scalar", shape: [], values: .float32([2])),
    .init(name: "step", shape: [2], values: .int64([7, -9])),
  ]

  @Test func theBytesAreThoseOfThePythonWriter() throws {
    let folder = try TemporaryFolder()
    let url = folder.file("golden.safetensors")
    try Safetensors.write(
      Self.tensors, metadata: ["note": "a \"quoted\" ü\n", "format": "pt"], to: url)
    #expect(try Data(contentsOf: url).base64EncodedString() == Self.reference)
    #expect(folder.names == ["golden.safetensors"])
  }

  @Test func whatIsWrittenReadsBack() throws {
    let folder = try TemporaryFolder()
    let url = folder.file("a.safetensors")
    var random = SeededGenerator(seed: 11)
    let values = (0..<3 * 100_000).map { _ in Float.random(in: -3...3, using: &random) }
    try Safetensors.write([("big", [3, 100_000], values), ("b", [1], [4])], to: url)
    let file = try SafetensorsFile(url)
    #expect(try file.floats("big") == values)
    #expect(try file.floats("b") == [4])
    #expect(file.info("big")?.shape == [3, 100_000])
    #expect((file.info("big")?.byteRange.lowerBound ?? 1) % 8 == 0)
    #expect(file.metadata.isEmpty)
  }
}
