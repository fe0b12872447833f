import ArgumentParser

@main
struct Dragoman: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dragoman",
    abstract: "Compares projectors between a frozen vision encoder and a frozen language model.")
}
