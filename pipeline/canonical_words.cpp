// SPDX-License-Identifier: Apache-2.0
#include "pipeline/canonical_words.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "pipeline/dedupe.hpp"
#include "pipeline/english.hpp"
#include "pipeline/memory_words.hpp"

namespace alluvium::pipeline {
namespace {

using std::string_view_literals::operator""sv;

using Words = std::vector<MemoryWord>;

/// Appends the words of `phrase` in place of `word`.
void append_phrase(Words& words, std::string_view phrase, const MemoryWord& word) {
  while (!phrase.empty()) {
    const auto end = std::min(phrase.find(' '), phrase.size());
    words.push_back({.text = std::string{phrase.substr(0, end)}, .capital = word.capital});
    phrase.remove_prefix(std::min(end + 1, phrase.size()));
  }
  words.back().pause = word.pause;
  words.back().stop = word.stop;
}

constexpr std::array contractions{std::pair{"n't"sv, " not"sv}, std::pair{"'m"sv, " am"sv},
                                  std::pair{"'re"sv, " are"sv}, std::pair{"'ve"sv, " have"sv},
                                  std::pair{"'ll"sv, " will"sv}};

/// Before these "I'd" is "I would"; "I'd quit" may as well be "I had quit".
constexpr std::array wishes{"like"sv, "love"sv, "rather"sv, "prefer"sv, "be"sv, "go"sv, "say"sv, "think"sv, "want"sv};

/// What stands for a word with an apostrophe; `next`: the word behind it.
std::string without_apostrophe(const std::string& word, std::string_view next) {
  if (const auto known = english::expanded(word); !known.empty()) {
    return std::string{known};
  }
  for (const auto& [ending, meaning] : contractions) {
    if (word.size() > ending.size() && word.ends_with(ending)) {
      return word.substr(0, word.size() - ending.size()).append(meaning);
    }
  }
  if (word.size() > 2 && word.ends_with("'d")) {
    return word.substr(0, word.size() - 2) + (std::ranges::count(wishes, next) > 0 ? " would" : " 'd");
  }
  if (word.size() > 2 && word.ends_with("'s")) {
    // "My mom's adopted" is not "my mom adopted": whose something is, or what it is or has, stays a word.
    const auto stem = word.substr(0, word.size() - 2);
    return stem + (english::takes_is(stem) ? " is" : " 's");
  }
  return word;
}

Words expanded(const Words& read) {
  Words words;
  words.reserve(read.size() + 4);
  for (std::size_t i = 0; i < read.size(); ++i) {
    auto& word = read[i];
    if (word.text.find('\'') == std::string::npos) {
      words.push_back(word);
    } else {
      append_phrase(words, without_apostrophe(word.text, i + 1 < read.size() ? read[i + 1].text : ""), word);
    }
  }
  return words;
}

bool is_english(const Words& words) {
  std::set<std::string_view> seen;
  int points = 0;
  for (const auto& word : words) {
    if (const auto evidence = english::evidence(word.text); evidence > 0 && seen.insert(word.text).second) {
      points += evidence;
    }
    if (points >= 2) {
      return true;
    }
  }
  return false;
}

bool is_small_number(const std::string& text) {
  return text.size() == 1 && text[0] >= '1' && text[0] <= '9';
}
bool is_tens(const std::string& text) {
  return text.size() == 2 && text[0] >= '2' && text[1] == '0';
}

/// "A wonderful grandmother" is no great grandmother, "my big brother" not large, "believe in" not "think in".
bool means_more(const Words& words, std::size_t at) {
  if (at + 1 >= words.size()) {
    return false;
  }
  const std::string_view next = words[at + 1].text;
  const auto& text = words[at].text;
  return ((text == "wonderful" || text == "large") && (next.starts_with("grand") || english::is_protected(next))) ||
         (text.starts_with("believe") && next == "in");
}

/// Synonyms and numbers.
Words plain(const Words& read) {
  Words words;
  words.reserve(read.size() + 4);
  for (const auto& word : read) {
    const auto at = static_cast<std::size_t>(&word - read.data());
    const auto meaning = means_more(read, at) ? std::string_view{word.text} : english::plain(word.text);
    // "twenty five": only as words, "20 5" may be two numbers.
    const bool joins = meaning != word.text && is_small_number(std::string{meaning}) && !words.empty() &&
                       is_tens(words.back().text) && !words.back().pause && &word != read.data() &&
                       english::plain((&word - 1)->text) != (&word - 1)->text;
    if (joins) {
      words.back().text.back() = meaning.front();
      words.back().pause = word.pause;
      words.back().stop = word.stop;
    } else {
      append_phrase(words, meaning, word);
    }
    const auto size = words.size();
    if (size >= 2 && words[size - 2].text == "would" && words[size - 1].text == "like" && !words[size - 2].pause) {
      words.erase(words.end() - 2);
      words.back().text = "want";
    }
  }
  return words;
}

/// How many words of `words` from `at` on are those of `phrase`: all or 0.
std::size_t match(const Words& words, std::size_t at, std::string_view phrase) {
  std::size_t count = 0;
  while (!phrase.empty()) {
    const auto end = std::min(phrase.find(' '), phrase.size());
    if (at + count >= words.size() || words[at + count].text != phrase.substr(0, end)) {
      return 0;
    }
    phrase.remove_prefix(std::min(end + 1, phrase.size()));
    ++count;
  }
  return count;
}

/// How many words at the start say nothing.
std::size_t opening(const Words& words) {
  for (const auto phrase : english::asides()) {
    const auto count = match(words, 0, phrase);
    // "You know my dog" says something.
    if (count > 2 || (count == 2 && words[1].pause)) {
      return count;
    }
  }
  const auto& first = words.front();
  const bool needs_more = first.text == "well" || first.text == "so";
  const bool pronoun_follows = first.text == "so" && words.size() > 1 && english::is_pronoun(words[1].text);
  return english::opens(first.text) || (needs_more && (first.pause || pronoun_follows)) ? 1 : 0;
}

/// How many words at the end say nothing.
std::size_t closing(const Words& words) {
  for (const auto phrase : english::asides()) {
    const auto count = static_cast<std::size_t>(std::ranges::count(phrase, ' ')) + 1;
    // "All the people you know" says something.
    if (count < words.size() && match(words, words.size() - count, phrase) > 0 &&
        words[words.size() - count - 1].pause) {
      return count;
    }
  }
  return english::closes(words.back().text) ? 1 : 0;
}

/// Takes away what frames the text; what would be all of it stays.
void strip_frame(Words& words) {
  const auto stripped = [&](std::size_t count) { return count > 0 && count < words.size(); };
  for (auto count = opening(words); stripped(count); count = opening(words)) {
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
  }
  for (auto count = closing(words); stripped(count); count = closing(words)) {
    words.erase(words.end() - static_cast<std::ptrdiff_t>(count), words.end());
  }
}

/// "I have just moved", "I just can't", "I just hope": not "I just eat fish", "we are just dating", which may mean
/// nothing else.
bool just_says_nothing(const Words& words, std::size_t at) {
  if (at == 0 || at + 1 >= words.size() || words[at].pause) {
    return false;
  }
  static constexpr std::array having{"have"sv, "has"sv, "had"sv};
  static constexpr std::array minding{"think"sv, "hope"sv,   "wish"sv, "feel"sv,
                                      "know"sv,  "wonder"sv, "love"sv, "hate"sv};
  const auto has = [](const auto& list, const std::string& word) { return std::ranges::count(list, word) > 0; };
  const auto& last = words[at - 1].text;
  const auto& next = words[at + 1].text;
  if (english::is_pronoun(last)) {
    const bool refuses = english::is_auxiliary(next) && at + 2 < words.size() && words[at + 2].text == "not";
    return refuses || english::is_past(next) || has(minding, next);
  }
  return has(having, last) && english::is_past(next);
}

/// "so sorry": not "so that", "so I", "I think so".
bool so_says_nothing(const Words& words, std::size_t at) {
  if (at == 0 || at + 1 >= words.size() || words[at].pause || words[at - 1].pause) {
    return false;
  }
  static constexpr std::array ties{"far"sv, "long"sv, "as"sv, "be"sv,   "too"sv, "does"sv, "or"sv,
                                   "and"sv, "on"sv,   "my"sv, "your"sv, "his"sv, "her"sv};
  const auto& next = words[at + 1].text;
  return !english::is_pronoun(next) && !english::is_auxiliary(next) && std::ranges::count(ties, next) == 0 &&
         words[at - 1].text != "or" && words[at - 1].text != "even";
}

bool says_nothing(const Words& words, std::size_t at) {
  const auto& word = words[at];
  if (word.text == "just") {
    return just_says_nothing(words, at);
  }
  if (word.text == "so") {
    return so_says_nothing(words, at);
  }
  if (word.text == "too") {  // "me too", "I too row": not "too hot", "I find it too hot".
    static constexpr std::array subjects{"i"sv, "we"sv, "he"sv, "she"sv, "they"sv};
    return at > 0 && (word.pause || at + 1 == words.size() || std::ranges::count(subjects, words[at - 1].text) > 0);
  }
  if (word.text == "also") {
    return true;
  }
  if (word.text == "please") {
    // "could you please": not "they please me".
    return word.pause ||
           (at > 1 && english::is_pronoun(words[at - 1].text) && english::is_auxiliary(words[at - 2].text));
  }
  return english::is_filler(word.text);
}

/// "I really do not" is "I do not", "I do not really" is not: what follows a negation stays.
void drop_fillers(Words& words) {
  const auto negation = std::ranges::find_if(words, [](const MemoryWord& word) { return english::negates(word.text); });
  const auto end = static_cast<std::size_t>(negation - words.begin());
  Words kept;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > end || !says_nothing(words, i)) {
      kept.push_back(words[i]);
    } else if (!kept.empty() && words[i].pause) {
      kept.back().pause = true;
      kept.back().stop = kept.back().stop || words[i].stop;
    }
  }
  if (!kept.empty()) {
    words = std::move(kept);
  }
}

