/// A set of UTF-16 units as sorted ranges that neither touch nor overlap.
struct UnitSet: Hashable, Sendable {
  let ranges: [ClosedRange<UInt16>]

  init(_ ranges: [ClosedRange<UInt16>]) {
    var merged: [ClosedRange<UInt16>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, Int(range.lowerBound) <= Int(last.upperBound) + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    self.ranges = merged
  }

  var inverted: UnitSet {
    var result: [ClosedRange<UInt16>] = []
    var next = 0
    for range in ranges {
      if Int(range.lowerBound) > next { result.append(UInt16(next)...range.lowerBound - 1) }
      next = Int(range.upperBound) + 1
    }
    if next <= 0xffff { result.append(UInt16(next)...0xffff) }
    return UnitSet(result)
  }

  /// Letters, digits and capitals of the Basic Multilingual Plane.
  ///
  /// As of Unicode 6.2, which the Stanford tokenizer of 2014 was built with: a later letter is not one
  /// to it, and is deleted. A few have changed category since.
  private static let categories: (letters: UnitSet, digits: UnitSet, uppercase: UnitSet) = {
    // Ideographs and syllables, two thirds of all units, need no look at each.
    var letters = plainLetters
    var digits: [ClosedRange<UInt16>] = []
    var uppercase: [ClosedRange<UInt16>] = []
    func add(_ unit: UInt16, to ranges: inout [ClosedRange<UInt16>]) {
      if let last = ranges.last, last.upperBound + 1 == unit {
        ranges[ranges.count - 1] = last.lowerBound...unit
      } else {
        ranges.append(unit...unit)
      }
    }
    for unit in UInt16.min...UInt16.max {
      guard !plainUnits.contains(where: { $0.contains(unit) }),
        let scalar = Unicode.Scalar(unit)
      else { continue }
      let properties = scalar.properties
      let category = properties.generalCategory
      let isLetter =
        switch unit {
        // Letters then, marks now.
        case 0x1885, 0x1886: true
        // Vowel signs then, letters now.
        case 0x19b0...0x19c0, 0x19c8, 0x19c9, 0x1cf2, 0x1cf3: false
        default: category.isLetter
        }
      let isDigit = category == .decimalNumber
      let isUppercase = properties.isUppercase
      guard isLetter || isDigit || isUppercase,
        let age = properties.age, (age.major, age.minor) <= (6, 2)
      else { continue }
      if isLetter { add(unit, to: &letters) }
      if isDigit { add(unit, to: &digits) }
      if isUppercase { add(unit, to: &uppercase) }
    }
    return (UnitSet(letters), UnitSet(digits), UnitSet(uppercase))
  }()

  /// CJK unified ideographs, extension A and Hangul syllables, as far as they went in Unicode 6.2: letters
  /// without case.
  static let plainLetters: [ClosedRange<UInt16>] = [
    0x3400...0x4db5, 0x4e00...0x9fcc, 0xac00...0xd7a3,
  ]
  /// These, what was added to them since, and the units of private use.
  private static let plainUnits: [ClosedRange<UInt16>] = [
    0x3400...0x4dbf, 0x4e00...0x9fff, 0xac00...0xd7a3, 0xe000...0xf8ff,
  ]

  static var letters: UnitSet { categories.letters }
  static var digits: UnitSet { categories.digits }
  static var uppercase: UnitSet { categories.uppercase }
}

extension Unicode.GeneralCategory {
  fileprivate var isLetter: Bool {
    switch self {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
}
