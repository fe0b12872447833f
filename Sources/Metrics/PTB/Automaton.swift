/// The nondeterministic automata of some lists of patterns.
///
/// Units that no pattern tells apart share a class, so that a row of transitions is about a hundred
/// entries wide instead of 65,536.
struct PatternSet: Sendable {
  /// Class of every UTF-16 unit.
  let classOfUnit: [UInt8]
  let classCount: Int
  /// Edges of each state: the sets are rows of `setHasClass`, -1 is a step without input.
  fileprivate var edges: [[(set: Int, target: Int)]] = []
  /// Index of the pattern that ends in a state, or -1.
  fileprivate var accepted: [Int] = []
  /// `setHasClass[set · classCount + class]`.
  fileprivate let setHasClass: [Bool]
  /// Where each list begins.
  fileprivate let starts: [Int]

  /// Each list is one automaton, in which earlier patterns go before later ones.
  init(_ lists: [[Pattern]]) {
    var sets: [UnitSet] = []
    var indexOfSet: [UnitSet: Int] = [:]
    var builder = Builder()
    var starts: [Int] = []
    for patterns in lists {
      let start = builder.state()
      starts.append(start)
      for (index, pattern) in patterns.enumerated() {
        let first = builder.state()
        builder.connect(start, first)
        let last = builder.add(pattern, after: first) { set in
          if let known = indexOfSet[set] { return known }
          indexOfSet[set] = sets.count
          sets.append(set)
          return sets.count - 1
        }
        builder.accepted[last] = index
      }
    }
    self.starts = starts
    edges = builder.edges
    accepted = builder.accepted
    (classOfUnit, classCount, setHasClass) = Self.partition(sets)
  }

  /// Cuts all units into the coarsest classes that every set is a union of.
  private static func partition(_ sets: [UnitSet]) -> ([UInt8], Int, [Bool]) {
    // An interval between neighbouring boundaries lies in or out of each set as a whole.
    var boundaries: Set<Int> = [0]
    for range in sets.lazy.flatMap(\.ranges) {
      boundaries.insert(Int(range.lowerBound))
      boundaries.insert(Int(range.upperBound) + 1)
    }
    let starts = boundaries.subtracting([0x10000]).sorted()
    var intervalAt: [Int: Int] = [0x10000: starts.count]
    for (index, start) in starts.enumerated() { intervalAt[start] = index }
    var signatures = [UInt64](repeating: 0, count: starts.count)
    var high = signatures
    for (index, set) in sets.enumerated() {
      let mark = UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15
      for range in set.ranges {
        let first = intervalAt[Int(range.lowerBound)] ?? 0
        let end = intervalAt[Int(range.upperBound) + 1] ?? starts.count
        for interval in first..<end {
          signatures[interval] = (signatures[interval] ^ mark) &* 0xff51_afd7_ed55_8ccd
          high[interval] = (high[interval] &+ mark) &* 0xc4ce_b9fe_1a85_ec53
        }
      }
    }
    var classOfSignature: [[UInt64]: UInt8] = [:]
    var classOfUnit = [UInt8](repeating: 0, count: 0x10000)
    var classOfInterval: [UInt8] = []
    for (interval, start) in starts.enumerated() {
      let key = [signatures[interval], high[interval]]
      let fresh = UInt8(classOfSignature.count)
      let index = classOfSignature[key] ?? fresh
      classOfSignature[key] = index
      classOfInterval.append(index)
      let end = interval + 1 < starts.count ? starts[interval + 1] : 0x10000
      for unit in start..<end { classOfUnit[unit] = index }
    }
    let count = classOfSignature.count
    var setHasClass = [Bool](repeating: false, count: sets.count * count)
    for (index, set) in sets.enumerated() {
      for range in set.ranges {
        let first = intervalAt[Int(range.lowerBound)] ?? 0
        let end = intervalAt[Int(range.upperBound) + 1] ?? starts.count
        for interval in first..<end {
          setHasClass[index * count + Int(classOfInterval[interval])] = true
        }
      }
    }
    return (classOfUnit, count, setHasClass)
  }

  private struct Builder {
    var edges: [[(set: Int, target: Int)]] = []
    var accepted: [Int] = []

