// SPDX-License-Identifier: Apache-2.0
// The JSON Schemas (draft 2020-12) of what goes in and what comes out: `alluvium schema`.
#pragma once

#include <string_view>

namespace alluvium::pipeline {

/// Of a record's value: one message, a bundle of them, or a CloudEvent around either.
[[nodiscard]] std::string_view message_schema();
/// Of an exported memory.
[[nodiscard]] std::string_view memory_schema();

}  // namespace alluvium::pipeline
