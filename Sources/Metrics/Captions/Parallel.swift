import Dispatch
import Foundation
import Synchronization

/// Splits work over images among threads; results do not depend on how.
package enum Parallel {
  package static var availableThreads: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Concatenates `body` over contiguous pieces of `0..<count`, in order.
  package static func map<T: Sendable>(
    _ count: Int, threads: Int, _ body: @Sendable (Range<Int>) -> [T]
  ) -> [T] {
    // Small sets are done before a second thread has started.
    let pieces = count < 256 ? 1 : max(1, threads)
    if pieces == 1 { return body(0..<count) }
    let results = Mutex([[T]](repeating: [], count: pieces))
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      let part = body(count * piece / pieces..<count * (piece + 1) / pieces)
      results.withLock { $0[piece] = part }
    }
    return results.withLock { parts in Array(parts.joined()) }
  }

  /// Two results, made side by side where there are two threads.
  package static func both<A: Sendable, B: Sendable>(
    threads: Int, _ a: @Sendable () -> A, _ b: @Sendable () -> B
  ) -> (A, B) {
    guard threads > 1 else { return (a(), b()) }
    let results = Mutex<(a: A?, b: B?)>((nil, nil))
    DispatchQueue.concurrentPerform(iterations: 2) { part in
      if part == 0 {
        let value = a()
        results.withLock { $0.a = value }
      } else {
        let value = b()
        results.withLock { $0.b = value }
      }
    }
    return results.withLock { results in
      guard let a = results.a, let b = results.b else { preconditionFailure("a part was not run") }
      return (a, b)
    }
  }
}
