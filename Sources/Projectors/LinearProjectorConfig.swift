import Configuration

/// Settings of `kind: linear`; there is nothing to set.
public struct LinearProjectorConfig: ConfigSection {
  public init() {}

  public static let fields: [Field<Self>] = []
}
