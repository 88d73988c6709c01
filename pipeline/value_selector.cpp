// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_selector.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <xxhash.h>

#include "pipeline/glob.hpp"

namespace alluvium::pipeline {
namespace {

constexpr float lowest_density = -9;
constexpr float bins_per_unit = 20;

constexpr int rate_bits = 20;  // 2^20 stands for 1, of rates and of tokens.
constexpr std::int64_t one = std::int64_t{1} << rate_bits;
constexpr std::int64_t floor_one = std::int64_t{1} << 10;  // Of tokens, coarser: each agent's slot is encoded.

/// A message that is larger counts as this large: no single text moves a threshold for long. The budget says so too.
constexpr std::uint32_t message_tokens_max = std::uint32_t{1} << 20U;

/// The histogram halves beyond this many tokens: it knows the last ten to twenty thousand.
constexpr std::uint64_t weight_max = 20'000;
/// Tokens due that move the share by all of 1.
constexpr std::int64_t correction_tokens = 6'000;
/// What is due is made up for at most two and a half times as fast as the rate, as long as it is not much.
constexpr std::int64_t catch_up_halves = 5;
/// So much due lets everything pass: the messages get worse faster than the histogram forgets. More is neither
/// remembered nor made up for: a stretch of nothing but noise must not open the gate for long after.
constexpr std::int64_t due_tokens_max = 16'384;

constexpr std::int64_t floor_share = 4;  // The floor is a quarter of the rate.
/// Of the floor's due: what is beyond the message's own tokens lowers the threshold, by a bin for each so many tokens.
/// So the floor lets pass what it has saved for, and the best of that: one message moves the threshold little.
constexpr std::int64_t floor_tokens_of_a_bin = 4;
/// The least and the most it saves for a message.
constexpr std::int64_t floor_savings_tokens_min = 40;
constexpr std::int64_t floor_savings_tokens_max = 4'000;
/// What an agent had beyond its floor counts up to so much, or up to the message that it had last.
constexpr std::int64_t floor_credit_tokens = 500;
constexpr std::int64_t floor_due_tokens_max = floor_savings_tokens_max + value_bins * floor_tokens_of_a_bin;

std::uint32_t rate_in_bits(double rate) {
  return rate > 0 ? static_cast<std::uint32_t>(std::lround(std::min(rate, 1.0) * static_cast<double>(one))) : 0;
}

/// What is taken for the stream before its first messages: about the spread of English chats, in tokens a bin.
constexpr auto prior = [] {
  std::array<std::uint32_t, value_bins> weights{};
  constexpr std::uint32_t peak = 50;     // -6.5: chatter
  constexpr std::uint32_t highest = 40;  // tokens
  for (std::uint32_t bin = 0; bin < value_bins; ++bin) {
    const auto distance = bin < peak ? (peak - bin) * 2 : (bin - peak);
    weights[bin] = distance < 80 ? highest * (80 - distance) / 80 : 0;
  }
  return weights;
}();

void halve(std::array<std::uint32_t, value_bins>& weights, std::uint64_t& sum) {
  sum = 0;
  for (auto& weight : weights) {
    weight /= 2;
    sum += weight;
  }
}

/// The highest bin that at least `share` (in 2^-20) of the weight lies in or above.
std::uint8_t threshold_for(const std::array<std::uint32_t, value_bins>& weights, std::uint64_t sum,
                           std::int64_t share) {
  if (share <= 0) {
    return value_bins;
  }
  const auto wanted = sum * static_cast<std::uint64_t>(share);
  std::uint64_t above = 0;
  for (std::uint8_t bin = value_bins; bin > 0; --bin) {
    above += weights[bin - 1U];
    if ((above << rate_bits) >= wanted && above > 0) {
      return bin - 1;
    }
  }
  return 0;
}

void append_varint(std::string& out, std::uint64_t value) {
  constexpr unsigned more = 0x80;
  while (value >= more) {
    out.push_back(static_cast<char>((value & 0x7FU) | more));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
    const auto next = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{next & 0x7FU} << shift;
    if (next < 0x80) {
      return value;
    }
  }
  return std::nullopt;
}

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t coded) {
  return static_cast<std::int64_t>(coded >> 1U) ^ -static_cast<std::int64_t>(coded & 1U);
}

/// Numbers, most of which are 0: runs of those are a 0 and their length.
template <class Numbers>
void append_sparse(std::string& out, const Numbers& numbers) {
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t run = i;
    while (run < numbers.size() && numbers[run] == 0) {
      ++run;
    }
    if (run > i) {
      out.push_back(0);
      append_varint(out, run - i);
      i = run;
      continue;
    }
    append_varint(out, zigzag(static_cast<std::int64_t>(numbers[i])));
    ++i;
  }
}

template <class Numbers>
bool take_sparse(std::string_view& bytes, Numbers& numbers, std::int64_t least, std::int64_t most) {
  for (std::size_t i = 0; i < numbers.size();) {
    const auto coded = take_varint(bytes);
    if (!coded) {
      return false;
    }
    if (*coded == 0) {
      const auto run = take_varint(bytes);
      if (!run || *run == 0 || *run > numbers.size() - i) {
        return false;
      }
      i += *run;
      continue;
    }
    const auto value = unzigzag(*coded);
    if (value < least || value > most) {
      return false;
    }
    numbers[i] = static_cast<typename Numbers::value_type>(value);
    ++i;
  }
  return true;
}

constexpr unsigned format_version = 1;
constexpr std::int64_t weight_of_a_bin_max = std::int64_t{weight_max} + message_tokens_max;
constexpr std::int64_t due_max = due_tokens_max * one;
constexpr std::int64_t floor_due_least = -std::int64_t{message_tokens_max} * floor_one;
constexpr std::int64_t floor_due_max = floor_due_tokens_max * floor_one;

}  // namespace

