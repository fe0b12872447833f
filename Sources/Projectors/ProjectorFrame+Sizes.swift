import Layers
import Tensors

/// A whole number among the settings of a kind that decides how many weights it has.
public struct SizeSetting<Settings: Sendable>: Sendable {
  /// What a file calls it.
  public let key: String
  /// Its values in rising order, from the first; more of it are more weights.
  public let value: @Sendable (_ index: Int) -> Int
  /// The settings with a value of it.
  public let settings: @Sendable (_ value: Int) -> Settings

  /// - Parameters:
  ///   - settings: whose other values stay.
  ///   - value: by its place, from 1; the number itself unless given.
  init<Value>(
    _ key: String, _ property: any WritableKeyPath<Settings, Value> & Sendable,
    of settings: Settings,
    value: @escaping @Sendable (Int) -> Int = { $0 }, as convert: @escaping @Sendable (Int) -> Value
  ) {
    self.key = key
    self.value = value
    self.settings = { number in
      var result = settings
      result[keyPath: property] = convert(number)
      return result
    }
  }

  init(
    _ key: String, _ property: any WritableKeyPath<Settings, Int> & Sendable, of settings: Settings
  ) {
    self.init(key, property, of: settings) { $0 }
  }

  /// A width that attention heads divide: multiples of `heads`; where they follow from the width, of 1 up
  /// to 128 (one head), of 2 up to 256 and of 4 beyond, fine enough to come within 2 %.
  static func width(
    _ property: any WritableKeyPath<Settings, Int?> & Sendable, of settings: Settings, heads: Int?
  ) -> Self {
    Self(
      "width", property, of: settings,
      value: { index in
        if let heads { return index * heads }
        if index <= 128 { return index }
        return index <= 192 ? 128 + 2 * (index - 128) : 256 + 4 * (index - 192)
      }, as: { $0 })
  }
}

extension ProjectorFrame {
  /// How far the number of weights may be from `parameters`, as a share of it.
  public static let tolerance = 0.02

  /// The settings that the presets `tokens` and `parameters` ask for, at this site.
  ///
  /// - Throws: ``ProjectorError`` that says what came closest.
  func sized<Settings: ProjectorSettings>(
    _ settings: Settings, at site: ProjectorSite
  ) throws -> any ProjectorSettings {
    var settings = settings
    if let tokens, site.grid.tokens > 0 {
      settings = try settings.giving(tokens: tokens, of: site.grid)
    }
    guard let parameters else { return settings }
    guard let setting = settings.sizeSetting else { return settings }
    let (value, count) = try nearest(to: parameters, setting, at: site)
    guard Self.isNear(count, parameters) else {
      throw ProjectorError.parametersNotReached(
        projector: Settings.kind, parameters: parameters, closest: count,
        setting: "\(setting.key): \(value)")
    }
    return setting.settings(value)
  }

  /// Whether a projector keeps what the presets ask for; grids that it cannot take are refused first.
  func check(
    _ projector: any Projector, _ settings: any ProjectorSettings, at site: ProjectorSite
  ) throws(ProjectorError) {
    try projector.check(site.grid)
    let kind = type(of: settings).kind
    let visual = projector.visualTokens(of: site.grid)
    if let tokens, visual != tokens {
      throw .tokensFixed(projector: kind, tokens: tokens, found: visual, grid: site.grid.size)
    }
    let count = projector.parameterCount
    if let parameters, !Self.isNear(count, parameters) {
      throw .parametersNotReached(
        projector: kind, parameters: parameters, closest: count, setting: nil)
    }
  }

  private static func isNear(_ count: Int, _ wanted: Int) -> Bool {
    Double(abs(count - wanted)) <= tolerance * Double(wanted)
  }

  /// The value of the setting whose number of weights, norms counted, is nearest.
  private func nearest<Settings: ProjectorSettings>(
    to wanted: Int, _ setting: SizeSetting<Settings>, at site: ProjectorSite
  ) throws -> (value: Int, count: Int) {
    func count(_ index: Int) throws -> Int {
      try around(setting.settings(setting.value(index)), at: site, in: .shapes).parameterCount
    }
    // Above or at `high` there are enough weights, at `low` too few.
    var (low, high) = (0, 1)
    while try count(high) < wanted { (low, high) = (high, 2 * high) }
    while high - low > 1 {
      let middle = (low + high) / 2
      if try count(middle) < wanted { low = middle } else { high = middle }
    }
    let above = try count(high)
    guard low > 0 else { return (setting.value(high), above) }
    let below = try count(low)
    return wanted - below < above - wanted
      ? (setting.value(low), below) : (setting.value(high), above)
  }
}

/// The number that `tokens` asks for, unless the kind's own key says another than its default.
func presetTokens(
  _ tokens: Int, own: Int, standard: Int, key: String, of projector: String
) throws(ProjectorError) -> Int {
  guard own == standard || own == tokens else {
    throw .twoSizes(projector: projector, key: key, preset: "tokens")
  }
  return tokens
}
