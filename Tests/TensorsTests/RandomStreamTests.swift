import Testing

@testable import Tensors

@Suite struct RandomStreamTests {
  /// Random123's `kat_vectors` for philox4x32 with 10 rounds.
  @Test func philoxGivesThePublishedWords() {
    let ones = UInt32.max
    #expect(
      RandomStream.philox(counter: (0, 0, 0, 0), key: (0, 0))
        == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      RandomStream.philox(counter: (ones, ones, ones, ones), key: (ones, ones))
        == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      RandomStream.philox(
        counter: (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: (0xa409_3822, 0x299f_31d0))
        == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func aKeysStreamIsAlwaysTheSameAndAnothersIsNot() {
    func words(_ key: RandomKey) -> [UInt64] {
      var stream = key.stream
      return (0..<9).map { _ in stream.next() }
    }
    let key = RandomKey(seed: 3)
    #expect(words(key.named("init")) == words(RandomKey(seed: 3).named("init")))
    let others = [
      key, key.named("init"), key.named("order"), key.numbered(0), key.numbered(1),
      key.named("init").numbered(1), RandomKey(seed: 4).named("init"),
    ]
    #expect(Set(others.map(words)).count == others.count)
  }

  @Test func normalNumbersHaveMeanZeroAndDeviationOne() {
    var stream = RandomKey(seed: 1).stream
    let numbers = (0..<100_000).map { _ in Double(stream.normal()) }
    let mean = numbers.reduce(0, +) / 1e5
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1e5
    #expect(abs(mean) < 0.015 && abs(variance - 1) < 0.02)  // over four standard errors
    let beyond = numbers.count { abs($0) > 1.959964 }
    #expect(abs(Double(beyond) / 1e5 - 0.05) < 0.003)
  }

  @Test(arguments: [0, 1, 2, 7, 65_536, 65_537, 200_001])
  func fillingGivesTheStreamsNumbers(count: Int) {
    let key = RandomKey(seed: 8)
    var stream = key.stream
    let expected = (0..<count).map { _ in stream.normal() * 0.02 }
    var values = [Float](repeating: .nan, count: count)
    values.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: key, deviation: 0.02)
    }
    expectSameBits(values, expected)
  }

  @Test func uniformNumbersFillTheUnitInterval() {
    var stream = RandomKey(seed: 2).stream
    var bins = [Int](repeating: 0, count: 10)
    for _ in 0..<100_000 {
      let number = stream.uniform()
      #expect(number >= 0 && number < 1)
      bins[Int(number * 10)] += 1
    }
    #expect(bins.allSatisfy { abs($0 - 10_000) < 400 })
  }

  @Test func aPermutationHoldsEveryIndexOnce() {
    var stream = RandomKey(seed: 5).stream
    let order = stream.permutation(1000)
    #expect(order.sorted() == Array(0..<1000))
    #expect(order != Array(0..<1000))
    #expect(stream.permutation(0).isEmpty)
  }
}
