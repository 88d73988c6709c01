// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_score.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "pipeline/value_features.hpp"

namespace alluvium::pipeline {
namespace {

// Logarithms are integers: 1024 stands for 1. Weights are thousandths.
constexpr std::int32_t one = 1024;

/// ln(value), to a few thousandths: the position of the highest bit, and a parabola for the rest.
std::int32_t natural_log(std::uint32_t value) {
  const auto exponent = std::bit_width(value) - 1;
  const auto fraction =
      static_cast<std::int64_t>((std::uint64_t{value} << 32U >> exponent) - (std::uint64_t{1} << 32U));
  constexpr std::int64_t whole = std::int64_t{1} << 32;
  // log2(1 + f) = f + 0.344 f (1 - f), within 0.008.
  const auto curve = (fraction * ((whole - fraction) >> 16) >> 16) * 344 / 1000;
  const auto log2 = exponent * whole + fraction + curve;
  constexpr std::int64_t ln2 = 710;  // * 1024
  return static_cast<std::int32_t>(log2 / 1024 * ln2 / (whole / 1024));
}

constexpr std::int64_t intercept = -2750;
// Long texts have much of everything; beyond these counts it promises no more.
constexpr std::uint16_t hits_max = 4;
constexpr std::int64_t rare_max = 12;
constexpr std::int64_t capitals_max = 6;
constexpr std::int64_t digits_max = 4;
constexpr std::uint32_t words_max = 120;
constexpr std::uint32_t bare_words_max = 6;

std::int64_t rule_sum(const ValueFeatures& features) {
  std::int64_t sum = 0;
  const auto rules = value_rules();
  for (std::size_t rule = 0; rule < rules.size(); ++rule) {
    sum += rules[rule].own * std::min(features.own.hits[rule], hits_max);
    sum += rules[rule].other * std::min(features.other.hits[rule], hits_max);
  }
  return sum;
}

std::int64_t capped(std::uint32_t count, std::int64_t most) {
  return std::min<std::int64_t>(count, most);
}

}  // namespace

std::shared_ptr<const ValueScorer> ValueScorer::make() {
  return std::shared_ptr<const ValueScorer>{new ValueScorer};
}

ValueScorer::ValueScorer() {
  for (std::size_t i = 0; i < softplus_.size(); ++i) {
    const auto x = static_cast<double>(i) / softplus_steps - softplus_reach;
    softplus_[i] = static_cast<std::int32_t>(std::lround(one * std::log1p(std::exp(x))));
  }
}

/// ln(1 / (1 + e^-z)) of z in thousandths.
std::int32_t ValueScorer::log_probability(std::int64_t z) const {
  constexpr std::int64_t reach = std::int64_t{softplus_reach} * 1000;
  const auto x = std::clamp<std::int64_t>(-z, -reach, reach) + reach;
  const auto step = x * softplus_steps / 1000;
  const auto rest = x * softplus_steps % 1000;
  const std::int64_t below = softplus_[static_cast<std::size_t>(step)];
  const std::int64_t above = softplus_[static_cast<std::size_t>(step) + 1];
  return static_cast<std::int32_t>(-(below + (above - below) * rest / 1000));
}

MessageValue ValueScorer::score(std::string_view content, Role role, Scratch& /*scratch*/) const {
  const auto features = value_features(content, lexicon_);
  const auto& own = features.own;
  const auto& other = features.other;
  const auto words = own.words + other.words;
  const bool is_user = role == Role::user || role == Role::other;
  const bool is_bare = is_user && words > 0 && words <= bare_words_max && !features.asks && !features.acknowledges;
  const auto digits = own.digits + other.digits;
  auto z = rule_sum(features) + intercept;
  z += 100 * (capped(own.rare, rare_max) + capped(other.rare, rare_max));
  z += 600 * capped(own.capitals, capitals_max) + 150 * capped(other.capitals, capitals_max);
  z += 850 * capped(digits, digits_max);
  z += features.asks ? -250 : 0;
  z += features.acknowledges ? -1050 : 0;
  z += is_bare ? 700 : 0;
  z += is_bare && digits > 0 ? 1250 : 0;
  z += std::int64_t{300} * natural_log(1 + std::min(words, words_max)) / one;
  z += std::int64_t{250} * natural_log(1 + std::min(own.words, words_max)) / one;
  const auto tokens = static_cast<std::uint32_t>(std::min<std::size_t>((content.size() + 3) / 4, 1U << 31U) + 4);
  constexpr std::int32_t log_of_assistants = -3068;  // ln(0.05): facts about people come from people.
  const auto density = log_probability(z) - natural_log(tokens) + (is_user ? 0 : log_of_assistants);
  return {.density = static_cast<float>(density) / one, .tokens = tokens, .bare = is_bare};
}

}  // namespace alluvium::pipeline
