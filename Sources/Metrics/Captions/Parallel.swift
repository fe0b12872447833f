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
}
