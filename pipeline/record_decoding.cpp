// SPDX-License-Identifier: Apache-2.0
// Takes records apart, and files what can't be a message.
#include "pipeline/record_decoding.hpp"

#include <algorithm>
#include <array>

#include "pipeline/base64.hpp"
#include "pipeline/plain_object.hpp"
#include "pipeline/timestamp.hpp"
#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {

namespace {

using simdjson::dom::element;

constexpr std::size_t dead_letter_key_bytes_max = 256;
constexpr std::size_t schema_prefix_bytes = 5;  // A zero, then the schema's id in four bytes.

}  // namespace

void RecordDecoding::run() {
  if (const auto done = decode(); !done) {
    bury(Position{record_.offset, 0, 1}, false, {}, done.error());
  }
}

OrFault<void> RecordDecoding::decode() {
  auto text = record_.value;
  if (text.empty()) {
    return faulty(DeadReason::empty,
                  record_.tombstone ? "the record has no value (a tombstone)" : "the record's value is empty");
  }
  if (text.size() > buffers_.options.message_bytes_max) {
    return faulty(DeadReason::too_large, "the record has " + std::to_string(text.size()) + " bytes; at most " +
                                             std::to_string(buffers_.options.message_bytes_max) + " are allowed");
  }
  const bool prefixed = text.front() == '\0';
  if (prefixed) {
    if (text.starts_with(std::string_view{"\0{\0", 3}) || text.starts_with(std::string_view{"\0[\0", 3})) {
      return faulty(DeadReason::not_utf8, "the text looks like UTF-16; want UTF-8");
    }
    text.remove_prefix(std::min(schema_prefix_bytes, text.size()));
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return faulty(DeadReason::empty, prefixed ? "nothing but blanks follows the record's schema-registry prefix"
                                              : "the record holds nothing but blanks");
  }
  if (prefixed && text[first] != '{' && text[first] != '[') {
    return faulty(DeadReason::not_json,
                  "what follows the 5-byte schema-registry prefix is not JSON: it looks like Avro or Protobuf");
  }
  if (!buffers_.reader.is_mapped()) {
    buffers_.fields.clear();
    if (read_plain_object(text.substr(first), buffers_.fields)) {
      decode_message(buffers_.fields, blank_message(), false);
      return {};
    }
  }
  return decode_parsed(text);
}

OrFault<void> RecordDecoding::decode_parsed(std::string_view text) {
  const auto root = buffers_.json.parse(text);
  if (!root) {
    return tl::unexpected<Fault>{root.error()};
  }
  if (buffers_.reader.is_mapped() || !root->is_object()) {
    return decode_value(*root);
  }
  const auto fields = buffers_.reader.find(*root);
  const bool is_event = fields.has(Field::specversion) && (fields.has(Field::data) || fields.has(Field::data_base64));
  return is_event ? decode_event(fields) : decode_object(fields);
}

void RecordDecoding::read_event_headers() {
  bool is_event = false;
  EventDefaults event;
  for (const auto& header : record_.headers != nullptr ? record_.headers->read() : std::span<const HeaderView>{}) {
    if (header.name == "ce_specversion") {
      is_event = true;
    } else if (header.name == "ce_id") {
      event.id = header.value;
    } else if (header.name == "ce_subject") {
      event.subject = header.value;
    } else if (header.name == "ce_time") {
      event.time_ms = parse_timestamp(header.value);
    }
  }
  if (is_event) {
    event_ = event;
  }
  has_event_ = true;
}

OrFault<void> RecordDecoding::need_event() {
  if (!has_event_) {
    read_event_headers();
    if (auto checked = check_event_id(); !checked) {
      event_fault_ = std::move(checked.error());
    }
  }
  return event_fault_ ? OrFault<void>{tl::unexpected<Fault>{*event_fault_}} : OrFault<void>{};
}

OrFault<void> RecordDecoding::check_event_id() {
  auto fault = buffers_.reader.id_fault("the CloudEvent's id", event_.id);
  if (!fault && first_not_utf8(event_.id) != std::string_view::npos) {
    fault = Fault{DeadReason::invalid_field, "the CloudEvent's id is not UTF-8"};
  }
  if (fault) {
    event_.id = {};
    return tl::unexpected<Fault>{std::move(*fault)};
  }
  return {};
}

OrFault<void> RecordDecoding::decode_event(const Fields& event) {
  static_cast<void>(need_event());  // For the time, if it does not say it.
  event_fault_.reset();             // Its own id counts.
  for (auto [field, text] : {std::pair{Field::id, &event_.id}, std::pair{Field::subject, &event_.subject}}) {
    const auto said = MessageReader::read_text(event, field, buffers_.record_digits);
    if (!said) {
      return tl::unexpected<Fault>{said.error()};
    }
    *text = *said;
  }
  if (auto checked = check_event_id(); !checked) {
    return checked;
  }
  if (event.has(Field::time)) {
    event_.time_ms = read_timestamp(event[Field::time]);
  }
  if (event.has(Field::data)) {
    const auto& data = event[Field::data].element();
    if (!data.is_object() && !data.is_array()) {
      return faulty(DeadReason::wrong_type,
                    "the CloudEvent's data is " + std::string{kind_of(data)} + "; want an object");
    }
    return decode_value(data);
  }
  const auto base64 = event[Field::data_base64].text();
  if (!base64) {
    return faulty(DeadReason::wrong_type,
                  "data_base64 is " + std::string{kind_of(event[Field::data_base64])} + "; want text");
  }
  if (!decode_base64(*base64, buffers_.event_data)) {
    return faulty(DeadReason::invalid_field, "data_base64 is not base64");
  }
  if (buffers_.event_data.empty()) {
    return faulty(DeadReason::empty, "data_base64 is empty");
  }
  const auto data = buffers_.event_json.parse(buffers_.event_data);
  if (!data) {
    return faulty(data.error().reason, "data_base64: " + data.error().detail);
  }
  return decode_value(*data);
}

