// SPDX-License-Identifier: Apache-2.0
#include "connectors/file_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "connectors/line_reader.hpp"
#include "connectors/wake_event.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::PartitionSlot;
using pipeline::Result;

constexpr std::size_t identity_bytes_max = std::size_t{64} << 10;
/// How often a file that is followed is looked at again.
constexpr std::chrono::milliseconds look_again_after{200};

/// Nothing is told by a line that is not there.
std::string hash_of(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  constexpr std::string_view digits = "0123456789abcdef";
  const auto hash = XXH3_64bits(text.data(), text.size());
  std::string hex;
  for (int shift = 60; shift >= 0; shift -= 4) {
    hex += digits[(hash >> shift) & 15U];
  }
  return hex;
}

/// Blank lines are not records: a message is at least "{}".
bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

/// A descriptor that is closed at the end, unless it is stdin.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > STDIN_FILENO) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const {
    return fd_;
  }

 private:
  int fd_;
};

class FileSource final : public pipeline::Source {
 public:
  FileSource(const FileSourceOptions& options, std::unique_ptr<Descriptor> descriptor, bool is_file)
      : name_{options.path == "-" ? "stdin" : options.path, 0},
        descriptor_(std::move(descriptor)),
        reading_{is_file, !options.until_end && options.path != "-" && is_file, options.line_bytes_max},
        lines_(descriptor_->get(), reading_) {}

  Result<void> open(pipeline::SourceListener& listener) override;
  Result<void> poll(std::size_t bytes_max, std::chrono::milliseconds wait) override;
  const pipeline::TopicPartition& name(PartitionSlot) const override {
    return name_;
  }
  Result<std::string> identity(PartitionSlot) override;
  Result<pipeline::OffsetRange> range(PartitionSlot slot) override;
  Result<void> start(std::span<const pipeline::StartAt> starts) override;
  Result<void> release(std::span<const PartitionSlot>) override {
    return {};
  }
  void hold(PartitionSlot, bool held) override {
    held_ = held;
  }
  void report_watermark(PartitionSlot, std::int64_t) override {}
  Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> ends() override;
  void wake() override {
    event_.signal();
  }
  void close() override {
    running_ = false;
  }

 private:
  bool introduce();
  bool deliver(std::size_t bytes_max);
  bool end();
  Result<void> failure() const;

  pipeline::TopicPartition name_;
  std::unique_ptr<Descriptor> descriptor_;
  LineReader::Options reading_;
  LineReader lines_;
  WakeEvent event_;
  pipeline::SourceListener* listener_ = nullptr;
  bool assigned_ = false;
  bool running_ = false;
  bool held_ = false;
  std::int64_t start_at_ = 1;
  std::int64_t end_told_ = 0;  ///< The last end that the listener knows.
  std::string identity_;
};

Result<void> FileSource::open(pipeline::SourceListener& listener) {
  listener_ = &listener;
  if (reading_.seekable) {
    lines_.peek_first(identity_bytes_max);  // Finds what can't be read before anything starts.
  }
  return failure();
}

Result<void> FileSource::failure() const {
  const auto& failure = lines_.failure();
  return failure ? fail(failure->code, name_.topic + ": " + failure->detail) : Result<void>{};
}

Result<void> FileSource::poll(std::size_t bytes_max, std::chrono::milliseconds wait) {
  event_.drain();
  const auto look = [&] { return (!assigned_ && introduce()) || (running_ && deliver(bytes_max)); };
  if (!look() && !lines_.failure()) {
    const auto wants_more = !assigned_ || (running_ && !held_ && bytes_max > 0);
    if (reading_.seekable) {
      // A regular file is always readable: waiting for it to grow is looking again.
      event_.wait(wants_more && reading_.follow ? std::min(wait, look_again_after) : wait);
    } else {
      event_.wait(wait, wants_more && !lines_.at_end() ? descriptor_->get() : -1);
    }
    look();
  }
  return failure();
}

