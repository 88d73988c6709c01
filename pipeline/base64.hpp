// SPDX-License-Identifier: Apache-2.0
// Reads base64 (RFC 4648), as CloudEvents carry binary data.
#pragma once

#include <string>
#include <string_view>

namespace alluvium::pipeline {

/// Puts the bytes that `text` stands for into `out`. False if it is not base64: padding may be left
/// out, everything else must be as the standard alphabet has it.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& out);

}  // namespace alluvium::pipeline
