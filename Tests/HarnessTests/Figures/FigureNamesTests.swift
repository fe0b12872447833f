import Harness
import Testing

@Suite("Names of figures")
struct FigureNamesTests {
  @Test("an image's ending is dropped, plain characters stay")
  func plain() {
    let names = FigureNames(images: ["1000268201_693b08cb0e.jpg", "scene-7"])
    #expect(
      names.attention(of: "1000268201_693b08cb0e.jpg") == "attention-1000268201_693b08cb0e.png")
    #expect(names.queries(arm: "qformer", image: "scene-7") == "queries-qformer-scene-7.png")
    #expect(names.magnitude(of: "scene-7") == "magnitude-scene-7.png")
    #expect(names.attention(of: "scene-7", suffix: "-layer-2") == "attention-scene-7-layer-2.png")
  }

  @Test("no name leads out of the folder or is too long")
  func safe() {
    let wild = [
      "../../etc/passwd", "a/b.jpg", "naïve\n.png", "", String(repeating: "x", count: 400),
    ]
    let names = FigureNames(images: wild)
    for image in wild {
      let name = names.attention(of: image)
      #expect(name.utf8.count < 140)
      #expect(name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
      #expect(name.hasPrefix("attention-") && name.hasSuffix(".png"))
    }
    #expect(!names.queries(arm: "a/b", image: "x").contains("/"))
  }

  @Test("images whose names differ get files whose names differ, whatever the case")
  func unique() {
    // The last two differ in their bytes alone: é as one scalar and as two.
    let images = ["a.jpg", "a.png", "A.jpg", "a/b", "a_b", "a:b", "\u{E9}.jpg", "e\u{301}.jpg"]
    let names = FigureNames(images: images)
    #expect(Set(images.map { names.attention(of: $0).lowercased() }).count == images.count)
  }

  @Test("the name of an image does not depend on the order of the others")
  func stable() {
    let images = ["x/1.jpg", "x/2.jpg", "y.jpg"]
    let (one, other) = (FigureNames(images: images), FigureNames(images: images.reversed()))
    for image in images { #expect(one.attention(of: image) == other.attention(of: image)) }
  }
}
