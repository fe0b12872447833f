import Foundation

/// A feature store, or a file of features, that does not hold what it should.
public struct FeatureStoreError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let description: String
  public var errorDescription: String? { description }
}
