// SPDX-License-Identifier: Apache-2.0
// Reads a file, or stdin, of one JSON message per line. Offsets are line numbers, from 1.
#pragma once

#include <memory>
#include <string>

#include "pipeline/ports.hpp"

namespace alluvium::connectors {

struct FileSourceOptions {
  std::string path;                                    ///< "-" is stdin.
  std::size_t line_bytes_max = std::size_t{64} << 20;  ///< A longer line is cut here; the decoder then refuses it.
  /// False: goes on waiting at the end for lines that are appended, like tail -f. Stdin ends at its
  /// end.
  bool until_end = false;
};

/// Its one partition is {path, 0}; for stdin the topic is "stdin". Identity: hash of the first
/// line, so that a ledger is not applied to another file of the same name. Blank lines are gaps.
/// Fails with `unavailable` if the file can't be opened.
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::Source>> make_file_source(const FileSourceOptions& options);

}  // namespace alluvium::connectors
