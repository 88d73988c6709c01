// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stream_selection.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::pipeline {
namespace {

ValueSelector selector_from(const ValueSelection& rates, const std::string& bytes) {
  if (!bytes.empty()) {
    if (auto kept = ValueSelector::decode(rates, bytes)) {
      return std::move(*kept);
    }
  }
  return ValueSelector{rates};
}

}  // namespace

StreamSelection::StreamSelection(const StreamSelectionOptions& options, const SelectorState& state)
    : options_{&options},
      without_length_{options.filters},
      selector_{selector_from(options.rates, state.bytes)},
      state_at_{state.offset} {
  without_length_.min_message_length = 0;
}

std::optional<SelectorState> StreamSelection::before(std::int64_t offset) {
  if (since_state_ < state_every && offset - state_at_ < state_every_offsets) {
    return std::nullopt;
  }
  since_state_ = 0;
  state_at_ = offset;
  return SelectorState{.offset = offset, .bytes = selector_.encode()};
}

Worth StreamSelection::judge(const MessageView& message, ValueScorer::Scratch& scratch) {
  ++since_state_;
  const auto value = options_->scorer->score(message.content, message.role, scratch);
  const bool noise = is_noise_here(message, value);
  const auto verdict = selector_.take(message.agent_id, value, noise);
  if (noise) {
    return {.score = verdict.score, .threshold = Worth::never};
  }
  return {.score = verdict.score, .threshold = std::min<std::uint8_t>(verdict.threshold, Worth::never - 1)};
}

bool StreamSelection::is_noise_here(const MessageView& message, const MessageValue& value) const {
  return is_noise(message.content, value.bare ? without_length_ : options_->filters);
}

}  // namespace alluvium::pipeline
