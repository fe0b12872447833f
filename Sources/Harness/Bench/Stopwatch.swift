import Foundation
import Training

/// Wall-clock and processor seconds of what ran since it was made.
struct Stopwatch {
  private let start = ContinuousClock.now
  private let processorStart = Self.processorSeconds

  var seconds: Double { start.duration(to: .now).seconds }
  /// Of all threads of this process: what the work costs, whoever else runs here.
  var processorSeconds: Double { Self.processorSeconds - processorStart }

  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

extension [Double] {
  /// The middle value, or the mean of the two middle ones; 0 of none.
  var median: Double {
    guard !isEmpty else { return 0 }
    let ordered = sorted()
    let middle = count / 2
    return count.isMultiple(of: 2) ? (ordered[middle - 1] + ordered[middle]) / 2 : ordered[middle]
  }
}
