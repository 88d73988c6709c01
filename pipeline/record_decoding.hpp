// SPDX-License-Identifier: Apache-2.0
// One record on its way through the decoder: unwrapped (prefix, CloudEvent, bundle) down to its messages.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/decoder.hpp"
#include "pipeline/fault.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/message_reader.hpp"

namespace alluvium::pipeline {

/// What a decoder keeps from record to record, so that decoding allocates next to nothing.
struct DecodingBuffers {
  explicit DecodingBuffers(Decoder::Options given)
      : options{std::move(given)},
        reader{options.fields, options.id_bytes_max},
        json{options.depth_max},
        event_json{options.depth_max} {}

  Decoder::Options options;
  MessageReader reader;
  JsonReader json;
  JsonReader event_json;   ///< Of a CloudEvent's data_base64, while the event itself is still looked at.
  std::string event_data;  ///< Those bytes.
  Fields fields;           ///< Of a plain record: cleared, not made anew, since it is half a kilobyte.
  std::string joined;      ///< Content that was put together from parts.
  std::string default_id;
  MessageReader::IdDigits record_digits{};   ///< Of ids of the event or the bundle,
  MessageReader::IdDigits message_digits{};  ///< and of one message.
};

/// What a CloudEvent says about its data.
struct EventDefaults {
  std::string_view id;
  std::string_view subject;
  std::optional<std::int64_t> time_ms;
};

/// The decoding of one record.
class RecordDecoding {
 public:
  RecordDecoding(DecodingBuffers& buffers, const RecordView& record, std::uint32_t slot, MessageChunk& out,
                 std::vector<DeadLetter>& dead)
      : buffers_{buffers}, record_{record}, slot_{slot}, out_{out}, dead_{dead} {}

  /// As Decoder::decode().
  void run();

 private:
  /// What it fails with concerns the record as a whole; nothing was added then.
  OrFault<void> decode();
  OrFault<void> decode_parsed(std::string_view text);
  void read_event_headers();
  /// event_, as the record's headers have it if its value is no event. Fails if its id can't be one; it has none then.
  OrFault<void> need_event();
  OrFault<void> decode_event(const Fields& event);
  OrFault<void> check_event_id();
  OrFault<void> decode_value(const simdjson::dom::element& value);
  OrFault<void> decode_object(const Fields& fields);
  OrFault<void> decode_bundle(const simdjson::dom::array& messages, const MessageView& defaults);
  void decode_message(const Fields& fields, MessageView message, bool bundled);
  OrFault<void> read_message(const Fields& fields, MessageView& message, bool bundled);

  [[nodiscard]] MessageView blank_message() const {
    MessageView message;
    message.timestamp_ms = unknown_time;
    message.position = Position{record_.offset, 0, 1};
    return message;
  }
  [[nodiscard]] OrFault<std::string_view> default_agent() const;
  std::string_view default_id(const Position& position, bool bundled);
  void bury(const Position& position, bool bundled, std::string_view id, const Fault& fault);

  static constexpr auto unknown_time = std::numeric_limits<std::int64_t>::min();

  DecodingBuffers& buffers_;
  const RecordView& record_;
  std::uint32_t slot_;
  MessageChunk& out_;
  std::vector<DeadLetter>& dead_;
  EventDefaults event_;
  bool has_event_ = false;  ///< event_ is read.
  std::optional<Fault> event_fault_;
  std::size_t payload_bytes_left_ = dead_letter_payload_bytes_of_a_record;
};

}  // namespace alluvium::pipeline
