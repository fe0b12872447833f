import Configuration
import Foundation
import Tensors

/// Typed reading of a model's `config.json`, or of an object in it.
///
/// A key that is absent or null has the value given for it, as in transformers; without one it is
/// missing.
public struct ModelConfigFile: Sendable {
  private let json: JSONValue
  public let path: String
  /// Keys that lead here, each with its point.
  private let prefix: String

  /// - Throws: ``ModelFolderError`` if `config.json` can't be read, ``ModelFileError`` if it holds no
  ///   JSON object.
  public init(_ folder: ModelFolder) throws {
    try self.init(folder.json("config.json"), path: folder.file("config.json").path)
  }

  /// - Parameter path: the file's, for messages.
  public init(_ json: JSONValue, path: String) throws(ModelFileError) {
    guard json.object != nil else {
      throw ModelFileError(file: path, rule: "must hold a JSON object", found: json.shown)
    }
    self.init(json, path: path, prefix: "")
  }

  private init(_ json: JSONValue, path: String, prefix: String) {
    self.json = json
    self.path = path
    self.prefix = prefix
  }

  /// The error for a key that breaks a rule of the model.
  ///
  /// - Parameters:
  ///   - rule: completes "KEY …": `must divide hidden_size 48`.
  ///   - found: what stands there; `nil` where the rule says it.
  public func reject(_ key: String, _ rule: String, _ found: String? = nil) -> ModelFileError {
    ModelFileError(file: path, key: prefix + key, rule: rule, found: found)
  }

  /// `model_type`, which must be one of `types`.
  ///
  /// - Parameter kind: what the types are kinds of, such as "encoder".
  @discardableResult
  public func modelType(
    among types: [String], kind: String
  ) throws(ModelFileError) -> String {
    let found = try string("model_type", else: "absent")
    guard types.contains(found) else {
      throw reject(
        "model_type", "must be \(types.joined(separator: " or ")) for this kind of \(kind)", found)
    }
    return found
  }

  /// The object of a key; `nil` where it is absent.
  public func member(_ key: String) throws(ModelFileError) -> ModelConfigFile? {
    guard let member = present(key) else { return nil }
    guard member.object != nil else { throw reject(key, "must be an object", member.shown) }
    return ModelConfigFile(member, path: path, prefix: prefix + key + ".")
  }

  /// Whether the key is there and not null.
  public func contains(_ key: String) -> Bool { present(key) != nil }

  /// A whole number from 1 to 2³¹.
  public func count(_ key: String, else substitute: Int? = nil) throws(ModelFileError) -> Int {
    try value(key, "must be a whole number of at least 1", else: substitute) { json in
      json.int.flatMap { (1...1 << 31).contains($0) ? $0 : nil }
    }
  }

  /// A number above 0.
  public func positive(
    _ key: String, else substitute: Double? = nil
  ) throws(ModelFileError) -> Double {
    try value(key, "must be a positive number", else: substitute) { json in
      json.double.flatMap { $0 > 0 ? $0 : nil }
    }
  }

  public func bool(_ key: String, else substitute: Bool? = nil) throws(ModelFileError) -> Bool {
    try value(key, "must be true or false", else: substitute) { $0.bool }
  }

  public func string(
    _ key: String, else substitute: String? = nil
  ) throws(ModelFileError) -> String {
    try value(key, "must be a string", else: substitute) { $0.string }
  }

  public func strings(
    _ key: String, else substitute: [String]? = nil
  ) throws(ModelFileError) -> [String] {
    try value(key, "must be a list of strings", else: substitute) { json in
      guard let array = json.array else { return nil }
      let strings = array.compactMap(\.string)
      return strings.count == array.count ? strings : nil
    }
  }

  public func integers(
    _ key: String, else substitute: [Int]? = nil
  ) throws(ModelFileError) -> [Int] {
    try value(key, "must be a list of whole numbers", else: substitute) { json in
      guard let array = json.array else { return nil }
      let integers = array.compactMap(\.int)
      return integers.count == array.count ? integers : nil
    }
  }

  /// One of the activations that transformers' `ACT2FN` names and that exist here.
  public func activation(
    _ key: String, else substitute: Activation? = nil
  ) throws(ModelFileError) -> Activation {
    let names = Activation.allCases.map(\.rawValue).joined(separator: ", ")
    return try value(key, "must be one of \(names)", else: substitute) { json in
      json.string.flatMap(Activation.init(rawValue:))
    }
  }

  private func value<Value>(
    _ key: String, _ rule: String, else substitute: Value?, _ read: (JSONValue) -> Value?
  ) throws(ModelFileError) -> Value {
    guard let json = present(key) else {
      guard let substitute else { throw reject(key, "is missing") }
      return substitute
    }
    guard let value = read(json) else { throw reject(key, rule, json.shown) }
    return value
  }

  private func present(_ key: String) -> JSONValue? {
    json[key].flatMap { $0.isNull ? nil : $0 }
  }
}

/// What is wrong in a file of a model: its `config.json` or its weights.
public struct ModelFileError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let file: String
  /// The key or tensor at fault; `nil` when the whole file is.
  public let key: String?
  /// Completes "KEY …".
  public let rule: String
  /// What came instead; `nil` where the rule says it.
  public let found: String?

  public init(file: String, key: String? = nil, rule: String, found: String? = nil) {
    self.file = file
    self.key = key
    self.rule = rule
    self.found = found
  }

  public var description: String {
    "\(file): \(key ?? "the file") \(rule)" + (found.map { "; it is \($0)." } ?? ".")
  }

  public var errorDescription: String? { description }
}
