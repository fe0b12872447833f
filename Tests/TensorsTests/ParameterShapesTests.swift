import Tensors
import Testing

@Suite("A store of shapes")
struct ParameterShapesTests {
  @Test("it counts weights of any size and asks for no memory")
  func counts() {
    let store = ParameterStore(.shapes)
    var given = -1
    let weight = store.add("w", shape: [1 << 20, 1 << 20]) { given = $0.count }
    #expect(given == 0)
    #expect(weight.count == 1 << 40 && weight.shape == [1 << 20, 1 << 20] && weight.name == "w")
    #expect(store.add("v", shape: [2], values: [1, 2]).count == 2)
    #expect(store.allocatedBytes == 0)
    #expect(!weight.isTrainable)
  }

  @Test("what fills a weight may still refuse it")
  func refuses() {
    struct Refusal: Error {}
    #expect(throws: Refusal.self) {
      try ParameterStore(.shapes).add("w", shape: [3]) { _ in throw Refusal() }
    }
  }
}
