// SPDX-License-Identifier: Apache-2.0
// Chat completions: OpenAI's, and of all that took them over.
#include <algorithm>

#include "connectors/model_wire.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {

using pipeline::JsonText;
using pipeline::ModelReply;
using pipeline::TokenUsage;
using simdjson::dom::element;

namespace {

void write_response_format(JsonText& json, const EndpointOptions& options, std::string_view schema) {
  if (options.response_format == "json_schema" && !schema.empty()) {
    json.key("response_format").object().field("type", "json_schema");
    json.key("json_schema").object().field("name", "memories").field("strict", true);
    json.key("schema").raw(schema).end().end();
  } else if (options.response_format != "none") {
    json.key("response_format").object().field("type", "json_object").end();
  }
}

/// The content is a text; null where there is only a refusal; some servers give a list of parts.
bool read_content(element message, std::string& text) {
  element content;
  if (message["content"].get(content) != simdjson::SUCCESS || content.is_null()) {
    return true;
  }
  if (std::string_view plain; content.get(plain) == simdjson::SUCCESS) {
    text = plain;
    return true;
  }
  simdjson::dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) {
    return false;
  }
  for (const auto part : parts) {
    if (text_at(part, "type") == "text") {
      text += text_at(part, "text");
    }
  }
  return true;
}

void read_usage(element root, ModelReply& reply) {
  const auto usage = object_at(root, "usage");
  const auto prompt = usage ? count_at(*usage, "prompt_tokens") : std::nullopt;
  if (!prompt) {
    return;
  }
  TokenUsage tokens{.prompt = *prompt, .completion = count_at(*usage, "completion_tokens").value_or(0)};
  if (const auto details = object_at(*usage, "prompt_tokens_details")) {
    tokens.cached = std::min(count_at(*details, "cached_tokens").value_or(0), tokens.prompt);
    tokens.cache_write = std::min(count_at(*details, "cache_write_tokens").value_or(0), tokens.prompt - tokens.cached);
  }
  reply.usage = tokens;
}

}  // namespace

std::string openai_body(const EndpointOptions& options, const pipeline::ModelPrompt& prompt) {
  JsonText json;
  json.object().field("model", options.model).field(options.max_tokens_field, prompt.max_tokens);
  json.field("temperature", prompt.temperature);
  // The fixed part first, so that providers can cache it. Each content is one plain text: Ollama makes a message of
  // each part of a list.
  json.key("messages").array();
  if (!prompt.instructions.empty()) {
    json.object().field("role", "system").field("content", prompt.instructions).end();
  }
  json.object().field("role", "user").field("content", prompt.messages).end().end();
  write_response_format(json, options, prompt.schema);
  return json.end().text();
}

void read_openai_answer(element root, ModelReply& reply) {
  read_usage(root, reply);
  element choice;
  const auto choices = array_at(root, "choices");
  if (!choices || choices->at(0).get(choice) != simdjson::SUCCESS) {
    return;
  }
  const auto message = object_at(choice, "message");
  if (!message || !read_content(*message, reply.text)) {
    return;
  }
  reply.readable = true;
  reply.finish = clipped(text_at(choice, "finish_reason"), api_word_bytes_max);
  if (!text_at(*message, "refusal").empty()) {
    reply.finish = "refusal";
  }
}

}  // namespace alluvium::connectors
