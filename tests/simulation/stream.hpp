// SPDX-License-Identifier: Apache-2.0
// The stream as the broker has it: records at ascending offsets with holes between, which only ever goes on,
// loses its beginning to retention and single records to compaction.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/ports.hpp"
#include "tests/simulation/random.hpp"

namespace alluvium::simulation {

inline constexpr int partitions_max = 3;

/// Partitions are numbered here in the order of their slots; their names descend, so that no order is right by chance.
inline pipeline::TopicPartition name_of(int partition) {
  return {.topic = "chat", .partition = partitions_max - 1 - partition};
}
inline std::size_t index_of(const pipeline::TopicPartition& name) {
  return static_cast<std::size_t>(partitions_max - 1 - name.partition);
}

/// One chat message. Its id says where it stands ("partition/offset/index"), and is its content too.
struct Message {
  std::string id;
  int agent = 0;
  bool marked = false;  ///< A memory has to come of it.
  bool dead = false;    ///< Can't be processed: has to become a dead letter.
};

struct Record {
  static constexpr std::uint32_t messages_max = 3;
  std::int64_t offset = 0;
  std::uint32_t count = 1;
  bool compacted = false;
  std::array<Message, messages_max> messages;

  [[nodiscard]] pipeline::Position position(std::uint32_t index) const {
    return {.offset = offset, .index = index, .count = count};
  }
};

struct Partition {
  pipeline::TopicPartition name;
  bool exists = true;
  bool added = false;      ///< After the topic's first claim.
  bool whole = true;       ///< Nothing was ever deleted.
  std::int64_t first = 0;  ///< Retention has deleted what is below.
  std::int64_t end = 0;
  std::vector<Record> records;  ///< Ascending; also those that are deleted.

  /// The first record at or above `offset`, compacted or not: an index into records.
  [[nodiscard]] std::size_t at(std::int64_t offset) const;
  /// Null if no record was ever there.
  [[nodiscard]] const Record* find(std::int64_t offset) const;
};

struct StreamOptions {
  int partitions = 2;
  int agents = 3;
  int records = 30;  ///< That will be produced, over all partitions.
  std::uint32_t bundle_once_in = 5, dead_once_in = 10, gap_once_in = 6, wide_gap_once_in = 0;
  int wide_gap = 0;  ///< Offsets.
  bool last_is_added_late = false;
};

class Stream {
 public:
  Stream(const StreamOptions& options, Random& random);

  /// Appends a record, or a hole, somewhere. False if all is produced.
  bool produce();
  void retain();   ///< Deletes the beginning of a partition.
  void compact();  ///< Takes a record away.
  void add_last();
  /// One more record for each partition: an engine that only waits does not learn that its store went back.
  void produce_last();
  [[nodiscard]] bool is_complete() const {
    return left_ == 0;
  }

  [[nodiscard]] const std::vector<Partition>& partitions() const {
    return partitions_;
  }
  [[nodiscard]] const Partition& operator[](std::size_t partition) const {
    return partitions_[partition];
  }

 private:
  Partition& any();
  void append(Partition& partition);

  StreamOptions options_;
  Random& random_;
  int left_;
  std::vector<Partition> partitions_;
};

}  // namespace alluvium::simulation
