// SPDX-License-Identifier: Apache-2.0
// Lines of a file or a pipe, numbered from 1, without ever waiting for one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.hpp"

namespace alluvium::connectors {

/// Does not own the descriptor.
class LineReader {
 public:
  struct Options {
    bool seekable = false;  ///< Reads from the file's begin, wherever the descriptor stands.
    bool follow = false;    ///< What is appended later is read; a line without its end has not ended yet.
    std::size_t line_bytes_max = std::size_t{64} << 20;  ///< What is longer is cut here.
  };
  LineReader(int fd, Options options) : fd_(fd), options_(options) {}

  struct Line {
    std::int64_t number = 0;
    std::string_view text;  ///< Without its end; valid until the next call.
  };
  /// Empty: nothing more now.
  std::optional<Line> next();
  /// The first line, or as much of it as `bytes_max`; empty: not there yet. Before any next().
  std::optional<std::string_view> peek_first(std::size_t bytes_max);
  /// Goes back to the first line. Only if seekable.
  void rewind();

  /// The number that the next line will have.
  [[nodiscard]] std::int64_t next_number() const {
    return next_number_;
  }
  /// The last look found the end. Final, unless the file is followed.
  [[nodiscard]] bool at_end() const {
    return at_end_ && (options_.follow || begin_ == end_);
  }
  [[nodiscard]] const std::optional<pipeline::Error>& failure() const {
    return failure_;
  }
  /// The file is shorter than what was read of it.
  [[nodiscard]] bool was_cut_short() const;

 private:
  bool fill();
  void make_room();
  Line take(std::size_t length, std::size_t with_end);
  [[nodiscard]] bool skips_rest_of_line();

  int fd_;
  Options options_;
  std::vector<char> buffer_;  ///< Bounded by line_bytes_max and one read.
  std::size_t begin_ = 0;     ///< What was not handed out: [begin_, end_),
  std::size_t end_ = 0;
  std::size_t scanned_ = 0;  ///< which has no line end before this.
  std::int64_t position_ = 0;
  std::int64_t next_number_ = 1;
  bool skipping_ = false;  ///< The rest of a line that was cut.
  bool at_end_ = false;
  std::optional<pipeline::Error> failure_;
};

/// Lines of a regular file, quickly. `unfinished`: a last line without its end counts.
[[nodiscard]] pipeline::Result<std::int64_t> count_lines(int fd, bool unfinished);

}  // namespace alluvium::connectors
