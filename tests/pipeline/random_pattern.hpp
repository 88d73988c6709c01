// SPDX-License-Identifier: Apache-2.0
// Random patterns and texts that look for a difference between the ways a rule is matched.
#pragma once

#include <string>
#include <vector>

#include <rapidcheck.h>

namespace alluvium::pipeline {

inline std::string random_of(const std::vector<std::string>& pieces) {
  return *rc::gen::elementOf(pieces);
}

/// Letters with odd cases (long s, Kelvin, sharp s, dotted i, sigma, Cherokee, Deseret), blanks
/// that are blanks to some only, marks that mean something in a pattern.
inline std::string random_text(int pieces_max) {
  static const std::vector<std::string> pieces{
      "a",      "b",      "c",          "k",          "s",      "A",      "K",      "S",      "1",      "_",
      "-",      " ",      "ab",         "\n",         "\n\n",   "\r",     "\t",     "\f",     "\v",     "\x07",
      "!",      "]",      "}",          ",",          ".",      "&",      "\u00E9", "\u00C9", "\u044F", "\u042F",
      "\u0432", "\u03C2", "\u03C3",     "\u03A3",     "\u00DF", "\u1E9E", "\u0130", "\u0131", "i",      "\u017F",
      "\u212A", "\u65E5", "\U0001F600", "\U00010428", "\u1C80", "\u13F8", "\u13F0", "\u00A0", "\u2028", "e\u0301"};
  std::string text;
  for (int n = *rc::gen::inRange(1, pieces_max + 1); n > 0; --n) {
    text += random_of(pieces);
  }
  return text;
}

inline std::string random_class() {
  static const std::vector<std::string> elements{"a",
                                                 "k",
                                                 "S",
                                                 "1",
                                                 "-",
                                                 "a-k",
                                                 "A-Z",
                                                 "0-9",
                                                 "\\d",
                                                 "\\D",
                                                 "\\w",
                                                 "\\W",
                                                 "\\s",
                                                 "\\S",
                                                 "\\n",
                                                 "\\x{17f}",
                                                 "\\-",
                                                 "[:alpha:]",
                                                 "[:^alpha:]",
                                                 "[:space:]",
                                                 "[:^space:]",
                                                 "[:word:]",
                                                 "[:upper:]",
                                                 "[:punct:]",
                                                 "\u00E9",
                                                 "\u0430-\u044F",
                                                 "\u0100-\u2FFF",
                                                 "\u212A",
                                                 "\\pL",
                                                 "^",
                                                 "&&",
                                                 "\\."};
  std::string text = *rc::gen::inRange(0, 3) == 0 ? "[^" : "[";
  for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
    text += random_of(elements);
  }
  return text + "]";
}

/// Not each one is a pattern that RE2 takes.
inline std::string random_pattern(int depth) {
  static const std::vector<std::string> atoms{
      "a",        "b",         "c",      "k",      "s",      "A",          "K",          "S",      "1",      "_",
      " ",        "ab",        ".",      "^",      "$",      "\\d",        "\\D",        "\\w",    "\\W",    "\\s",
      "\\S",      "\\b",       "\\B",    "\\A",    "\\z",    "\\n",        "\\t",        "\\.",    "\\x41",  "\\x{e9}",
      "\\x{17f}", "\\x{1c80}", "\\v",    "\\pL",   "\\PL",   "\\C",        "\\Qa.b\\E",  "(?i)",   "(?-i)",  "(?s)",
      "(?m)",     "(?U)",      "{",      "}",      "]",      ",",          "&",          "\u00E9", "\u042F", "\u03A3",
      "\u1E9E",   "\u0130",    "\u017F", "\u212A", "\u65E5", "\U0001F600", "\U00010400", "\u13F0", "\u0085"};
  static const std::vector<std::string> groups{"(", "(?:", "(?i:", "(?-i:", "(?s:", "(?m:", "(?P<n>"};
  static const std::vector<std::string> repeats{"*",   "+",     "?",      "*?",   "+?",  "??",
                                                "{2}", "{1,3}", "{0,2}?", "{2,}", "{40}"};
  switch (depth > 0 ? *rc::gen::inRange(0, 8) : 0) {
    case 1:
      return random_class();
    case 2:
    case 3:
    case 4: {
      std::string sequence;
      for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
        sequence += random_pattern(depth - 1);
      }
      return sequence;
    }
    case 5:
      return random_of(groups) + random_pattern(depth - 1) + ")";
    case 6:
      return random_pattern(depth - 1) + "|" + random_pattern(depth - 1);
    case 7:
      return "(?:" + random_pattern(depth - 1) + ")" + random_of(repeats);
    default:
      return random_of(atoms);
  }
}

}  // namespace alluvium::pipeline