bool is_of_time(const MemoryWord& word) {
  return english::is_when(word.text) || english::is_span(word.text);
}

/// Words of a time at `at`: "today", "last week".
std::size_t time_at(const Words& words, std::size_t at) {
  if (english::is_when(words[at].text)) {
    return 1;
  }
  return english::points_at_span(words[at].text) && at + 1 < words.size() && english::is_span(words[at + 1].text) ? 2
                                                                                                                  : 0;
}

/// Where the verb follows "I", "we" or "my friends and I" at `begin`; 0 for any other subject.
std::size_t behind_subject(const Words& words, std::size_t begin) {
  constexpr std::size_t subject_words_max = 4;
  for (auto at = begin; at < words.size() && at - begin <= subject_words_max; ++at) {
    const auto& text = words[at].text;
    if ((text == "i" || text == "we") && (at == begin || words[at - 1].text == "and")) {
      return at + 1;
    }
    if (words[at].pause || english::is_auxiliary(text) || english::is_past(text)) {
      break;
    }
  }
  return 0;
}

/// Whether words [begin, end) are one clause of one deed: then a time before it is the time after it. "Yesterday I
/// found out my father died" is not "I found out my father died yesterday", nor "last week I sold the car I bought" "I
/// sold the car I bought last week". What can't be told is no.
bool is_one_deed(const Words& words, std::size_t begin, std::size_t end) {
  static constexpr std::array reports{
      "assumed"sv,  "believe"sv,  "claimed"sv,    "discovered"sv, "dreamed"sv, "dreamt"sv,  "felt"sv,     "figured"sv,
      "find"sv,     "found"sv,    "guess"sv,      "guessed"sv,    "heard"sv,   "hope"sv,    "hoped"sv,    "knew"sv,
      "know"sv,     "learned"sv,  "learnt"sv,     "mean"sv,       "meant"sv,   "noticed"sv, "promised"sv, "realised"sv,
      "realized"sv, "remember"sv, "remembered"sv, "said"sv,       "saw"sv,     "say"sv,     "swear"sv,    "swore"sv,
      "tell"sv,     "think"sv,    "thought"sv,    "told"sv,       "wish"sv,    "wished"sv,  "wondered"sv, "read"sv};
  static constexpr std::array whose{"my"sv, "your"sv, "his"sv, "her"sv, "their"sv, "our"sv, "its"sv};
  static constexpr std::array places{"at"sv,   "by"sv, "for"sv, "from"sv, "in"sv,
                                     "into"sv, "of"sv, "on"sv,  "to"sv,   "with"sv};
  const auto has = [](const auto& list, std::string_view word) { return std::ranges::count(list, word) > 0; };
  auto at = behind_subject(words, begin);
  if (at == 0) {
    return false;
  }
  while (at < end && (english::is_auxiliary(words[at].text) || words[at].text == "been")) {
    ++at;
  }
  if (at >= end || has(reports, words[at].text)) {
    return false;
  }
  for (auto i = begin; i < end; ++i) {
    if ((i + 1 < words.size() && words[i].stop) || is_of_time(words[i]) || english::negates(words[i].text)) {
      return false;
    }
  }
  for (++at; at < end; ++at) {
    const std::string_view text = words[at].text;
    const bool may_be_a_verb = english::is_past(text) || english::is_auxiliary(text) || text.ends_with("ed");
    const bool of_another =
        (english::is_pronoun(text) && text != "it") || (has(whose, text) && !has(places, words[at - 1].text));
    if (may_be_a_verb || of_another || english::ties_clauses(text)) {
      return false;
    }
  }
  return true;
}

