extension Field {
  /// The same key of a section that is part of another and whose keys stand among the other's own.
  package func inside<Outer>(_ path: Field<Outer>.Property<Section>) -> Field<Outer> {
    let body: Field<Outer>.Body =
      switch body {
      case .keyed(let field): .keyed(field.inside(path))
      case .flattened(let field): .flattened(field.inside(path))
      case .open(let field): .open(field.inside(path))
      }
    let copy = copy
    return Field<Outer>(body: body) { source, target in
      copy(source[keyPath: path], &target[keyPath: path])
    }
  }
}

extension Field.Keyed {
  func inside<Outer>(_ path: Field<Outer>.Property<Section>) -> Field<Outer>.Keyed {
    let (decode, encode) = (decode, encode)
    return Field<Outer>.Keyed(
      key: key, documentation: documentation, isRequired: isRequired, shape: shape,
      decode: { decode($0, &$1[keyPath: path], &$2) }, encode: { encode($0[keyPath: path]) })
  }
}

extension Field.Flattened {
  func inside<Outer>(_ path: Field<Outer>.Property<Section>) -> Field<Outer>.Flattened {
    let (read, entries) = (read, entries)
    return Field<Outer>.Flattened(
      shape: shape, read: { read(&$0, &$1[keyPath: path], &$2) },
      entries: { entries($0[keyPath: path]) })
  }
}

extension Field.Open {
  func inside<Outer>(_ path: Field<Outer>.Property<Section>) -> Field<Outer>.Open {
    let (read, entries) = (read, entries)
    return Field<Outer>.Open(
      shape: shape, read: { read(&$0, &$1[keyPath: path], &$2) },
      entries: { entries($0[keyPath: path]) })
  }
}
