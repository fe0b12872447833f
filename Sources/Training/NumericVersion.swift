/// The version of everything that decides the bits of weights: part of each cell's digest.
public enum NumericVersion {
  /// Raised with every change after which the same file gives other bits on the same machine.
  public static let current = 2
}
