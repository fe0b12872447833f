/// What becomes of the text that a rule matched.
enum PTBAction: Sendable {
  /// As it is.
  case keep
  /// Without its soft hyphens; what is nothing else becomes a hyphen.
  case word
  /// No token.
  case skip
  /// Another text for all matches.
  case replace(String)
  /// The first part only, without the given number of last units: `can|not`, `gon|na`.
  case split(Int)
  /// Quotation marks in LaTeX's form; straight ones open or close.
  case quote(opening: Bool)
  /// Spaces become U+00A0 and, if asked for, round brackets -LRB- and -RRB-.
  case noBreak(brackets: Bool)
  /// An abbreviation that ends a sentence: the token keeps its period, which also follows as a token.
  case finalAbbreviation
  /// An acronym before a word that begins sentences: like an abbreviation, but one letter loses its
  /// period.
  case finalAcronym
  /// `&amp;` becomes an ampersand.
  case ampersand
  /// Three or four hyphens are a dash.
  case hyphens
  case currency
  case fraction
}

/// A rule of the tokenizer; the longest match wins, then the first rule.
struct PTBRule: Sendable {
  let pattern: String
  /// What must follow; it belongs to the match when rules compete, but not to the token.
  let lookahead: String?
  let action: PTBAction

  init(_ pattern: String, before lookahead: String? = nil, _ action: PTBAction = .keep) {
    self.pattern = pattern
    self.lookahead = lookahead
    self.action = action
  }
}

/// The tokenizer's rules.
///
/// They state, in this module's notation, what the English tokenizer of Stanford CoreNLP 3.4.1 does
/// with default options and `-preserveLines`. Their automaton was compared with that tokenizer's own,
/// state by state (7622 pairs, no difference), except that no token here reaches past its line.
enum PTBRules {
  static let all: [PTBRule] =
    assimilations + markup + words + webAddresses + numbers
    + abbreviations + quotesAndBrackets + punctuation + compounds + rest

