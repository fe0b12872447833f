import Foundation
import Synchronization
import Training

/// Progress and log on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet.
public final class Console: Sendable {
  private struct State {
    var barIsShown = false
    var lastBar = ContinuousClock.now - .seconds(10)
  }

  private let isQuiet: Bool
  private let isTerminal: Bool
  private let state = Mutex(State())

  public init(quiet: Bool = false) {
    isQuiet = quiet
    isTerminal = isatty(STDERR_FILENO) == 1
  }

  /// One line of log.
  public func log(_ text: String) {
    guard !isQuiet else { return }
    state.withLock { state in
      write((state.barIsShown ? "\r\u{1B}[K" : "") + text + "\n")
      state.barIsShown = false
    }
  }

  /// The state of something under way; on a terminal it replaces the one before, at most ten a second.
  public func bar(_ fraction: Double, _ text: String) {
    guard !isQuiet, isTerminal else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      guard now - state.lastBar > .milliseconds(100) || fraction >= 1 else { return }
      state.lastBar = now
      let width = 24
      let full = Int((min(max(fraction, 0), 1) * Double(width)).rounded())
      let drawn = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
      write("\r\u{1B}[K\(drawn) \(Int(fraction * 100)) % \(text)")
      state.barIsShown = true
    }
  }

  /// Removes a bar that is shown, so that the next line begins at the margin.
  public func endBar() {
    state.withLock { state in
      if state.barIsShown { write("\r\u{1B}[K") }
      state.barIsShown = false
    }
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  /// `1 h 02 min`, `3 min 05 s`, `12 s`.
  public static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
    return switch whole {
    case 3600...: "\(whole / 3600) h \(two(whole / 60 % 60)) min"
    case 60...: "\(whole / 60) min \(two(whole % 60)) s"
    default: "\(whole) s"
    }
  }
}

extension Console {
  /// A training's progress: a bar, and a line of log at the end of an epoch.
  func show(_ progress: TrainingProgress, title: String) {
    let rate = Self.rounded(progress.samplesPerSecond, 1)
    if let validation = progress.validationLoss {
      log(
        "  \(title): epoch \(progress.epoch)/\(progress.epochs), validation loss "
          + "\(Self.rounded(validation, 4)), \(rate) samples/s")
    } else {
      bar(
        Double(progress.update) / Double(progress.updates),
        "\(title): epoch \(progress.epoch)/\(progress.epochs), loss "
          + "\(Self.rounded(progress.loss, 3)), \(rate) samples/s, "
          + "\(Self.duration(progress.secondsLeft)) left")
    }
  }

  private static func rounded(_ value: Double, _ digits: Int) -> String {
    value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
  }
}

/// A count that several threads change.
final class SharedCount: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }
  func set(_ value: Int) { count.withLock { $0 = value } }

  /// Adds and returns the new count.
  func add(_ amount: Int) -> Int {
    count.withLock { count in
      count += amount
      return count
    }
  }
}
