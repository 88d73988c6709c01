// SPDX-License-Identifier: Apache-2.0
#include "connectors/file_source.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <limits>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::PartitionSlot;
using pipeline::StartAt;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Clock = std::chrono::steady_clock;

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    static int number = 0;
    const auto name = "alluvium-file-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
    path_ = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directory(path_);
  }
  ~Folder() {
    std::filesystem::remove_all(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(std::string_view text, std::ios::openmode mode = std::ios::trunc) const {
    const auto file = (path_ / "chat.ndjson").string();
    std::ofstream(file, std::ios::binary | mode) << text;
    return file;
  }
  [[nodiscard]] std::string path() const {
    return path_.string();
  }

 private:
  std::filesystem::path path_;
};

/// Writes down what a source brings.
class Reader final : public pipeline::SourceListener {
 public:
  explicit Reader(const std::string& path, bool until_end = true, std::size_t line_bytes_max = 1000) {
    auto made = make_file_source({path, line_bytes_max, until_end});
    EXPECT_TRUE(made) << made.error().detail;
    source = std::move(*made);
    EXPECT_TRUE(source->open(*this));
  }

  void on_assigned(std::span<const PartitionSlot> slots) override {
    EXPECT_EQ(slots.size(), 1U);
    assigned = true;
    if (starts_at) {
      EXPECT_TRUE(source->start(std::array{StartAt{slots[0], *starts_at}}));
    }
  }
  void on_revoked(std::span<const PartitionSlot>, bool) override {
    ADD_FAILURE() << "nobody takes a file away";
  }
  void on_record(PartitionSlot, const pipeline::RecordView& record) override {
    lines.emplace_back(record.offset, std::string(record.value));
  }
  void on_end(PartitionSlot, std::int64_t offset) override {
    end = offset;
  }
  void on_stalled(PartitionSlot, const std::string& detail) override {
    stalled = detail;
  }

  bool poll_until(const std::function<bool()>& done, std::size_t bytes_max = 100'000) {
    const auto deadline = Clock::now() + seconds(10);
    while (!done() && Clock::now() < deadline) {
      const auto polled = source->poll(bytes_max, milliseconds(20));
      EXPECT_TRUE(polled) << polled.error().detail;
    }
    return done();
  }
  bool read_to_end() {
    return poll_until([this] { return end > 0; });
  }

  std::optional<std::int64_t> starts_at = 1;
  bool assigned = false;
  std::vector<std::pair<std::int64_t, std::string>> lines;
  std::int64_t end = 0;
  std::string stalled;
  std::unique_ptr<pipeline::Source> source;
};

TEST(FileSource, NumbersLinesFromOneAndEndsAfterTheLast) {
  const Folder folder;
  const auto path = folder.write("{\"a\":1}\n{\"b\":2}\n");
  Reader reader(path);
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "{\"a\":1}"), Pair(2, "{\"b\":2}")));
  EXPECT_EQ(reader.end, 3);
  EXPECT_EQ(reader.source->name(0).topic, path);
  const auto range = reader.source->range(0).value();
  EXPECT_EQ(range.first, 1);
  EXPECT_EQ(range.end, 3);
  EXPECT_EQ(reader.source->ends().value().front().second, 3);
}

TEST(FileSource, DeliversALastLineThatHasNoEnd) {
  const Folder folder;
  Reader reader(folder.write("one\ntwo"));
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "one"), Pair(2, "two")));
  EXPECT_EQ(reader.end, 3);
  EXPECT_EQ(reader.source->range(0)->end, 3);
}

TEST(FileSource, TakesTheLineEndsOfWindowsAndAByteOrderMark) {
  const Folder folder;
  Reader reader(folder.write("\xEF\xBB\xBFone\r\ntwo\r\n"));
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "one"), Pair(2, "two")));
}

TEST(FileSource, BlankLinesAreGapsButCountAsLines) {
  const Folder folder;
  Reader reader(folder.write("\none\n\n \t\r\ntwo\n\n"));
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(2, "one"), Pair(5, "two")));
  EXPECT_EQ(reader.end, 7);
  EXPECT_EQ(reader.source->range(0)->end, 7);
}

TEST(FileSource, AnEmptyFileIsAtItsEnd) {
  const Folder folder;
  Reader reader(folder.write(""));
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_TRUE(reader.lines.empty());
  EXPECT_EQ(reader.end, 1);
  EXPECT_EQ(reader.source->range(0)->end, 1);
  EXPECT_EQ(reader.source->identity(0).value(), "");
}

