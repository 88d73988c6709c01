// SPDX-License-Identifier: Apache-2.0
#include "app/records.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "app/table.hpp"
#include "pipeline/value_selector.hpp"

namespace alluvium::app {
namespace {

using pipeline::JsonText;

void add_list(JsonText& json, std::string_view name, const std::vector<std::string>& items) {
  json.key(name).array();
  for (const auto& item : items) {
    json.value(item);
  }
  json.end();
}

void add_outcomes(JsonText& json, const pipeline::OutcomeCounts& counts) {
  json.key("outcomes").object();
  for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
    json.field(pipeline::name(static_cast<pipeline::Outcome>(i)), counts.of[i]);
  }
  json.end();
}

std::string decimal(float density) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(density));
  return text.data();
}

std::string threshold_text(std::uint8_t threshold) {
  return threshold >= pipeline::value_bins ? "beyond reach" : decimal(pipeline::density_of(threshold));
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out.push_back(i + j > bytes.size() ? '=' : alphabet[group >> (18U - 6U * static_cast<unsigned>(j)) & 63U]);
    }
  }
  return out;
}

std::int64_t count(const std::vector<pipeline::Outcome>& outcomes, pipeline::Outcome which) {
  std::int64_t sum = 0;
  for (const auto outcome : outcomes) {
    sum += outcome == which ? 1 : 0;
  }
  return sum;
}

/// The ways that found at least one memory of it; "skipped" and "error" say why there is none.
std::vector<std::string> methods_of(const connectors::BatchRow& batch) {
  std::vector<std::string> methods;
  std::int64_t of_models = 0;
  for (const auto* tier : {"small", "premium"}) {
    std::int64_t memories = 0;
    for (const auto& sums : batch.calls) {
      memories += sums.tier == tier ? sums.memories : 0;
    }
    of_models += memories;
    if (memories > 0) {
      methods.push_back(std::string{tier} + "_model");
    }
  }
  if (batch.memories > of_models) {
    methods.insert(methods.begin(), "rules");
  }
  if (methods.empty() && (batch.outcome == "skipped" || batch.outcome == "error")) {
    methods.push_back(batch.outcome);
  }
  return methods;
}

}  // namespace

Usage usage_of(const std::vector<connectors::CallSums>& calls, std::string_view tier) {
  Usage usage;
  for (const auto& sums : calls) {
    if (!tier.empty() && sums.tier != tier) {
      continue;
    }
    usage.calls += sums.outcome == "cached" ? 0 : sums.calls;
    usage.possibly_paid += sums.outcome == "possibly_paid" ? sums.calls : 0;
    usage.prompt_tokens += sums.prompt_tokens;
    usage.completion_tokens += sums.completion_tokens;
    usage.cost = usage.cost && sums.cost ? std::optional{*usage.cost + *sums.cost} : std::nullopt;
  }
  return usage;
}

void add_usage(JsonText& json, const Usage& usage) {
  json.key("tokens_used").object().field("prompt", usage.prompt_tokens).field("completion", usage.completion_tokens);
  json.end().key("cost_usd").raw(usage.cost ? dollars_number(*usage.cost) : "null");
  if (usage.possibly_paid > 0) {
    json.field("possibly_paid_calls", usage.possibly_paid);
  }
}

std::string usage_text(const Usage& usage) {
  if (usage.calls == 0) {
    return "$0, 0 tokens: no model was called";
  }
  auto text = (usage.cost ? dollars_text(*usage.cost) : "unknown") + ", " + with_commas(usage.prompt_tokens) + " + " +
              with_commas(usage.completion_tokens) + " tokens, " + with_commas(usage.calls) +
              (usage.calls == 1 ? " call" : " calls");
  if (usage.possibly_paid > 0) {
    text += "; " + with_commas(usage.possibly_paid) + " without a reply, perhaps paid for";
  }
  return text;
}

std::string error_of(const connectors::BatchRow& batch) {
  for (const auto& request : batch.requests) {
    if (request.state == "degraded" || request.state == "parked") {
      return request.reason.empty() ? request.state : request.reason;
    }
  }
  return {};
}

void add_request(JsonText& json, const connectors::RequestRow& request) {
  json.object()
      .field("tier", request.tier)
      .field("mode", request.mode)
      .field("state", request.state)
      .field("attempts", request.attempts)
      .field("messages", request.messages)
      .key("due");
  request.due_ms == 0 ? json.null() : json.value(pipeline::iso8601(request.due_ms));
  json.field("since", pipeline::iso8601(request.created_ms));
  json.key("reason");
  request.reason.empty() ? json.null() : json.value(request.reason);
  json.end();
}

std::string worth_text(const pipeline::Worth& worth) {
  const auto score = "score " + decimal(pipeline::density_of(worth.score));
  return worth.is_noise() ? score + ", noise" : score + ", threshold " + threshold_text(worth.threshold);
}

