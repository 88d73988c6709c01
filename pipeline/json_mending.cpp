// SPDX-License-Identifier: Apache-2.0
// Copies JSON byte by byte, and knows when it is within a string.
#include "pipeline/json_mending.hpp"

#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {
namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_hex4(std::string_view text) {
  return text.size() >= 4 && text.substr(0, 4).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

class Mending {
 public:
  explicit Mending(std::string& out) : out_{out} {}

  void append(std::string_view json) {
    for (std::size_t i = 0; i < json.size();) {
      const auto rest = json.substr(i);
      i += quoted_ ? append_quoted(rest) : append_plain(rest);
    }
  }

 private:
  std::size_t append_plain(std::string_view rest) {
    const char c = rest.front();
    if ((c == '}' || c == ']') && comma_ != std::string::npos) {
      out_.erase(comma_, 1);
    }
    if (c == ',') {
      comma_ = out_.size();
    } else if (blanks.find(c) == std::string_view::npos) {
      comma_ = std::string::npos;
    }
    quoted_ = c == '"';
    out_ += c;
    return 1;
  }
  std::size_t append_quoted(std::string_view rest) {
    const char c = rest.front();
    if (c == '\\') {
      return append_escape(rest);
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      out_ += c == '\n' ? "\\n" : c == '\t' ? "\\t" : " ";
      return 1;
    }
    const auto length = character_bytes(rest);
    if (length == 0) {
      out_ += "\uFFFD";
      return 1;
    }
    quoted_ = c != '"';
    out_ += rest.substr(0, length);
    return length;
  }
  std::size_t append_escape(std::string_view rest) {
    constexpr std::string_view known = "\"\\/bfnrt";
    const char next = rest.size() > 1 ? rest[1] : '\0';
    if (known.find(next) != std::string_view::npos || (next == 'u' && is_hex4(rest.substr(2)))) {
      out_ += rest.substr(0, 2);
      return 2;
    }
    if (next != '\'') {  // An apostrophe is escaped by mistake; anything else is a backslash in the text.
      out_ += "\\\\";
    }
    return 1;
  }

  std::string& out_;
  bool quoted_ = false;
  std::size_t comma_ = std::string::npos;  ///< The last one, while nothing but blanks follows it.
};

}  // namespace

void append_mended(std::string& out, std::string_view json) {
  Mending{out}.append(json);
}

}  // namespace alluvium::pipeline
