import Metrics
import Storage

/// Where fine detail is lost: accuracy against the number of objects to count, and against the size of the glyphs to
/// read, per arm, with Wilson's 95 % intervals.
///
/// Up to four arms share a plot; more would cover each other's bands, so each group of arms has a plot of its own, with
/// the same axes.
public struct FineDetailCurves: Figure {
  /// One arm's answers at one size.
  public struct Answers: Sendable, Equatable {
    /// Objects, or pixels of a glyph.
    public var size: Double
    /// Share of right answers, the mean over seeds.
    public var accuracy: Double
    /// Images that were asked; seeds do not multiply them.
    public var images: Int

    public init(size: Double, accuracy: Double, images: Int) {
      self.size = size
      self.accuracy = accuracy
      self.images = images
    }
  }

  public struct Arm: Sendable, Equatable {
    public var name: String
    /// In order of size; sizes without an image are left out.
    public var answers: [Answers]
    /// Arms of one group share a colour: a projector at two budgets; the name if `nil`.
    public var group: String?
    public var stroke: LinePlot.Stroke

    public init(
      name: String, answers: [Answers], group: String? = nil,
      stroke: LinePlot.Stroke = .solid
    ) {
      self.name = name
      self.answers = answers
      self.group = group
      self.stroke = stroke
    }
  }

  public struct Probe: Sendable, Equatable {
    /// "Counting", "Reading".
    public var title: String
    /// "Objects", "Glyph height (pixels)".
    public var unit: String
    public var arms: [Arm]
    /// What guessing reaches.
    public var chance: Double?

    public init(title: String, unit: String, arms: [Arm], chance: Double? = nil) {
      self.title = title
      self.unit = unit
      self.arms = arms
      self.chance = chance
    }

    /// One plot, or one a group of arms.
    var panels: [PlotGrid.Panel] {
      guard arms.count > FineDetailCurves.mostTogether else {
        return [panel(title, arms, width: 320)]
      }
      var groups: [(name: String, arms: [Arm])] = []
      for arm in arms {
        let name = arm.group ?? arm.name
        if let place = groups.firstIndex(where: { $0.name == name }) {
          groups[place].arms.append(arm)
        } else {
          groups.append((name, [arm]))
        }
      }
      return groups.map { panel("\(title): \($0.name)", $0.arms, width: 230) }
    }

    private func panel(_ title: String, _ arms: [Arm], width: Int) -> PlotGrid.Panel {
      let lines = arms.map { arm in
        ScalingCurves.Arm(
          name: arm.name,
          points: arm.answers.filter { $0.images > 0 }.map { answers in
            let interval = Proportions.wilson(share: answers.accuracy, of: answers.images)
            return .init(
              answers.size, answers.accuracy, interval: interval.lower...interval.upper)
          }, group: arm.group, stroke: arm.stroke)
      }
      return ScalingCurves.Panel(
        title: title, label: "Accuracy", arms: lines, range: -0.02...1.02, chance: chance
      ).plot(over: unit, isLogarithmic: false, width: width)
    }
  }

  /// Arms whose bands can be told apart in one plot.
  static let mostTogether = 4

  public var title: String
  public var probes: [Probe]

  public init(title: String, probes: [Probe]) {
    self.title = title
    self.probes = probes
  }

  public func image(scale: Int) throws -> RGBImage {
    let panels = probes.map(\.panels)
    // Probes of one plot each stand side by side.
    let isSingle = panels.allSatisfy { $0.count <= 1 }
    return try PlotGrid(
      title: title, rows: isSingle ? [panels.flatMap(\.self)] : panels,
      note:
        "Bands: Wilson's 95 % interval over the images; seeds are averaged and do not narrow it."
    ).image(scale: scale)
  }
}
