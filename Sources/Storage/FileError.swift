import Foundation

/// A file operation that the system refused: which file, what was tried, and the system's own words.
public struct FileError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public enum Operation: String, Sendable {
    case read, write
    case createFolder = "create the folder"
    case rename
    case remove
  }

  public let path: String
  public let operation: Operation
  /// For example "No space left on device".
  public let cause: String

  public init(path: String, operation: Operation, cause: String) {
    self.path = path
    self.operation = operation
    self.cause = cause
  }

  init(path: String, operation: Operation, errno code: Int32) {
    self.init(path: path, operation: operation, cause: String(cString: strerror(code)))
  }

  public var description: String { "Cannot \(operation.rawValue) \(path): \(cause)." }
  public var errorDescription: String? { description }

  /// The system's words for an error that Foundation threw, without its wrapping.
  package static func cause(of error: any Error) -> String {
    let error = error as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? NSError,
      inner.domain == NSPOSIXErrorDomain
    {
      return String(cString: strerror(Int32(inner.code)))
    }
    if error.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(error.code))) }
    switch CocoaError.Code(rawValue: error.code) {
    case .fileReadNoSuchFile, .fileNoSuchFile: return "No such file or directory"
    case .fileReadNoPermission, .fileWriteNoPermission: return "Permission denied"
    case .fileWriteOutOfSpace: return "No space left on device"
    default: return error.localizedDescription
    }
  }
}
