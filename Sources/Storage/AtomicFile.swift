import Foundation

/// Files and folders that appear whole or not at all, even if the program is killed or the power fails.
///
/// The content goes to a temporary name in the same folder, is forced to the disk, and takes its final
/// name in one step; then the folder itself is forced to the disk. What a killed program leaves behind
/// is named `.NAME.PID-NUMBER.partial`, and ``removePartials(in:)`` clears it away.
public enum AtomicFile {
  /// Writes or replaces a file.
  ///
  /// - Throws: ``FileError`` with the file's name and the system's cause, for example "No space left on
  ///   device". The old file, if any, is then untouched, and nothing half-written stays.
  public static func write(_ data: Data, to url: URL) throws(FileError) {
    try write(to: url) { writer throws(FileError) in try writer.append(data) }
  }

  /// Writes or replaces a file with the text's UTF-8 bytes.
  public static func write(_ text: String, to url: URL) throws(FileError) {
    try write(Data(text.utf8), to: url)
  }

  public static func write(_ bytes: [UInt8], to url: URL) throws(FileError) {
    try write(to: url) { writer throws(FileError) in try writer.append(bytes) }
  }

  /// Writes or replaces a file piece by piece.
  public static func write(
    to url: URL, _ body: (inout AtomicFileWriter) throws(FileError) -> Void
  ) throws(FileError) {
    try write(to: url, creating: create, body)
  }

  /// The form that tests use to put a real, full device in the new file's place.
  static func write(
    to url: URL, creating create: (String) -> Int32,
    _ body: (inout AtomicFileWriter) throws(FileError) -> Void
  ) throws(FileError) {
    let partial = partialURL(for: url)
    let descriptor = create(partial.path)
    guard descriptor >= 0 else { throw FileError(path: url.path, operation: .write, errno: errno) }
    var isOpen = true
    do throws(FileError) {
      var writer = AtomicFileWriter(descriptor: descriptor, path: url.path)
      try body(&writer)
      try writer.flush()
      guard synchronize(descriptor) else {
        throw FileError(path: url.path, operation: .write, errno: errno)
      }
      isOpen = false
      guard close(descriptor) == 0 else {
        throw FileError(path: url.path, operation: .write, errno: errno)
      }
      try move(partial, to: url)
    } catch {
      if isOpen { close(descriptor) }
      unlink(partial.path)
      throw error
    }
  }

  private static func create(_ path: String) -> Int32 {
    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  }

  /// A fresh temporary name beside `url`, for content that something else writes (HDF5, for one).
  public static func partialURL(for url: URL) -> URL {
    let number = UInt32.random(in: .min ... .max)
    let process = ProcessInfo.processInfo.processIdentifier
    return url.deletingLastPathComponent().appending(
      path: ".\(url.lastPathComponent).\(process)-\(number).partial")
  }

  /// Forces a finished, closed file to the disk and gives it its final name: the second half of
  /// ``write(_:to:)``, for a file that something else wrote at ``partialURL(for:)``.
  public static func commit(_ partial: URL, to url: URL) throws(FileError) {
    do throws(FileError) {
      try synchronize(partial, reportingAs: url)
      try move(partial, to: url)
    } catch {
      unlink(partial.path)
      throw error
    }
  }

  /// Fills a new folder under a temporary name and gives it its final name in one step.
  ///
  /// - Throws: what `body` throws, or ``FileError``, also if a folder of that name is there already and
  ///   is not empty. The temporary folder is removed.
  public static func createFolder(_ url: URL, _ body: (URL) throws -> Void) throws {
    let partial = partialURL(for: url)
    guard mkdir(partial.path, 0o777) == 0 else {
      throw FileError(path: url.path, operation: .createFolder, errno: errno)
    }
    do {
      try body(partial)
      let files = FileManager.default.enumerator(at: partial, includingPropertiesForKeys: nil)
      while let file = files?.nextObject() as? URL {
        try synchronize(file, reportingAs: url)
      }
      try synchronize(partial, reportingAs: url)
      try move(partial, to: url)
    } catch {
      try? FileManager.default.removeItem(at: partial)
      throw error
    }
  }

  /// Makes a folder and those above it; it's no error if it is there.
  public static func ensureFolder(_ url: URL) throws(FileError) {
    // Not Foundation's: its error for a file in the way has no cause.
    guard mkdir(url.path, 0o777) != 0 else { return }
    let code = errno
    let parent = url.deletingLastPathComponent()
    if code == ENOENT, parent.path != url.path {
      try ensureFolder(parent)
      if mkdir(url.path, 0o777) == 0 { return }
    }
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else {
      throw FileError(path: url.path, operation: .createFolder, errno: code)
    }
  }

  /// Removes what killed writers left in a folder.
  ///
  /// Other programs that still run, by their process number, keep theirs.
  public static func removePartials(in folder: URL) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasPrefix(".") && name.hasSuffix(".partial") {
      let number = name.dropLast(".partial".count).split(separator: ".").last ?? ""
      guard let process = number.split(separator: "-").first.flatMap({ pid_t($0) }) else {
        continue
      }
      let runs = kill(process, 0) == 0 || errno == EPERM
      if runs && process != getpid() { continue }
      try? FileManager.default.removeItem(at: folder.appending(path: name))
    }
  }

  /// Bytes that this user may still write on the disk of a folder; `nil` if the system won't say.
  public static func freeBytes(at url: URL) -> Int64? {
    var status = statvfs()
    guard statvfs(url.path, &status) == 0 else { return nil }
    return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
  }

  private static func move(_ partial: URL, to url: URL) throws(FileError) {
    guard rename(partial.path, url.path) == 0 else {
      throw FileError(path: url.path, operation: .rename, errno: errno)
    }
    try synchronize(url.deletingLastPathComponent(), reportingAs: url)
  }

  private static func synchronize(_ file: URL, reportingAs url: URL) throws(FileError) {
    let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: url.path, operation: .write, errno: errno) }
    defer { close(descriptor) }
    guard synchronize(descriptor) else {
      throw FileError(path: url.path, operation: .write, errno: errno)
    }
  }

  /// Some file systems and devices can't be synchronized and say EINVAL; that is no failed write.
  private static func synchronize(_ descriptor: Int32) -> Bool {
    fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP
  }
}

/// Where ``AtomicFile/write(to:_:)`` takes its pieces.
public struct AtomicFileWriter: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private var pending: [UInt8] = []
  private static let bufferSize = 1 << 16

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    if pending.count + bytes.count > Self.bufferSize { try flush() }
    if bytes.count >= Self.bufferSize {
      try send(bytes)
    } else {
      pending.append(contentsOf: bytes)
    }
  }

  public mutating func append(_ data: Data) throws(FileError) {
    try data.withBytes { bytes throws(FileError) in try append(bytes) }
  }

  /// The values as they lie in memory.
  public mutating func append<Value: BitwiseCopyable>(_ values: [Value]) throws(FileError) {
    let sent: Result<Void, FileError> = values.withUnsafeBytes { bytes in
      do throws(FileError) {
        return .success(try append(bytes))
      } catch {
        return .failure(error)
      }
    }
    try sent.get()
  }

  mutating func flush() throws(FileError) {
    let bytes = pending
    try bytes.withBytes { bytes throws(FileError) in try send(bytes) }
    pending.removeAll(keepingCapacity: true)
  }

  private func send(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest)
      let count = write(descriptor, piece.baseAddress, piece.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, operation: .write, errno: errno)
      }
      rest = rest.dropFirst(count)
    }
  }
}
