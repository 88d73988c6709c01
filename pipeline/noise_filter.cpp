// SPDX-License-Identifier: Apache-2.0
#include "pipeline/noise_filter.hpp"

#include <algorithm>
#include <array>

namespace alluvium::pipeline {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array greetings{"hi"sv, "hello"sv};
constexpr std::array confirmations{"thanks"sv, "ok"sv, "yes"sv, "no"sv, "got it"sv, "sure"sv, "np"sv};
constexpr std::size_t stock_reply_bytes_max = 6;
static_assert(std::ranges::all_of(greetings, [](auto reply) { return reply.size() <= stock_reply_bytes_max; }));
static_assert(std::ranges::all_of(confirmations, [](auto reply) { return reply.size() <= stock_reply_bytes_max; }));

constexpr std::array emotions{"afraid"sv,  "alone"sv,       "anger"sv,     "angry"sv,      "anxiety"sv,  "anxious"sv,
                              "ashamed"sv, "crying"sv,      "depressed"sv, "depression"sv, "excited"sv,  "exhausted"sv,
                              "fear"sv,    "frustrated"sv,  "furious"sv,   "glad"sv,       "grateful"sv, "grief"sv,
                              "guilty"sv,  "happiness"sv,   "happy"sv,     "hate"sv,       "hopeful"sv,  "hopeless"sv,
                              "hurt"sv,    "jealous"sv,     "joy"sv,       "lonely"sv,     "love"sv,     "miserable"sv,
                              "nervous"sv, "overwhelmed"sv, "panic"sv,     "proud"sv,      "relieved"sv, "sad"sv,
                              "sadness"sv, "scared"sv,      "stressed"sv,  "terrified"sv,  "unhappy"sv,  "upset"sv,
                              "worried"sv};

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_ascii_letter(char c) {
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'z';
}

template <std::size_t n>
bool is_one_of(std::string_view text, const std::array<std::string_view, n>& words) {
  return std::ranges::any_of(words, [text](auto word) { return std::ranges::equal(text, word, {}, ascii_lower); });
}

std::string_view trim(std::string_view text) {
  constexpr auto blanks = " \t\n\v\f\r"sv;
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// `text` without the full stops and exclamation marks at its end.
std::string_view without_end_marks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(".!"sv) + 1);
}

bool is_shorter_than(std::string_view text, std::size_t characters) {
  if (text.size() / 4 >= characters) {
    return false;  // Four bytes are the most a character takes, so there is nothing to count.
  }
  const auto counted =
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return static_cast<std::size_t>(counted) < characters;
}

bool names_emotion(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size();) {
    if (!is_ascii_letter(text[begin])) {
      ++begin;
      continue;
    }
    auto end = begin;
    while (end < text.size() && is_ascii_letter(text[end])) {
      ++end;
    }
    if (is_one_of(text.substr(begin, end - begin), emotions)) {
      return true;
    }
    begin = end;
  }
  return false;
}

}  // namespace

bool is_noise(std::string_view content, const FilterOptions& options) {
  if (options.no_filtering) {
    return false;
  }
  const auto text = trim(content);
  if (is_shorter_than(text, options.min_message_length)) {
    return !(options.include_emotions && names_emotion(text));
  }
  if (options.capture_everything) {
    return false;
  }
  const auto reply = without_end_marks(text);
  if (reply.size() > stock_reply_bytes_max) {
    return false;
  }
  return (options.skip_greetings && is_one_of(reply, greetings)) ||
         (options.skip_confirmations && is_one_of(reply, confirmations));
}

}  // namespace alluvium::pipeline
