// SPDX-License-Identifier: Apache-2.0
// A request of four messages, and answers to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/answer.hpp"
#include "tests/pipeline/sample_batch.hpp"

namespace alluvium::pipeline {

inline const ModelRequest& request() {
  static const auto made = make_request(
      Tier::small, sample_batch({"hello there", "I moved to Oslo", "My sister likes tea", "see you"}), {0, 1, 2, 3});
  return made;
}

inline Answer parse(std::string_view text) {
  return parse_answer(text, request(), "0123456789abcdef");
}

inline std::uint32_t count(const Answer& answer, AnswerFault fault) {
  return answer.faults[static_cast<std::size_t>(fault)];
}

inline std::vector<std::string> contents(const Answer& answer) {
  std::vector<std::string> texts;
  for (const auto& memory : answer.memories) {
    texts.push_back(memory.content);
  }
  return texts;
}

/// One memory with everything right.
inline std::string item(const std::string& content, const std::string& messages = "[2]") {
  return R"({"content":")" + content + R"(","type":"semantic","importance":0.7,"keywords":["k"],"messages":)" +
         messages + "}";
}

inline const std::string oslo = item("User moved to Oslo");
inline const std::string tea = item("Sister likes tea", "[3]");

}  // namespace alluvium::pipeline
