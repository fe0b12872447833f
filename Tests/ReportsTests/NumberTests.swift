import Reports
import Testing

@Suite struct NumberTests {
  @Test(arguments: [
    (NumberFormat.integer, 1_908_480.0, "1,908,480"), (.integer, -1000, "-1,000"),
    (.integer, 999.6, "1,000"), (.integer, 0, "0"), (.decimals(3), 0.5789, "0.579"),
    (.decimals(2), -0.001, "0.00"), (.decimals(0), 2.5, "2"), (.significant(3), 0.0001, "0.0001"),
    (.significant(3), 0.00001234, "1.23e-5"), (.significant(3), 9.996, "10"),
    (.significant(4), 1_234_567, "1.235e6"), (.significant(3), 0.5, "0.5"),
    (.significant(3), 0, "0"), (.prefixed(3), 957e9, "957 G"), (.prefixed(3), 1_908_480, "1.91 M"),
    (.prefixed(3), 999_999, "1 M"), (.prefixed(3), 12, "12"), (.probability, 0.0001, "<0.001"),
    (.probability, 0.0456, "0.046"), (.integer, .nan, "nan"), (.decimals(1), -.infinity, "-inf"),
  ])
  func `numbers are written the same way every time`(
    format: NumberFormat, value: Double, text: String
  ) {
    #expect(format.text(value) == text)
  }

  @Test func `ticks are round numbers inside the range with equal decimals`() {
    let ticks = Ticks(from: 0.03, to: 1.27)
    #expect(ticks.labels == ["0.25", "0.50", "0.75", "1.00", "1.25"])
    #expect(ticks.values == [0.25, 0.5, 0.75, 1, 1.25])
    #expect(Ticks(from: 0, to: 4).labels == ["0", "1", "2", "3", "4"])
    #expect(Ticks(from: -2, to: 2, count: 4).labels == ["-2", "-1", "0", "1", "2"])
    #expect(Ticks(from: 0.88, to: 4.12, count: 9).labels.contains("1.5"))
    #expect(Ticks(from: 0.88, to: 4.12, count: 9, leastStep: 1).labels == ["1", "2", "3", "4"])
    #expect(Ticks(from: 0, to: 42_000).labels == ["0", "10,000", "20,000", "30,000", "40,000"])
  }

  @Test func `very small and very large values share a power of ten`() {
    let small = Ticks(from: 0, to: 4.3e-7, count: 4)
    #expect(small.labels == ["0", "1", "2", "3", "4"])
    #expect(small.exponentLabel == "×10⁻⁷")
    #expect(Ticks(from: 0, to: 3e9, count: 3).exponentLabel == "×10⁹")
    #expect(Ticks(from: 0, to: 0.02).exponentLabel == nil)
  }

  @Test func `a range without extent has one tick`() {
    #expect(Ticks(from: 0.25, to: 0.25).labels == ["0.25"])
    #expect(Ticks(from: .nan, to: 1).labels.count == 1)
    #expect(Ticks(from: 1, to: 1 + 1e-16).labels == ["1"])
  }

  @Test(arguments: [(0.001, 0.5), (1e-9, 1e9), (-4e5, 3.0), (0, 7e-12), (2.71, 2.72)])
  func `every tick lies in the range and no two labels are equal`(low: Double, high: Double) {
    for count in 2...9 {
      let ticks = Ticks(from: low, to: high, count: count)
      let slack = (high - low) * 1e-6
      #expect(ticks.values.allSatisfy { $0 >= low - slack && $0 <= high + slack })
      #expect(Set(ticks.labels).count == ticks.values.count)
      #expect(!ticks.values.isEmpty && ticks.values.count <= 2 * count + 2)
    }
  }

  @Test func `a logarithmic axis marks powers of ten`() {
    #expect(Ticks(logarithmicFrom: 1e-4, to: 1).labels == ["0.0001", "0.001", "0.01", "0.1", "1"])
    #expect(Ticks(logarithmicFrom: 1, to: 20).values == [1, 2, 5, 10, 20])
  }
}
