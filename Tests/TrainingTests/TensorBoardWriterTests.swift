import Foundation
import Testing

@testable import Training

@Suite struct TensorBoardWriterTests {
  /// Two updates, an epoch's end, an update of the next stage.
  private static let records = [
    TrainingRecord(
      stage: 0, epoch: 0, update: 1, totalUpdate: 1, loss: 3.5, learningRate: 0.001,
      gradientNorm: 2, seconds: 0.25),
    TrainingRecord(
      stage: 0, epoch: 0, update: 2, totalUpdate: 2, loss: 3.25, learningRate: 0.002,
      gradientNorm: 1.5, seconds: 0.5),
    TrainingRecord(
      stage: 0, epoch: 0, update: 2, totalUpdate: 2, validationLoss: 3.125, seconds: 0.75),
    TrainingRecord(
      stage: 1, epoch: 0, update: 298, totalUpdate: 300, loss: 0.25, learningRate: 0.003,
      gradientNorm: 0.5, seconds: 1.5),
  ]

  // RFC 3720, B.4, and the check value of the CRC catalogue.
  @Test(
    arguments: [
      (Array("123456789".utf8), 0xe306_9283), ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
      ([UInt8](repeating: 255, count: 32), 0x62a8_ab43), (Array(0..<32), 0x46dd_794e),
      ([], 0),
    ] as [([UInt8], UInt32)])
  func checksumIsCastagnolis(bytes: [UInt8], expected: UInt32) {
    #expect(CRC32C.checksum(bytes) == expected)
  }

  @Test func checksumsAreMasked() {
    #expect(CRC32C.masked(Array("123456789".utf8)) == 0xc78a_b0e5)
    #expect(CRC32C.masked([]) == 0xa282_ead8)
  }

  /// What TensorBoard 2.21's own RecordWriter makes of an event with step 300 and two scalars.
  @Test func aRecordIsTensorBoardsOwn() {
    let event = bytes(
      "09000000000000f83f10ac022a2b0a0b0a046c6f7373150000803e0a1c0a15737461676520312f6c6561726e696e67"
        + "5f72617465156f12833a")
    let framed = bytes("39000000000000008b0737f1") + event + bytes("8d19986e")
    #expect(TensorBoardWriter.framed(event) == framed)
  }

  @Test func anEventHasTimeStepAndScalars() {
    let record = TrainingRecord(
      stage: 0, epoch: 0, update: 300, totalUpdate: 300, loss: 0.25, learningRate: 0.001,
      seconds: 1.5)
    let event = bytes(
      "09000000000000f83f10ac022a230a0b0a046c6f7373150000803e0a140a0d6c6561726e696e675f7261746515"
        + "6f12833a")
    let all = TensorBoardWriter.bytes(of: [record], stages: 1)
    #expect(all.suffix(event.count + 16) == TensorBoardWriter.framed(event)[...])
  }

  @Test func aLongerLogKeepsWhatWasWritten() {
    let whole = TensorBoardWriter.bytes(of: Self.records, stages: 2)
    for count in Self.records.indices {
      let part = TensorBoardWriter.bytes(of: Array(Self.records.prefix(count)), stages: 2)
      #expect(whole.starts(with: part) && part.count < whole.count)
    }
  }

  /// TensorBoard goes on reading the file that it opened: a new file in its place would stay unseen.
  @Test(arguments: [0, 1, 7, 60]) func theFileGrowsInPlaceWhateverAKilledProgramLeft(cut: Int)
    throws
  {
    let folder = try written(times: 1, count: 3)
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appending(path: TensorBoardWriter.file)
    func fileNumber() throws -> UInt64? {
      try FileManager.default.attributesOfItem(atPath: url.path)[.systemFileNumber] as? UInt64
    }
    let before = try fileNumber()
    let left = try Data(contentsOf: url)
    let handle = try FileHandle(forWritingTo: url)
    try handle.truncate(atOffset: UInt64(left.count - cut))
    // Beyond the checkpoint: an update that will be done again, at another time.
    if cut == 0 { try handle.write(contentsOf: [UInt8](repeating: 1, count: 100)) }
    try handle.close()
    try TensorBoardWriter.write(Self.records, stages: 2, to: folder)
    #expect(
      try Array(Data(contentsOf: url)) == TensorBoardWriter.bytes(of: Self.records, stages: 2))
    #expect(try fileNumber() == before)
    try TensorBoardWriter.write(Array(Self.records.prefix(1)), stages: 2, to: folder)
    #expect(
      try Array(Data(contentsOf: url))
        == TensorBoardWriter.bytes(of: Array(Self.records.prefix(1)), stages: 2))
  }

  @Test func aFolderHasOneFileHoweverOftenItIsWritten() throws {
    let folder = try written(times: 3)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path)
        == [TensorBoardWriter.file])
  }

  @Test(
    .enabled(
      if: python != nil, "Set DRAGOMAN_PYTHON to a Python that has the package tensorboard."))
  func tensorBoardReadsIt() throws {
    let folder = try written(times: 2)
    defer { try? FileManager.default.removeItem(at: folder) }
    let script = """
      import json, sys
      from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
      events = EventAccumulator(sys.argv[1]).Reload()
      print(json.dumps({tag: [[e.step, e.wall_time, e.value] for e in events.Scalars(tag)]
                        for tag in events.Tags()["scalars"]}))
      """
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.python))
    process.arguments = ["-c", script, folder.path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let found = try JSONDecoder().decode([String: [[Double]]].self, from: data)
    func float(_ value: Double) -> Double { Double(Float(value)) }
    #expect(
      found == [
        "stage 1/loss": [[1, 0.25, 3.5], [2, 0.5, 3.25]],
        "stage 1/learning_rate": [[1, 0.25, float(0.001)], [2, 0.5, float(0.002)]],
        "stage 1/gradient_norm": [[1, 0.25, 2], [2, 0.5, 1.5]],
        "stage 1/validation_loss": [[2, 0.75, 3.125]],
        "stage 2/loss": [[300, 1.5, 0.25]], "stage 2/learning_rate": [[300, 1.5, float(0.003)]],
        "stage 2/gradient_norm": [[300, 1.5, 0.5]],
      ])
  }

  private static let python = ProcessInfo.processInfo.environment["DRAGOMAN_PYTHON"]

  private func written(times: Int, count: Int = 4) throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)/tensorboard", directoryHint: .isDirectory)
    for _ in 0..<times {
      try TensorBoardWriter.write(Array(Self.records.prefix(count)), stages: 2, to: folder)
    }
    return folder
  }

  private func bytes(_ hexadecimal: String) -> [UInt8] {
    stride(from: 0, to: hexadecimal.utf8.count, by: 2).compactMap { place in
      let start = hexadecimal.index(hexadecimal.startIndex, offsetBy: place)
      return UInt8(hexadecimal[start..<hexadecimal.index(start, offsetBy: 2)], radix: 16)
    }
  }
}
