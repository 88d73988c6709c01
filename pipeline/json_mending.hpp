// SPDX-License-Identifier: Apache-2.0
// Puts right what models break in JSON.
#pragma once

#include <string>
#include <string_view>

namespace alluvium::pipeline {

/// Appends `json` to `out` with what a strict parser would refuse put right: raw newlines and tabs in strings are
/// escaped, other control characters there become blanks, an escape that JSON does not have is taken as a backslash (\'
/// as the apostrophe), a comma before a closing bracket goes, bytes in strings that are not UTF-8 become U+FFFD. What
/// is valid stays as it is. At most three times as long.
void append_mended(std::string& out, std::string_view json);

}  // namespace alluvium::pipeline
