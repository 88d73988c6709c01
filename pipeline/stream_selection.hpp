// SPDX-License-Identifier: Apache-2.0
// Chooses the messages of one partition that are worth a model's time, as they are read, in the order of their offsets:
// what is chosen depends on nothing else, so a replay chooses the same.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "pipeline/message.hpp"
#include "pipeline/noise_filter.hpp"
#include "pipeline/ports.hpp"
#include "pipeline/value_score.hpp"
#include "pipeline/value_selector.hpp"

namespace alluvium::pipeline {

/// How messages are selected by value, the same for all partitions. Immutable; any thread.
struct StreamSelectionOptions {
  ValueSelection rates;
  FilterOptions filters;
  std::shared_ptr<const ValueScorer> scorer = nullptr;
};

class StreamSelection {
 public:
  /// Messages, or offsets, between two states that are kept.
  static constexpr std::int64_t state_every = 4096, state_every_offsets = 32'768;

  /// Goes on from `state`; anew if it can't be read.
  StreamSelection(const StreamSelectionOptions& options, const SelectorState& state);

  /// The next record stands at `offset`. Now and then a state to be kept: as it is before that record.
  [[nodiscard]] std::optional<SelectorState> before(std::int64_t offset);
  /// The next message of the partition.
  [[nodiscard]] Worth judge(const MessageView& message, ValueScorer::Scratch& scratch);

 private:
  [[nodiscard]] bool is_noise_here(const MessageView& message, const MessageValue& value) const;

  const StreamSelectionOptions* options_;
  FilterOptions without_length_;  ///< A short message that states something is no noise: "I'm Bob".
  ValueSelector selector_;
  std::int64_t since_state_ = 0;  ///< Messages.
  std::int64_t state_at_;         ///< Offset.
};

}  // namespace alluvium::pipeline
