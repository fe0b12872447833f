import Foundation
import Testing

@testable import Storage

@Suite struct DigestTests {
  @Test(arguments: [
    ("", "99aa06d3014798d86001c324468d497f"),
    ("dragoman", "211f0da949eaedcbafa9021285f724ca"),
    (String(repeating: "0123456789", count: 1000), "26b9e8677f17f17f2da683cfe7106d98"),
  ])
  func digestsAreXXH3(_ text: String, _ expected: String) throws {
    #expect(Digest.of(text) == expected)
    #expect(Digest.of(Data(text.utf8)) == expected)
    let folder = try TemporaryFolder()
    #expect(try Digest.ofFile(folder.write(text, "a")) == expected)
    var hasher = DigestHasher()
    for byte in text.utf8 { hasher.update([byte]) }
    #expect(hasher.finalize() == expected)
  }

  @Test func fieldsDoNotRunTogether() {
    func key(_ fields: [(String, String)]) -> String {
      var hasher = DigestHasher()
      for (name, value) in fields { hasher.update(field: name, value) }
      return hasher.finalize()
    }
    #expect(key([("a", "bc")]) != key([("ab", "c")]))
    #expect(key([("a", "b"), ("c", "")]) != key([("a", "b")]))
  }

  @Test func aMissingFileIsNamed() throws {
    let folder = try TemporaryFolder()
    #expect(
      message { try Digest.ofFile(folder.file("none")) }
        == "Cannot read \(folder.file("none").path): No such file or directory.")
  }
}
