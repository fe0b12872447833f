extension ConfigSection {
  /// A JSON Schema (draft 2020-12) of the section, as text that ends with a newline.
  ///
  /// Editors complete and check files with it; it says what the table of fields says, except for
  /// rules between several keys.
  public static func jsonSchema(title: String, description: String) -> String {
    var members: [JSONValue.Member] = [
      .init("$schema", "https://json-schema.org/draft/2020-12/schema"),
      .init("title", .string(title)),
      .init("description", .string(description)),
    ]
    if case .object(let body) = shape.jsonSchema(isPartial: false) { members += body }
    return JSONValue.object(members).text() + "\n"
  }
}

extension SectionShape {
  /// - Parameter isPartial: Whether nothing is required and nothing has a default.
  func jsonSchema(isPartial: Bool, kind: UnionShape.Case? = nil) -> JSONValue {
    guard kinds.isEmpty || kind != nil else {
      return .object([
        .init("oneOf", .array(kinds.map { jsonSchema(isPartial: isPartial, kind: $0) }))
      ])
    }
    var properties: [JSONValue.Member] = []
    var required: [JSONValue] = []
    var members: [JSONValue.Member] = []
    if let kind {
      members.append(.init("description", .string(kind.documentation)))
      properties.append(.init("kind", .object([.init("const", .string(kind.kind))])))
      required.append("kind")
    }
    let all = (kind?.section.fields ?? []) + fields
    properties += all.map { .init($0.key, $0.jsonSchema(isPartial: isPartial)) }
    if !isPartial { required += all.filter(\.isRequired).map { .string($0.key) } }
    members += [
      .init("type", "object"), .init("properties", .object(properties)),
    ]
    if !required.isEmpty { members.append(.init("required", .array(required))) }
    if let open = kind?.section.open ?? open {
      members.append(.init("patternProperties", .object([open.jsonMember])))
    }
    members.append(.init("additionalProperties", false))
    return .object(members)
  }
}

extension SectionShape.Open {
  /// The pattern of the keys with the schema of their values.
  fileprivate var jsonMember: JSONValue.Member {
    let pattern = keyRule.keywords.first { $0.key == "pattern" }?.value.string ?? ".*"
    var members: [JSONValue.Member] = [.init("description", .string(documentation))]
    members += (value.jsonSchema.object ?? []).filter { $0.key != "description" }
    return .init(pattern, .object(members))
  }
}

extension SectionShape.Field {
  func jsonSchema(isPartial: Bool) -> JSONValue {
    var members: [JSONValue.Member] = [.init("description", .string(documentation))]
    if case .object(let body) = value.jsonSchema {
      members += body.filter { $0.key != "description" }
    }
    if !isPartial, let standard, let json = standard.json { members.append(.init("default", json)) }
    return .object(members)
  }
}

extension ValueShape {
  var jsonSchema: JSONValue {
    switch self {
    case .scalar(_, _, let schema): .object(schema)
    case .optional(let shape):
      .object([.init("anyOf", .array([shape.jsonSchema, .object([.init("type", "null")])]))])
    case .list(let element, let rule):
      .object([.init("type", "array"), .init("items", element.jsonSchema)] + rule.keywords)
    case .section(let section): section.jsonSchema(isPartial: false)
    case .partial(let section): section.jsonSchema(isPartial: true)
    case .map(let section):
      .object([
        .init("type", "object"), .init("minProperties", 1),
        .init("propertyNames", .object(Rule<String>.name.keywords)),
        .init("additionalProperties", section.jsonSchema(isPartial: false)),
      ])
    case .union(let union):
      SectionShape(fields: [], kinds: union.cases).jsonSchema(isPartial: false)
    }
  }
}

extension ConfigNode {
  /// The JSON of a default; `nil` for what is made of sections, whose fields have their own.
  fileprivate var json: JSONValue? {
    switch content {
    case .scalar where isNull: .null
    case .scalar(let text, isQuoted: true): .string(text)
    case .scalar("true", isQuoted: false): true
    case .scalar("false", isQuoted: false): false
    case .scalar(let text, isQuoted: false):
      Int(text).map(JSONValue.integer) ?? Double(text).map(JSONValue.number) ?? .string(text)
    case .sequence(let values):
      values.compactMap(\.json).count == values.count ? .array(values.compactMap(\.json)) : nil
    case .mapping: nil
    }
  }
}
