import Foundation
import Tensors
import TestSupport
import Testing

@testable import Storage

@Suite("Weights read from a file into a store")
struct WeightFormatTests {
  /// A safetensors file of one tensor, its bytes given.
  private func file(_ dtype: String, count: Int, _ bytes: [UInt8]) throws -> SafetensorsFile {
    let header = Data(
      #"{"w":{"dtype":"\#(dtype)","shape":[\#(count)],"data_offsets":[0,\#(bytes.count)]}}"#.utf8)
    var content = Data()
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { content.append(contentsOf: $0) }
    content.append(header)
    content.append(contentsOf: bytes)
    let url = FileManager.default.temporaryDirectory.appending(
      path: "\(UUID().uuidString).safetensors")
    try content.write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try SafetensorsFile(url)
  }

  private func read(
    _ file: SafetensorsFile, count: Int, into precision: ComputePrecision
  ) throws -> [UInt32] {
    let store = ParameterStore(matrices: precision)
    let weight = try store.addMatrix("w", shape: [count]) { try file.read("w", into: $0) }
    return weight.values.map(\.bitPattern)
  }

  @Test("bfloat16 on disk is bfloat16 in memory, every one of its numbers")
  func bfloat16() throws {
    let bits = (0...UInt16.max).map { $0 }
    let bytes = bits.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let file = try file("BF16", count: bits.count, bytes)
    let expected = bits.map { UInt32($0) << 16 }
    #expect(try read(file, count: bits.count, into: .bfloat16) == expected)
    #expect(try read(file, count: bits.count, into: .float32) == expected)
  }

  @Test("float32 and float16 on disk are rounded to nearest even")
  func rounded() throws {
    let patterns: [(UInt32, UInt32)] = [
      (0x3F80_0000, 0x3F80_0000), (0x3F80_8000, 0x3F80_0000), (0x3F81_8000, 0x3F82_0000),
      (0x3F80_8001, 0x3F81_0000), (0xBF80_7FFF, 0xBF80_0000), (0x7F7F_FFFF, 0x7F80_0000),
    ]
    let bytes = patterns.flatMap { pattern, _ in (0..<4).map { UInt8(pattern >> (8 * $0) & 0xFF) } }
    #expect(
      try read(file("F32", count: patterns.count, bytes), count: patterns.count, into: .bfloat16)
        == patterns.map(\.1))
    // 1.00390625 and 1.01171875 lie between two bfloat16 numbers, 1 + 2⁻¹⁰ nearer to the lower one.
    let halves: [(UInt16, Float)] = [
      (0x3C04, 1), (0x3C0C, 1.015625), (0x3C01, 1), (0x3C05, 1.0078125),
    ]
    let halfBytes = halves.flatMap { [UInt8($0.0 & 0xFF), UInt8($0.0 >> 8)] }
    #expect(
      try read(file("F16", count: halves.count, halfBytes), count: halves.count, into: .bfloat16)
        == halves.map(\.1.bitPattern))
  }

  @Test("a count that does not fit and a type that is none of numbers are refused in either format")
  func refused() throws {
    for precision in ComputePrecision.allCases {
      #expect(throws: SafetensorsError.self) {
        try read(file("BF16", count: 2, [0, 0, 0, 0]), count: 3, into: precision)
      }
      #expect(throws: SafetensorsError.self) {
        try read(file("I16", count: 2, [0, 0, 0, 0]), count: 2, into: precision)
      }
    }
  }
}
