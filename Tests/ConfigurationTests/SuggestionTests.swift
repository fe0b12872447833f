import Configuration
import Testing

@Suite("Suggestions")
struct SuggestionTests {
  @Test(
    "a slip of the hand finds the key that was meant",
    arguments: [
      ("querries", "queries"), ("maxNewTokens", "max_new_tokens"), ("epohcs", "epochs"),
      ("batch-size", "batch_size"),
    ])
  func near(typed: String, meant: String) {
    let keys = ["queries", "layers", "max_new_tokens", "epochs", "batch_size", "width"]
    #expect(Suggestion.nearest(to: typed, among: keys) == meant)
  }

  @Test("a wholly different word gets no suggestion")
  func far() {
    #expect(Suggestion.nearest(to: "temperature", among: ["queries", "layers"]) == nil)
    #expect(Suggestion.nearest(to: "x", among: []) == nil)
  }

  @Test("several names may have been meant, nearest first, then in their own order")
  func several() {
    let names = ["layer.10.weight", "layer.1.bias", "layer.2.weight", "layer.1.weight", "head"]
    #expect(
      Suggestion.closest(to: "layers.1.weight", among: names)
        == ["layer.1.weight", "layer.10.weight", "layer.2.weight"])
    #expect(Suggestion.closest(to: String(repeating: "x", count: 300), among: names) == [])
  }
}
