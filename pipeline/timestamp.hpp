// SPDX-License-Identifier: Apache-2.0
// Reads the times that chat platforms write: ISO 8601, epoch seconds, epoch milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace alluvium::pipeline {

/// Milliseconds since 1970 UTC, of the years 0 to 9999.
/// ISO 8601: 2026-01-31, 2026-01-31T12:30Z, 2026-01-31 12:30:59.123456+02:00, 20260131T123059Z. Without
/// a zone it is UTC. Digits are cut after the millisecond. Anything else is read as a number.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp(std::string_view text);

/// Below 10^11 a number counts seconds (that is until the year 5138), from there on milliseconds
/// (that is since March 1973).
[[nodiscard]] std::optional<std::int64_t> epoch_timestamp(std::int64_t number);
[[nodiscard]] std::optional<std::int64_t> epoch_timestamp(double number);

}  // namespace alluvium::pipeline
