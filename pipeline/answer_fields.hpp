// SPDX-License-Identifier: Apache-2.0
// Reads single values out of a model's answer, in the forms that models give them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace alluvium::pipeline {

/// Without Unicode's blanks at both ends. `text` is UTF-8, as are all here.
[[nodiscard]] std::string_view trimmed(std::string_view text);

enum class Lines : std::uint8_t { keep, join };
/// Trimmed, with blanks for control characters (C0, DEL, C1), but for newlines and tabs if `lines` are kept.
[[nodiscard]] std::string cleaned(std::string_view text, Lines lines);

/// With A-Z as a-z.
[[nodiscard]] std::string lower_case(std::string_view text);

/// The first of the fields that is there and not null.
[[nodiscard]] std::optional<simdjson::dom::element> field_of(const simdjson::dom::object& fields,
                                                             std::span<const std::string_view> names);
[[nodiscard]] std::optional<simdjson::dom::element> field_of(const simdjson::dom::object& fields,
                                                             std::string_view name);

/// A finite number, as JSON or as text.
[[nodiscard]] std::optional<double> decimal_of(const simdjson::dom::element& value);

/// A whole number, as JSON (also 3.0) or as text.
[[nodiscard]] std::optional<std::int64_t> integer_of(const simdjson::dom::element& value);
/// 3 or #3.
[[nodiscard]] std::optional<std::int64_t> integer_in(std::string_view text);

/// Importance beyond 0..1: from 2 on as points of ten or of a hundred, else the nearest bound.
[[nodiscard]] double rescaled_importance(double importance);
/// high: 0.9, low: 0.2, anything else: 0.5.
[[nodiscard]] double importance_in_words(std::string_view text);

}  // namespace alluvium::pipeline
