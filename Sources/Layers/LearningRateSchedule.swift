import Configuration
import Foundation

/// How the learning rate moves over a stage: up in a straight line, then down.
///
/// With k the update from 0, W those of the warm-up and T all, the rate is the peak times
///
/// - k / W, or (k + 1) / W, while k < W;
/// - then, with p = (k − W) / (T − W): ½ (1 + cos πp), or 1 − p, or 1.
///
/// Source: transformers' `get_cosine_schedule_with_warmup` and its linear and constant siblings.
///
/// Edge cases: past T the rate is 0 (constant: the peak). A warm-up as long as the stage or longer
/// never falls. Without warm-up both conventions are equal.
public struct LearningRateSchedule: Sendable, Hashable {
  /// How the rate goes from its peak, after warm-up, to the stage's last update.
  public enum Decay: String, ConfigChoice {
    /// Half a cosine, down to 0.
    case cosine
    /// A straight line, down to 0.
    case linear
    /// The peak until the end.
    case constant
  }

  public enum WarmUp: Sendable, Hashable {
    /// k / W: the first update has rate 0, as in transformers.
    case fromZero
    /// (k + 1) / W: the first update already learns.
    case fromFirstStep
  }

  public var peak: Double
  public var decay: Decay
  /// Updates of warm-up.
  public var warmUpUpdates: Int
  /// Updates of the whole stage, warm-up counted.
  public var totalUpdates: Int
  public var warmUp: WarmUp

  public init(
    peak: Double, decay: Decay = .cosine, warmUpUpdates: Int = 0, totalUpdates: Int,
    warmUp: WarmUp = .fromZero
  ) {
    precondition(warmUpUpdates >= 0 && totalUpdates >= 0, "updates are counted from 0")
    self.peak = peak
    self.decay = decay
    self.warmUpUpdates = warmUpUpdates
    self.totalUpdates = totalUpdates
    self.warmUp = warmUp
  }

  /// The rate of update `index`, from 0.
  public func learningRate(at index: Int) -> Double { peak * factor(at: index) }

  /// The share of the peak at update `index`, from 0.
  public func factor(at index: Int) -> Double {
    if index < warmUpUpdates {
      let position = warmUp == .fromZero ? index : index + 1
      return Double(position) / Double(warmUpUpdates)
    }
    let progress =
      Double(index - warmUpUpdates) / Double(max(1, totalUpdates - warmUpUpdates))
    return switch decay {
    case .cosine: progress >= 1 ? 0 : 0.5 * (1 + cos(.pi * progress))
    case .linear: max(0, 1 - progress)
    case .constant: 1
    }
  }
}
