// SPDX-License-Identifier: Apache-2.0
// Knows the names and the forms that chat platforms give to the fields of a message.
#include "pipeline/message_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "pipeline/timestamp.hpp"
#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

std::string lower_case(std::string_view text) {
  std::string lower{text};
  for (auto& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

Role role_named(std::string_view text) {
  if (text == "user") {
    return Role::user;
  }
  if (text == "assistant") {
    return Role::assistant;
  }
  constexpr std::size_t longest_role = 9;
  if (text.size() > longest_role) {
    return Role::other;
  }
  const auto role = lower_case(text);
  if (role == "user" || role == "human" || role == "customer") {
    return Role::user;
  }
  if (role == "assistant" || role == "ai" || role == "bot" || role == "agent" || role == "model") {
    return Role::assistant;
  }
  if (role == "system" || role == "developer") {
    return Role::system;
  }
  return role == "tool" || role == "function" ? Role::tool : Role::other;
}

/// The text of one part of a content list; nothing for a part that is not text, such as an image.
OrFault<std::optional<std::string_view>> part_text(const element& part) {
  std::string_view text;
  if (part.get(text) == simdjson::SUCCESS) {
    return text;
  }
  if (part.is_null()) {
    return std::nullopt;
  }
  simdjson::dom::object object;
  if (part.get(object) != simdjson::SUCCESS) {
    return faulty(DeadReason::wrong_type,
                  "a part of content is " + std::string{kind_of(part)} + "; want text or an object with text");
  }
  element value;
  if (object.at_key("text").get(value) != simdjson::SUCCESS || value.is_null()) {
    return std::nullopt;
  }
  if (value.get(text) != simdjson::SUCCESS) {
    return faulty(DeadReason::wrong_type,
                  "the text of a part of content is " + std::string{kind_of(value)} + "; want text");
  }
  return text;
}

OrFault<std::string_view> join_parts(const simdjson::dom::array& parts, std::string& joined) {
  joined.clear();
  bool first = true;
  for (const auto& part : parts) {
    const auto text = part_text(part);
    if (!text) {
      return tl::unexpected<Fault>{text.error()};
    }
    if (*text) {
      joined += first ? "" : "\n";
      joined += **text;
      first = false;
    }
  }
  if (first) {
    return faulty(DeadReason::no_content, "content is a list without any text in it");
  }
  return joined;
}

}  // namespace

/// By length, so that each comparison is of a length that the compiler knows: of a key or two that may be meant.
std::optional<Field> field_named(std::string_view name) {
  const auto is = [&name]<std::size_t size>(const char(&candidate)[size]) {
    return std::memcmp(name.data(), candidate, size - 1) == 0;
  };
  switch (name.size()) {
    case 2:
      return is("id") ? std::optional{Field::id} : std::nullopt;
    case 4:
      return is("role")   ? std::optional{Field::role}
             : is("text") ? std::optional{Field::content}
             : is("time") ? std::optional{Field::time}
             : is("data") ? std::optional{Field::data}
                          : std::nullopt;
    case 5:
      return is("orgId") ? std::optional{Field::org_id} : std::nullopt;
    case 6:
      return is("org_id") ? std::optional{Field::org_id} : is("userId") ? std::optional{Field::user_id} : std::nullopt;
    case 7:
      return is("content")   ? std::optional{Field::content}
             : is("user_id") ? std::optional{Field::user_id}
             : is("agentId") ? std::optional{Field::agent_id}
             : is("subject") ? std::optional{Field::subject}
                             : std::nullopt;
    case 8:
      return is("agent_id")   ? std::optional{Field::agent_id}
             : is("messages") ? std::optional{Field::messages}
                              : std::nullopt;
    case 9:
      return is("timestamp") || is("createdAt") ? std::optional{Field::timestamp}
             : is("sessionId")                  ? std::optional{Field::session_id}
                                                : std::nullopt;
    case 10:
      return is("session_id")   ? std::optional{Field::session_id}
             : is("created_at") ? std::optional{Field::timestamp}
                                : std::nullopt;
    case 11:
      return is("specversion")   ? std::optional{Field::specversion}
             : is("data_base64") ? std::optional{Field::data_base64}
                                 : std::nullopt;
    case 14:
      return is("conversationId") ? std::optional{Field::session_id} : std::nullopt;
    case 15:
      return is("conversation_id") ? std::optional{Field::session_id} : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string_view name(Field field) {
  static constexpr std::array<std::string_view, field_count> names = {
      "id",        "agent_id", "session_id",  "user_id", "org_id",      "role",    "content",
      "timestamp", "messages", "specversion", "data",    "data_base64", "subject", "time"};
  return names[static_cast<std::size_t>(field)];
}

std::string_view kind_of(const element& element) {
  switch (element.type()) {
    case element_type::ARRAY:
      return "a list";
    case element_type::OBJECT:
      return "an object";
    case element_type::STRING:
      return "text";
    case element_type::BOOL:
      return "true or false";
    case element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

std::string_view kind_of(const FieldValue& value) {
  return value.text() ? "text" : kind_of(value.element());
}

std::optional<std::int64_t> read_timestamp(const FieldValue& value) {
  if (const auto text = value.text()) {
    return parse_timestamp(*text);
  }
  const auto& element = value.element();
  switch (element.type()) {
    case element_type::INT64:
      return epoch_timestamp(std::int64_t{element});
    case element_type::DOUBLE:
      return epoch_timestamp(double{element});
    default:
      return std::nullopt;
  }
}

MessageReader::MessageReader(FieldMapping mapping, std::size_t id_bytes_max)
    : mapping_{std::move(mapping)},
      is_mapped_{!(mapping_.messages.empty() && mapping_.id.empty() && mapping_.agent_id.empty() &&
                   mapping_.session_id.empty() && mapping_.user_id.empty() && mapping_.org_id.empty() &&
                   mapping_.role.empty() && mapping_.content.empty() && mapping_.timestamp.empty())},
      id_bytes_max_{id_bytes_max} {}

Fields MessageReader::find(const element& object) const {
  Fields fields;
  simdjson::dom::object pairs;
  if (object.get(pairs) == simdjson::SUCCESS) {
    for (const auto& [key, value] : pairs) {
      const auto field = field_named(key);
      if (field && !fields.has(*field) && !value.is_null()) {
        fields.set(*field, value);
      }
    }
  }
  if (!is_mapped_) {
    return fields;
  }
  const std::array<std::pair<Field, const std::string*>, 9> places = {{{Field::messages, &mapping_.messages},
                                                                       {Field::id, &mapping_.id},
                                                                       {Field::agent_id, &mapping_.agent_id},
                                                                       {Field::session_id, &mapping_.session_id},
                                                                       {Field::user_id, &mapping_.user_id},
                                                                       {Field::org_id, &mapping_.org_id},
                                                                       {Field::role, &mapping_.role},
                                                                       {Field::content, &mapping_.content},
                                                                       {Field::timestamp, &mapping_.timestamp}}};
  for (const auto& [field, pointer] : places) {
    if (pointer->empty()) {
      continue;
    }
    fields.drop(field);
    element value;
    if (object.at_pointer(*pointer).get(value) == simdjson::SUCCESS && !value.is_null()) {
      fields.set(field, value);
    }
  }
  return fields;
}

OrFault<std::string_view> MessageReader::read_text(const Fields& fields, Field field, IdDigits& digits) {
  if (!fields.has(field)) {
    return std::string_view{};
  }
  if (const auto text = fields[field].text()) {
    return *text;
  }
  const auto& value = fields[field].element();
  auto& place = digits[static_cast<std::size_t>(field)];
  const auto in_digits = [&place](auto number) {
    const auto* const end = std::to_chars(place.data(), place.data() + place.size(), number).ptr;
    return std::string_view{place.data(), static_cast<std::size_t>(end - place.data())};
  };
  switch (value.type()) {
    case element_type::INT64:
      return in_digits(std::int64_t{value});
    case element_type::UINT64:
      return in_digits(std::uint64_t{value});
    case element_type::DOUBLE:
      return faulty(DeadReason::wrong_type,
                    std::string{name(field)} + " is a number with a fraction; want text or an integer");
    default:
      return faulty(DeadReason::wrong_type,
                    std::string{name(field)} + " is " + std::string{kind_of(value)} + "; want text or an integer");
  }
}

std::optional<Fault> MessageReader::id_fault(std::string_view what, std::string_view id,
                                             bool is_free_of_control_characters) const {
  if (id.size() > id_bytes_max_) {
    return Fault{DeadReason::invalid_field, std::string{what} + " has " + std::to_string(id.size()) +
                                                " bytes; at most " + std::to_string(id_bytes_max_) + " are allowed"};
  }
  if (!is_free_of_control_characters && has_control_character(id)) {
    return Fault{DeadReason::invalid_field, std::string{what} + " holds a control character"};
  }
  return std::nullopt;
}

OrFault<void> MessageReader::read_attributes(const Fields& fields, MessageView& message, IdDigits& digits) const {
  const std::array<std::pair<Field, std::string_view*>, 5> ids = {{{Field::id, &message.id},
                                                                   {Field::agent_id, &message.agent_id},
                                                                   {Field::session_id, &message.session_id},
                                                                   {Field::user_id, &message.user_id},
                                                                   {Field::org_id, &message.org_id}}};
  for (const auto& [field, id] : ids) {
    if (!fields.has(field)) {
      continue;
    }
    const auto text = read_text(fields, field, digits);
    if (!text) {
      return tl::unexpected<Fault>{text.error()};
    }
    if (auto fault = id_fault(name(field), *text, fields.is_free_of_control_characters())) {
      return tl::unexpected<Fault>{std::move(*fault)};
    }
    if (!text->empty()) {
      *id = *text;
    }
  }
  if (fields.has(Field::role)) {
    const auto role = fields[Field::role].text();
    if (!role) {
      return faulty(DeadReason::wrong_type, "role is " + std::string{kind_of(fields[Field::role])} + "; want text");
    }
    message.role = role->empty() ? message.role : role_named(*role);
  }
  if (fields.has(Field::timestamp)) {
    message.timestamp_ms = read_timestamp(fields[Field::timestamp]).value_or(message.timestamp_ms);
  }
  return {};
}

OrFault<std::string_view> MessageReader::read_content(const Fields& fields, std::string& joined) {
  if (!fields.has(Field::content)) {
    if (fields.has(Field::messages)) {
      return faulty(DeadReason::wrong_type,
                    "messages is " + std::string{kind_of(fields[Field::messages])} + "; want a list");
    }
    return faulty(DeadReason::no_content, "there is no content");
  }
  const auto& value = fields[Field::content];
  OrFault<std::string_view> content;
  if (const auto text = value.text()) {
    content = *text;
  } else if (simdjson::dom::array parts; value.element().get(parts) == simdjson::SUCCESS) {
    content = join_parts(parts, joined);
  } else {
    return faulty(DeadReason::wrong_type,
                  "content is " + std::string{kind_of(value)} + "; want text or a list of parts");
  }
  if (content && is_blank(*content)) {
    return faulty(DeadReason::no_content, "content is empty or only blanks");
  }
  return content;
}

}  // namespace alluvium::pipeline