/// "Last year I moved" is "I moved last year".
void move_time_to_end(Words& words) {
  const auto count = time_at(words, 0);
  // "on Sunday this week" is one time.
  const auto end = words.size() - static_cast<std::size_t>(count == 2 && english::is_weekday(words.back().text));
  if (count > 0 && count < end && is_one_deed(words, count, end)) {
    std::rotate(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count), words.end());
  }
}

bool is_question(const Words& words) {
  return english::asks(words.front().text) ||
         (words.size() > 1 && english::is_auxiliary(words[0].text) && english::is_pronoun(words[1].text));
}

}  // namespace

CanonicalText canonical_text(std::string_view content) {
  CanonicalText text;
  auto read = content.size() > comparable_bytes_max ? MemoryWords{} : memory_words(content);
  if (read.words.empty()) {
    text.whole = true;
    text.words.push_back({.text = dedupe_key(content)});
    return text;
  }
  auto words = expanded(read.words);
  text.question = read.question;
  text.english = is_english(words);
  if (text.english) {
    words = plain(words);
    strip_frame(words);
    drop_fillers(words);
    text.question = text.question || is_question(words);
    move_time_to_end(words);
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    // "No, more tea" is not "no more tea".
    const bool apart = words[i].pause && i + 1 < words.size() && english::negates(words[i].text);
    text.words.push_back({.text = apart ? words[i].text + "," : std::move(words[i].text), .capital = words[i].capital});
  }
  return text;
}

}  // namespace alluvium::pipeline
