// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record: the decoder accounts for every position once and gives only valid messages.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/decoder.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/plain_object.hpp"
#include "pipeline/utf8.hpp"

namespace {

using namespace alluvium::pipeline;

void require(bool holds, const char* law) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", law);
    std::abort();
  }
}

Decoder make_decoder(FieldMapping fields) {
  Decoder::Options options;
  options.bundle_messages_max = 1000;
  options.fields = std::move(fields);
  auto decoder = Decoder::make(std::move(options));
  require(decoder.has_value(), "the options are valid");
  return std::move(*decoder);
}

void check(Decoder& decoder, const RecordView& record) {
  MessageChunk chunk;
  std::vector<DeadLetter> dead;
  decoder.decode(record, 7, chunk, dead);
  std::vector<Position> positions;
  for (const auto& entry : chunk.entries()) {
    const auto message = entry.message();
    require(entry.slot() == 7, "a message is under its slot");
    require(!message.id.empty() && !message.agent_id.empty(), "a message has an id and an agent");
    require(!is_blank(message.content), "a message has content");
    for (const auto text :
         {message.id, message.agent_id, message.session_id, message.user_id, message.org_id, message.content}) {
      require(first_not_utf8(text) == std::string_view::npos, "a message is UTF-8");
    }
    positions.push_back(message.position);
  }
  for (const auto& letter : dead) {
    require(!letter.detail.empty() && letter.payload.size() <= dead_letter_payload_bytes_max, "a dead letter says why");
    require(letter.payload_bytes == record.value.size(), "a dead letter knows the record's size");
    positions.push_back(letter.position);
  }
  require(!positions.empty(), "a record ends somewhere");
  const auto count = positions.front().count;
  require(positions.size() == count, "there are as many positions as the record counts");
  std::vector<bool> seen(count);
  for (const auto& position : positions) {
    require(position.offset == record.offset && position.count == count && position.index < count,
            "a position is within its record");
    require(!seen[position.index], "a position ends once");
    seen[position.index] = true;
  }
}

struct EventHeaders final : HeaderReader {
  std::span<const HeaderView> read() override {
    return all;
  }
  std::array<HeaderView, 4> all;
};

/// What read_plain_object() takes, JsonReader takes, and both find the same.
void compare(std::string_view text) {
  static JsonReader json{64};
  static const MessageReader reader{{}, 512};
  Fields found;
  if (!read_plain_object(text, found)) {
    return;
  }
  const auto root = json.parse(text);
  require(root.has_value() && root->is_object(), "what is plain is JSON");
  const auto expected = reader.find(*root);
  for (std::size_t i = 0; i < field_count; ++i) {
    const auto field = static_cast<Field>(i);
    require(found.has(field) == expected.has(field), "both find the same fields");
    MessageReader::IdDigits digits{};
    if (found.has(field)) {
      const auto text_of = MessageReader::read_text(expected, field, digits);
      require(text_of && found[field].text() == *text_of, "both find the same text");
      require(read_timestamp(found[field]) == read_timestamp(expected[field]), "both find the same time");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto plain = make_decoder({});
  static auto mapped = make_decoder({.messages = "/payload/items",
                                     .id = "/key/0",
                                     .agent_id = "/who~1/bot",
                                     .session_id = "",
                                     .user_id = "/who~1/user",
                                     .org_id = "/org",
                                     .role = "/kind",
                                     .content = "/body/text",
                                     .timestamp = "/at"});
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  RecordView record;
  record.topic = "chat";
  record.partition = 3;
  record.offset = 42;
  record.value = bytes;
  record.timestamp_ms = 1'767'225'600'000;
  compare(bytes);
  check(plain, record);
  check(mapped, record);
  // The first line as the key and as a header, the rest as the value.
  const auto line = bytes.substr(0, bytes.find('\n'));
  record.key = line;
  record.value = bytes.substr(std::min(bytes.size(), line.size() + 1));
  EventHeaders headers;
  headers.all = {{{"ce_specversion", "1.0"}, {"ce_id", line}, {"ce_subject", line}, {"ce_time", line}}};
  record.headers = &headers;
  check(plain, record);
  record.key = {};
  check(plain, record);
  return 0;
}
