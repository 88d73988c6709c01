// SPDX-License-Identifier: Apache-2.0
#include "app/output.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include <sys/ioctl.h>
#include <unistd.h>

#include "app/commands.hpp"

namespace alluvium::app {

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void complain(std::string_view text) {
  // In one piece, so that lines of several writers do not mix.
  std::string line = "alluvium: ";
  line.append(text).push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int report(const pipeline::Error& error) {
  complain(error.detail);
  return error.code == pipeline::Errc::invalid_config ? wrong_usage : work_failed;
}

int finish_output(int exit_code) {
  errno = 0;
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!failed || errno == EPIPE) {
    return exit_code;
  }
  complain("can't write the result: " + std::system_category().message(errno));
  return work_failed;
}

bool stdout_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

bool may_style() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::string_view{term} != "dumb");
}

std::size_t terminal_width() {
  constexpr std::size_t width_default = 120;
  constexpr std::size_t width_min = 20;
  winsize size{};
  for (const int file : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::isatty(file) == 1 && ::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col >= width_min) {
      return size.ws_col;
    }
  }
  if (const char* text = std::getenv("COLUMNS"); text != nullptr) {
    const std::string_view columns = text;
    std::size_t width = 0;
    const auto [end, error] = std::from_chars(columns.data(), columns.data() + columns.size(), width);
    if (error == std::errc{} && end == columns.data() + columns.size() && width >= width_min) {
      return width;
    }
  }
  return width_default;
}

std::size_t table_width() {
  return stdout_is_terminal() ? terminal_width() : std::string::npos;
}

}  // namespace alluvium::app