void add_worth(JsonText& json, const pipeline::Worth& worth) {
  json.key("score").raw(decimal(pipeline::density_of(worth.score))).key("threshold");
  worth.threshold >= pipeline::value_bins ? json.null() : json.raw(decimal(pipeline::density_of(worth.threshold)));
}

std::string memory_json(const connectors::MemoryRow& memory) {
  JsonText json;
  json.object()
      .field("id", memory.id)
      .field("agent_id", memory.agent_id)
      .field("session_id", memory.session_id)
      .field("user_id", memory.user_id)
      .field("content", memory.content)
      .field("type", memory.type)
      .field("importance", memory.importance);
  add_list(json, "keywords", memory.keywords);
  json.field("extraction_method", memory.method).field("rule_id", memory.rule_id).field("batch_id", memory.batch_id);
  add_list(json, "source_message_ids", memory.source_message_ids);
  json.field("created_at", memory.created_at).key("connections").raw(memory.connections);
  if (!memory.model.empty()) {
    json.field("model", memory.model);
  }
  if (!memory.prompt_id.empty()) {
    json.field("prompt_id", memory.prompt_id);
  }
  return json.end().text();
}

std::string batch_json(const connectors::BatchRow& batch, bool with_requests) {
  const auto usage = usage_of(batch.calls);
  JsonText json;
  json.object().field("batch_id", batch.id).field("agent_id", batch.agent_id);
  add_list(json, "source_message_ids", batch.message_ids);
  json.field("outcome", batch.outcome)
      .key("processing_stats")
      .object()
      .field("start_time", pipeline::iso8601(batch.started_ms))
      .field("end_time", pipeline::iso8601(batch.ended_ms))
      .field("messages_processed", batch.outcomes.size())
      .field("messages_filtered", count(batch.outcomes, pipeline::Outcome::noise))
      .field("memories_created", batch.memories);
  add_list(json, "extraction_methods", methods_of(batch));
  add_usage(json, usage);
  const auto error = error_of(batch);
  json.key("error");
  error.empty() ? json.null() : json.value(error);
  json.end();
  json.field("topic", batch.topic).field("partition", batch.partition).key("outcomes").array();
  for (const auto outcome : batch.outcomes) {
    json.value(pipeline::name(outcome));
  }
  json.end();
  if (with_requests && !batch.requests.empty()) {
    json.key("requests").array();
    for (const auto& request : batch.requests) {
      add_request(json, request);
    }
    json.end();
  }
  return json.end().text();
}

std::string dead_letter_json(const connectors::DeadLetterRow& row) {
  const auto& letter = row.letter;
  JsonText json;
  json.object()
      .field("number", row.number)
      .field("topic", row.topic)
      .field("partition", row.partition)
      .field("offset", letter.position.offset)
      .field("index", letter.position.index)
      .field("count", letter.position.count)
      .field("key", letter.key)
      .field("message_id", letter.message_id)
      .field("reason", pipeline::name(letter.reason))
      .field("detail", letter.detail)
      .field("payload_bytes", letter.payload_bytes)
      .field("payload", letter.payload);
  std::string written;
  pipeline::append_json(written, letter.payload);
  if (written.find("\xEF\xBF\xBD") != std::string::npos || written.find("\\ufffd") != std::string::npos) {
    json.field("payload_base64", base64(letter.payload));
  }
  json.field("timestamp", pipeline::iso8601(letter.timestamp_ms))
      .field("created_at", pipeline::iso8601(row.created_ms));
  return json.end().text();
}

std::string partition_json(const connectors::PartitionRow& row) {
  JsonText json;
  json.object()
      .field("topic", row.topic)
      .field("partition", row.partition)
      .field("start_offset", row.start_offset)
      .field("watermark", row.watermark)
      .field("done_above", row.done_above)
      .field("gaps", row.gaps)
      .field("lost", row.lost)
      .field("batches", row.batches)
      .field("seq", row.seq);
  add_outcomes(json, row.outcomes);
  return json.end().text();
}

std::string audit_json(const pipeline::AuditReport& report) {
  JsonText json;
  json.object()
      .field("topic", report.partition.topic)
      .field("partition", report.partition.partition)
      .field("from", report.from)
      .field("watermark", report.watermark)
      .field("records", report.records)
      .field("messages", report.messages);
  add_outcomes(json, report.outcomes);
  json.field("gaps", report.gaps).field("lost", report.lost);
  add_list(json, "faults", report.faults);
  return json.end().text();
}

std::string place(const std::string& topic, std::int32_t partition, const pipeline::Position& position) {
  std::string text = topic + "/" + std::to_string(partition) + "/" + std::to_string(position.offset);
  if (position.count > 1) {
    text += "/" + std::to_string(position.index);
  }
  return text;
}

}  // namespace alluvium::app