/// Read anew where that can be done: after a stall it may be another file.
Result<std::string> FileSource::identity(PartitionSlot) {
  if (reading_.seekable) {
    LineReader lines(descriptor_->get(), reading_);
    identity_ = hash_of(lines.peek_first(identity_bytes_max).value_or(""));
  }
  return identity_;
}

/// The stream is known by its first line, so it is assigned when that is there. True if it is.
bool FileSource::introduce() {
  const auto first = lines_.peek_first(identity_bytes_max);
  if (!first) {
    return false;
  }
  identity_ = hash_of(*first);
  assigned_ = true;
  const PartitionSlot slot = 0;
  listener_->on_assigned(std::span(&slot, 1));
  return true;
}

/// True if the listener was called.
bool FileSource::deliver(std::size_t bytes_max) {
  bool called = false;
  std::size_t bytes = 0;
  while (running_ && !held_ && bytes < bytes_max) {
    const auto line = lines_.next();
    if (!line) {
      return end() || called;
    }
    bytes += line->text.size() + pipeline::record_overhead_bytes;
    called = true;  // Or, if all are blank or done: there may be more at once.
    if (line->number < start_at_ || is_blank(line->text)) {
      continue;
    }
    pipeline::RecordView record;
    record.topic = name_.topic;
    record.offset = line->number;
    record.value = line->text;
    listener_->on_record(0, record);
  }
  return called;
}

/// After the last line there is. True if the listener was called.
bool FileSource::end() {
  if (lines_.was_cut_short()) {
    running_ = false;
    listener_->on_stalled(0, name_.topic + ": the file became shorter than what was read of it");
    return true;
  }
  const auto offset = std::max(lines_.next_number(), start_at_);
  if (!lines_.at_end() || end_told_ == offset) {
    return false;
  }
  end_told_ = offset;
  listener_->on_end(0, offset);
  return true;
}

Result<void> FileSource::start(std::span<const pipeline::StartAt> starts) {
  if (starts.empty()) {
    return {};
  }
  start_at_ = starts.back().offset;
  if (start_at_ < lines_.next_number()) {
    if (!reading_.seekable) {
      return fail(Errc::unsafe_to_go_on, name_.topic + " can't be read again from line " + std::to_string(start_at_) +
                                             ": run it again, what is done will not be done twice");
    }
    lines_.rewind();
  }
  end_told_ = 0;
  running_ = true;
  return {};
}

Result<pipeline::OffsetRange> FileSource::range(PartitionSlot) {
  if (!reading_.seekable) {
    // Nobody knows before the end; what was read by then is at least there.
    return pipeline::OffsetRange{1, lines_.at_end() ? lines_.next_number() : std::numeric_limits<std::int64_t>::max()};
  }
  const auto lines = count_lines(descriptor_->get(), !reading_.follow);
  if (!lines) {
    return fail(lines.error().code, name_.topic + ": " + lines.error().detail);
  }
  return pipeline::OffsetRange{1, *lines + 1};
}

Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> FileSource::ends() {
  const auto held = range(0);
  if (!held) {
    return tl::unexpected(held.error());
  }
  return std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>{{name_, held->end}};
}

}  // namespace

Result<std::unique_ptr<pipeline::Source>> make_file_source(const FileSourceOptions& options) {
  if (options.path.empty()) {
    return fail(Errc::invalid_config, "path: must not be empty");
  }
  auto descriptor = std::make_unique<Descriptor>(
      options.path == "-" ? STDIN_FILENO : ::open(options.path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (descriptor->get() < 0 || ::fstat(descriptor->get(), &status) != 0) {
    return fail(Errc::unavailable, options.path + ": can't be opened: " + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(Errc::invalid_config, options.path + ": is a directory");
  }
  return std::make_unique<FileSource>(options, std::move(descriptor), S_ISREG(status.st_mode));
}

}  // namespace alluvium::connectors
