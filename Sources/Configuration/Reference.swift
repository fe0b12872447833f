extension ConfigSection {
  /// Every key with its type, default and meaning, as Markdown that ends with a newline.
  public static func reference(title: String, introduction: String) -> String {
    var parts = ["# \(title)", introduction]
    parts += shape.referenceParts(heading: "Top of the file", place: "")
    return parts.joined(separator: "\n\n") + "\n"
  }
}

extension SectionShape {
  /// A table of this section, then the sections under it.
  fileprivate func referenceParts(heading: String, place: String) -> [String] {
    let table = Self.table(fields)
    var parts = ["## \(heading)"] + (fields.isEmpty ? [] : [table])
    parts += Self.kindParts(kinds, place: place)
    for field in fields {
      let inner = place.isEmpty ? field.key : "\(place).\(field.key)"
      parts += field.value.referenceParts(place: inner)
    }
    return parts
  }

  fileprivate static func kindParts(_ kinds: [UnionShape.Case], place: String) -> [String] {
    // Kinds with the same keys share one table.
    var tables: [(kinds: [UnionShape.Case], text: String)] = []
    for kind in kinds {
      let text = table(kind.section.fields)
      if let index = tables.firstIndex(where: { $0.text == text }) {
        tables[index].kinds.append(kind)
      } else {
        tables.append(([kind], text))
      }
    }
    return tables.flatMap { entry in
      let list = entry.kinds.map { "- `kind: \($0.kind)`: \($0.documentation)" }
      let sections = entry.kinds[0].section.fields.flatMap { field in
        field.value.referenceParts(place: "\(place).\(field.key) (kind \(entry.kinds[0].kind))")
      }
      let hasKeys = !entry.kinds[0].section.fields.isEmpty
      return [list.joined(separator: "\n")] + (hasKeys ? [entry.text] : ["No further keys."])
        + sections
    }
  }

  private static func table(_ fields: [Field]) -> String {
    let rows = fields.map { field in
      let standard = field.isRequired ? "**required**" : field.standard?.referenceText ?? ""
      return "| `\(field.key)` | \(field.value.typeText) | \(standard) | \(field.documentation) |"
    }
    return (["| key | type | default | meaning |", "| --- | --- | --- | --- |"] + rows)
      .joined(separator: "\n")
  }
}

extension ValueShape {
  fileprivate func referenceParts(place: String) -> [String] {
    switch self {
    case .scalar: []
    case .optional(let shape): shape.referenceParts(place: place)
    case .list(let element, _): element.referenceParts(place: place + "[n]")
    case .section(let section):
      section.referenceParts(heading: "`\(place)`", place: place)
    case .partial: []
    case .map(let section):
      section.referenceParts(heading: "`\(place).NAME`", place: "\(place).NAME")
    case .union(let union):
      ["## `\(place)`"] + SectionShape.kindParts(union.cases, place: place)
    }
  }

  fileprivate var typeText: String {
    switch self {
    case .scalar(let name, let rule, _): rule.isEmpty ? name : "\(name), \(rule)"
    case .optional(let shape): "\(shape.typeText), or null"
    case .list(let element, _):
      if case .section = element { "list of sections" } else { "list of: \(element.typeText)" }
    case .section: "section"
    case .partial: "some keys of a section"
    case .map: "sections by name"
    case .union: "section by kind"
    }
  }
}

extension ConfigNode {
  fileprivate var referenceText: String {
    switch content {
    case .mapping: ""
    case .sequence(let values) where values.contains(where: { $0.isMapping }): ""
    default: "`\(yaml.dropLast())`"
    }
  }

  private var isMapping: Bool { if case .mapping = content { true } else { false } }
}
