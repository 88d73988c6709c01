// SPDX-License-Identifier: Apache-2.0
// Numbers on the command line: what is none, or out of range, is refused in words.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace alluvium::app {

/// For CLI::Option::check(): an error unless the argument is a whole number within `least` and `most`.
[[nodiscard]] std::function<std::string(const std::string&)> whole_number(std::int64_t least, std::int64_t most);
/// The same for a share: a number within 0 and 1; NaN is none.
[[nodiscard]] std::string share(const std::string& text);

}  // namespace alluvium::app
