// SPDX-License-Identifier: Apache-2.0
// Puts the environment and secret files into a value: ${VAR}, ${VAR:-default}, ${VAR:?message}, ${file:PATH}.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "pipeline/error.hpp"

namespace alluvium::config {

inline constexpr std::size_t secret_file_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t expanded_bytes_max = std::size_t{1} << 20;  ///< Of one value.

struct Expanded {
  std::string text;
  std::vector<std::string> from_files;  ///< What each ${file:} brought, which makes the value a secret.
};

/// As in a shell, an empty variable counts as missing for `:-` and `:?`. `$$` is `$`; a `$` before
/// anything but `$` and `{` is itself, so that a pattern may end with one. Nothing nests. Files are
/// looked for in `folder`; one line end at their end is dropped. The error never holds a value.
[[nodiscard]] pipeline::Result<Expanded> expand(std::string_view text, const Environment& environment,
                                                const std::filesystem::path& folder);

/// The text that expand() turns into `value`.
[[nodiscard]] std::string escape_expansion(std::string_view value);

/// The whole of a file of at most `bytes_max`; the error is a sentence without the path.
[[nodiscard]] pipeline::Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

}  // namespace alluvium::config