std::uint8_t bin_of(float density) {
  const float bin = (density - lowest_density) * bins_per_unit;
  if (!(bin > 0)) {
    return 0;
  }
  return bin < value_bins ? static_cast<std::uint8_t>(bin) : value_bins - 1;
}

float density_of(std::uint8_t bin) {
  return lowest_density + (static_cast<float>(bin) + 0.5F) / bins_per_unit;
}

ValueSelector::ValueSelector(const ValueSelection& options) : agent_rates_{options.agent_rates} {
  agent_rates_.resize(std::min(agent_rates_.size(), agent_rates_max));
  const auto add = [this](double rate) {
    controls_.push_back({.rate = rate_in_bits(rate),
                         .weights = prior,
                         .weight = std::accumulate(prior.begin(), prior.end(), std::uint64_t{0})});
  };
  add(options.rate);
  for (const auto& agent_rate : agent_rates_) {
    add(agent_rate.rate);
  }
}

std::size_t ValueSelector::control_of(std::string_view agent_id) const {
  for (std::size_t i = 0; i < agent_rates_.size(); ++i) {
    if (std::ranges::any_of(agent_rates_[i].agents, [&](const auto& glob) { return glob_matches(glob, agent_id); })) {
      return i + 1;
    }
  }
  return 0;
}

ValueSelector::Verdict ValueSelector::take(std::string_view agent_id, const MessageValue& value, bool noise) {
  auto& control = controls_[control_of(agent_id)];
  const auto score = bin_of(value.density);
  if (control.rate == 0 || control.rate == one) {
    const std::uint8_t threshold = control.rate == 0 ? value_bins : 0;
    return {.score = score, .threshold = threshold, .chosen = !noise && score >= threshold};
  }
  const auto tokens = std::min(value.tokens, message_tokens_max);
  if (!noise) {
    control.weights[score] += tokens;
    control.weight += tokens;
    if (control.weight > weight_max) {
      halve(control.weights, control.weight);
    }
  }
  const std::int64_t rate = control.rate;
  control.due = std::min(control.due + rate * tokens, due_max);
  const auto share_max = std::max(catch_up_halves * rate / 2, control.due / due_tokens_max);
  const auto share = std::clamp(rate + control.due / correction_tokens, std::int64_t{0}, std::min(one, share_max));
  auto threshold = threshold_for(control.weights, control.weight, share);
  if (control.due <= 0 && threshold < value_bins) {
    ++threshold;  // Of the bin that the share ends in only a part may pass: as much as is due.
  }

  auto& slot = floor_due_[XXH3_64bits(agent_id.data(), agent_id.size()) % slots];
  const auto allowed = noise ? 0 : rate * tokens / (one / floor_one * floor_share);
  auto floor_due = std::min(slot + allowed, floor_due_max);
  const auto savings = std::clamp<std::int64_t>(tokens, floor_savings_tokens_min, floor_savings_tokens_max);
  const auto sunk = std::max<std::int64_t>((floor_due / floor_one - savings) / floor_tokens_of_a_bin, 0);
  threshold = static_cast<std::uint8_t>(std::max<std::int64_t>(threshold - sunk, 0));

  const bool chosen = !noise && score >= threshold;
  if (chosen) {
    control.due = std::max(control.due - one * tokens, -due_max);
    const auto credit_max = floor_one * std::max<std::int64_t>(tokens, floor_credit_tokens);
    floor_due = std::max(floor_due - floor_one * tokens, -credit_max);
  }
  slot = static_cast<std::int32_t>(floor_due);
  return {.score = score, .threshold = threshold, .chosen = chosen};
}

std::string ValueSelector::encode() const {
  std::string out(1, static_cast<char>(format_version));
  append_varint(out, controls_.size());
  for (const auto& control : controls_) {
    append_varint(out, control.rate);
    append_varint(out, zigzag(control.due));
    append_sparse(out, control.weights);
  }
  append_sparse(out, floor_due_);
  return out;
}

Result<ValueSelector> ValueSelector::decode(const ValueSelection& options, std::string_view bytes) {
  const auto damaged = [] { return fail(Errc::unsafe_to_go_on, "the state of the selection can't be decoded"); };
  if (bytes.empty() || static_cast<unsigned char>(bytes.front()) != format_version) {
    return damaged();
  }
  bytes.remove_prefix(1);
  ValueSelector selector{options};
  const auto count = take_varint(bytes);
  if (!count || *count == 0 || *count > agent_rates_max + 1) {
    return damaged();
  }
  for (std::size_t i = 0; i < *count; ++i) {
    const auto rate = take_varint(bytes);
    const auto due = take_varint(bytes);
    Control control;
    if (!rate || *rate > std::uint64_t{one} || !due || std::abs(unzigzag(*due)) > due_max ||
        !take_sparse(bytes, control.weights, 0, weight_of_a_bin_max)) {
      return damaged();
    }
    control.rate = static_cast<std::uint32_t>(*rate);
    control.due = unzigzag(*due);
    control.weight = std::accumulate(control.weights.begin(), control.weights.end(), std::uint64_t{0});
    if (i < selector.controls_.size() && selector.controls_[i].rate == control.rate) {
      selector.controls_[i] = control;
    }
  }
  if (!take_sparse(bytes, selector.floor_due_, floor_due_least, floor_due_max) || !bytes.empty()) {
    return damaged();
  }
  return selector;
}

}  // namespace alluvium::pipeline
