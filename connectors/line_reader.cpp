// SPDX-License-Identifier: Apache-2.0
#include "connectors/line_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;

constexpr std::size_t read_bytes = std::size_t{256} << 10;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view gzip_magic = "\x1F\x8B";

bool readable_now(int fd) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, 0) > 0;
}

std::string reason_of(int error) {
  return std::strerror(error);  // NOLINT(concurrency-mt-unsafe): glibc's is, for known errors.
}

}  // namespace

std::optional<LineReader::Line> LineReader::next() {
  while (!failure_) {
    if (skipping_ && skips_rest_of_line()) {
      return std::nullopt;
    }
    const auto* from = buffer_.data() + scanned_;
    if (const auto* found = end_ > scanned_ ? std::memchr(from, '\n', end_ - scanned_) : nullptr; found != nullptr) {
      const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) - begin_;
      return take(length, length + 1);
    }
    scanned_ = end_;
    if (end_ - begin_ > options_.line_bytes_max) {
      skipping_ = true;
      return take(options_.line_bytes_max, options_.line_bytes_max);
    }
    if (!fill()) {
      const auto last_one = at_end_ && !options_.follow && end_ > begin_;
      return last_one ? std::optional(take(end_ - begin_, end_ - begin_)) : std::nullopt;
    }
  }
  return std::nullopt;
}

/// True if there is more of it to come.
bool LineReader::skips_rest_of_line() {
  while (true) {
    const auto* from = buffer_.data() + begin_;
    const auto* found = end_ > begin_ ? std::memchr(from, '\n', end_ - begin_) : nullptr;
    if (found != nullptr) {
      begin_ = scanned_ = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
      skipping_ = false;
      return false;
    }
    begin_ = scanned_ = end_;
    if (!fill()) {
      return true;
    }
  }
}

LineReader::Line LineReader::take(std::size_t length, std::size_t with_end) {
  std::string_view text(buffer_.data() + begin_, std::min(length, options_.line_bytes_max));
  begin_ += with_end;
  scanned_ = begin_;
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  if (next_number_ == 1 && text.starts_with(byte_order_mark)) {
    text.remove_prefix(byte_order_mark.size());
  }
  return {next_number_++, text};
}

std::optional<std::string_view> LineReader::peek_first(std::size_t bytes_max) {
  while (!failure_) {
    const std::string_view held(buffer_.data() + begin_, end_ - begin_);
    const auto line_end = held.find('\n');
    if (line_end != std::string_view::npos || held.size() >= bytes_max) {
      return held.substr(0, std::min(line_end, bytes_max));
    }
    if (!fill()) {
      return at_end_ && !options_.follow ? std::optional(held) : std::nullopt;
    }
  }
  return std::nullopt;
}

void LineReader::rewind() {
  begin_ = end_ = scanned_ = 0;
  position_ = 0;
  next_number_ = 1;
  skipping_ = at_end_ = false;
}

void LineReader::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < read_bytes) {
    buffer_.resize(std::max(buffer_.size() * 2, end_ + read_bytes));
  }
}

/// True if there is more than before.
bool LineReader::fill() {
  const auto final_end = at_end_ && !options_.follow;
  if (final_end || (!options_.seekable && !readable_now(fd_))) {
    return false;
  }
  make_room();
  const auto count = options_.seekable ? ::pread(fd_, buffer_.data() + end_, read_bytes, position_)
                                       : ::read(fd_, buffer_.data() + end_, read_bytes);
  if (count < 0) {
    if (errno != EINTR && errno != EAGAIN) {
      failure_ = pipeline::Error{Errc::unsafe_to_go_on, "can't be read: " + reason_of(errno)};
    }
    return false;
  }
  at_end_ = count == 0;
  if (position_ == 0 &&
      std::string_view(buffer_.data() + end_, static_cast<std::size_t>(count)).starts_with(gzip_magic)) {
    failure_ = pipeline::Error{Errc::invalid_config, "is compressed (gzip): unpack it first"};
    return false;
  }
  position_ += count;
  end_ += static_cast<std::size_t>(count);
  return count > 0;
}

bool LineReader::was_cut_short() const {
  struct stat status {};
  return options_.seekable && ::fstat(fd_, &status) == 0 && status.st_size < position_;
}

Result<std::int64_t> count_lines(int fd, bool unfinished) {
  std::vector<char> buffer(std::size_t{1} << 20);
  std::int64_t lines = 0;
  off_t position = 0;
  char last = '\n';
  while (true) {
    const auto count = ::pread(fd, buffer.data(), buffer.size(), position);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return fail(Errc::unavailable, "can't be read: " + reason_of(errno));
    }
    if (count == 0) {
      return lines + (unfinished && last != '\n' ? 1 : 0);
    }
    lines += std::count(buffer.begin(), buffer.begin() + count, '\n');
    last = buffer[static_cast<std::size_t>(count) - 1];
    position += count;
  }
}

}  // namespace alluvium::connectors
