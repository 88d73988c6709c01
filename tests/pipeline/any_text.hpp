// SPDX-License-Identifier: Apache-2.0
// Any UTF-8, for properties: much of what escapes, breaks lines or closes something.
#pragma once

#include <string>
#include <vector>

#include <rapidcheck.h>

namespace alluvium::pipeline {

inline rc::Gen<std::string> any_text() {
  const auto piece = rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange(0, 128), [](int c) { return std::string(1, static_cast<char>(c)); }),
      rc::gen::element<std::string>("\n", "\r\n", "\t", " ", "\"", "\\", "<", "/", "#1 user: ", "messages",
                                    "</messages>", "<messages>", "< / MESSAGES >", "{", "}", "[", "]", ",", "é",
                                    "\u0085", "\u2028", "\u2029", "日本", "😀", "\uFFFD", "\\ud83d", "word"));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
    std::string text;
    for (const auto& each : pieces) {
      text += each;
    }
    return text;
  });
}

}  // namespace alluvium::pipeline
