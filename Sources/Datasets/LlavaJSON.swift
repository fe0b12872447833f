import Configuration
import Foundation

/// Settings of `kind: llava_json`: LLaVA's instruction data.
///
/// The file is a list of `{"id", "image", "conversations"}`. `image` is a path below ``root`` or a list of them,
/// absent or null for a conversation about text alone. `conversations` are `{"from": "human" | "gpt", "value"}` in
/// turn, the human first and gpt last; in what the human says, `<image>` stands where an image is meant, once an
/// image, in their order. Other members are not read.
///
/// An entry is an example, each pair of turns an exchange; texts stay as they are, `<image>` in its place: the
/// sequence puts the visual tokens there (`SequenceTemplate` of Training). Several entries may have one id if
/// they have the same images, as in LLaVA's own files, whose ids name images: the second is called `id (2)`,
/// and so on.
///
/// Source: `docs/Finetune_Custom_Data.md` of haotian-liu/LLaVA; Liu et al. 2023, *Visual Instruction Tuning*,
/// arXiv:2304.08485.
public struct LlavaJSONConfig: DatasetSettings {
  public var annotations = ConfigPath()
  /// No path in the file may lead out of it.
  public var root = ConfigPath()
  public var split = ConversationSplitConfig()

  public init() {}

  public static let fields: [Field<Self>] = [
    .path("annotations", \.annotations, "The JSON file of conversations.").required,
    .path("root", \.root, "The folder of images; paths that leave it are refused.").required,
    .section(
      "split", \.split, "Conversations of each part; those that share an image stay together."),
  ]

  public var summary: String { "conversations: \(split.words)" }

  public func read() throws(DatasetError) -> [ExampleSet] {
    let file = try TextFile(annotations.url, role: "a list of conversations")
    let content: JSONValue
    do throws(JSONError) { content = try JSONValue(parsing: file.bytes) } catch {
      throw file.error(error.line, "is not JSON: \(error)", "Correct it")
    }
    guard let entries = content.array, !entries.isEmpty else {
      throw file.error(
        nil, "should be a list of conversations, got \(content.shown)",
        "Write [{\"id\": …, \"image\": …, \"conversations\": […]}, …]")
    }
    var reader = LlavaReader(file: file, images: try ImageFolder(existing: root.url))
    var examples: [Example] = []
    for (index, entry) in entries.enumerated() {
      examples.append(try reader.example(entry, index))
    }
    let parts = try split.cut(examples, file: file.path)
    return [
      ExampleSet(
        name: "llava-json", description: "LLaVA's JSON (\(split.words))", notes: reader.notes,
        train: parts.train, validation: parts.validation, test: parts.test)
    ]
  }
}

/// Reads one entry after the other.
private struct LlavaReader {
  /// Stands for an image in a question; `SequenceTemplate.mediumMark` of Training.
  static let mark = "<image>"

  let file: TextFile
  let images: ImageFolder
  /// Of each id the images it has and how often it came.
  private var ids: [Identifier: (images: [Identifier], count: Int)] = [:]
  private var found: Set<Identifier> = []
  private var repeated = 0

  init(file: TextFile, images: ImageFolder) {
    self.file = file
    self.images = images
  }

  /// What a user should know.
  var notes: [String] {
    repeated == 0
      ? []
      : [
        "\(repeated) conversations have an id and images that an earlier one has: they are numbered, "
          + "\"id (2)\" and so on."
      ]
  }

  /// - Parameter index: from 0.
  mutating func example(_ entry: JSONValue, _ index: Int) throws(DatasetError) -> Example {
    let id = try id(of: entry, index)
    let place = "[\(index)] (\(id))"
    let images = try imageNames(of: entry, place)
    let exchanges = try exchanges(of: entry, place)
    try checkMarks(exchanges, images: images.count, place)
    return Example(
      id: try unique(id, images: images, place),
      media: images.map { name in
        Medium(id: name, source: .file(self.images.url.appending(path: name.text)))
      }, exchanges: exchanges)
  }

  private func error(_ place: String, _ problem: String, _ fix: String) -> DatasetError {
    file.error(nil, "\(place): \(problem)", fix)
  }

  private func id(of entry: JSONValue, _ index: Int) throws(DatasetError) -> Identifier {
    guard entry.object != nil else {
      throw error(
        "[\(index)]", "should be an object, got \(entry.shown)",
        "Write {\"id\": …, \"image\": …, \"conversations\": […]}")
    }
    if let text = entry["id"]?.string, !text.isEmpty { return Identifier(text) }
    if case .integer(let number) = entry["id"] { return Identifier("\(number)") }
    throw error(
      "[\(index)]", "id should be a text or a whole number, got \(entry["id"]?.shown ?? "none")",
      "Give every conversation an id")
  }

