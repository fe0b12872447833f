import Foundation

/// A value of a template.
enum JinjaValue: Equatable, Sendable {
  case undefined
  case none
  case bool(Bool)
  case integer(Int)
  case string(String)
  case array([JinjaValue])
  case object([String: JinjaValue])

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .string(let text): !text.isEmpty
    case .array(let values): !values.isEmpty
    case .object(let members): !members.isEmpty
    }
  }

  var kind: String {
    switch self {
    case .undefined: "undefined"
    case .none: "none"
    case .bool: "a boolean"
    case .integer: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }

  /// The text that `{{ }}` and `~` write.
  func text() throws(JinjaError) -> String {
    switch self {
    case .undefined: return ""
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .integer(let value): return "\(value)"
    case .string(let text): return text
    case .array, .object: throw JinjaError("writing \(kind) as text is not supported")
    }
  }
}

/// Runs a template's statements.
struct JinjaEvaluator {
  private(set) var output = ""
  /// The last one is the innermost; loops open one for every round.
  private var scopes: [[String: JinjaValue]]

  init(globals: [String: JinjaValue]) { scopes = [globals, [:]] }

  mutating func run(_ statements: [JinjaStatement]) throws(JinjaError) {
    for statement in statements { try run(statement) }
  }

  private mutating func run(_ statement: JinjaStatement) throws(JinjaError) {
    switch statement {
    case .text(let text): output += text
    case .output(let expression): output += try value(expression).text()
    case .condition(let test, let then, let otherwise):
      try run(value(test).isTrue ? then : otherwise)
    case .assignment(let name, nil, let expression):
      scopes[scopes.count - 1][name] = try value(expression)
    case .assignment(let name, let member?, let expression):
      guard let scope = scopes.lastIndex(where: { $0[name] != nil }),
        case .object(var members)? = scopes[scope][name]
      else { throw JinjaError("\(name) is not a namespace") }
      members[member] = try value(expression)
      scopes[scope][name] = .object(members)
    case .loop(let variable, let list, let filter, let body, let otherwise):
      try loop(variable, list, filter, body, otherwise)
    }
  }

  private mutating func loop(
    _ variable: String, _ list: JinjaExpression, _ filter: JinjaExpression?,
    _ body: [JinjaStatement], _ otherwise: [JinjaStatement]
  ) throws(JinjaError) {
    guard case .array(var values) = try value(list) else {
      throw JinjaError("a loop over something that is not a list")
    }
    if let filter {
      var kept: [JinjaValue] = []
      for element in values {
        scopes.append([variable: element])
        defer { scopes.removeLast() }
        if try value(filter).isTrue { kept.append(element) }
      }
      values = kept
    }
    if values.isEmpty { try run(otherwise) }
    for (index, element) in values.enumerated() {
      let loop: [String: JinjaValue] = [
        "index": .integer(index + 1), "index0": .integer(index), "first": .bool(index == 0),
        "last": .bool(index == values.count - 1), "length": .integer(values.count),
        "revindex": .integer(values.count - index),
        "revindex0": .integer(values.count - index - 1),
        "previtem": index > 0 ? values[index - 1] : .undefined,
        "nextitem": index + 1 < values.count ? values[index + 1] : .undefined,
      ]
      scopes.append([variable: element, "loop": .object(loop)])
      defer { scopes.removeLast() }
      try run(body)
    }
  }

  func value(_ expression: JinjaExpression) throws(JinjaError) -> JinjaValue {
    switch expression {
    case .literal(let value): return value
    case .name(let name):
      return scopes.last { $0[name] != nil }?[name] ?? .undefined
    case .list(let elements): return .array(try values(elements))
    case .dictionary(let pairs):
      var members: [String: JinjaValue] = [:]
      for pair in pairs { members[try value(pair.key).text()] = try value(pair.value) }
      return .object(members)
    case .member(let owner, let name): return try member(name, of: value(owner))
    case .index(let owner, let index): return try element(value(index), of: value(owner))
    case .slice(let owner, let bounds): return try slice(value(owner), bounds)
    case .call(let function, let arguments, let named):
      return try call(function, try values(arguments), named)
    case .filter(let input, let name, let arguments):
      return try Self.filter(name, try value(input), try values(arguments))
    case .test(let input, let name, let arguments):
      return .bool(try Self.test(name, try value(input), try values(arguments)))
    case .not(let operand): return .bool(try !value(operand).isTrue)
    case .negative(let operand):
      guard case .integer(let number) = try value(operand), number != .min else {
        throw JinjaError("the negative of something that is not a number")
      }
      return .integer(-number)
    case .binary(let symbol, let left, let right):
      return try binary(symbol, try value(left), right)
    case .conditional(let test, let then, let otherwise):
      if try value(test).isTrue { return try value(then) }
      guard let otherwise else { return .undefined }
      return try value(otherwise)
    }
  }

