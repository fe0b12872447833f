/// The named patterns that ``PTBRules`` are made of.
extension PTBRules {
  /// In an order in which each names earlier ones only.
  static let definitions: [(name: String, pattern: String)] =
    characters + names + openers + composites

  private static let characters: [(name: String, pattern: String)] = [
    ("space", #"[ \t\u00A0\u2000-\u200A\u3000]"#),
    ("newline", #"(\r|\r?\n|[\u2028\u2029\u000B\u000C\u0085])"#),
    ("anySpace", "({space}|{newline})"),
    ("digit", #"[[:digit:]\u07C0-\u07C9]"#),
    ("letter", "([[:letter:]\(marks)]|&[aeiouAEIOU](acute|grave|uml);)"),
    ("alphanumeric", "[[:letter:][:digit:]]"),
    ("apostrophe", #"(['\u0092\u2019]|&apos;)"#),
    ("anyApostrophe", #"({apostrophe}|[`\u0091\u2018\u201B])"#),
    ("comma", #"[,;:\u3001]"#),
    ("blank", "[ ]"),
    ("tagName", #"[A-Za-z][A-Za-z0-9_:.\-]*"#),
    ("quotationMark", quotationMarks),
    ("symbol", #"[+%&~\^|\\\u00A6-\u00A9\u00AC\u00AE-\u00B4\u00B5-\u00BA\u00D7\u00F7\#(symbols)]"#),
    (
      "tag",
      #"<([!?][A-Za-z\-][^>\r\n]*|{tagName}({blank}+({tagName}|{tagName}{blank}*={blank}*"#
        + #"('[^'\n]*'|"[^"\n]*")))*{blank}*/?|/{tagName}){blank}*>"#
    ),
  ]

  private static let quotationMarks =
    #"({apostrophe}|''|"#
    + #"[`\u2018-\u201F\u0091-\u0094\u2039\u203A\u00AB\u00BB]{1,2})"#

  /// Soft hyphen, combining marks and signs that belong to words, beside the letters.
  private static let marks =
    #"\u00AD\u02C2-\u02C5\u02D2-\u02DF\u02E5-\u02EB\u02ED\u02EF-\u036F\u0375\u0378\u0379\u0384"#
    + #"\u0385\u03F6\u0483-\u0487\u055A-\u055F\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7"#
    + #"\u0615-\u061A\u064B-\u065E\u0670\u06D6-\u06E4\u06E7-\u06ED\u06FD\u06FE\u070F\u0711"#
    + #"\u0730-\u074C\u07A6-\u07B0\u07CA-\u07F5\u07FA\u0900-\u0903\u093C\u093E-\u094E"#
    + #"\u0951-\u0955\u0962\u0963\u0981-\u0983\u09BC\u09BE-\u09C4\u09C7\u09C8\u09CB-\u09CD\u09D7"#
    + #"\u09E2\u09E3\u0A01-\u0A03\u0A3C\u0A3E-\u0A4F\u0A81-\u0A83\u0ABC\u0ABE-\u0ACF\u0B82"#
    + #"\u0BBE-\u0BC2\u0BC6-\u0BC8\u0BCA-\u0BCD\u0C01-\u0C03\u0C3E-\u0C56\u0D3E-\u0D44"#
    + #"\u0D46-\u0D48\u0E31\u0E34-\u0E3A\u0E47-\u0E4E\u0EB1\u0EB4-\u0EBC\u0EC8-\u0ECD"#

  /// Symbols past Latin-1 that stand alone.
  private static let symbols =
    #"\u0387\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u0600-\u0603\u0606-\u060A\u060C\u0614\u061B\u061E"#
    + #"\u066A\u066D\u0703-\u070D\u07F6-\u07F8\u0964\u0965\u0E4F\u1FBD\u2016\u2017\u2020-\u2023"#
    + #"\u2030-\u2038\u203B\u203E-\u2042\u2044\u207A-\u207F\u208A-\u208E\u2100-\u214F"#
    + #"\u2190-\u2BFF\u3012\u30FB\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65"#

  /// Alternatives in either case, except that a letter in brackets is that letter only.
  private static func anyOf(_ words: String) -> String {
    "(" + words.split(whereSeparator: \.isWhitespace).joined(separator: "|") + ")"
  }

  private static let names: [(name: String, pattern: String)] = [
    (
      "longAcronym",
      #"((Canada|Sino|Korean|EU|Japan|non)\-U\.S|U\.S\.\-(U\.K|U\.S\.S\.R))"#
    ),
    ("acronym", #"([A-Za-z](\.[A-Za-z])*|{longAcronym})"#),
    (
      "lowerAbbreviation",
      anyOf(
        """
        Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec
        Mon Tue Tues Wed Thu Thurs Fri
        Ala Ariz [A]z [A]rk Calif Colo Conn Ct Dak [D]el Fla Ga [I]ll Ind Kans? Ky [L]a [M]ass Md
        Mich Minn [M]iss Mo Mont Neb Nev Okla [O]re [P]a Penn Tenn [T]ex Va Vt [W]ash Wisc? Wyo
        Inc Cos? Corp Pp?t[ye]s? Ltd Plc Rt Bancorp Bhd Assn Univ Intl Sys
        Jr Sr Bros (Ed|Ph)\\.D Blvd Rd Esq
        tel est ext sq etc al seq Bldg
        """)
    ),
    (
      "upperAbbreviation",
      anyOf(
        """
        Mr Mrs Ms [M]iss Drs? Profs? Sens? Reps? Attys? Lt Col Gen Messrs Govs? Adm Rev Maj Sgt Cpl
        Pvt Capt Ste? Ave Pres Lieut Hon Brig Co?mdr Pfc Spc Supts? Det Mt Ft Adj Adv Asst Assoc Ens
        Insp Mlle Mme Msgr Sfc
        vs Alex Wm Jos Cie a\\.k\\.a cf TREAS Ph
        Invt Elec Natl M[ft]g Dept
        {acronym}
        """)
    ),
    (
      "fileType",
      anyOf(
        """
        bat bmp c class cgi cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php
        pl png ppt ps py sql tar txt wav x xml zip
        """)
    ),
    (
      "treebankSpecial",
      #"(\-(RRB|LRB|RCB|LCB|RSB|LSB)\-|C\.D\.s|(pro|anti)\-|S(&|&amp;)(P\-500|Ls)|"#
        + "Cap{apostrophe}n|c{apostrophe}est)"
    ),
  ]

  /// Words that begin sentences; the character sets make them capitalised.
  private static let openers: [(name: String, pattern: String)] = [
    (
      "sentenceOpener",
      anyOf(
        """
        [A]bout [A]ccording [A]dditionally [A]fter [A]n [A] [A]s [A]t [B]ut [E]arlier [H]e [H]er
        [H]ere [H]owever [I]f [I]n [I]t [L]ast [M]any [M]ore [M]r\\. [M]s\\. [N]ow [O]nce [O]ne
        [O]ther [O]ur [S]he [S]ince [S]o [S]ome [S]uch [T]hat [T]he [T]heir [T]hen [T]here [T]hese
        [T]hey [T]his [W]e [W]hen [W]hile [W]hat [Y]et [Y]ou
        """)
    )
  ]

  private static let composites: [(name: String, pattern: String)] = [
    ("word", "{letter}({letter}|{digit})*([.!?]{letter}({letter}|{digit})*)*"),
    ("clitic", "{apostrophe}([msdMSD]|re|ve|ll)"),
    ("negation", "n{anyApostrophe}t"),
    (
      "apostropheWord",
      "{apostrophe}n{apostrophe}?|[lLdDjJ]{apostrophe}|(Dunkin|somethin|ol){apostrophe}|"
        + "{apostrophe}(em|[2-9]0s|till?|cause)|"
        + "[A-HJ-XZn]{anyApostrophe}[[:letter:]]{2}[[:letter:]]*|"
        + "[[:letter:]]+[aeiouyAEIOUY]{anyApostrophe}[aeiouA-Z][[:letter:]]*|"
        + #"cont'd\.?|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l|O{anyApostrophe}o"#
    ),
    (
      "likelyAddress",
      #"(www\.([^ \t\n\f\r"<>|.!?(){},]+\.)+[A-Za-z]{2,4}|"#
        + #"([^ \t\n\f\r"`'<>|.!?(){},-_$]+\.)+(com|net|org|edu))"#
        + #"(/[^ \t\n\f\r"<>|()]+[^ \t\n\f\r"<>|.!?(){},\-])?"#
    ),
    (
      "hyphenated",
      #"[A-Za-z0-9][A-Za-z0-9.,\u00AD]*(\-([A-Za-z0-9\u00AD]+|([A-Za-z](\.[A-Za-z])+|"#
        + #"{longAcronym})\.))+"#
    ),
    (
      "joined",
      "([dDoOlL]{anyApostrophe}{alphanumeric})?{alphanumeric}+"
        + #"([\-_\u058A\u2010\u2011]([dDoOlL]{anyApostrophe}{alphanumeric})?{alphanumeric}+)*"#
    ),
    (
      "telephone",
      #"(\([0-9]{2,3}\)[ \u00A0]?|(\+\+?)?([0-9]{2,4}[\- \u00A0])?[0-9]{2,4}[\- \u00A0])"#
        + #"[0-9]{3,4}[\- \u00A0]?[0-9]{3,5}|"#
        + #"((\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5}"#
    ),
    (
      "kaomoji",
      #"[\^x=~<>]\.\[\^x=[^<\n]*<>\]|[\-\^x=~<>']_[\-\^x=~<>']|"#
        + #"\([\-\^x=~<>'][_.]?[\-\^x=~<>']\)|\([\^x=~<>']\-[\^x=~<>'`]\)"#
    ),
  ]
}
