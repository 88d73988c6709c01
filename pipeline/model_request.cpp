// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_request.hpp"

#include <array>
#include <cassert>
#include <cinttypes>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include <xxhash.h>

#include "pipeline/json_reader.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::size_t depth_max = 3;
constexpr std::array roles = {Role::user, Role::assistant, Role::system, Role::tool, Role::other};

std::optional<Role> role_of(std::string_view text) {
  for (const auto role : roles) {
    if (name(role) == text) {
      return role;
    }
  }
  return std::nullopt;
}

void append_unless_empty(JsonText& json, std::string_view key, std::string_view text) {
  if (!text.empty()) {
    json.field(key, text);
  }
}

/// The text at `key`, empty if there is none; nothing if it is no text.
std::optional<std::string_view> text_at(const simdjson::dom::object& object, std::string_view key) {
  simdjson::dom::element value;
  std::string_view text;
  if (object.at_key(key).get(value) != simdjson::SUCCESS) {
    return text;
  }
  if (value.get(text) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return text;
}

/// Appends one message of an encoded request; false if it is none.
bool take_message(const simdjson::dom::element& element, ModelRequest& request) {
  simdjson::dom::object object;
  std::uint64_t place = 0;
  std::int64_t batch = 0;
  MessageView message;
  if (element.get(object) != simdjson::SUCCESS || object.at_key("place").get(place) != simdjson::SUCCESS ||
      place > std::numeric_limits<std::uint32_t>::max() ||
      object.at_key("timestamp_ms").get(message.timestamp_ms) != simdjson::SUCCESS) {
    return false;
  }
  if (simdjson::dom::element given; object.at_key("batch").get(given) == simdjson::SUCCESS) {
    if (given.get(batch) != simdjson::SUCCESS || batch <= 0) {
      return false;
    }
  }
  if (!request.places.empty() &&
      std::pair{batch, place} <= std::pair{request.batches.back(), std::uint64_t{request.places.back()}}) {
    return false;
  }
  const auto id = text_at(object, "id");
  const auto session_id = text_at(object, "session_id");
  const auto user_id = text_at(object, "user_id");
  const auto org_id = text_at(object, "org_id");
  const auto content = text_at(object, "content");
  const auto role = role_of(text_at(object, "role").value_or(""));
  if (!id || !session_id || !user_id || !org_id || !content || content->empty() || !role) {
    return false;
  }
  message.id = *id;
  message.agent_id = request.messages.agent_id();
  message.session_id = *session_id;
  message.user_id = *user_id;
  message.org_id = *org_id;
  message.content = *content;
  message.role = *role;
  request.messages.append(message);
  request.places.push_back(static_cast<std::uint32_t>(place));
  request.batches.push_back(batch);
  return true;
}

/// Appends one pair of an encoded request; false if it is none.
bool take_pair(const simdjson::dom::element& element, ModelRequest& request) {
  simdjson::dom::object object;
  std::string_view earlier;
  std::string_view later;
  if (request.pairs.size() == pairs_max || element.get(object) != simdjson::SUCCESS ||
      object.at_key("earlier").get(earlier) != simdjson::SUCCESS ||
      object.at_key("later").get(later) != simdjson::SUCCESS) {
    return false;
  }
  request.pairs.push_back({std::string{earlier}, std::string{later}});
  return true;
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
    case Role::system:
      return "system";
    case Role::tool:
      return "tool";
    case Role::other:
      return "other";
  }
  return "other";
}

ModelRequest make_request(Tier tier, const Batch& batch, const std::vector<std::uint32_t>& places) {
  ModelRequest request{.tier = tier,
                       .messages = Batch{batch.agent_id()},
                       .places = places,
                       .batches = std::vector<std::int64_t>(places.size())};
  for (const auto place : places) {
    assert(place < batch.size());
    request.messages.append(batch[place]);
  }
  return request;
}

ModelRequest part_of(const ModelRequest& request, std::size_t begin, std::size_t end) {
  assert(begin <= end && end <= request.places.size());
  std::vector<std::uint32_t> indexes(end - begin);
  std::iota(indexes.begin(), indexes.end(), static_cast<std::uint32_t>(begin));
  return part_of(request, request.tier, indexes);
}

ModelRequest part_of(const ModelRequest& request, Tier tier, const std::vector<std::uint32_t>& indexes) {
  ModelRequest part{.tier = tier, .messages = Batch{request.messages.agent_id()}, .places = {}, .batches = {}};
  for (const auto i : indexes) {
    part.messages.append(request.messages[i]);
    part.places.push_back(request.places[i]);
    part.batches.push_back(request.batches[i]);
  }
  return part;
}

void append(ModelRequest& request, const ModelRequest& more) {
  for (std::size_t i = 0; i < more.messages.size(); ++i) {
    request.messages.append(more.messages[i]);
  }
  request.places.insert(request.places.end(), more.places.begin(), more.places.end());
  request.batches.insert(request.batches.end(), more.batches.begin(), more.batches.end());
}

std::string encode_request(const ModelRequest& request) {
  JsonText json;
  json.object().field("agent_id", request.messages.agent_id()).key("messages").array();
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const auto message = request.messages[i];
    json.object();
    if (request.batches[i] != 0) {
      json.field("batch", request.batches[i]);
    }
    json.field("place", request.places[i]);
    append_unless_empty(json, "id", message.id);
    append_unless_empty(json, "session_id", message.session_id);
    append_unless_empty(json, "user_id", message.user_id);
    append_unless_empty(json, "org_id", message.org_id);
    json.field("role", name(message.role)).field("timestamp_ms", message.timestamp_ms);
    json.field("content", message.content).end();
  }
  json.end();
  if (request.adjudicates()) {
    json.key("pairs").array();
    for (const auto& [earlier, later] : request.pairs) {
      json.object().field("earlier", earlier).field("later", later).end();
    }
    json.end();
  }
  return json.end().text();
}

Result<ModelRequest> decode_request(Tier tier, std::string_view json) {
  const auto no = [] { return fail(Errc::unsafe_to_go_on, "a model request can't be decoded"); };
  if (json.empty()) {
    return no();
  }
  JsonReader reader{depth_max};
  const auto root = reader.parse(json);
  std::string_view agent_id;
  simdjson::dom::array messages;
  simdjson::dom::array pairs;
  if (!root || (*root)["agent_id"].get(agent_id) != simdjson::SUCCESS ||
      (*root)["messages"].get(messages) != simdjson::SUCCESS) {
    return no();
  }
  const bool adjudicates = (*root)["pairs"].get(pairs) == simdjson::SUCCESS && pairs.size() > 0;
  if (adjudicates != (messages.size() == 0)) {
    return no();
  }
  ModelRequest request{.tier = tier, .messages = Batch{std::string{agent_id}}, .places = {}, .batches = {}};
  for (const auto element : messages) {
    if (!take_message(element, request)) {
      return no();
    }
  }
  if (adjudicates) {
    for (const auto element : pairs) {
      if (!take_pair(element, request)) {
        return no();
      }
    }
  }
  return request;
}

std::string request_hash(std::string_view url, std::string_view body) {
  // The URL's length first, so that no two pairs give the same bytes.
  auto text = std::to_string(url.size());
  text.reserve(text.size() + 1 + url.size() + body.size());
  text += ':';
  text += url;
  text += body;
  const auto hash = XXH3_128bits(text.data(), text.size());
  std::array<char, 33> digits{};
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64 "%016" PRIx64, static_cast<std::uint64_t>(hash.high64),
                static_cast<std::uint64_t>(hash.low64));
  return std::string{digits.data(), 32};
}

}  // namespace alluvium::pipeline
