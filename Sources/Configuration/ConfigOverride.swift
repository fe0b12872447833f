/// One change to an experiment from the command line, in Hydra's notation.
///
/// - `training.seeds=[0,1]` sets a value; sections that the file leaves out are made.
/// - `+projectors.wide.kind=linear` adds a key that isn't there; `++` adds or sets.
/// - `~projectors.mlp` deletes a key or an element.
/// - `training.lanes=4,8` is a sweep: one experiment per value (``expand(_:parse:)``).
/// - `projectors.*.optimizer.peak_learning_rate=0.001` changes every arm: `*` stands for each name of
///   the user's choice, or each element of a list.
///
/// Lists are indexed from 0: `training.stages.0.epochs=3`. A value that starts with `[`, `{` or a
/// quotation mark is read as YAML, any other is taken as it stands: `'a, b'` is one text, `a, b` a
/// sweep over two.
public struct ConfigOverride: Sendable {
  package enum Action: Sendable {
    case set
    case add
    case setOrAdd
    case delete
  }

  /// As it was typed; for a sweep, with one of its values.
  public let text: String
  package let action: Action
  package var path: [String]
  /// Empty for a deletion.
  package let value: ConfigNode
  /// The sweep that this is a point of.
  package let sweep: Sweep?

  /// All values of one swept key.
  package struct Sweep: Sendable {
    /// This point's value, as typed: `1e-3`, `[1,2]`.
    package let value: String
    /// What stands before the values: `training.lanes`, or `+x.y`.
    let key: String
    /// As typed, commas too: `4,8`.
    let values: String
    let count: Int
  }

  /// Sets one value, from within the program: a point of a search, for one.
  package init(setting path: [String], to value: ConfigNode) {
    text = path.joined(separator: ".") + "=" + (value.inlineText ?? "…")
    action = .setOrAdd
    self.path = path
    self.value = value
    sweep = nil
  }

  package init(text: String, action: Action, path: [String], value: ConfigNode, sweep: Sweep?) {
    self.text = text
    self.action = action
    self.path = path
    self.value = value
    self.sweep = sweep
  }

  package var source: ConfigSource { .override(text) }
}

/// One point of a sweep: the changes that make one experiment, or one cell of it.
package struct ConfigPoint: Sendable {
  /// A swept key with the value it has at this point.
  package struct Swept: Sendable, Hashable {
    package let path: [String]
    /// As typed: `1e-3`, `[1,2]`.
    package let value: String

    package init(path: [String], value: String) {
      self.path = path
      self.value = value
    }
  }

  /// In the order typed, swept or not.
  package var overrides: [ConfigOverride] = []

  /// The swept keys only, in the order typed; `path` follows changes of the overrides' paths.
  package var swept: [Swept] {
    overrides.compactMap { override in
      override.sweep.map { Swept(path: override.path, value: $0.value) }
    }
  }

  /// `lanes=4,inner.heads=2`; empty if nothing is swept.
  package var label: String {
    overrides.filter { $0.sweep != nil }.map(\.text).joined(separator: ",")
  }
}
