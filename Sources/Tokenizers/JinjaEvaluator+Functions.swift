import Foundation

extension JinjaEvaluator {
  static func combine(
    _ symbol: String, _ left: JinjaValue, _ right: JinjaValue
  ) throws(JinjaError) -> JinjaValue {
    switch (symbol, left, right) {
    case ("==", _, _): return .bool(equal(left, right))
    case ("!=", _, _): return .bool(!equal(left, right))
    case ("~", _, _): return .string(try left.text() + right.text())
    case ("in", _, .array(let values)): return .bool(values.contains { equal($0, left) })
    case ("in", .string(let part), .string(let whole)):
      return .bool(part.isEmpty || Array(whole.utf8).contains(Array(part.utf8)))
    case ("in", .string(let key), .object(let members)): return .bool(members[key] != nil)
    case ("+", .string(let first), .string(let second)): return .string(first + second)
    case ("+", .array(let first), .array(let second)): return .array(first + second)
    case (_, .integer(let first), .integer(let second)):
      return try arithmetic(symbol, first, second)
    default:
      throw JinjaError("\(left.kind) \(symbol) \(right.kind) is not supported")
    }
  }

  /// Strings are equal when their scalars are, as in Python.
  private static func equal(_ left: JinjaValue, _ right: JinjaValue) -> Bool {
    if case .string(let first) = left, case .string(let second) = right {
      return first.unicodeScalars.elementsEqual(second.unicodeScalars)
    }
    return left == right
  }

  private static func arithmetic(
    _ symbol: String, _ first: Int, _ second: Int
  ) throws(JinjaError) -> JinjaValue {
    let result: (partialValue: Int, overflow: Bool)
    switch symbol {
    case "<": return .bool(first < second)
    case "<=": return .bool(first <= second)
    case ">": return .bool(first > second)
    case ">=": return .bool(first >= second)
    case "+": result = first.addingReportingOverflow(second)
    case "-": result = first.subtractingReportingOverflow(second)
    case "*": result = first.multipliedReportingOverflow(by: second)
    case "%" where second > 0:
      let remainder = first % second
      return .integer(remainder < 0 ? remainder + second : remainder)
    default: throw JinjaError("\(first) \(symbol) \(second) is not supported")
    }
    guard !result.overflow else { throw JinjaError("a number is too large") }
    return .integer(result.partialValue)
  }

  static func filter(
    _ name: String, _ input: JinjaValue, _ arguments: [JinjaValue]
  ) throws(JinjaError) -> JinjaValue {
    switch (name, input, arguments.count) {
    case ("trim", _, 0): return try method("strip", input.text(), [])
    case ("upper", _, 0), ("lower", _, 0): return try method(name, input.text(), [])
    case ("string", _, 0): return .string(try input.text())
    case ("length", .array(let values), 0), ("count", .array(let values), 0):
      return .integer(values.count)
    case ("length", .string(let text), 0): return .integer(text.unicodeScalars.count)
    case ("first", .array(let values), 0): return values.first ?? .undefined
    case ("last", .array(let values), 0): return values.last ?? .undefined
    case ("default", _, 1): return input == .undefined ? arguments[0] : input
    case ("list", .array, 0): return input
    default:
      throw JinjaError("the filter \(name) is not understood for \(input.kind)")
    }
  }

  static func test(
    _ name: String, _ input: JinjaValue, _ arguments: [JinjaValue]
  ) throws(JinjaError) -> Bool {
    guard arguments.isEmpty else { throw JinjaError("the test \(name) is not understood") }
    switch (name, input) {
    case ("defined", _): return input != .undefined
    case ("undefined", _): return input == .undefined
    case ("none", _): return input == .none
    case ("true", _): return input == .bool(true)
    case ("false", _): return input == .bool(false)
    case ("string", .string), ("mapping", .object), ("number", .integer), ("boolean", .bool):
      return true
    case ("iterable", .string), ("iterable", .array), ("iterable", .object): return true
    case ("sequence", .string), ("sequence", .array), ("sequence", .object): return true
    case ("string", _), ("mapping", _), ("number", _), ("boolean", _), ("iterable", _),
      ("sequence", _):
      return false
    default: throw JinjaError("the test \(name) is not understood")
    }
  }

  /// A method of Python's strings.
  static func method(
    _ name: String, _ text: String, _ arguments: [JinjaValue]
  ) throws(JinjaError) -> JinjaValue {
    let scalars = Array(text.unicodeScalars)
    func string(_ scalars: some Sequence<Unicode.Scalar>) -> JinjaValue {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      return .string(String(view))
    }
    switch (name, arguments.first, arguments.count) {
    case ("strip", _, 0...1), ("lstrip", _, 0...1), ("rstrip", _, 0...1):
      var drops: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
      if case .string(let set)? = arguments.first {
        drops = { set.unicodeScalars.contains($0) }
      } else if !arguments.isEmpty {
        throw JinjaError("\(name) needs a string")
      }
      var rest = scalars[...]
      if name != "rstrip" { rest = rest.drop(while: drops) }
      if name != "lstrip" {
        while let last = rest.last, drops(last) { rest.removeLast() }
      }
      return string(rest)
    case ("startswith", .string(let part)?, 1):
      return .bool(scalars.starts(with: part.unicodeScalars))
    case ("endswith", .string(let part)?, 1):
      return .bool(scalars.reversed().starts(with: part.unicodeScalars.reversed()))
    case ("split", .string(let separator)?, 1) where !separator.isEmpty:
      return .array(text.components(separatedBy: separator).map { .string($0) })
    case ("upper", _, 0): return .string(text.uppercased())
    case ("lower", _, 0): return .string(text.lowercased())
    default: throw JinjaError("the method \(name) of a string is not understood")
    }
  }
}
