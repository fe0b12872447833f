/// Settings whose keys depend on their `kind`: an enumeration with one section per case.
public protocol ConfigUnion: Sendable, Equatable {
  static var cases: [UnionCase<Self>] { get }
}

/// One kind of a union.
public struct UnionCase<Union: Sendable>: Sendable {
  package let kind: String
  package let documentation: String
  let shape: @Sendable () -> SectionShape
  let read: @Sendable (inout MappingReader, inout ConfigDecoding) -> Union?
  /// `nil` if the value is of another kind.
  let entries: @Sendable (Union) -> [ConfigNode.Entry]?

  /// - Parameters:
  ///   - kind: What a file says: `kind: qformer`.
  ///   - documentation: What this kind is.
  ///   - wrap: The enumeration's case.
  ///   - unwrap: The section of a value of this kind, `nil` for the others.
  public init<Section: ConfigSection>(
    _ kind: String, _ documentation: String, _ wrap: @escaping @Sendable (Section) -> Union,
    unwrap: @escaping @Sendable (Union) -> Section?
  ) {
    self.kind = kind
    self.documentation = documentation
    shape = { Section.shape }
    read = { mapping, decoding in
      let problemsBefore = decoding.problems.count
      var section = Section()
      section.read(&mapping, &decoding)
      return decoding.problems.count == problemsBefore ? wrap(section) : nil
    }
    entries = { union in
      unwrap(union).map { section in Section.fields.flatMap { $0.entries(of: section) } }
    }
  }
}

extension ConfigUnion {
  /// What a file says for this value's kind.
  public var kind: String {
    Self.cases.first { $0.entries(self) != nil }?.kind ?? ""
  }

  /// `kind` and the keys of the kind.
  var entries: [ConfigNode.Entry] {
    for unionCase in Self.cases {
      guard let entries = unionCase.entries(self) else { continue }
      return [ConfigNode.Entry("kind", .plain(unionCase.kind))] + entries
    }
    preconditionFailure("\(Self.self).cases lacks a case")
  }

  static func read(
    _ mapping: inout MappingReader, _ decoding: inout ConfigDecoding
  ) -> Self? {
    let kinds = cases.map(\.kind)
    guard let entry = mapping.take("kind") else {
      decoding.report(
        "'kind' is missing; give one of \(kinds.joined(separator: ", "))", at: mapping.source)
      return nil
    }
    guard case .scalar(let kind, _) = entry.value.content,
      let unionCase = cases.first(where: { $0.kind == kind })
    else {
      var message =
        "must be one of \(kinds.joined(separator: ", ")), got \(entry.value.shortDescription)"
      if case .scalar(let kind, _) = entry.value.content,
        let name = Suggestion.nearest(to: kind, among: kinds)
      {
        message += "; did you mean '\(name)'?"
      }
      decoding.report(message, at: entry.value.source, key: "kind")
      return nil
    }
    return unionCase.read(&mapping, &decoding)
  }
}

extension ValueType where Value: ConfigUnion {
  /// A section whose keys depend on its `kind`.
  public static var union: Self {
    Self(
      shape: { .union(Value.shape) },
      decode: { node, decoding in
        guard var mapping = MappingReader(node, &decoding) else { return nil }
        let value = Value.read(&mapping, &decoding)
        // Without a kind, nothing is known of the other keys.
        if value != nil || mapping.known.count > 1 { mapping.reportUnknownKeys(&decoding) }
        return value
      },
      encode: { ConfigNode(.mapping($0.entries)) })
  }
}
