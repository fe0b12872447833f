/// How one type of value is read, written and described.
public struct ValueType<Value: Sendable>: Sendable {
  package let shape: @Sendable () -> ValueShape
  /// `nil` after a problem was reported.
  package let decode: @Sendable (ConfigNode, inout ConfigDecoding) -> Value?
  package let encode: @Sendable (Value) -> ConfigNode

  package init(
    shape: @escaping @Sendable () -> ValueShape,
    decode: @escaping @Sendable (ConfigNode, inout ConfigDecoding) -> Value?,
    encode: @escaping @Sendable (Value) -> ConfigNode
  ) {
    self.shape = shape
    self.decode = decode
    self.encode = encode
  }

  /// A scalar whose text `parse` turns into a value.
  ///
  /// - Parameters:
  ///   - name: Completes "must be …": `a whole number`.
  ///   - schema: The JSON Schema keywords of the type.
  ///   - rule: What the value must obey besides.
  ///   - allowsQuotes: Whether `"…"` is taken too.
  ///   - parse: `nil` if the text is no such value.
  ///   - encode: The value as it is written in a file.
  /// - Returns: The type.
  package static func scalar(
    _ name: String, schema: [JSONValue.Member], _ rule: Rule<Value>, allowsQuotes: Bool = false,
    parse: @escaping @Sendable (String) -> Value?, encode: @escaping @Sendable (Value) -> ConfigNode
  ) -> Self {
    Self(
      shape: { .scalar(name: name, rule: rule.statement, schema: schema + rule.keywords) },
      decode: { node, decoding in
        guard case .scalar(let text, let isQuoted) = node.content, !node.isNull,
          let value = isQuoted && !allowsQuotes ? nil : parse(text)
        else {
          let isOnlyQuoted =
            if case .scalar(let text, true) = node.content { parse(text) != nil } else { false }
          decoding.report(
            "must be \(name), got \(node.shortDescription)"
              + (isOnlyQuoted ? "; leave out the quotes" : ""), at: node.source)
          return nil
        }
        guard rule.accepts(value) else {
          decoding.report(
            "must be \(rule.statement), got \(node.shortDescription)", at: node.source)
          return nil
        }
        return value
      },
      encode: encode)
  }

  /// `null`, or a value of another type.
  public static func optional<Wrapped>(_ type: ValueType<Wrapped>) -> Self
  where Value == Wrapped? {
    Self(
      shape: { .optional(type.shape()) },
      decode: { node, decoding in
        if node.isNull { return .some(nil) }
        return type.decode(node, &decoding).map(Optional.some)
      },
      encode: { $0.map(type.encode) ?? .null })
  }

  /// A list of values of one type.
  public static func list<Element>(of element: ValueType<Element>, _ rule: ListRule) -> Self
  where Value == [Element] {
    Self(
      shape: { .list(element.shape(), rule) },
      decode: { node, decoding in
        guard case .sequence(let nodes) = node.content else {
          decoding.report(
            "must be a list, got \(node.shortDescription); write [\(node.listHint)]",
            at: node.source)
          return nil
        }
        var values: [Element] = []
        var seen: [ConfigNode] = []
        for (index, node) in nodes.enumerated() {
          decoding.inside(String(index)) { decoding in
            guard let value = element.decode(node, &decoding) else { return }
            let canonical = element.encode(value)
            if rule.isUnique, seen.contains(canonical) {
              decoding.report(
                "stands twice in the list: \(node.shortDescription)", at: node.source)
            }
            seen.append(canonical)
            values.append(value)
          }
        }
        if nodes.count < rule.minimumCount {
          decoding.report("must have at least \(rule.minimumCount) element", at: node.source)
        }
        return values.count == nodes.count ? values : nil
      },
      encode: { ConfigNode(.sequence($0.map(element.encode))) })
  }
}

extension ConfigNode {
  fileprivate var listHint: String {
    if case .scalar = content, !isNull { shortDescription } else { "…" }
  }
}

