// SPDX-License-Identifier: Apache-2.0
// The words that the value score knows, and what each of them is a sign of.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace alluvium::pipeline {

/// What a word is a sign of. One word can be a sign of several things.
enum class Sign : std::uint8_t {
  i,
  my,
  me,
  you,
  relation,
  pet,
  taste,
  favorite,
  work,
  job,
  study,
  school,
  live,
  did,
  got,
  plan,
  health,
  number,
  time_unit,
  ago,
  span,
  day,
  relative,
  calendar,
  money,
  contact,
  contact_kind,
  address,
  event,
  possession,
  change,
  opinion,
  kind_of_person,
  medium,
  named,
  shown,
  article,
  praise,
  chatter,
  acknowledgement,
  asking,
  remember,
  dropped,
  modal,
  platitude,
  third,
  hardship,
  food,
  was,
  past,
  doing,
  common,
  count,
};

using Signs = std::uint64_t;
inline constexpr auto sign_count = static_cast<std::size_t>(Sign::count);
static_assert(sign_count <= 64);

constexpr Signs bit(Sign sign) {
  return Signs{1} << static_cast<unsigned>(sign);
}

/// Which signs each known word is. Immutable; many threads may use it.
class ValueLexicon {
 public:
  static constexpr std::size_t word_bytes_max = 20;  ///< Longer words are not looked up.

  ValueLexicon();

  /// The signs of a word in lower case, none if it is not known.
  [[nodiscard]] Signs signs_of(std::string_view word) const {
    for (auto at = hash(word);; ++at) {
      const auto& entry = entries_[at % slots];
      if (entry.signs == 0 || entry.word == word) {
        return entry.signs;
      }
    }
  }

 private:
  static constexpr std::size_t slots = 8192;
  struct Entry {
    std::string_view word;
    Signs signs = 0;
  };
  static std::uint32_t hash(std::string_view word) {
    std::uint32_t value = 2'166'136'261U;
    for (const char c : word) {
      value = (value ^ static_cast<unsigned char>(c)) * 16'777'619U;
    }
    return value ^ (value >> 15U);
  }
  std::vector<Entry> entries_;
};

/// The words of each sign, in lower case, separated by spaces (value_words.cpp).
[[nodiscard]] const std::array<std::string_view, sign_count>& words_of_signs();

}  // namespace alluvium::pipeline