TEST(FileSource, StartsWhereItIsToldAndAnewOnDemand) {
  const Folder folder;
  Reader reader(folder.write("1\n2\n3\n4\n"));
  reader.starts_at = 3;
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(3, "3"), Pair(4, "4")));
  reader.lines.clear();
  reader.end = 0;
  ASSERT_TRUE(reader.source->start(std::array{StartAt{0, 2}}));
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(2, "2"), Pair(3, "3"), Pair(4, "4")));
  EXPECT_EQ(reader.end, 5);
}

TEST(FileSource, CutsALineAboveTheLimitAndKeepsOneOfExactlyTheLimit) {
  const Folder folder;
  const std::string exact(10, 'x');
  Reader reader(folder.write(exact + "\n" + exact + "y\n" + std::string(1'000'000, 'z') + "\nlast\n"), true, 10);
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines,
              ElementsAre(Pair(1, exact), Pair(2, exact), Pair(3, std::string(10, 'z')), Pair(4, "last")));
  EXPECT_EQ(reader.end, 5);
}

TEST(FileSource, StopsAtTheByteLimitAndWhileItIsHeld) {
  const Folder folder;
  Reader reader(folder.write("aaaa\nbbbb\ncccc\n"));
  ASSERT_TRUE(reader.poll_until([&] { return reader.assigned; }, 0));
  EXPECT_TRUE(reader.lines.empty());
  ASSERT_TRUE(reader.source->poll(1, milliseconds(0)));
  EXPECT_EQ(reader.lines.size(), 1U);
  reader.source->hold(0, true);
  ASSERT_TRUE(reader.source->poll(1000, milliseconds(0)));
  EXPECT_EQ(reader.lines.size(), 1U);
  EXPECT_EQ(reader.end, 0);
  reader.source->hold(0, false);
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_EQ(reader.lines.size(), 3U);
}

TEST(FileSource, FollowsWhatIsAppendedAndWaitsForALinesEnd) {
  const Folder folder;
  Reader reader(folder.write("one\ntw"), false);
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "one")));
  EXPECT_EQ(reader.end, 2);
  EXPECT_EQ(reader.source->range(0)->end, 2);
  folder.write("o\nthree\n", std::ios::app);
  ASSERT_TRUE(reader.poll_until([&] { return reader.end == 4; }));
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "one"), Pair(2, "two"), Pair(3, "three")));
}

TEST(FileSource, AFileThatIsFollowedIsAssignedWhenItHasALine) {
  const Folder folder;
  Reader reader(folder.write(""), false);
  ASSERT_TRUE(reader.source->poll(1000, milliseconds(0)));
  EXPECT_FALSE(reader.assigned);
  folder.write("one\n", std::ios::app);
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "one")));
}

TEST(FileSource, StallsWhenTheFileBecameShorter) {
  const Folder folder;
  Reader reader(folder.write("one\ntwo\n"), false);
  ASSERT_TRUE(reader.read_to_end());
  const auto before = reader.source->identity(0).value();
  folder.write("new\n");
  ASSERT_TRUE(reader.poll_until([&] { return !reader.stalled.empty(); }));
  EXPECT_THAT(reader.stalled, HasSubstr("shorter"));
  EXPECT_NE(reader.source->identity(0).value(), before);
  EXPECT_EQ(reader.source->range(0)->end, 2);
}

TEST(FileSource, IsKnownByItsFirstLine) {
  const Folder one, two, three;
  Reader a(one.write("first\nsecond\n")), b(two.write("first\nother\n")), c(three.write("another\nsecond\n"));
  for (auto* reader : {&a, &b, &c}) {
    ASSERT_TRUE(reader->read_to_end());
  }
  EXPECT_EQ(a.source->identity(0)->size(), 16U);
  EXPECT_EQ(a.source->identity(0).value(), b.source->identity(0).value());
  EXPECT_NE(a.source->identity(0).value(), c.source->identity(0).value());
}

TEST(FileSource, SaysWhatItCanNotRead) {
  const Folder folder;
  const auto missing = make_file_source({folder.path() + "/nothing", 1000, true});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::unavailable);
  EXPECT_THAT(missing.error().detail, HasSubstr("nothing"));
  const auto directory = make_file_source({folder.path(), 1000, true});
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, Errc::invalid_config);
  auto compressed = make_file_source({folder.write("\x1F\x8B\x08 more"), 1000, true}).value();
  Reader other(folder.write("one\n"));
  folder.write("\x1F\x8B\x08 more");
  const auto opened = compressed->open(other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::invalid_config);
  EXPECT_THAT(opened.error().detail, HasSubstr("gzip"));
}

