// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include <xxhash.h>

#include "pipeline/json_text.hpp"
#include "pipeline/utf8.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::JsonText;

constexpr std::array<std::string_view, 11> marks{"remember", "prefer", "love",     "like",   "hate", "allergic",
                                                 "my name",  "i live", "birthday", "always", "never"};
constexpr std::array<std::string_view, 14> time_words{"yesterday", "today",  "tomorrow", "ago",     "last",
                                                      "was",       "were",   "went",     "had",     "did",
                                                      "moved",     "bought", "met",      "happened"};
constexpr std::string_view certain_mark = "[!]";
constexpr std::string_view unsure_mark = "[?]";
constexpr std::size_t role_bytes_max = 32;
constexpr std::size_t keyword_bytes_min = 4;
constexpr std::size_t keyword_bytes_max = 64;

/// How much a memory says.
struct Detail {
  std::size_t characters;
  std::size_t keywords;
};
constexpr std::array<Detail, 3> details{{{200, 3}, {80, 1}, {30, 0}}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Letters and digits; bytes beyond ASCII are parts of letters.
bool in_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 128;
}

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}

bool has_word(std::string_view lower_case, std::string_view word) {
  for (auto at = lower_case.find(word); at != std::string_view::npos; at = lower_case.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !in_word(lower_case[at - 1])) && (end == lower_case.size() || !in_word(lower_case[end]))) {
      return true;
    }
  }
  return false;
}

bool has_one_of(std::string_view text, const auto& words) {
  const auto lower_case = lower(text);
  return std::ranges::any_of(words, [&](auto word) { return has_word(lower_case, word); });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// What follows "<role>: ", or nothing if the line has no role.
std::string_view after_role(std::string_view line) {
  const auto colon = line.find(": ");
  const bool plain = colon != std::string_view::npos && colon > 0 && colon <= role_bytes_max &&
                     std::ranges::all_of(line.substr(0, colon), [](char c) { return in_word(c) || c == '-'; });
  return plain ? trim(line.substr(colon + 2)) : std::string_view{};
}

std::vector<StubMessage> numbered(std::string_view text) {
  std::vector<StubMessage> messages;
  bool inside = false;
  while (!text.empty()) {
    const auto line = trim(take_line(text));
    if (line == "<messages>") {
      inside = true;
    } else if (line == "</messages>") {
      inside = false;
    } else if (inside && line.starts_with('#')) {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(line.data() + 1, line.data() + line.size(), number);
      const auto rest = line.substr(static_cast<std::size_t>(end - line.data()));
      if (error == std::errc{} && rest.starts_with(' ')) {
        messages.push_back({number, after_role(rest.substr(1))});
      }
    }
  }
  return messages;
}

std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t bytes = 0;
  for (; count > 0 && bytes < text.size(); --count) {
    bytes += std::max<std::size_t>(1, pipeline::character_bytes(text.substr(bytes)));
  }
  return text.substr(0, bytes);
}

std::vector<std::string> longest_words(std::string_view text, std::size_t count) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    if (!in_word(text[at])) {
      ++at;
      continue;
    }
    auto end = at;
    while (end < text.size() && in_word(text[end])) {
      ++end;
    }
    auto word = lower(text.substr(at, end - at));
    if (word.size() >= keyword_bytes_min && word.size() <= keyword_bytes_max &&
        std::ranges::find(words, word) == words.end()) {
      words.push_back(std::move(word));
    }
    at = end;
  }
  std::ranges::stable_sort(words, std::greater<>{}, &std::string::size);
  words.resize(std::min(words.size(), count));
  return words;
}

void add_memory(JsonText& json, const StubMessage& message, const Detail& detail) {
  const auto hundredths = 50 + XXH3_64bits(message.text.data(), message.text.size()) % 41;
  json.object()
      .field("content", trim(first_characters(message.text, detail.characters)))
      .field("type", stub_tells_of_a_time(message.text) ? "episodic" : "semantic")
      .key("importance")
      .raw("0." + std::to_string(hundredths))
      .key("keywords")
      .array();
  for (const auto& word : longest_words(message.text, detail.keywords)) {
    json.value(word);
  }
  json.end().key("messages").array().value(message.number).end().end();
}

std::set<std::string> words_of(std::string_view text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : std::string{text} + ' ') {
    if (in_word(c)) {
      word += lower(c);
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
  }
  return words;
}

