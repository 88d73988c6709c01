// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prepared_call.hpp"

#include "pipeline/adjudication.hpp"
#include "pipeline/prompt.hpp"

namespace alluvium::pipeline {

Prompt prompt_of(std::string_view instructions, const ModelRequest& request) {
  if (request.adjudicates()) {
    return {adjudication_instructions(), pairs_text(request.pairs), adjudication_schema()};
  }
  return {instructions, messages_text(request.messages), answer_schema(request.tier)};
}

PreparedCall prepare_call(const Model& model, const TierVoice& voice, const ModelRequest& request, bool longer,
                          const ModelPrice* price, const TokenCalibration& calibration, bool in_batch_job) {
  const auto asked = prompt_of(voice.instructions, request);
  const ModelPrompt prompt{.instructions = asked.instructions,
                           .messages = asked.text,
                           .schema = asked.schema,
                           .max_tokens = longer ? voice.max_tokens * 2 : voice.max_tokens,
                           .temperature = voice.temperature};
  PreparedCall call;
  call.body = model.body(prompt);
  call.hash = request_hash(model.url(), call.body);
  call.prompt_bytes = asked.bytes();
  if (price != nullptr) {
    // The schema is paid for as well, where the provider takes one; how many tokens it makes of it is its own affair.
    const auto bytes = call.prompt_bytes + static_cast<std::int64_t>(prompt.schema.size());
    call.reserve = cost_of(*price, reserve_tokens(calibration, bytes, prompt.max_tokens), in_batch_job);
  }
  return call;
}

}  // namespace alluvium::pipeline
