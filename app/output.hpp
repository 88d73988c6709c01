// SPDX-License-Identifier: Apache-2.0
// Where a command's words go: results to stdout, everything else to stderr.
#pragma once

#include <cstddef>
#include <string_view>

#include "pipeline/error.hpp"

namespace alluvium::app {

/// Writes a result to stdout, buffered.
void print(std::string_view text);
/// Writes "alluvium: TEXT" and a line end to stderr.
void complain(std::string_view text);
/// Complains, and says what to exit with: 2 for a wrong config or usage, else 1.
[[nodiscard]] int report(const pipeline::Error& error);
/// Writes what print() still holds. A reader that went away early (`| head`) is no failure; a full
/// disk is: then 1, else `exit_code`.
[[nodiscard]] int finish_output(int exit_code);

[[nodiscard]] bool stdout_is_terminal();
[[nodiscard]] bool stderr_is_terminal();
/// False if NO_COLOR is set or TERM is dumb.
[[nodiscard]] bool may_style();
/// Columns of the terminal at stdout or stderr, else COLUMNS, else 120.
[[nodiscard]] std::size_t terminal_width();
/// How wide a table may be: as the terminal, if stdout is one; a file or a pipe cuts nothing off.
[[nodiscard]] std::size_t table_width();

}  // namespace alluvium::app
