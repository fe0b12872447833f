import Testing

@testable import Metrics

@Suite struct UnitSetTests {
  /// Every unit by its own properties, the long way.
  @Test("letters are those of Unicode 6.2, unit by unit")
  func letters() {
    func isLetter(_ unit: UInt16) -> Bool {
      if unit == 0x1885 || unit == 0x1886 { return true }
      if (0x19b0...0x19c0).contains(unit) || [0x19c8, 0x19c9, 0x1cf2, 0x1cf3].contains(unit) {
        return false
      }
      guard let scalar = Unicode.Scalar(unit), let age = scalar.properties.age else { return false }
      let letters: [Unicode.GeneralCategory] = [
        .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      ]
      return letters.contains(scalar.properties.generalCategory)
        && (age.major, age.minor) <= (6, 2)
    }
    let expected = UnitSet(
      (UInt16.min...UInt16.max).filter(isLetter).map { $0...$0 })
    #expect(UnitSet.letters == expected)
    let upper = (UInt16.min...UInt16.max).filter { unit in
      Unicode.Scalar(unit).map { scalar in
        scalar.properties.isUppercase
          && scalar.properties.age.map { ($0.major, $0.minor) <= (6, 2) } ?? false
      } ?? false
    }
    #expect(UnitSet.uppercase == UnitSet(upper.map { $0...$0 }))
  }
}
