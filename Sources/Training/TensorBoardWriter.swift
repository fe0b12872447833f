import Foundation
import Storage

/// The training log as an event file that TensorBoard reads.
///
/// Format: records framed as TFRecords, each an `Event` message of `tensorflow/core/util/event.proto`: the
/// version first, then one event for each line of the log. The file is made of the log alone: a resumed
/// training repeats no step. It grows in place, since TensorBoard goes on reading the file that it opened and
/// would never see one that takes its name; what a killed program left torn or too long is cut off.
public enum TensorBoardWriter {
  /// Beside `log.jsonl`.
  public static let folder = "tensorboard"
  static let file = "events.out.tfevents.dragoman"

  /// - Parameters:
  ///   - stages: of the training, so that a tag keeps its name when the next stage begins.
  ///   - folder: made if it is not there.
  /// - Throws: `FileError`.
  public static func write(
    _ records: [TrainingRecord], stages: Int, to folder: URL
  ) throws {
    try AtomicFile.ensureFolder(folder)
    let url = folder.appending(path: file)
    let whole = bytes(of: records, stages: stages)
    do {
      let old =
        FileManager.default.fileExists(atPath: url.path) ? try Data(contentsOf: url) : Data()
      let kept = zip(old, whole).prefix { $0 == $1 }.count
      if old.isEmpty { try Data().write(to: url) }
      let handle = try FileHandle(forWritingTo: url)
      try handle.truncate(atOffset: UInt64(kept))
      try handle.write(contentsOf: whole[kept...])
      try handle.close()
    } catch {
      throw FileError(path: url.path, operation: .write, cause: FileError.cause(of: error))
    }
  }

  static func bytes(of records: [TrainingRecord], stages: Int) -> [UInt8] {
    records.reduce(into: framed(version)) { bytes, record in
      bytes += framed(event(of: record, stages: stages))
    }
  }

  /// Its step counts the updates of all stages; its time is that of the training so far, in seconds, so that
  /// equal logs make equal files.
  private static func event(of record: TrainingRecord, stages: Int) -> [UInt8] {
    let prefix = stages > 1 ? "stage \(record.stage + 1)/" : ""
    let scalars = [
      ("loss", record.loss), ("learning_rate", record.learningRate),
      ("gradient_norm", record.gradientNorm), ("validation_loss", record.validationLoss),
    ]
    var summary = ProtocolBuffer()
    for case (let tag, let value?) in scalars {
      var scalar = ProtocolBuffer()
      scalar.append(1, prefix + tag)
      scalar.append(2, Float(value))
      summary.append(1, scalar.bytes)
    }
    var event = ProtocolBuffer()
    event.append(1, record.seconds)
    event.append(2, UInt64(record.totalUpdate))
    event.append(5, summary.bytes)
    return event.bytes
  }

  private static var version: [UInt8] {
    var event = ProtocolBuffer()
    event.append(1, 0.0)
    event.append(3, "brain.Event:2")
    return event.bytes
  }

  /// A TFRecord: length, its checksum, content, its checksum; little-endian.
  static func framed(_ content: [UInt8]) -> [UInt8] {
    let length = littleEndianBytes(UInt64(content.count))
    return length + littleEndianBytes(CRC32C.masked(length)) + content
      + littleEndianBytes(CRC32C.masked(content))
  }
}

/// A protocol buffer's message in its wire format, as far as events need it.
private struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ field: UInt64, _ value: Double) {
    append(key: field, wireType: 1)
    bytes += littleEndianBytes(value.bitPattern)
  }

  mutating func append(_ field: UInt64, _ value: Float) {
    append(key: field, wireType: 5)
    bytes += littleEndianBytes(value.bitPattern)
  }

  mutating func append(_ field: UInt64, _ value: UInt64) {
    append(key: field, wireType: 0)
    append(variable: value)
  }

  mutating func append(_ field: UInt64, _ text: String) { append(field, Array(text.utf8)) }

  /// A string or a message.
  mutating func append(_ field: UInt64, _ content: [UInt8]) {
    append(key: field, wireType: 2)
    append(variable: UInt64(content.count))
    bytes += content
  }

  private mutating func append(key field: UInt64, wireType: UInt64) {
    append(variable: field << 3 | wireType)
  }

  /// Seven bits a byte, lowest first; all but the last have the eighth bit set.
  private mutating func append(variable value: UInt64) {
    var rest = value
    while rest > 0x7f {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The checksum of Castagnoli's polynomial (RFC 3720, appendix B.4).
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1
    }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    let table = table
    return ~bytes.reduce(~0) { value, byte in
      value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
    }
  }

  /// As TFRecords keep it: turned and shifted, since a checksum of data with checksums in it is weak.
  static func masked(_ bytes: [UInt8]) -> UInt32 {
    let value = checksum(bytes)
    return (value >> 15 | value << 17) &+ 0xa282_ead8
  }
}

private func littleEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