  private func values(_ expressions: [JinjaExpression]) throws(JinjaError) -> [JinjaValue] {
    var values: [JinjaValue] = []
    for expression in expressions { values.append(try value(expression)) }
    return values
  }

  private func member(_ name: String, of owner: JinjaValue) throws(JinjaError) -> JinjaValue {
    if case .object(let members) = owner { return members[name] ?? .undefined }
    if owner == .undefined { throw JinjaError("\(name) of something undefined") }
    return .undefined
  }

  private func element(
    _ index: JinjaValue, of owner: JinjaValue
  ) throws(JinjaError) -> JinjaValue {
    switch (owner, index) {
    case (.object(let members), .string(let key)): return members[key] ?? .undefined
    case (.array(let values), .integer(let number)):
      let place = number < 0 ? values.count + number : number
      return values.indices.contains(place) ? values[place] : .undefined
    default: throw JinjaError("\(index.kind) is no index of \(owner.kind)")
    }
  }

  /// `[start:stop:step]` with Python's rules, for lists.
  private func slice(
    _ owner: JinjaValue, _ bounds: [JinjaExpression?]
  ) throws(JinjaError) -> JinjaValue {
    guard case .array(let values) = owner, bounds.count <= 3 else {
      throw JinjaError("a slice of \(owner.kind) is not supported")
    }
    var numbers: [Int?] = []
    for bound in bounds {
      guard let bound else {
        numbers.append(nil)
        continue
      }
      guard case .integer(let number) = try value(bound), abs(number) < 1 << 30 else {
        throw JinjaError("a slice needs whole numbers")
      }
      numbers.append(number)
    }
    let step = numbers.count == 3 ? numbers[2] ?? 1 : 1
    guard step != 0 else { throw JinjaError("a slice's step is 0") }
    func place(_ number: Int) -> Int {
      let place = number < 0 ? values.count + number : number
      return step > 0 ? min(max(place, 0), values.count) : min(max(place, -1), values.count - 1)
    }
    let start = numbers[0].map(place) ?? (step > 0 ? 0 : values.count - 1)
    let stop = (numbers.count > 1 ? numbers[1] : nil).map(place) ?? (step > 0 ? values.count : -1)
    return .array(stride(from: start, to: stop, by: step).map { values[$0] })
  }

  private func call(
    _ function: JinjaExpression, _ arguments: [JinjaValue],
    _ named: [(name: String, value: JinjaExpression)]
  ) throws(JinjaError) -> JinjaValue {
    switch function {
    case .name("raise_exception"):
      throw JinjaError(
        "it refuses the messages: \(try arguments.first?.text() ?? "no reason given")")
    case .name("namespace"):
      var members: [String: JinjaValue] = [:]
      for argument in named { members[argument.name] = try value(argument.value) }
      return .object(members)
    case .member(let owner, let method):
      guard named.isEmpty, case .string(let text) = try value(owner) else {
        throw JinjaError("the method \(method) is not understood")
      }
      return try Self.method(method, text, arguments)
    case .name(let name): throw JinjaError("the function \(name) is not understood")
    default: throw JinjaError("a call of something that is no function")
    }
  }

  private func binary(
    _ symbol: String, _ left: JinjaValue, _ operand: JinjaExpression
  ) throws(JinjaError) -> JinjaValue {
    switch symbol {
    case "or": return left.isTrue ? left : try value(operand)
    case "and": return left.isTrue ? try value(operand) : left
    default: return try Self.combine(symbol, left, try value(operand))
    }
  }
}
