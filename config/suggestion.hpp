// SPDX-License-Identifier: Apache-2.0
// Guesses which key was meant by one that does not exist.
#pragma once

#include <string>
#include <string_view>

namespace alluvium::config {

/// "did you mean max_hold?", "did you mean buffer.max_hold?" for a key that stands elsewhere, "write
/// max_hold under buffer" for buffer.max_hold in one, or empty. `parent` is a path of the table.
[[nodiscard]] std::string suggest_key(std::string_view parent, std::string_view unknown);

}  // namespace alluvium::config
