import Synchronization

/// Set by a signal handler or a test; training looks at it between updates.
public final class StopSignal: Sendable {
  private let requested = Atomic<Int>(0)

  public init() {}

  /// Asks for a stop; `signal` is the number that asked (2 for Ctrl-C, 15 for termination).
  public func request(signal: Int = 2) { requested.store(signal, ordering: .relaxed) }

  public var isRequested: Bool { requested.load(ordering: .relaxed) != 0 }

  /// The signal that asked, 0 for none.
  public var signal: Int { requested.load(ordering: .relaxed) }
}

/// Training was stopped and left a checkpoint to go on from.
public struct TrainingStopped: Error {
  public init() {}
}
