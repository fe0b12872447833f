import Layers
import Testing

@Suite struct LearningRateScheduleTests {
  private func factors(_ schedule: LearningRateSchedule, _ steps: [Int]) -> [Double] {
    steps.map { schedule.factor(at: $0) }
  }

  private func close(_ actual: [Double], _ expected: [Double]) -> Bool {
    actual.count == expected.count && zip(actual, expected).allSatisfy { abs($0 - $1) < 1e-12 }
  }

  @Test func warmUpRisesFromZeroAsInTransformers() {
    let schedule = LearningRateSchedule(peak: 2, warmUpUpdates: 4, totalUpdates: 12)
    #expect(close(factors(schedule, [0, 1, 2, 3, 4]), [0, 0.25, 0.5, 0.75, 1]))
    #expect(schedule.learningRate(at: 2) == 1)
  }

  @Test func warmUpMayLearnFromTheFirstStep() {
    let schedule = LearningRateSchedule(
      peak: 1, warmUpUpdates: 4, totalUpdates: 12, warmUp: .fromFirstStep)
    #expect(close(factors(schedule, [0, 1, 2, 3, 4]), [0.25, 0.5, 0.75, 1, 1]))
  }

  @Test func decayEndsAtZeroOrStays() {
    func schedule(_ decay: LearningRateSchedule.Decay) -> LearningRateSchedule {
      LearningRateSchedule(peak: 1, decay: decay, warmUpUpdates: 2, totalUpdates: 10)
    }
    #expect(close(factors(schedule(.cosine), [2, 6, 10, 11, 30]), [1, 0.5, 0, 0, 0]))
    #expect(close(factors(schedule(.linear), [2, 4, 6, 10, 30]), [1, 0.75, 0.5, 0, 0]))
    #expect(close(factors(schedule(.constant), [0, 1, 2, 30]), [0, 0.5, 1, 1]))
  }

  @Test func edgeCasesStayFinite() {
    let none = LearningRateSchedule(peak: 1, totalUpdates: 4)
    #expect(none.factor(at: 0) == 1)
    let longer = LearningRateSchedule(peak: 1, warmUpUpdates: 8, totalUpdates: 4)
    #expect(longer.factor(at: 4) == 0.5)
    #expect(LearningRateSchedule(peak: 1, totalUpdates: 0).factor(at: 0) == 1)
  }

  @Test func configGivesScheduleAndOptions() {
    var config = OptimizerConfig()
    config.peakLearningRate = 0.5
    config.schedule = .linear
    config.warmup = .fraction(0.25)
    config.beta2 = 0.98
    config.clipNorm = nil
    let schedule = config.learningRates(updates: 20)
    #expect(
      schedule
        == LearningRateSchedule(peak: 0.5, decay: .linear, warmUpUpdates: 5, totalUpdates: 20))
    #expect(config.options.beta2 == 0.98 && config.options.clipNorm == nil)
  }
}
