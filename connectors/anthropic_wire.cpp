// SPDX-License-Identifier: Apache-2.0
// Anthropic's messages.
#include "connectors/model_wire.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {

using pipeline::JsonText;
using pipeline::ModelReply;
using simdjson::dom::element;

namespace {

/// The APIs' common words for why an answer ends.
std::string finish_of(std::string_view stop_reason) {
  if (stop_reason == "end_turn" || stop_reason == "stop_sequence") {
    return "stop";
  }
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") {
    return "length";
  }
  return clipped(stop_reason, api_word_bytes_max);
}

/// input_tokens are those that had nothing to do with the cache: the prompt is all three.
void read_usage(element root, ModelReply& reply) {
  const auto usage = object_at(root, "usage");
  const auto input = usage ? count_at(*usage, "input_tokens") : std::nullopt;
  if (!input) {
    return;
  }
  const auto written = count_at(*usage, "cache_creation_input_tokens").value_or(0);
  const auto cached = count_at(*usage, "cache_read_input_tokens").value_or(0);
  reply.usage = pipeline::TokenUsage{.prompt = *input + written + cached,
                                     .completion = count_at(*usage, "output_tokens").value_or(0),
                                     .cached = cached,
                                     .cache_write = written};
}

}  // namespace

std::string anthropic_body(const EndpointOptions& options, const pipeline::ModelPrompt& prompt) {
  JsonText json;
  json.object().field("model", options.model).field("max_tokens", prompt.max_tokens);
  json.field("temperature", prompt.temperature);
  if (!prompt.instructions.empty()) {
    json.key("system").array().object().field("type", "text").field("text", prompt.instructions);
    json.key("cache_control").object().field("type", "ephemeral").end().end().end();
  }
  json.key("messages").array().object().field("role", "user").field("content", prompt.messages).end().end();
  if (options.response_format == "json_schema" && !prompt.schema.empty()) {
    json.key("output_config").object().key("format").object().field("type", "json_schema");
    json.key("schema").raw(prompt.schema).end().end();
  }
  return json.end().text();
}

void read_anthropic_answer(element root, ModelReply& reply) {
  read_usage(root, reply);
  const auto content = array_at(root, "content");
  if (!content) {
    return;
  }
  for (const auto block : *content) {
    if (text_at(block, "type") == "text") {
      reply.text += text_at(block, "text");
    }
  }
  reply.readable = true;
  reply.finish = finish_of(text_at(root, "stop_reason"));
}

}  // namespace alluvium::connectors
