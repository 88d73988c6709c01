// SPDX-License-Identifier: Apache-2.0
// Reads a memory's text as words, with what around them can change its meaning.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alluvium::pipeline {

struct MemoryWord {
  std::string text;  ///< In lower case, composed (NFC), with straight apostrophes: "don't", "7:45", "-5", "c++", "$".
  bool capital = false;  ///< As it was written.
  bool pause = false;    ///< Punctuation stands between it and what follows.
  bool stop = false;     ///< That is the end of a sentence or line.
};

struct MemoryWords {
  std::vector<MemoryWord> words;
  bool question = false;  ///< There is a question mark.
};

/// Letters and digits (of any script) make words. Numbers keep their sign, points and colons ("1,000" is "1000"), and
/// units are words of their own ("5mg" is "5 mg"). Signs of currency, % and degree are words; < > = + ~ before a number
/// are, too. Other signs and emoji are left out. Invalid UTF-8 separates words.
[[nodiscard]] MemoryWords memory_words(std::string_view content);

}  // namespace alluvium::pipeline