TEST(FileSource, WakeEndsAPollThatWaits) {
  const Folder folder;
  Reader reader(folder.write("one\n"));
  ASSERT_TRUE(reader.read_to_end());
  const auto began = Clock::now();
  auto waiting = std::async(std::launch::async, [&] { return reader.source->poll(1000, seconds(30)).has_value(); });
  reader.source->wake();
  EXPECT_TRUE(waiting.get());
  reader.source->wake();
  EXPECT_TRUE(reader.source->poll(1000, seconds(30)));
  EXPECT_LT(Clock::now() - began, seconds(15));
}

/// Puts the reading end of a pipe in the place of stdin.
class PipedStdin {
 public:
  PipedStdin() : saved_(::dup(STDIN_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    write_end_ = ends[1];
  }
  ~PipedStdin() {
    end();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  PipedStdin(const PipedStdin&) = delete;
  PipedStdin& operator=(const PipedStdin&) = delete;

  void write(std::string_view text) const {
    EXPECT_EQ(::write(write_end_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end() {
    if (write_end_ >= 0) {
      ::close(std::exchange(write_end_, -1));
    }
  }

 private:
  int saved_;
  int write_end_ = -1;
};

TEST(StdinSource, IsAssignedWithItsFirstLineAndEndsWithThePipe) {
  PipedStdin input;
  Reader reader("-", false);
  EXPECT_EQ(reader.source->name(0).topic, "stdin");
  ASSERT_TRUE(reader.source->poll(1000, milliseconds(0)));
  EXPECT_FALSE(reader.assigned);
  input.write("one\ntw");
  ASSERT_TRUE(reader.poll_until([&] { return !reader.lines.empty(); }));
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "one")));
  EXPECT_EQ(reader.end, 0);
  EXPECT_EQ(reader.source->ends()->front().second, std::numeric_limits<std::int64_t>::max());
  input.write("o\nthree");
  input.end();
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(1, "one"), Pair(2, "two"), Pair(3, "three")));
  EXPECT_EQ(reader.end, 4);
  EXPECT_EQ(reader.source->ends()->front().second, 4);
}

TEST(StdinSource, OneThatEndsAtOnceIsAtItsEnd) {
  PipedStdin input;
  Reader reader("-");
  input.end();
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_EQ(reader.end, 1);
}

TEST(StdinSource, SkipsWhatIsDoneButCanNotGoBack) {
  PipedStdin input;
  Reader reader("-");
  reader.starts_at = 3;
  input.write("1\n2\n3\n");
  input.end();
  ASSERT_TRUE(reader.read_to_end());
  EXPECT_THAT(reader.lines, ElementsAre(Pair(3, "3")));
  const auto again = reader.source->start(std::array{StartAt{0, 1}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::unsafe_to_go_on);
}

TEST(StdinSource, ALineEndsAPollThatWaitsAndSoDoesWake) {
  PipedStdin input;
  Reader reader("-");
  const auto began = Clock::now();
  auto waiting = std::async(std::launch::async, [&] { return reader.source->poll(1000, seconds(30)).has_value(); });
  input.write("one\n");
  EXPECT_TRUE(waiting.get());
  waiting = std::async(std::launch::async, [&] { return reader.source->poll(1000, seconds(30)).has_value(); });
  reader.source->wake();
  EXPECT_TRUE(waiting.get());
  EXPECT_LT(Clock::now() - began, seconds(15));
}

TEST(StdinSource, RefusesWhatIsCompressed) {
  PipedStdin input;
  Reader reader("-");
  input.write("\x1F\x8B\x08 more\n");
  const auto polled = reader.source->poll(1000, milliseconds(0));
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code, Errc::invalid_config);
}

TEST(FileSource, EveryLineComesOnceWhateverTheLimitsOfEachPoll) {
  const auto holds = rc::check("lines in = lines out", [](const std::vector<std::string>& texts) {
    const Folder folder;
    std::string file;
    std::vector<std::pair<std::int64_t, std::string>> expected;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::string line;
      for (const auto letter : texts[i]) {
        line += letter == '\n' || letter == '\r' || letter == '\x1F' || letter == '\xEF' ? '_' : letter;
      }
      line += texts[i].size() % 3 == 0 ? "" : "x";
      file += line + "\n";
      if (line.find_first_not_of(" \t") != std::string::npos) {
        expected.emplace_back(static_cast<std::int64_t>(i) + 1, line);
      }
    }
    Reader reader(folder.write(file));
    const auto step = *rc::gen::inRange<std::size_t>(1, 100);
    RC_ASSERT(reader.poll_until([&] { return reader.end > 0; }, step));
    RC_ASSERT(reader.lines == expected);
    RC_ASSERT(reader.end == static_cast<std::int64_t>(texts.size()) + 1);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace alluvium::connectors
