import ArgumentParser
import Foundation

/// What `--threads` stands for when it is not given.
var allCores: Int { ProcessInfo.processInfo.activeProcessorCount }

/// Refuses a value below 1; one that was not given is fine.
func atLeastOne(_ value: Int?, _ name: String) throws {
  if let value, value < 1 { throw ValidationError("\(name) must be at least 1.") }
}
