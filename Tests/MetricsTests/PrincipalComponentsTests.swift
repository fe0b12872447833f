import Foundation
import Metrics
import Testing

/// Values of scikit-learn 1.7's `PCA(svd_solver="full")` on the same Float32 rows.
@Suite struct PrincipalComponentsTests {
  /// A number in 0..<1 that Python makes alike.
  private static func value(_ index: Int) -> Double {
    Double((index * 2_654_435_761 + 12345) % (1 << 32)) / 0x1p32
  }

  private static let tall: [Float] = (0..<30).flatMap { row in
    (0..<7).map { column in
      let step: Double = column == 2 ? Double(row % 3) * 2 : 0
      return Float(value(row * 7 + column) * Double(8 - column) + step)
    }
  }

  private static let wide: [Float] = (0..<12).flatMap { row in
    (0..<400).map { column in
      Float(value(row * 400 + column) + (column % 5 == 2 ? Double(row % 3) : 0))
    }
  }

  private func expect(_ values: [Double], _ expected: [Double], within tolerance: Double = 1e-9) {
    #expect(values.count == expected.count)
    for (value, other) in zip(values, expected) { #expect(abs(value - other) < tolerance) }
  }

  @Test func moreRowsThanColumns() {
    let found = PrincipalComponents(of: Self.tall, width: 7, count: 3)
    expect(found.variances, [13.36367043164015, 8.251579798949095, 1.2167489433163845])
    expect(found.shares, [0.5305432406411341, 0.3275911291989316, 0.04830543605036525])
    expect(
      Array(found.directions.prefix(14)),
      [
        -0.3106538083570175, -0.2174256772812359, 0.8909666911183824, -0.2323021020380826,
        0.04750092523093355, 0.035055188037268245, -0.07035034346937707, 0.6666429010455409,
        -0.5945370432157876, 0.15974802690349738, 0.288620209363038, -0.23316227476918758,
        0.16172553656754407, -0.11301368865711225,
      ], within: 1e-8)
    expect(
      Array(found.coordinates(of: Self.tall).prefix(6)),
      [
        -2.39152637962106, -3.418714400491046, 4.201843689065019, 0.8007818924809316,
        -3.370373781816567, -1.251066870076916,
      ], within: 1e-8)
  }

  @Test func moreColumnsThanRows() {
    let found = PrincipalComponents(of: Self.wide, width: 400)
    expect(found.variances, [61.31642347867773, 10.800476593855818], within: 1e-8)
    expect(found.shares, [0.648591311491669, 0.11424500780251774])
    expect(
      Array(found.coordinates(of: Self.wide).prefix(8)),
      [
        -9.6361806148139, -1.2462544970468594, 0.21325706360800467, -3.9981014510599353,
        9.773763061689053, 0.611801257898557, -8.863001338242947, 4.888479058276746,
      ], within: 1e-7)
  }

  @Test func aDirectionInWhichNothingVariesIsZero() {
    let line = PrincipalComponents(of: [0, 0, 3, 4, 6, 8], width: 2)
    expect(line.shares, [1, 0])
    expect(line.directions, [0.6, 0.8, 0, 0])
    expect(line.coordinates(of: [0, 0, 3, 4, 6, 8]), [-5, 0, 0, 0, 5, 0])
    let single = PrincipalComponents(of: [1, 2, 4], width: 1)
    expect(single.directions, [1, 0])
    let same = PrincipalComponents(of: [2, 2, 2, 2], width: 2)
    expect(same.shares, [0, 0])
    expect(same.coordinates(of: [2, 2]), [0, 0])
  }
}
