extension String {
  /// The text before `ending`, if it ends so; compared byte by byte, as Java and Python do.
  func dropping(_ ending: String) -> String? {
    guard utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8) else { return nil }
    return String(decoding: utf8.dropLast(ending.utf8.count), as: UTF8.self)
  }
}
