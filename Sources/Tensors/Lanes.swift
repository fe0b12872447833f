import CKernels
import Dispatch
import Synchronization

/// Runs numbered pieces of work on a fixed number of threads.
public struct LaneExecutor: Sendable {
  public let threads: Int

  /// - Precondition: at least one thread.
  public init(threads: Int) {
    precondition(threads >= 1, "at least one thread")
    self.threads = threads
  }

  /// Calls `body` once for each index below `count`; which thread takes which is not fixed.
  public func run(count: Int, _ body: @Sendable (Int) -> Void) {
    guard threads > 1, count > 1 else {
      for index in 0..<count { body(index) }
      return
    }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        body(index)
      }
    }
  }

  /// The results of `body` in the order of the indices.
  /// - Throws: the error of the lowest index that failed.
  public func map<Result: Sendable, Failure: Error>(
    count: Int, _ body: @Sendable (Int) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    let results = Mutex<[Int: Swift.Result<Result, Failure>]>([:])
    run(count: count) { index in
      let result: Swift.Result<Result, Failure>
      do throws(Failure) {
        result = .success(try body(index))
      } catch {
        result = .failure(error)
      }
      results.withLock { $0[index] = result }
    }
    let finished = results.withLock { $0 }
    var ordered: [Result] = []
    ordered.reserveCapacity(count)
    for index in 0..<count {
      guard let result = finished[index] else { preconditionFailure("piece \(index) did not run") }
      ordered.append(try result.get())
    }
    return ordered
  }
}

/// The lanes of a batch: a fixed number of tapes, run on any number of threads.
///
/// A batch is cut into lanes by the data alone. A lane runs forward and backward on one thread;
/// then the weight gradients are added lane by lane, in lane order, one weight on one thread. The
/// bits of the result do not depend on the number of threads.
public final class Lanes: @unchecked Sendable {
  // @unchecked: each tape is used by the one thread that runs its lane.

  public let count: Int
  public let executor: LaneExecutor
  public let pool: BufferPool
  let tapes: [Tape]
  /// Bytes that the lanes of the last batch held when all of them were done: what the gradients of
  /// weights are summed from.
  public private(set) var heldBytes = 0

  public init(count: Int, threads: Int, pool: BufferPool = BufferPool()) {
    precondition(count >= 1, "at least one lane")
    self.count = count
    self.pool = pool
    executor = LaneExecutor(threads: threads)
    tapes = (0..<count).map { _ in Tape(pool: pool) }
  }

  /// Runs `forward` on each lane, then its backward pass, then sums the gradients of `parameters`.
  ///
  /// - Parameter forward: records a lane's operations and returns its share of the loss; nil for a
  ///   lane without samples.
  /// - Returns: the sum of the lanes' losses, added in lane order.
  /// - Throws: what `forward` threw in the lowest lane; no gradient has changed then.
  @discardableResult
  public func gradients<Failure: Error>(
    of parameters: [Parameter], _ forward: @Sendable (Int, Tape) throws(Failure) -> Loss?
  ) throws(Failure) -> Double {
    let losses: [Double]
    do {
      losses = try executor.map(count: count) { lane throws(Failure) in
        let tape = tapes[lane]
        guard let loss = try forward(lane, tape) else { return 0.0 }
        tape.backward(from: loss.tensor)
        return loss.value
      }
    } catch {
      for tape in tapes { tape.reset() }
      throw error
    }
    heldBytes = pool.usedBytes
    WeightGradients.accumulate(tapes, into: parameters, executor: executor)
    for tape in tapes { tape.reset() }
    return losses.reduce(0, +)
  }

  /// Samples of each lane: `samples` cut into `lanes` runs whose lengths differ by at most one.
  public static func split(_ samples: Int, lanes: Int) -> [Range<Int>] {
    (0..<lanes).map { lane in samples * lane / lanes..<samples * (lane + 1) / lanes }
  }
}

extension Tape {
  /// Sums this tape's queued weight gradients into the parameters' buffers: a batch of one lane.
  public func collectWeightGradients(for parameters: [Parameter]) {
    WeightGradients.accumulate([self], into: parameters, executor: LaneExecutor(threads: 1))
  }
}
