// SPDX-License-Identifier: Apache-2.0
// A request in the form in which it is sent: the body, its hash, and the most it may cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/model_ports.hpp"
#include "pipeline/prices.hpp"

namespace alluvium::pipeline {

/// How a tier asks.
struct TierVoice {
  std::int64_t max_tokens = 300;
  double temperature = 0.3;
  std::string instructions;
};

struct PreparedCall {
  std::string body, hash;
  std::int64_t prompt_bytes = 0;  ///< Of instructions and messages: what the calibration learns from.
  std::optional<Money> reserve;   ///< Absent: unknown price.
};

/// What a request is told and asked, as a provider's API takes it.
struct Prompt {
  std::string_view instructions;  ///< The voice's, or those of an adjudication.
  std::string text;               ///< Messages or pairs.
  std::string_view schema;
  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>(instructions.size() + text.size());
  }
};
/// Valid as long as `instructions` are.
[[nodiscard]] Prompt prompt_of(std::string_view instructions, const ModelRequest& request);

/// `longer`: twice the tier's max_tokens, for an answer that was cut off. The same request gives the same bytes.
[[nodiscard]] PreparedCall prepare_call(const Model& model, const TierVoice& voice, const ModelRequest& request,
                                        bool longer, const ModelPrice* price, const TokenCalibration& calibration,
                                        bool in_batch_job);

}  // namespace alluvium::pipeline