  private mutating func unique(
    _ id: Identifier, images: [Identifier], _ place: String
  ) throws(DatasetError) -> Identifier {
    guard let earlier = ids[id] else {
      ids[id] = (images, 1)
      return id
    }
    guard earlier.images == images, !images.isEmpty else {
      throw error(
        place, "the id is an earlier conversation's, with other images or none",
        "Give every conversation its own id")
    }
    repeated += 1
    let count = earlier.count + 1
    ids[id] = (images, count)
    let numbered = Identifier("\(id) (\(count))")
    guard ids[numbered] == nil else {
      throw error(
        place, "the id stands there \(count) times, and another conversation is called \(numbered)",
        "Give every conversation its own id")
    }
    return numbered
  }

  private mutating func imageNames(
    of entry: JSONValue, _ place: String
  ) throws(DatasetError) -> [Identifier] {
    let image = entry["image"] ?? .null
    let values = image.isNull ? [] : image.array ?? [image]
    var names: [Identifier] = []
    for value in values {
      guard let text = value.string else {
        throw error(
          place, "image should be a path or a list of paths, got \(value.shown)",
          "Leave it out where there is no image")
      }
      let name = Identifier(text)
      names.append(name)
      if found.contains(name) { continue }
      do throws(DatasetError) {
        try ImageFolder.check(name, file: file.path, line: nil)
      } catch { throw self.error(place, error.problem, error.fix) }
      guard FileManager.default.fileExists(atPath: images.url.appending(path: text).path) else {
        throw error(
          place, "the image \(name) is not in \(images.url.path)",
          "Put it there, correct dataset.root, or leave the conversation out")
      }
      found.insert(name)
    }
    return names
  }

  private func exchanges(of entry: JSONValue, _ place: String) throws(DatasetError) -> [Exchange] {
    guard let turns = entry["conversations"]?.array, !turns.isEmpty else {
      let found = entry["conversations"]
      throw error(
        place,
        found?.array != nil
          ? "conversations is empty"
          : "conversations should be a list, got \(found?.shown ?? "none")",
        "Write [{\"from\": \"human\", \"value\": …}, {\"from\": \"gpt\", \"value\": …}]")
    }
    var exchanges: [Exchange] = []
    var question: String?
    for (index, turn) in turns.enumerated() {
      let place = "\(place): conversations[\(index)]"
      let (isHuman, text) = try self.turn(turn, place)
      if isHuman {
        guard question == nil else {
          throw error(place, "the human speaks twice in a row", "Put both texts into one turn")
        }
        question = text
      } else {
        guard question != nil else {
          throw error(
            place,
            index == 0
              ? "the conversation starts with the assistant" : "gpt speaks twice in a row",
            index == 0 ? "Start with what the human says" : "Put both texts into one turn")
        }
        guard !text.contains(Self.mark) else {
          throw error(
            place, "an answer holds \(Self.mark), and no image can be answered",
            "Put it into what the human says")
        }
        exchanges.append(Exchange(question: question, answers: [text]))
        question = nil
      }
    }
    guard question == nil else {
      throw error(
        "\(place): conversations[\(turns.count - 1)]", "the last question has no answer",
        "Add what gpt says, or leave the question out")
    }
    return exchanges
  }

  private func turn(
    _ turn: JSONValue, _ place: String
  ) throws(DatasetError) -> (isHuman: Bool, text: String) {
    guard let role = turn["from"]?.string, ["human", "gpt"].contains(role) else {
      throw error(
        place, "from should be \"human\" or \"gpt\", got \(turn["from"]?.shown ?? "none")",
        "A system's text goes into language_model.prompt")
    }
    guard let text = turn["value"]?.string, text.contains(where: { !$0.isWhitespace }) else {
      throw error(
        place,
        "value should be a text that is not empty, got \(turn["value"]?.shown ?? "none")",
        "Write what the \(role == "human" ? "human" : "assistant") says, or leave the turns out")
    }
    return (role == "human", text)
  }

  private func checkMarks(
    _ exchanges: [Exchange], images: Int, _ place: String
  ) throws(DatasetError) {
    let marks = exchanges.reduce(0) { $0 + ($1.question?.ranges(of: Self.mark).count ?? 0) }
    guard marks != images else { return }
    func count(_ number: Int, _ noun: String) -> String {
      "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
    throw error(
      place,
      images == 0
        ? "\(Self.mark) stands \(marks == 1 ? "once" : "\(marks) times"), but there is no image"
        : "there are \(count(images, "image")), but \(Self.mark) stands \(count(marks, "time"))",
      "Write \(Self.mark) once an image")
  }
}