  private static let assimilations: [PTBRule] = [
    PTBRule(#"c\+\+|(c|f)#"#),
    PTBRule("cannot|'twas", .split(3)),
    PTBRule("'tis|gonna|gotta|lemme|gimme|wanna", .split(2)),
  ]

  private static let markup: [PTBRule] = [
    PTBRule("{tag}", .noBreak(brackets: false)),
    PTBRule(#"&(MD|mdash|ndash);|[\u0096\u0097\u2013-\u2015]"#, .replace("--")),
    PTBRule("&amp;", .ampersand),
    PTBRule("&(HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);"),
  ]

  private static let words: [PTBRule] = [
    PTBRule("{word}", before: "{clitic}", .word),
    PTBRule(#"[A-Za-z\u00AD]*[A-MO-Za-mo-z]\u00AD*"#, before: "{negation}", .word),
    PTBRule("{word}", .word),
    PTBRule("{apostropheWord}"),
    PTBRule("y{apostrophe}", before: "[[:letter:]]"),
  ]

  private static let webAddresses: [PTBRule] = [
    PTBRule(#"https?://[^ \t\n\f\r"<>|(){}]+[^ \t\n\f\r"<>|.!?(){},\-]"#),
    PTBRule("{likelyAddress}"),
    PTBRule(
      #"(&lt;|<)?[A-Za-z0-9][^ \t\n\f\r"<>|()\u00A0{}]*@"#
        + #"([^ \t\n\f\r"<>|(){}.\u00A0]+\.)*[^ \t\n\f\r"<>|(){}.\u00A0]+(&gt;|>)?"#),
    PTBRule("@[A-Za-z_][A-Za-z_0-9]*|#{letter}+"),
  ]

  private static let numbers: [PTBRule] = [
    PTBRule("{clitic}", before: "[^A-Za-z]", .quote(opening: false)),
    PTBRule("{negation}", before: "[^A-Za-z]", .quote(opening: false)),
    PTBRule(#"{digit}{1,2}[\-/]{digit}{1,2}[\-/]{digit}{2,4}"#),
    PTBRule(#"[\-+]?({digit}+|{digit}*([.:,\u00AD\u066B\u066C]{digit}+)+)"#, .word),
    PTBRule(
      #"[\u207A\u207B\u208A\u208B]?"#
        + #"([\u2070\u00B9\u00B2\u00B3\u2074-\u2079]+|[\u2080-\u2089]+)"#),
    PTBRule(
      #"({digit}{1,4}[\- \u00A0])?{digit}{1,4}(\\?/|\u2044){digit}{1,4}"#, .noBreak(brackets: false)
    ),
    PTBRule(#"[\u00BC-\u00BE\u2153-\u215E]"#, .fraction),
    PTBRule("{treebankSpecial}", .ampersand),
    PTBRule(
      #"[A-Za-z0-9]+(\-[A-Za-z]+){0,2}(\\?/[A-Za-z0-9]+(\-[A-Za-z]+){0,2}){1,2}"#),
    PTBRule("[A-Z]*$|#"),
    PTBRule(
      #"[\u00A2-\u00A5\u0080\u20A0\u20AC\u060B\u0E3F\u20A4\uFFE0\uFFE1\uFFE5\uFFE6]"#, .currency),
  ]

  private static let abbreviations: [PTBRule] = [
    PTBRule(
      #"{acronym}\."#, before: "{anySpace}+({sentenceOpener}|{tag}){anySpace}", .finalAcronym),
    PTBRule(#"(ca|figs?|prop|nos?|art|bldg|pp|op)\."#, before: "{anySpace}?[[:digit:]]"),
    PTBRule(#"(pt[eyEY]|co)\."#, before: "{space}(ltd|lim)"),
    PTBRule(
      #"{lowerAbbreviation}\."#, before: "{anySpace}({anySpace}|[[:upper:]]|{tag})",
      .finalAbbreviation),
    PTBRule(#"{lowerAbbreviation}\."#, before: #"(.|\n)(.|\n)"#),
    PTBRule(#"{lowerAbbreviation}\."#, .finalAbbreviation),
    PTBRule(#"{upperAbbreviation}\."#),
    PTBRule("{upperAbbreviation}", before: "{space}"),
    PTBRule("{acronym}", before: "{anySpace}"),
    PTBRule("{apostrophe}[0-9][0-9]", before: "{anySpace}"),
    PTBRule(
      #"({letter}|{digit})+(\.({letter}|{digit})+)*\.({fileType})"#,
      before: "({anySpace}|[.?!,])"),
    PTBRule(#"{word}\."#, before: "{comma}", .word),
    PTBRule("{telephone}", .noBreak(brackets: true)),
  ]

  private static let quotesAndBrackets: [PTBRule] = [
    PTBRule(#""|&quot;"#, before: "[A-Za-z0-9$]", .quote(opening: true)),
    PTBRule(#""|&quot;"#, .quote(opening: false)),
    PTBRule(#"\u007F"#, .skip),
    PTBRule("<|&lt;", .replace("<")),
    PTBRule(">|&gt;", .replace(">")),
    PTBRule(
      #"[<>]?[:;=][\-o*']?[()DPdpO\\{@|\[\]]"#, before: "[^A-Za-z0-9]",
      .noBreak(brackets: true)),
    PTBRule("{kaomoji}", .noBreak(brackets: true)),
    PTBRule(#"\{"#, .replace("-lcb-")),
    PTBRule(#"\}"#, .replace("-rcb-")),
    PTBRule(#"\["#, .replace("-lsb-")),
    PTBRule(#"\]"#, .replace("-rsb-")),
    PTBRule(#"\("#, .replace("-lrb-")),
    PTBRule(#"\)"#, .replace("-rrb-")),
  ]

  private static let punctuation: [PTBRule] = [
    PTBRule(#"\-+"#, .hyphens),
    PTBRule(#"\.{3,5}|(\.[ \u00A0]){2,4}\.|[\u0085\u2026]"#, .replace("...")),
    PTBRule("@+|#+|_+"),
    PTBRule(#"\*+|(\\\*){1,3}"#),
    PTBRule("{comma}"),
    PTBRule("[?!]+"),
    PTBRule(#"[.\u00A1\u00BF\u037E\u0589\u061F\u06D4\u0700-\u0702\u07FA\u3002]"#),
    PTBRule("[=/]"),
  ]

  private static let compounds: [PTBRule] = [
    PTBRule(#"{hyphenated}\."#, before: "{comma}", .word),
    PTBRule("{hyphenated}", .word),
    PTBRule(#"{joined}\."#, before: "{comma}"),
    PTBRule("{joined}"),
    PTBRule(#"[A-Z]+(([+&]|&amp;)[A-Z]+)+\."#, before: "{comma}", .ampersand),
    PTBRule("[A-Z]+(([+&]|&amp;)[A-Z]+)+", .ampersand),
    PTBRule("'", before: #"[A-Za-z][^ \t\n\r\u00A0]"#, .quote(opening: true)),
    PTBRule("{clitic}", .quote(opening: false)),
    PTBRule("{negation}", .quote(opening: false)),
    PTBRule("{quotationMark}", .quote(opening: false)),
  ]

  private static let rest: [PTBRule] = [
    PTBRule("<<|>>"),
    PTBRule("{symbol}"),
    PTBRule(#"\u0000|{space}+|[\u200B\u200E\u200F\uFEFF]"#, .skip),
    PTBRule("{newline}", .skip),
    PTBRule("&nbsp;", .skip),
    // Anything else, an emoji for example, is deleted.
    PTBRule(".", .skip),
  ]
}
