import Configuration

/// One tensor as the header states it; offsets into the header instead of copies keep it small.
struct SafetensorsEntry {
  private let nameStart: UInt32
  private let nameEnd: UInt32
  /// Where the value of `shape` stands in the header.
  private let shapeOffset: UInt32
  private let nameHasEscapes: Bool
  let dtype: SafetensorsDType
  /// Bytes from the start of the data.
  let begin: Int
  let end: Int

  var name: JSONScanner.RawString {
    JSONScanner.RawString(range: Int(nameStart)..<Int(nameEnd), hasEscapes: nameHasEscapes)
  }

  func shape(in header: UnsafeRawBufferPointer) -> [Int] {
    var scanner = JSONScanner(header, at: Int(shapeOffset))
    var shape: [Int] = []
    // It was checked when the file was opened, so this can't throw.
    try? scanner.array { scanner throws(JSONError) in shape.append(try scanner.count()) }
    return shape
  }

  struct Header {
    let entries: [SafetensorsEntry]
    let byName: [UInt32]
    let metadataOffset: Int?
  }

  /// Reads a header and checks each entry by itself.
  static func parse(
    _ header: UnsafeRawBufferPointer
  ) throws(SafetensorsError.Problem) -> Header {
    var scanner = JSONScanner(header)
    var entries: [SafetensorsEntry] = []
    var metadataOffset: Int?
    var problem: SafetensorsError.Problem?
    do throws(JSONError) {
      guard header.first == UInt8(ascii: "{") else {
        throw scanner.failure("the header must start with \"{\"")
      }
      try scanner.object { scanner, name throws(JSONError) in
        if scanner.isEqual(name, "__metadata__") {
          _ = scanner.peek()
          metadataOffset = scanner.offset
          try scanner.object { scanner, _ throws(JSONError) in _ = try scanner.string() }
        } else {
          let fields = try Fields(reading: &scanner)
          do throws(SafetensorsError.Problem) {
            entries.append(try SafetensorsEntry(name: name, fields: fields, scanner: scanner))
          } catch {
            problem = error
            throw scanner.failure("")  // replaced by `problem`
          }
        }
      }
      try scanner.end()
    } catch {
      throw problem ?? .header(error)
    }
    entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    let byName = (0..<UInt32(entries.count)).sorted {
      scanner.compare(entries[Int($0)].name, entries[Int($1)].name) < 0
    }
    return Header(entries: entries, byName: byName, metadataOffset: metadataOffset)
  }

  /// The members of an entry, each by itself well-formed.
  private struct Fields {
    var dtype: JSONScanner.RawString?
    var shapeOffset: Int?
    var offsets: (count: Int, begin: Int, end: Int)?

    init(reading scanner: inout JSONScanner) throws(JSONError) {
      var dtype: JSONScanner.RawString?
      var shapeOffset: Int?
      var offsets: (count: Int, begin: Int, end: Int)?
      try scanner.object { scanner, key throws(JSONError) in
        if scanner.isEqual(key, "dtype") {
          dtype = try scanner.string()
        } else if scanner.isEqual(key, "shape") {
          _ = scanner.peek()
          shapeOffset = scanner.offset
          try scanner.array { scanner throws(JSONError) in _ = try scanner.count() }
        } else if scanner.isEqual(key, "data_offsets") {
          var read = (count: 0, begin: 0, end: 0)
          try scanner.array { scanner throws(JSONError) in
            let value = try scanner.count()
            if read.count == 0 { read.begin = value } else { read.end = value }
            read.count += 1
          }
          offsets = read
        } else {
          // Members that a later version of the format may add.
          try scanner.skip()
        }
      }
      self.dtype = dtype
      self.shapeOffset = shapeOffset
      self.offsets = offsets
    }
  }

  private init(
    name: JSONScanner.RawString, fields: Fields, scanner: JSONScanner
  ) throws(SafetensorsError.Problem) {
    func bad(_ rule: String) -> SafetensorsError.Problem {
      .tensor(name: scanner.text(name), rule: rule)
    }
    guard let typeName = fields.dtype else { throw bad("it has no dtype") }
    guard let shapeOffset = fields.shapeOffset else { throw bad("it has no shape") }
    guard let offsets = fields.offsets else { throw bad("it has no data_offsets") }
    let typeText = scanner.text(typeName)
    guard let dtype = SafetensorsDType(rawValue: typeText) else {
      throw bad("the dtype \"\(typeText)\" is not known")
    }
    guard offsets.count == 2 else {
      throw bad("data_offsets needs a begin and an end, got \(offsets.count) numbers")
    }
    guard offsets.begin <= offsets.end else {
      throw bad("its data_offsets [\(offsets.begin), \(offsets.end)] run backwards")
    }
    nameStart = UInt32(name.range.lowerBound)
    nameEnd = UInt32(name.range.upperBound)
    nameHasEscapes = name.hasEscapes
    self.shapeOffset = UInt32(shapeOffset)
    self.dtype = dtype
    begin = offsets.begin
    end = offsets.end

    var bits = dtype.bits
    var overflow = false
    var shapeScanner = JSONScanner(scanner.bytes, at: shapeOffset)
    try? shapeScanner.array { scanner throws(JSONError) in
      let (product, overflows) = bits.multipliedReportingOverflow(by: try scanner.count())
      bits = product
      overflow = overflow || overflows
    }
    guard !overflow else { throw bad("the size of its shape does not fit 63 bits") }
    guard bits % 8 == 0 else { throw bad("its \(dtype.rawValue) values do not fill whole bytes") }
    guard bits / 8 == end - begin else {
      let shape = shape(in: scanner.bytes)
      throw bad(
        "\(dtype.rawValue) of shape \(shape) takes \(bits / 8) bytes, its data_offsets "
          + "[\(begin), \(end)] hold \(end - begin)")
    }
  }

  /// Checks that the entries, in the order of their data, cover it exactly once.
  static func checkCover(
    _ entries: [SafetensorsEntry], header: UnsafeRawBufferPointer, dataCount: Int, fileCount: Int
  ) throws(SafetensorsError.Problem) {
    let scanner = JSONScanner(header)
    var used = 0
    for (i, entry) in entries.enumerated() {
      if entry.begin < used {
        throw .overlap(
          first: scanner.text(entries[i - 1].name), second: scanner.text(entry.name))
      }
      if entry.begin > used {
        throw .hole(from: used, to: entry.begin, before: scanner.text(entry.name))
      }
      used = entry.end
    }
    let needed = (fileCount - dataCount).addingReportingOverflow(used)
    guard used <= dataCount else {
      throw .truncated(size: fileCount, needed: needed.overflow ? Int.max : needed.partialValue)
    }
    guard used == dataCount else { throw .unusedEnd(data: dataCount, used: used) }
  }
}
