import Configuration

/// Values of settings that are all run, as cells of one table: `sweep:`.
///
/// `encoder.image_size: [112, 224]` in the file is `encoder.image_size=112,224` on the command line; every
/// combination is run. A key that the command line changes is not swept.
public struct SweepConfig: ConfigSection {
  /// By the dotted key.
  public var settings: ConfigEntries<[ConfigNode]> = [:]

  public init() {}

  public static let fields: [Field<Self>] = [
    .open(
      \.settings, of: .list(of: .anyScalar, .nonEmptyUnique), keys: .keyPath(atLeast: 2),
      name: "KEY.OF.A.SETTING",
      "Values of one setting, such as `encoder.image_size: [112, 224]`; every combination is run.")
  ]
}

extension ConfigNode {
  /// The overrides that a file's `sweep:` stands for; what is wrong with it is found when it is decoded.
  ///
  /// - Parameter others: of the command line, which go before.
  func sweeps(beside others: [String]) -> [String] {
    guard case .mapping(let entries)? = self["sweep"]?.content else { return [] }
    let changed = others.map { $0.drop { "+~".contains($0) }.prefix { $0 != "=" } }
    return entries.compactMap { entry in
      guard case .sequence(let values) = entry.value.content, !values.isEmpty,
        !changed.contains(entry.key[...])
      else { return nil }
      return "\(entry.key)=" + values.map(\.overrideText).joined(separator: ",")
    }
  }

  /// As an override writes a scalar.
  private var overrideText: String {
    guard case .scalar(let text, let isQuoted) = content else { return inlineText }
    return isQuoted ? "'" + text.replacing("'", with: "''") + "'" : text
  }
}