    mutating func state() -> Int {
      edges.append([])
      accepted.append(-1)
      return edges.count - 1
    }

    mutating func connect(_ from: Int, _ to: Int) { edges[from].append((-1, to)) }

    mutating func add(_ pattern: Pattern, after start: Int, _ index: (UnitSet) -> Int) -> Int {
      switch pattern {
      case .units(let set):
        let end = state()
        edges[start].append((index(set), end))
        return end
      case .sequence(let parts):
        return parts.reduce(start) { add($1, after: $0, index) }
      case .choice(let branches):
        let end = state()
        for branch in branches {
          let first = state()
          connect(start, first)
          connect(add(branch, after: first, index), end)
        }
        return end
      case .star(let body):
        let loop = state()
        connect(start, loop)
        let first = state()
        connect(loop, first)
        connect(add(body, after: first, index), loop)
        let end = state()
        connect(loop, end)
        return end
      }
    }
  }
}

/// The deterministic automaton of a ``PatternSet``, built as far as the text so far has asked for.
struct LazyAutomaton {
  static let dead: Int32 = -1
  private static let unknown: Int32 = -2

  private let patterns: PatternSet
  /// `transitions[state · classCount + class]`.
  private var transitions: [Int32] = []
  /// Index of the first pattern that ends in the state, or -1.
  private(set) var accepted: [Int32] = []
  private var members: [[Int]] = []
  private var stateOfMembers: [[Int]: Int32] = [:]

  init(_ patterns: PatternSet, list: Int) {
    self.patterns = patterns
    _ = state(closing: [patterns.starts[list]])
  }

  /// The longest match that begins at `start`: its end and the first pattern that gives it.
  mutating func longestMatch(_ text: [UInt16], from start: Int) -> (end: Int, pattern: Int)? {
    var state: Int32 = 0
    var match: (end: Int, pattern: Int)?
    var position = start
    while position < text.count {
      let unitClass = Int(patterns.classOfUnit[Int(text[position])])
      var next = transitions[Int(state) * patterns.classCount + unitClass]
      if next == Self.unknown { next = extend(state, unitClass) }
      if next == Self.dead { break }
      state = next
      position += 1
      if accepted[Int(state)] >= 0 { match = (position, Int(accepted[Int(state)])) }
    }
    return match
  }

  /// Whether the patterns match exactly `range`.
  mutating func matches(_ text: [UInt16], _ range: Range<Int>) -> Bool {
    var state: Int32 = 0
    for position in range {
      let unitClass = Int(patterns.classOfUnit[Int(text[position])])
      var next = transitions[Int(state) * patterns.classCount + unitClass]
      if next == Self.unknown { next = extend(state, unitClass) }
      if next == Self.dead { return false }
      state = next
    }
    return accepted[Int(state)] >= 0
  }

  private mutating func extend(_ state: Int32, _ unitClass: Int) -> Int32 {
    var targets: [Int] = []
    for member in members[Int(state)] {
      for edge in patterns.edges[member] where edge.set >= 0 {
        if patterns.setHasClass[edge.set * patterns.classCount + unitClass] {
          targets.append(edge.target)
        }
      }
    }
    let next = targets.isEmpty ? Self.dead : self.state(closing: targets)
    transitions[Int(state) * patterns.classCount + unitClass] = next
    return next
  }

  /// The state whose members are all that `seeds` reach without input.
  private mutating func state(closing seeds: [Int]) -> Int32 {
    var reached = Set(seeds)
    var pending = seeds
    while let member = pending.popLast() {
      for edge in patterns.edges[member] where edge.set < 0 && reached.insert(edge.target).inserted
      {
        pending.append(edge.target)
      }
    }
    // Only states that read input or accept tell sets of states apart.
    let key = reached.filter { member in
      patterns.accepted[member] >= 0 || patterns.edges[member].contains { $0.set >= 0 }
    }.sorted()
    if let known = stateOfMembers[key] { return known }
    let index = Int32(members.count)
    stateOfMembers[key] = index
    members.append(key)
    accepted.append(Int32(key.map { patterns.accepted[$0] }.filter { $0 >= 0 }.min() ?? -1))
    transitions.append(
      contentsOf: repeatElement(Self.unknown, count: patterns.classCount))
    return index
  }
}
