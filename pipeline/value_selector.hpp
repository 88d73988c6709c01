// SPDX-License-Identifier: Apache-2.0
// Chooses messages by value as they come, at a rate of their tokens: a threshold that follows the stream.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/value_score.hpp"

namespace alluvium::pipeline {

struct AgentRate {
  std::vector<std::string> agents;  ///< Globs (pipeline/glob.hpp).
  double rate;
};

struct ValueSelection {
  double rate = 0.2;                   ///< Share of message tokens that may reach a model: 0..1.
  std::vector<AgentRate> agent_rates;  ///< The first that matches wins; at most `agent_rates_max`.
};
inline constexpr std::size_t agent_rates_max = 16;

inline constexpr std::uint8_t value_bins = 190;
/// The bin that a density falls in, and the density in the middle of a bin, for people.
[[nodiscard]] std::uint8_t bin_of(float density);
[[nodiscard]] float density_of(std::uint8_t bin);

/// The threshold over one stream, in its order. For each rate a histogram of the densities of late, weighted by tokens,
/// says above which one that share of the tokens lies; what was chosen too little or too much so far moves the share.
/// The agents with one rate form one stream of their own. Beneath it each agent has a floor: when less than a quarter
/// of the rate was chosen of its tokens, its threshold sinks until something passes.
/// All state is integers and all bounds are below, so that take() is a pure function of what was taken before.
/// One thread. About 29 KB with 17 rates.
class ValueSelector {
 public:
  explicit ValueSelector(const ValueSelection& options);

  struct Verdict {
    std::uint8_t score;      ///< The message's bin.
    std::uint8_t threshold;  ///< A bin; `value_bins` if nothing may pass.
    bool chosen;             ///< score >= threshold, but for noise, which is never chosen.
    auto operator<=>(const Verdict&) const = default;
  };
  /// The verdict on the next message of the stream. Noise counts as seen.
  Verdict take(std::string_view agent_id, const MessageValue& value, bool noise);

  /// The state as bytes: some hundred; 12 KB at most.
  [[nodiscard]] std::string encode() const;
  /// Goes on where encode() was called. A rate that is not the one encoded at its place begins anew.
  /// Fails with `unsafe_to_go_on` on bytes that encode() can't have written.
  [[nodiscard]] static Result<ValueSelector> decode(const ValueSelection& options, std::string_view bytes);

 private:
  /// The stream of the agents with one rate.
  struct Control {
    std::uint32_t rate = 0;  ///< In 2^-20.
    std::array<std::uint32_t, value_bins> weights{};
    std::uint64_t weight = 0;  ///< Their sum.
    std::int64_t due = 0;      ///< Tokens that the rate allowed so far, less those chosen; in 2^-20.
  };
  static constexpr std::size_t slots = 512;

  [[nodiscard]] std::size_t control_of(std::string_view agent_id) const;

  std::vector<AgentRate> agent_rates_;
  std::vector<Control> controls_;  ///< The default's, then those of `agent_rates_`.
  /// By the hash of an agent: as Control::due, but for the floor. Agents that share a slot share a floor.
  std::array<std::int32_t, slots> floor_due_{};
};

}  // namespace alluvium::pipeline
