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
}
