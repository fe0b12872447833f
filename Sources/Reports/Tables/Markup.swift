import Foundation

/// Escaping of text from outside (captions, names) for each form of output.
///
/// All work on Unicode scalars: a combining mark after `<` joins it to one `Character` that would
/// compare unequal to `<`.
package enum Markup {
  /// For HTML text and attributes in double or single quotes.
  package static func html(_ text: String) -> String {
    escaped(text) { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      case "'": "&#39;"
      case "\0": "\u{fffd}"
      default: nil
      }
    }
  }

  /// HTML in which a browser breaks lines at spaces only, not at the hyphen of `BLEU-4`.
  static func htmlHeader(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false).map { word in
      let escaped = html(String(word))
      return word.contains("-") ? "<span class=\"whole\">\(escaped)</span>" : escaped
    }.joined(separator: " ")
  }

  /// For a cell of a Markdown table: nothing in it can start markup or end the cell.
  ///
  /// Underscores inside a word stay bare, where GitHub's Markdown reads them as they are.
  package static func markdown(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    func isWord(_ index: Int) -> Bool {
      scalars.indices.contains(index) && scalars[index].properties.isAlphabetic
        || scalars.indices.contains(index) && scalars[index].properties.numericType != nil
    }
    return scalars.enumerated().map { index, scalar -> String in
      switch scalar {
      case "\\", "|", "`", "*", "[", "]", "<", "~": "\\\(scalar)"
      case "&": "&amp;"
      case "_": isWord(index - 1) && isWord(index + 1) ? "_" : "\\_"
      case "\r": index + 1 < scalars.count && scalars[index + 1] == "\n" ? "" : "<br>"
      case "\n": "<br>"
      default: String(scalar)
      }
    }.joined()
  }

  /// For LaTeX text; symbols that OT1 fonts lack go through math mode.
  package static func latex(_ text: String) -> String {
    escaped(text) { scalar in
      switch scalar {
      case "&", "%", "$", "#", "_", "{", "}": "\\\(scalar)"
      case "\\": #"\textbackslash{}"#
      case "~": #"\textasciitilde{}"#
      case "^": #"\textasciicircum{}"#
      case "<": #"\textless{}"#
      case ">": #"\textgreater{}"#
      case "|": #"\textbar{}"#
      case "±": #"$\pm$"#
      case "×": #"$\times$"#
      case "−": "$-$"
      case "≥": #"$\ge$"#
      case "≤": #"$\le$"#
      case "→": #"$\to$"#
      case "–": "--"
      case "—": "---"
      case "…": #"\dots{}"#
      case "\n", "\r": " "
      default: nil
      }
    }
  }

  /// One field after RFC 4180: in quotes, with its quotes doubled, if it holds a comma, a quote or a
  /// line break, or starts or ends with a space.
  package static func csv(_ field: String) -> String {
    let special = field.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
    guard special || field.hasPrefix(" ") || field.hasSuffix(" ") else { return field }
    return "\"" + escaped(field) { $0 == "\"" ? "\"\"" : nil } + "\""
  }

  /// A path relative to the page as an address: parts are percent-encoded, and a first part with a
  /// colon cannot be taken for a scheme.
  package static func relativeAddress(_ path: String) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    let allowed = CharacterSet(charactersIn: letters + "0123456789-_.~")
    return path.split(separator: "/").map { part in
      part.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }.joined(separator: "/")
  }

  private static func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String?) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if let escape = escape(scalar) {
        result += escape
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
