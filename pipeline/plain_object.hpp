// SPDX-License-Identifier: Apache-2.0
// Reads the JSON object that nearly every record is, in one pass.
#pragma once

#include <string_view>

#include "pipeline/message_reader.hpp"

namespace alluvium::pipeline {

/// Reads a flat object of texts without escapes and control characters, plain numbers, true, false and null, without
/// line breaks. A general parser first finds the structure of a text and then makes a document of it: for the 200 bytes
/// of a chat message that is most of the work of decoding. What is not plain, malformed or only unusual, is left to
/// JsonReader: of the same text both find the same fields.
///
/// Sets in `fields`, which has none yet, what `text` says; the views point into it. False if `text` is not plain;
/// `fields` means nothing then.
[[nodiscard]] bool read_plain_object(std::string_view text, Fields& fields);

}  // namespace alluvium::pipeline
