/// What may stand at a place of the file: the table of fields without its key paths.
///
/// The JSON schema, the reference and the rules of overrides are made from it.
package indirect enum ValueShape: Sendable {
  /// `name` and `rule` complete "must be …"; `schema` says both in JSON Schema.
  case scalar(name: String, rule: String, schema: [JSONValue.Member])
  case optional(ValueShape)
  case list(ValueShape, ListRule)
  case section(SectionShape)
  /// Any keys of a section, none required, no defaults.
  case partial(SectionShape)
  case map(SectionShape)
  case union(UnionShape)
}

package struct SectionShape: Sendable {
  package struct Field: Sendable {
    package let key: String
    package let documentation: String
    package let isRequired: Bool
    /// `nil` where a file must give the value.
    package let standard: ConfigNode?
    package let value: ValueShape
  }

  /// Keys that the table doesn't name.
  package struct Open: Sendable {
    /// How the reference calls such a key.
    package let name: String
    package let documentation: String
    package let keyRule: Rule<String>
    package let value: ValueShape
  }

  package let fields: [Field]
  package var open: Open?
  /// The kinds of a flattened union, whose keys stand beside `fields`.
  package let kinds: [UnionShape.Case]
}

package struct UnionShape: Sendable {
  package struct Case: Sendable {
    package let kind: String
    package let documentation: String
    package let section: SectionShape
  }

  package let cases: [Case]
}

extension ConfigSection {
  package static var shape: SectionShape {
    let standard = Self()
    var own: [SectionShape.Field] = []
    var kinds: [UnionShape.Case] = []
    var open: SectionShape.Open?
    for field in fields {
      switch field.body {
      case .open(let body): open = body.shape()
      case .flattened(let flattened): kinds = flattened.shape()
      case .keyed(let keyed):
        own.append(
          SectionShape.Field(
            key: keyed.key, documentation: keyed.documentation, isRequired: keyed.isRequired,
            standard: keyed.isRequired ? nil : keyed.encode(standard), value: keyed.shape()))
      }
    }
    return SectionShape(fields: own, open: open, kinds: kinds)
  }
}

extension ConfigUnion {
  package static var shape: UnionShape {
    UnionShape(
      cases: cases.map {
        UnionShape.Case(kind: $0.kind, documentation: $0.documentation, section: $0.shape())
      })
  }
}
