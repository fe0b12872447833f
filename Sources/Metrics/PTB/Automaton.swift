/// The nondeterministic automata of some lists of patterns.
///
/// Units that no pattern tells apart share a class, so that a row of transitions is about a hundred
/// entries wide instead of 65,536.
struct PatternSet: Sendable {
  /// Class of every UTF-16 unit.
  let classOfUnit: [UInt8]
  let classCount: Int
  /// The set that a state reads, a row of `setHasClass`, or -1 where it reads nothing.
  fileprivate let setOfState: [Int32]
  /// Index of the pattern that ends in a state, or -1.
  fileprivate let accepted: [Int32]
  /// The states that read or accept and that are reached without input after a state's input:
  /// `reached[reachedStarts[i]..<reachedStarts[i + 1]]`.
  fileprivate let reached: [Int32]
  fileprivate let reachedStarts: [Int]
  /// `setHasClass[set · classCount + class]`.
  fileprivate let setHasClass: [Bool]
  /// The states that read or accept where each list begins.
  fileprivate let starts: [[Int32]]

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
        builder.accepted[last] = Int32(index)
      }
    }
    (classOfUnit, classCount, setHasClass) = Self.partition(sets)
    var closures = Closures(builder)
    self.starts = starts.map { closures.states(from: $0) }
    setOfState = builder.inputs.map { Int32($0?.set ?? -1) }
    accepted = builder.accepted
    var reached: [Int32] = []
    var reachedStarts = [0]
    for input in builder.inputs {
      if let input { reached += closures.states(from: input.target) }
      reachedStarts.append(reached.count)
    }
    self.reached = reached
    self.reachedStarts = reachedStarts
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

  /// Thompson's construction: a state reads at most one set.
  private struct Builder {
    var inputs: [(set: Int, target: Int)?] = []
    /// Steps without input.
    var steps: [[Int]] = []
    var accepted: [Int32] = []

    mutating func state() -> Int {
      inputs.append(nil)
      steps.append([])
      accepted.append(-1)
      return steps.count - 1
    }

    mutating func connect(_ from: Int, _ to: Int) { steps[from].append(to) }

    mutating func add(_ pattern: Pattern, after start: Int, _ index: (UnitSet) -> Int) -> Int {
      switch pattern {
      case .units(let set):
        let end = state()
        inputs[start] = (index(set), end)
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

  /// Finds what is reached without input.
  private struct Closures {
    private let builder: Builder
    private var mark: [Int]
    private var round = 0

    init(_ builder: Builder) {
      self.builder = builder
      mark = Array(repeating: 0, count: builder.steps.count)
    }

    /// The states that read or accept, in order.
    mutating func states(from start: Int) -> [Int32] {
      round += 1
      mark[start] = round
      var pending = [start]
      var states: [Int32] = []
      while let state = pending.popLast() {
        if builder.inputs[state] != nil || builder.accepted[state] >= 0 {
          states.append(Int32(state))
        }
        for next in builder.steps[state] where mark[next] != round {
          mark[next] = round
          pending.append(next)
        }
      }
      return states.sorted()
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
  private var members: [[Int32]] = []
  private var stateOfMembers: [[Int32]: Int32] = [:]
  private var mark: [Int32]
  private var round: Int32 = 0

  init(_ patterns: PatternSet, list: Int) {
    self.patterns = patterns
    mark = Array(repeating: 0, count: patterns.accepted.count)
    _ = state(of: patterns.starts[list])
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
    round += 1
    var targets: [Int32] = []
    for member in members[Int(state)] {
      let set = Int(patterns.setOfState[Int(member)])
      guard set >= 0, patterns.setHasClass[set * patterns.classCount + unitClass] else { continue }
      let first = patterns.reachedStarts[Int(member)]
      for target in patterns.reached[first..<patterns.reachedStarts[Int(member) + 1]]
      where mark[Int(target)] != round {
        mark[Int(target)] = round
        targets.append(target)
      }
    }
    targets.sort()
    let next = targets.isEmpty ? Self.dead : self.state(of: targets)
    transitions[Int(state) * patterns.classCount + unitClass] = next
    return next
  }

  /// The state that stands for a sorted list of states of the patterns.
  private mutating func state(of key: [Int32]) -> Int32 {
    if let known = stateOfMembers[key] { return known }
    let index = Int32(members.count)
    stateOfMembers[key] = index
    members.append(key)
    accepted.append(key.map { patterns.accepted[Int($0)] }.filter { $0 >= 0 }.min() ?? -1)
    transitions.append(
      contentsOf: repeatElement(Self.unknown, count: patterns.classCount))
    return index
  }
}
