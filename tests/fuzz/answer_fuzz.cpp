// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model's answer: what is read out of it is within bounds and rests on messages that were asked about.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "pipeline/answer.hpp"
#include "pipeline/dedupe.hpp"
#include "pipeline/utf8.hpp"

namespace {

using namespace alluvium::pipeline;

void require(bool holds, const char* law) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", law);
    std::abort();
  }
}

ModelRequest make_sample() {
  Batch batch{"agent"};
  constexpr std::string_view contents[] = {"I moved to Oslo", "my sister likes tea", "see you"};
  constexpr std::string_view ids[] = {"m-0", "m-1", "3"};
  for (std::size_t i = 0; i < std::size(contents); ++i) {
    MessageView message;
    message.id = ids[i];
    message.agent_id = "agent";
    message.content = contents[i];
    batch.append(message);
  }
  return make_request(Tier::premium, batch, {0, 1, 2});
}

bool is_text(std::string_view text, std::size_t bytes_max) {
  return !is_blank(text) && text.size() <= bytes_max && first_not_utf8(text) == std::string_view::npos;
}

bool ascends_within(const std::vector<std::uint32_t>& messages, std::size_t size) {
  return std::ranges::adjacent_find(messages, std::ranges::greater_equal{}) == messages.end() &&
         (messages.empty() || messages.back() < size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto request = make_sample();
  const auto answer = parse_answer({reinterpret_cast<const char*>(data), size}, request, "prompt");
  require(answer.understood || (answer.memories.empty() && answer.unsure.empty()), "garbage gives nothing");
  require(answer.memories.size() <= answer_memories_max, "there are not too many memories");
  require(answer.connections.size() == answer.memories.size(), "each memory has its connections");
  require(ascends_within(answer.unsure, request.messages.size()), "unsure messages were asked about");
  std::set<std::string> ids;
  std::set<std::string> keys;
  for (const auto& memory : answer.memories) {
    require(is_text(memory.content, memory_content_bytes_max), "a memory has content");
    require(memory.importance >= 0 && memory.importance <= 1, "importance is within 0 and 1");
    require(memory.keywords.size() <= memory_keywords_max, "there are not too many keywords");
    for (const auto& keyword : memory.keywords) {
      require(is_text(keyword, keyword_bytes_max), "a keyword is a short text");
    }
    require(!memory.sources.empty() && ascends_within(memory.sources, request.messages.size()),
            "a memory rests on messages that were asked about");
    require(memory.id == memory_id(request.messages, memory), "an id is what the memory rests on");
    require(ids.insert(memory.id).second && keys.insert(dedupe_key(memory.content)).second, "memories are distinct");
  }
  return 0;
}
