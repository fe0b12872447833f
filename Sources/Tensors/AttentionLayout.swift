/// Which keys one run of queries attends to.
///
/// Every query sees all of `shared`. Of `own` it sees everything, or, when `visible` is given, the
/// first `visible + j` keys, where j counts the queries of the block from 0: causal attention is
/// `visible: 1` with the block's own rows.
public struct AttentionBlock: Sendable, Hashable {
  public var queries: Range<Int>
  public var shared: Range<Int>
  public var own: Range<Int>
  public var visible: Int?

  public init(
    queries: Range<Int>, shared: Range<Int> = 0..<0, own: Range<Int>, visible: Int? = nil
  ) {
    self.queries = queries
    self.shared = shared
    self.own = own
    self.visible = visible
  }

  /// How many keys of `own` query `index` of the block sees.
  func visibleOwn(_ index: Int) -> Int {
    guard let visible else { return own.count }
    return min(own.count, visible + index)
  }
}

/// The segments and mask of an attention: self, cross, causal and shared-prefix attention are one
/// operation with different layouts.
public struct AttentionLayout: Sendable, Hashable {
  public let blocks: [AttentionBlock]

  /// - Precondition: blocks are in the order of their queries and do not overlap.
  public init(blocks: [AttentionBlock]) {
    var next = 0
    for block in blocks {
      precondition(block.queries.lowerBound >= next, "attention blocks are in query order")
      next = block.queries.upperBound
    }
    self.blocks = blocks
  }

  /// Each sequence of queries sees all keys of the sequence of the same index.
  public static func full(queries: Segments, keys: Segments) -> AttentionLayout {
    precondition(
      queries.count == keys.count, "\(queries.count) query sequences, \(keys.count) key sequences")
    return AttentionLayout(
      blocks: queries.indices.map { AttentionBlock(queries: queries[$0], own: keys[$0]) })
  }

  /// Each row sees the rows of its sequence up to itself.
  public static func causal(_ segments: Segments) -> AttentionLayout {
    AttentionLayout(
      blocks: segments.indices.map {
        AttentionBlock(queries: segments[$0], own: segments[$0], visible: 1)
      })
  }

  /// The same attention for some of the query rows only, packed in the order given.
  ///
  /// - Parameter rows: query rows of this layout, ascending.
  public func restricted(to rows: [Int32]) -> AttentionLayout {
    var result: [AttentionBlock] = []
    var position = 0
    for block in blocks {
      while position < rows.count, Int(rows[position]) < block.queries.upperBound {
        let first = Int(rows[position])
        precondition(first >= block.queries.lowerBound, "row \(first) is in no attention block")
        var length = 1
        while position + length < rows.count, Int(rows[position + length]) == first + length,
          first + length < block.queries.upperBound
        { length += 1 }
        result.append(
          AttentionBlock(
            queries: position..<position + length, shared: block.shared, own: block.own,
            visible: block.visible.map { $0 + first - block.queries.lowerBound }))
        position += length
      }
    }
    precondition(position == rows.count, "rows to keep are ascending and inside the layout")
    return AttentionLayout(blocks: result)
  }

  /// Query rows that lie next to each other and share their keys run as one tile: one product with
  /// the shared keys for all, one with each part's own.
  ///
  /// - Parameter group: query heads that share a key head and are computed together. Many rows make the
  ///   products faster, few of them skip more of what a causal mask hides, and a tile's scores of all heads
  ///   of the group should stay in the second-level cache.
  func tiles(group: Int) -> [AttentionTile] {
    let tileRows = max(16, min(128, 256 / group / 16 * 16))
    let isCausal = blocks.contains { $0.visible != nil }
    let partRows = isCausal ? min(tileRows, 32) : tileRows
    var tiles: [AttentionTile] = []
    for (index, block) in blocks.enumerated() {
      for start in stride(from: 0, to: block.queries.count, by: partRows) {
        let end = min(start + partRows, block.queries.count)
        let part = AttentionTile.Part(
          block: index, first: start, rows: end - start, own: block.own,
          ownColumns: block.visibleOwn(end - 1))
        let query = block.queries.lowerBound + start
        if let last = tiles.last, !block.shared.isEmpty, last.shared == block.shared,
          last.queries.upperBound == query, last.queries.count + part.rows <= tileRows
        {
          tiles[tiles.count - 1].append(part, visibleFrom: block)
        } else {
          var tile = AttentionTile(firstQuery: query, shared: block.shared)
          tile.append(part, visibleFrom: block)
          tiles.append(tile)
        }
      }
    }
    return tiles
  }
}

/// A run of query rows computed together: scores `[rows, columns]`, the shared keys first.
struct AttentionTile {
  struct Part {
    let block: Int
    /// First query of the part within its block.
    let first: Int
    let rows: Int
    let own: Range<Int>
    /// Keys of `own` that the part's last query sees.
    let ownColumns: Int
  }

  let shared: Range<Int>
  var queries: Range<Int>
  var parts: [Part] = []
  /// Visible columns of each row.
  var visible: [Int32] = []
  var columns: Int

  init(firstQuery: Int, shared: Range<Int>) {
    self.shared = shared
    queries = firstQuery..<firstQuery
    columns = shared.count
  }

  mutating func append(_ part: Part, visibleFrom block: AttentionBlock) {
    parts.append(part)
    queries = queries.lowerBound..<queries.upperBound + part.rows
    columns = max(columns, shared.count + part.ownColumns)
    for row in 0..<part.rows {
      visible.append(Int32(shared.count + block.visibleOwn(part.first + row)))
    }
  }
}
