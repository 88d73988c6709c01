// SPDX-License-Identifier: Apache-2.0
// Writes JSON: what exports, stores and reports need, and no more.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace alluvium::pipeline {

/// Appends `text` quoted and escaped. Bytes that are not UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view text);

/// Builds one object or array: `JsonText().object().field("id", id).end().text()`. Commas are its
/// business; closing what was opened is the caller's (asserted).
class JsonText {
 public:
  JsonText& object();
  JsonText& array();
  JsonText& end();  ///< Closes the innermost object or array.
  JsonText& key(std::string_view name);
  JsonText& value(std::string_view text);
  JsonText& value(const char* text) {
    return value(std::string_view{text});
  }
  JsonText& value(const std::string& text) {
    return value(std::string_view{text});
  }
  JsonText& value(bool truth);
  JsonText& value(double number);  ///< Shortest form that reads back the same; null if not finite.
  JsonText& value(std::integral auto number) {
    return raw(std::to_string(number));
  }
  JsonText& null() {
    return raw("null");
  }
  JsonText& raw(std::string_view json);  ///< `json` is valid JSON already.
  template <class T>
  JsonText& field(std::string_view name, const T& what) {
    return key(name).value(what);
  }
  [[nodiscard]] const std::string& text() const {
    return text_;
  }

 private:
  void separate();

  std::string text_;
  std::string open_;  ///< The closing characters still due.
  bool first_ = true;
};

/// 2026-01-01T00:00:00.000Z
[[nodiscard]] std::string iso8601(std::int64_t milliseconds_since_1970);

}  // namespace alluvium::pipeline
