extension ConfigSection {
  /// Every key with its type, default and meaning, as Markdown that ends with a newline.
  public static func reference(title: String, introduction: String) -> String {
    var writer = ReferenceWriter()
    writer.parts = ["# \(title)", introduction]
    writer.write(shape, heading: "Top of the file", place: "")
    return writer.parts.joined(separator: "\n\n") + "\n"
  }
}

/// Writes one Markdown table per section; sections with the same keys share one.
private struct ReferenceWriter {
  var parts: [String] = []
  /// Table → the heading it stands under.
  private var written: [String: String] = [:]

  mutating func write(_ section: SectionShape, heading: String, place: String) {
    parts.append("## \(heading)")
    if !section.fields.isEmpty || section.open != nil {
      writeTable(of: section, heading: heading)
    }
    writeKinds(section.kinds, heading: heading, place: place)
    for field in section.fields {
      write(field.value, place: place.isEmpty ? field.key : "\(place).\(field.key)")
    }
  }

  private mutating func write(_ value: ValueShape, place: String) {
    switch value {
    case .scalar, .partial: break
    case .optional(let shape): write(shape, place: place)
    case .list(let element, _): write(element, place: "\(place).N")
    case .section(let section): write(section, heading: "`\(place)`", place: place)
    case .map(let section): write(section, heading: "`\(place).NAME`", place: "\(place).NAME")
    case .union(let union):
      parts.append("## `\(place)`")
      writeKinds(union.cases, heading: "`\(place)`", place: place)
    }
  }

  private mutating func writeKinds(_ kinds: [UnionShape.Case], heading: String, place: String) {
    var groups: [[UnionShape.Case]] = []
    for kind in kinds {
      let text = Self.table(of: kind.section)
      if let index = groups.firstIndex(where: { Self.table(of: $0[0].section) == text }) {
        groups[index].append(kind)
      } else {
        groups.append([kind])
      }
    }
    for group in groups {
      parts.append(
        group.map { "- `kind: \($0.kind)`: \($0.documentation)" }.joined(separator: "\n"))
      let section = group[0].section
      if !section.fields.isEmpty || section.open != nil {
        let kinds = group.map { "`\($0.kind)`" }.joined(separator: ", ")
        writeTable(of: section, heading: "\(heading), kind \(kinds)")
      }
    }
    for kind in groups.map({ $0[0] }) {
      for field in kind.section.fields { write(field.value, place: "\(place).\(field.key)") }
    }
  }

  private mutating func writeTable(of section: SectionShape, heading: String) {
    let table = Self.table(of: section)
    if let other = written[table] {
      if parts.last == "## \(heading)" { parts.removeLast() }
      if other != heading { parts.append("## \(heading)\n\nThe keys of \(other).") }
    } else {
      written[table] = heading
      parts.append(table)
    }
  }

  private static func table(of section: SectionShape) -> String {
    var rows = section.fields.map { field in
      let standard = field.isRequired ? "**required**" : field.standard?.referenceText ?? ""
      return "| `\(field.key)` | \(field.value.typeText) | \(standard) | \(field.documentation) |"
    }
    if let open = section.open {
      rows.append("| `\(open.name)` | \(open.value.typeText) | | \(open.documentation) |")
    }
    return (["| key | type | default | meaning |", "| --- | --- | --- | --- |"] + rows)
      .joined(separator: "\n")
  }
}

extension ValueShape {
  fileprivate var typeText: String {
    switch self {
    case .scalar(let name, let rule, _):
      // A rule such as "a name of letters" says the type again.
      rule.isEmpty ? name : rule.hasPrefix("a ") ? rule : "\(name), \(rule)"
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
  /// A default, if it is short enough for a table.
  fileprivate var referenceText: String {
    if case .mapping = content { "" } else { inlineText.map { "`\($0)`" } ?? "" }
  }
}
