// SPDX-License-Identifier: Apache-2.0
// Checks the options and hands each record on.
#include "pipeline/decoder.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "pipeline/record_decoding.hpp"
#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {

namespace {

bool is_json_pointer(std::string_view pointer) {
  if (!pointer.starts_with('/')) {
    return false;
  }
  for (auto at = pointer.find('~'); at != std::string_view::npos; at = pointer.find('~', at + 1)) {
    const auto escaped = pointer.substr(at + 1, 1);
    if (escaped != "0" && escaped != "1") {
      return false;
    }
  }
  return first_not_utf8(pointer) == std::string_view::npos;
}

}  // namespace

struct Decoder::State {
  DecodingBuffers buffers;
};

Result<Decoder> Decoder::make(Options options) {
  struct Limit {
    std::string_view name;
    std::size_t value;
    std::size_t most;
  };
  const std::array limits = {Limit{"message_bytes_max", options.message_bytes_max, std::size_t{1} << 30},
                             Limit{"depth_max", options.depth_max, 1024},
                             Limit{"bundle_messages_max", options.bundle_messages_max, 1'000'000},
                             Limit{"id_bytes_max", options.id_bytes_max, std::size_t{64} << 10}};
  for (const auto& limit : limits) {
    if (limit.value == 0 || limit.value > limit.most) {
      return fail(Errc::invalid_config, std::string{limit.name} + " is " + std::to_string(limit.value) +
                                            "; want 1 to " + std::to_string(limit.most));
    }
  }
  constexpr std::size_t pointer_bytes_max = 1024;
  const auto& fields = options.fields;
  for (const auto* pointer : {&fields.messages, &fields.id, &fields.agent_id, &fields.session_id, &fields.user_id,
                              &fields.org_id, &fields.role, &fields.content, &fields.timestamp}) {
    if (!pointer->empty() && (pointer->size() > pointer_bytes_max || !is_json_pointer(*pointer))) {
      return fail(Errc::invalid_config, "\"" + pointer->substr(0, 80) +
                                            "\" is not a JSON pointer: it begins with /, and ~ is written ~0, / ~1");
    }
  }
  return Decoder{std::make_unique<State>(State{DecodingBuffers{std::move(options)}})};
}

Decoder::Decoder(std::unique_ptr<State> state) : state_{std::move(state)} {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

void Decoder::decode(const RecordView& record, std::uint32_t slot, MessageChunk& out, std::vector<DeadLetter>& dead) {
  RecordDecoding{state_->buffers, record, slot, out, dead}.run();
}

}  // namespace alluvium::pipeline
