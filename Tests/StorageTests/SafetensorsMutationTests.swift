import Foundation
import Testing

@testable import Storage

/// No input crashes the reader or makes it take memory, and whatever it accepts can be read to the end.
///
/// `DRAGOMAN_FUZZ=1000000` makes a million mutations instead of a few thousand.
@Suite struct SafetensorsMutationTests {
  private static let count =
    ProcessInfo.processInfo.environment["DRAGOMAN_FUZZ"].flatMap { Int($0) } ?? 4000

  private static let originals: [[UInt8]] = {
    func entry(_ name: String, _ dtype: String, _ shape: String, _ begin: Int, _ end: Int) -> String
    {
      #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
    }
    let mixed = [
      #""__metadata__":{"format":"pt","é":"\u00e9"}"#, entry("a.weight", "F32", "[2,3]", 0, 24),
      entry("b", "F16", "[4]", 24, 32), entry(#"c\n"#, "I64", "[]", 32, 40),
      entry("e", "F64", "[0]", 40, 40), entry("f", "BF16", "[2]", 40, 44),
    ]
    let many = (0..<12).map { entry("layer.\($0).norm", "U8", "[1]", $0, $0 + 1) }
    let members =
      entry("x", "F8_E4M3", "[2,2]", 0, 4).dropLast() + #","more":[{"k":[1e3,null]},true]}"#
    return [
      safetensors("{\(mixed.joined(separator: ","))}", data: (0..<44).map { UInt8($0) }),
      safetensors("{\(many.joined(separator: ","))}", data: (0..<12).map { UInt8($0) }),
      safetensors("{\(members)}    ", data: [1, 2, 3, 4]),
      safetensors("{}"),
    ]
  }()

  @Test func mutatedFilesAreRefusedOrRead() throws {
    var random = SeededGenerator(seed: 2)
    var accepted = 0
    for index in 0..<Self.count {
      let bytes = Self.mutated(Self.originals[index % Self.originals.count], &random)
      do {
        let file = try SafetensorsFile(content: bytes, name: "/mutated")
        accepted += 1
        guard try Self.readsToTheEnd(file, of: bytes) else {
          Issue.record("accepted but not readable: \(bytes)")
          return
        }
      } catch let error as SafetensorsError {
        if !error.description.contains("/mutated") { Issue.record("no name in \(error)") }
      }
    }
    // Some mutations hit only the data: both outcomes must occur for the test to mean anything.
    #expect(accepted * 100 > Self.count && accepted * 2 < Self.count, "\(accepted) accepted")
  }

  /// In a process of its own: other tests of this one take memory too.
  @Test func mutatedFilesTakeNoMemory() async {
    await #expect(processExitsWith: .success) {
      let memory = SafetensorsMutationTests.peakMemory
      try SafetensorsMutationTests().mutatedFilesAreRefusedOrRead()
      let grown = SafetensorsMutationTests.peakMemory - memory
      #expect(grown < 64 << 20, "\(grown) bytes")
    }
  }

  private static func readsToTheEnd(_ file: SafetensorsFile, of bytes: [UInt8]) throws -> Bool {
    _ = file.metadata
    for name in file.names {
      guard let info = file.info(name), info.byteRange.upperBound <= bytes.count,
        try file.bytes(name).count == info.byteRange.count
      else { return false }
      if info.dtype.floatSource != nil, try file.floats(name).count != info.count { return false }
    }
    return true
  }

  /// The most memory this process has held, in bytes.
  private static var peakMemory: Int {
    var usage = rusage()
    #if os(Linux)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
    #else
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
    #endif
  }

  private static let alphabet: [UInt8] =
    Array(#"{}[]",:\0123456789-+.eEtrufalsn "#.utf8) + [0, 0x7F, 0x80, 0xC3, 0xFF]

  private static func mutated(_ original: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let position = Int.random(in: 0..<max(1, bytes.count), using: &random)
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[position] = .random(in: .min ... .max, using: &random)
      case 1: bytes[position] = alphabet.randomElement(using: &random) ?? 0
      case 2: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: position)
      case 3: bytes.remove(at: position)
      case 4: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 5:
        // A number of another length: where sizes overflow.
        let digits = Array(String(UInt64.random(in: .min ... .max, using: &random)).utf8)
        bytes.replaceSubrange(
          position..<min(bytes.count, position + 1),
          with: digits.prefix(Int.random(in: 1...20, using: &random)))
      default:
        let end = min(bytes.count, position + Int.random(in: 1...80, using: &random))
        bytes.insert(contentsOf: bytes[position..<end], at: position)
      }
      if bytes.isEmpty { bytes = [0] }
    }
    // Half of the time the size in front is made right again, so that the header is read.
    if bytes.count > 8, Bool.random(using: &random) {
      let closing = bytes.lastIndex(of: UInt8(ascii: "}")) ?? bytes.count - 1
      if closing >= 8 {
        withUnsafeBytes(of: UInt64(closing - 7).littleEndian) {
          bytes.replaceSubrange(0..<8, with: $0)
        }
      }
    }
    return bytes
  }
}