std::string verdicts_on(const std::vector<StubPair>& pairs) {
  JsonText json;
  json.object().key("verdicts").array();
  for (const auto& [number, a, b] : pairs) {
    json.object().field("pair", number).field("verdict", stub_verdict(a, b)).end();
  }
  return json.end().end().text();
}

std::string answer_with(const std::vector<StubMessage>& messages, bool connections, const Detail& detail) {
  JsonText json;
  std::size_t memories = 0;
  json.object().key("memories").array();
  for (const auto& message : messages) {
    if (stub_marked(message.text)) {
      add_memory(json, message, detail);
      ++memories;
    }
  }
  json.end();
  if (connections) {
    json.key("connections").array();
    for (std::size_t to = 2; detail.keywords > 0 && to <= memories; ++to) {
      json.object().field("from", to - 1).field("to", to).field("type", "precedes").end();
    }
    json.end();
  }
  json.key("unsure").array();
  for (const auto& message : messages) {
    if (message.text.find(unsure_mark) != std::string_view::npos) {
      json.value(message.number);
    }
  }
  return json.end().end().text();
}

/// So that it has at most so many bytes.
void cut(StubAnswer& answer, std::size_t bytes_max) {
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(answer.text[end]) & 0xC0U) == 0x80U) {
    --end;  // Not in the middle of a character.
  }
  answer.text.resize(end);
  answer.cut = true;
}

}  // namespace

std::vector<StubPair> stub_pairs(std::string_view prompt) {
  std::vector<StubPair> pairs;
  bool inside = false;
  while (!prompt.empty()) {
    const auto line = trim(take_line(prompt));
    if (line == "<pairs>" || line == "</pairs>") {
      inside = line == "<pairs>";
    } else if (inside && line.starts_with('#')) {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(line.data() + 1, line.data() + line.size(), number);
      const auto rest = line.substr(static_cast<std::size_t>(end - line.data()));
      if (error == std::errc{} && rest.starts_with(" A: ")) {
        pairs.push_back({number, rest.substr(4), {}});
      } else if (error == std::errc{} && rest.starts_with(" B: ") && !pairs.empty() && pairs.back().number == number) {
        pairs.back().b = rest.substr(4);
      }
    }
  }
  return pairs;
}

std::string_view stub_verdict(std::string_view a, std::string_view b) {
  constexpr std::array<std::string_view, 3> negations{"no", "not", "never"};
  if (a.find(unsure_mark) != std::string_view::npos || b.find(unsure_mark) != std::string_view::npos) {
    return "unsure";
  }
  const auto of_a = words_of(a);
  const auto of_b = words_of(b);
  const auto with_digits = [](const std::set<std::string>& words) {
    std::vector<std::string> found;
    std::ranges::copy_if(words, std::back_inserter(found),
                         [](const std::string& word) { return word.find_first_of("0123456789") != std::string::npos; });
    return found;
  };
  if (with_digits(of_a) != with_digits(of_b)) {
    return "different";
  }
  const bool same = std::ranges::includes(of_a, of_b) || std::ranges::includes(of_b, of_a);
  return has_one_of(a, negations) == has_one_of(b, negations) && same ? "same" : "update";
}

std::vector<StubMessage> stub_messages(std::string_view prompt) {
  auto messages = numbered(prompt);
  if (!messages.empty()) {
    return messages;
  }
  while (!prompt.empty()) {
    if (const auto text = after_role(trim(take_line(prompt))); !text.empty()) {
      messages.push_back({static_cast<std::int64_t>(messages.size()) + 1, text});
    }
  }
  return messages;
}

bool stub_marked(std::string_view text) {
  return text.find(certain_mark) != std::string_view::npos || has_one_of(text, marks);
}

bool stub_tells_of_a_time(std::string_view text) {
  return has_one_of(text, time_words);
}

StubAnswer stub_answer(std::string_view prompt, bool connections, std::size_t bytes_max) {
  StubAnswer answer;
  if (const auto pairs = stub_pairs(prompt); !pairs.empty()) {
    answer.text = verdicts_on(pairs);
    if (bytes_max > 0 && answer.text.size() > bytes_max) {
      cut(answer, bytes_max);
    }
    return answer;
  }
  const auto messages = stub_messages(prompt);
  for (const auto& detail : details) {
    answer.text = answer_with(messages, connections, detail);
    if (bytes_max == 0 || answer.text.size() <= bytes_max) {
      return answer;
    }
  }
  cut(answer, bytes_max);
  return answer;
}

}  // namespace alluvium::connectors
