// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of a config file: `alluvium schema config`, for editors.
#pragma once

#include <string_view>

namespace alluvium::config {

/// Draft 2020-12. Where a number, size or duration is wanted, text with ${...} is accepted too.
[[nodiscard]] std::string_view config_schema();

}  // namespace alluvium::config