OrFault<void> RecordDecoding::decode_value(const element& value) {
  if (value.is_object() || (value.is_array() && buffers_.reader.is_mapped())) {
    const auto fields = buffers_.reader.find(value);
    if (value.is_object() || fields.has(Field::messages)) {
      return decode_object(fields);
    }
  }
  if (simdjson::dom::array messages; value.get(messages) == simdjson::SUCCESS) {
    return decode_bundle(messages, blank_message());
  }
  return faulty(DeadReason::wrong_type, "the record is " + std::string{kind_of(value)} + "; want an object");
}

OrFault<void> RecordDecoding::decode_object(const Fields& fields) {
  simdjson::dom::array messages;
  if (!fields.has(Field::messages) || fields[Field::messages].element().get(messages) != simdjson::SUCCESS) {
    decode_message(fields, blank_message(), false);
    return {};
  }
  // The bundle's own id names the bundle, not one of its messages.
  auto envelope = fields;
  envelope.drop(Field::id);
  auto defaults = blank_message();
  if (auto read = buffers_.reader.read_attributes(envelope, defaults, buffers_.record_digits); !read) {
    return read;
  }
  return decode_bundle(messages, defaults);
}

OrFault<void> RecordDecoding::decode_bundle(const simdjson::dom::array& messages, const MessageView& defaults) {
  const auto count = messages.size();
  if (count == 0) {
    return faulty(DeadReason::empty, "the list of messages is empty");
  }
  if (count > buffers_.options.bundle_messages_max) {
    return faulty(DeadReason::too_large, "the list of messages has " + std::to_string(count) + " elements; at most " +
                                             std::to_string(buffers_.options.bundle_messages_max) + " are allowed");
  }
  auto message = defaults;
  message.position.count = static_cast<std::uint32_t>(count);
  for (const auto& each : messages) {
    if (each.is_object()) {
      decode_message(buffers_.reader.find(each), message, true);
    } else {
      bury(message.position, true, {},
           Fault{DeadReason::wrong_type,
                 "an element of the list of messages is " + std::string{kind_of(each)} + "; want an object"});
    }
    ++message.position.index;
  }
  return {};
}

void RecordDecoding::decode_message(const Fields& fields, MessageView message, bool bundled) {
  if (const auto read = read_message(fields, message, bundled); read) {
    out_.add(message, slot_);
  } else {
    bury(message.position, bundled, message.id, read.error());
  }
}

OrFault<void> RecordDecoding::read_message(const Fields& fields, MessageView& message, bool bundled) {
  if (auto read = buffers_.reader.read_attributes(fields, message, buffers_.message_digits); !read) {
    return read;
  }
  if (message.id.empty() || message.agent_id.empty() || message.timestamp_ms == unknown_time) {
    if (auto event = need_event(); !event) {
      return event;
    }
  }
  if (message.timestamp_ms == unknown_time) {
    message.timestamp_ms = event_.time_ms.value_or(record_.timestamp_ms);
  }
  if (message.agent_id.empty()) {
    const auto agent = default_agent();
    if (!agent) {
      return tl::unexpected<Fault>{agent.error()};
    }
    message.agent_id = *agent;
  }
  const auto content = MessageReader::read_content(fields, buffers_.joined);
  if (!content) {
    return tl::unexpected<Fault>{content.error()};
  }
  message.content = *content;
  if (message.id.empty()) {
    message.id = default_id(message.position, bundled);
  }
  return {};
}

OrFault<std::string_view> RecordDecoding::default_agent() const {
  const bool by_key = !record_.key.empty();
  const auto agent = by_key ? record_.key : event_.subject;
  if (agent.empty()) {
    return std::string_view{"default"};
  }
  const std::string_view what = by_key ? "there is no agent_id, and the record's key, which stands in for it,"
                                       : "there is no agent_id, and the CloudEvent's subject, which stands in for it,";
  if (auto fault = buffers_.reader.id_fault(what, agent)) {
    return tl::unexpected<Fault>{std::move(*fault)};
  }
  if (first_not_utf8(agent) != std::string_view::npos) {
    return faulty(DeadReason::invalid_field, std::string{what} + " is not UTF-8");
  }
  return agent;
}

std::string_view RecordDecoding::default_id(const Position& position, bool bundled) {
  auto& id = buffers_.default_id;
  id.clear();
  if (event_.id.empty()) {
    id.append(record_.topic).append(1, '/').append(std::to_string(record_.partition));
    id.append(1, '/').append(std::to_string(record_.offset));
  } else {
    id = event_.id;
  }
  if (bundled) {
    id.append(1, '/').append(std::to_string(position.index));
  }
  return id;
}

void RecordDecoding::bury(const Position& position, bool bundled, std::string_view id, const Fault& fault) {
  [[maybe_unused]] const auto event = need_event();  // The letter has its id, if that can be one.
  auto& letter = dead_.emplace_back();
  letter.position = position;
  letter.key = record_.key.substr(0, dead_letter_key_bytes_max);
  letter.message_id = id.empty() ? default_id(position, bundled) : id;
  letter.reason = fault.reason;
  letter.detail = fault.detail;
  const auto payload = record_.value.substr(0, dead_letter_payload_bytes_max);
  if (payload.size() <= payload_bytes_left_) {
    letter.payload = payload;
    payload_bytes_left_ -= payload.size();
  }
  letter.payload_bytes = record_.value.size();
  letter.timestamp_ms = record_.timestamp_ms;
}

}  // namespace alluvium::pipeline
