/// One value for each pair of a query (or latent) and a patch of the image.
public struct QueryMap: Sendable, Equatable {
  public let queries: Int
  public let patches: Int
  /// Shape `[queries, patches]`; patches in the grid's order, row by row from the top left.
  public let values: [Float]

  /// - Precondition: `values` has `queries · patches` entries.
  public init(queries: Int, patches: Int, values: [Float]) {
    precondition(
      values.count == queries * patches, "\(values.count) values for [\(queries), \(patches)]")
    self.queries = queries
    self.patches = patches
    self.values = values
  }

  /// One query's values, `[patches]`.
  public subscript(query query: Int) -> [Float] {
    Array(values[query * patches..<(query + 1) * patches])
  }

  /// `[patches]`.
  public var meanOverQueries: [Float] {
    (0..<patches).map { patch in
      var sum: Float = 0
      for query in 0..<queries { sum += values[query * patches + patch] }
      return sum / Float(max(queries, 1))
    }
  }

  /// Each query's values divided by their sum; a query whose values are all 0 stays so.
  public var withUnitRows: QueryMap {
    var result = values
    for query in 0..<queries {
      let row = query * patches..<(query + 1) * patches
      let sum = values[row].reduce(0, +)
      guard sum > 0 else { continue }
      for index in row { result[index] /= sum }
    }
    return QueryMap(queries: queries, patches: patches, values: result)
  }

  /// - Precondition: at least one map, all of one shape.
  static func mean(of maps: [QueryMap]) -> QueryMap {
    var sum = maps[0].values
    for map in maps.dropFirst() {
      precondition(map.queries == maps[0].queries && map.patches == maps[0].patches)
      for index in sum.indices { sum[index] += map.values[index] }
    }
    let count = Float(maps.count)
    return QueryMap(
      queries: maps[0].queries, patches: maps[0].patches, values: sum.map { $0 / count })
  }
}

/// Where one projector looked in one image, layer by layer.
public struct ImageAttention: Sendable, Equatable {
  /// One layer that sees the patches.
  public struct Layer: Sendable, Equatable {
    /// The layer's number in the projector, from 0, as in its weights' names.
    public let layer: Int
    /// Probabilities, mean over heads; every row sums to 1.
    public let attention: QueryMap
    /// ReLU of probability times gradient, mean over heads; never negative.
    public let gradient: QueryMap
    /// Attention rolled out from the first layer through this one; every row sums to 1.
    public let rollout: QueryMap
  }

  /// In their order; at least one.
  public let layers: [Layer]

  /// The map a figure shows.
  ///
  /// `all` takes the mean over the layers that see the patches, and for the rollout the last one's,
  /// which holds all before it. A number names a layer as its weights do; a negative one counts
  /// from the end of the layers that see the patches.
  ///
  /// - Returns: nil when that layer does not see the patches, or is not there.
  public func map(_ weighting: HeatmapWeighting, layer choice: HeatmapLayer) -> QueryMap? {
    func map(of layer: Layer) -> QueryMap {
      switch weighting {
      case .attention: layer.attention
      case .gradient: layer.gradient
      case .rollout: layer.rollout
      }
    }
    switch (choice, weighting) {
    case (.all, .rollout): return layers.last.map(map)
    case (.all, _): return QueryMap.mean(of: layers.map(map))
    case (.index, _): return layer(choice).map(map)
    }
  }

  /// The layer that `choice` names; nil for `all` and for a layer that is not there.
  func layer(_ choice: HeatmapLayer) -> Layer? {
    choice.place(among: layers.map(\.layer)).map { layers[$0] }
  }
}
