import Configuration

/// METEOR 1.5's English word lists.
///
/// Both are from METEOR 1.5 (`function/english.words` and `nonbreaking/english.prefixes` of its jar) by
/// Michael Denkowski and Alon Lavie. Copyright: Carnegie Mellon University. License: LGPL v2.1
/// (https://github.com/cmu-mtlab/meteor). The prefixes come from the Moses tokenizer.
enum METEORData {
  /// Words and marks that count 1 − δ instead of δ.
  static let functionWords = list(
    #"""
    the , . to of and a in that for " is on 's it with was as said at he by be from have has are
    his but an this not i will ’ they ) -rrb- ( -lrb- who their had we which were been more or s
    its would about new one after you : also up when there than $ all out her people she year
    two - can if last first “ over other ” into some what so -- no time years could ? 't — '
    """#)

  /// What a period may follow without ending a sentence.
  static let nonbreakingPrefixes = list(
    """
    A B C D E F G H I J K L M N O P Q R S T U V W X Y Z Adj Adm Adv Asst Bart Bldg Brig Bros
    Capt Cmdr Col Comdr Con Corp Cpl DR Dr Drs Ens Gen Gov Hon Hr Hosp Insp Lt MM MR MRS MS Maj
    Messrs Mlle Mme Mr Mrs Ms Msgr Op Ord Pfc Ph Prof Pvt Rep Reps Res Rev Rt Sen Sens Sfc Sgt
    Sr St Supt Surg v vs i.e rev e.g Nos Nr
    """)

  /// The same, before a number only.
  static let numericPrefixes = list("No Art pp")

  private static func list(_ text: String) -> Set<Identifier> {
    Set(text.split(whereSeparator: \.isWhitespace).map { Identifier(String($0)) })
  }
}