extension ValueType where Value == Double {
  public static func number(_ rule: Rule<Double>) -> Self {
    .scalar(
      "a number", schema: [.init("type", "number")], rule,
      parse: { text in
        // `Double` would take "nan", "infinity" and hexadecimal too.
        guard text.allSatisfy({ "0123456789+-.eE".contains($0) }), let value = Double(text),
          value.isFinite
        else { return nil }
        return value
      },
      encode: { .plain(ConfigNumber.text($0)) })
  }
}

extension ValueType where Value == Int {
  /// A whole number of at most 10⁹, either way: nothing that an experiment counts is larger, and the
  /// product of two such numbers doesn't overflow.
  public static func integer(_ rule: Rule<Int>) -> Self {
    let plain = Self.scalar(
      "a whole number", schema: [.init("type", "integer")], rule, parse: { Int($0) },
      encode: { .plain(String($0)) })
    let largest = 1_000_000_000
    return Self(
      shape: plain.shape,
      decode: { node, decoding in
        guard let value = plain.decode(node, &decoding) else { return nil }
        guard value.magnitude <= largest else {
          decoding.report("must be at most \(largest), got \(value)", at: node.source)
          return nil
        }
        return value
      }, encode: plain.encode)
  }
}

extension ValueType where Value == Bool {
  public static var bool: Self {
    .scalar(
      "true or false", schema: [.init("type", "boolean")], .any,
      parse: { ["true": true, "false": false][$0] }, encode: { .plain($0 ? "true" : "false") })
  }
}

extension ValueType where Value == String {
  /// Completes "must be …".
  static var textName: String { "a text" }

  public static func string(_ rule: Rule<String>) -> Self {
    .scalar(
      textName, schema: [.init("type", "string")], rule, allowsQuotes: true, parse: { $0 },
      encode: { .text($0) })
  }
}

extension ValueType where Value == ConfigNode {
  /// Any number, text, `true`, `false` or `null`, kept as it is written: what it means is decided where
  /// it is put to use.
  public static var anyScalar: Self {
    Self(
      shape: {
        .scalar(
          name: "a number, a text, true, false or null", rule: "",
          schema: [
            .init("type", ["number", "string", "boolean", "null"])
          ])
      },
      decode: { node, decoding in
        if case .scalar = node.content { return node }
        decoding.report(
          "must be a number, a text, true, false or null, got \(node.shortDescription)",
          at: node.source)
        return nil
      },
      encode: { $0 })
  }
}

/// An enumeration whose raw values are what a file says.
public protocol ConfigChoice: RawRepresentable<String>, CaseIterable, Sendable, Equatable {}

extension ValueType where Value: ConfigChoice {
  /// One of an enumeration's raw values.
  public static var choice: Self {
    let names = Value.allCases.map(\.rawValue)
    return Self(
      shape: {
        .scalar(
          name: "one of \(names.joined(separator: ", "))", rule: "",
          schema: [.init("enum", .array(names.map(JSONValue.string)))])
      },
      decode: { node, decoding in
        guard case .scalar(let text, _) = node.content, let value = Value(rawValue: text) else {
          var message =
            names.count == 1
            ? "must be \(names[0])" : "must be one of \(names.joined(separator: ", "))"
          message += ", got \(node.shortDescription)"
          if case .scalar(let text, _) = node.content,
            let name = Suggestion.nearest(to: text, among: names)
          {
            message += "; did you mean '\(name)'?"
          }
          decoding.report(message, at: node.source)
          return nil
        }
        return value
      },
      encode: { .plain($0.rawValue) })
  }
}

/// Numbers as the resolved file writes them.
package enum ConfigNumber {
  /// The shortest text that reads back as the same number, in a form that YAML 1.1 and 1.2 both
  /// take for a number: `1.0e-05`, not `1e-05`.
  package static func text(_ value: Double) -> String {
    let text = "\(value)"
    guard let exponent = text.firstIndex(of: "e"), !text[..<exponent].contains(".") else {
      return text
    }
    return text[..<exponent] + ".0" + text[exponent...]
  }
}
