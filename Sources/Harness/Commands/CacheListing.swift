import Encoders
import Foundation
import Reports

/// What the feature cache holds: `dragoman cache`.
public struct CacheListing: Encodable, Sendable {
  public struct Entry: Encodable, Sendable {
    public var key: String
    public var encoder: String
    public var images: Int
    public var tokens: Int
    public var width: Int
    public var bytes: Int
    /// Seconds since 1970.
    public var lastUsed: Double
  }

  public var folder: String
  public var entries: [Entry]

  /// - Throws: `FileError` if the cache can't be read.
  public init(_ cache: URL) throws {
    folder = cache.path(percentEncoded: false)
    entries = try FeatureStore(cache: cache).list().map {
      Entry(
        key: $0.key, encoder: $0.attributes["encoder"] ?? "no manifest", images: $0.images,
        tokens: $0.tokens, width: $0.width, bytes: $0.bytes,
        lastUsed: $0.lastUsed.timeIntervalSince1970)
    }
  }

  public var text: String {
    guard !entries.isEmpty else { return "\(folder): no features\n" }
    return entries.map { entry in
      "\(entry.key)  \(entry.encoder): \(entry.images) images of \(entry.tokens) × \(entry.width), "
        + "\(NumberFormat.bytes(entry.bytes))\n"
    }.joined()
  }

  /// - Returns: what is wrong, a line each.
  public static func verify(_ cache: URL) throws -> [String] {
    try FeatureStore(cache: cache).verify().map { "\($0.key): \($0.description)" }
  }

  /// - Returns: what was removed, in lines.
  public static func prune(_ cache: URL, olderThan days: Int?) throws -> String {
    let limit = days.map { Date.now.addingTimeInterval(-86_400 * Double($0)) }
    let (removed, bytes) = try FeatureStore(cache: cache).prune { entry in
      limit.map { entry.lastUsed < $0 } ?? false
    }
    return removed.map { $0.path(percentEncoded: false) + "\n" }.joined()
      + "\(NumberFormat.bytes(bytes)) freed\n"
  }
}
