// SPDX-License-Identifier: Apache-2.0
// Sizes and durations as people write them: 512MiB, 60m.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace alluvium::config {

/// A whole number and ms, s, m, h or d; a bare 0. What is too long to count is the longest there is,
/// so that the range check names the limit.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// A whole number and B, KiB, MiB, GiB, TiB (1024) or KB, MB, GB, TB (1000); a bare 0.
[[nodiscard]] std::optional<std::size_t> parse_size(std::string_view text);

/// The shortest text that reads back the same.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);
[[nodiscard]] std::string format_size(std::size_t bytes);

}  // namespace alluvium::config
