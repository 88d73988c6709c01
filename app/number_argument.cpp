// SPDX-License-Identifier: Apache-2.0
#include "app/number_argument.hpp"

#include <charconv>
#include <system_error>

namespace alluvium::app {
namespace {

/// True if all of `text` is a number of this type.
template <class Number>
bool reads(const std::string& text, Number& number) {
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end;
}

}  // namespace

std::function<std::string(const std::string&)> whole_number(std::int64_t least, std::int64_t most) {
  return [least, most](const std::string& text) {
    std::int64_t number = 0;
    if (reads(text, number) && number >= least && number <= most) {
      return std::string{};
    }
    return "\"" + text + "\": want a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  };
}

std::string share(const std::string& text) {
  double number = 0;
  // Written so that NaN is refused too.
  return reads(text, number) && number >= 0 && number <= 1 ? std::string{}
                                                           : "\"" + text + "\": want a number from 0 to 1";
}

}  // namespace alluvium::app
