// SPDX-License-Identifier: Apache-2.0
// Judges a run from outside: knows the stream as it was produced and what the store's tables hold, and nothing
// of the engines.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/selector.hpp"
#include "tests/simulation/store.hpp"
#include "tests/simulation/stream.hpp"

namespace alluvium::simulation {

/// Reads the tables after each transaction, only what is new in them, and keeps the first fault. What must hold
/// at any moment:
/// - a row's seq grows by one with each transaction that changes it, its watermark never goes back;
/// - a partition begins where its first claim had to;
/// - each position in a batch or a dead letter was produced, is of that agent, and is there once;
/// - below the watermark every offset is done, or has no record and is a recorded gap, or was deleted and is
///   recorded as lost; no offset is a gap or lost twice, and none that could still be read;
/// - a batch has one memory for each marked message in it and none else, with the same id however often the
///   message was read; batch ids differ;
/// - what selection by value says of a message is what it says in a stream read once, from the ledger's start on, as
///   long as nothing of the partition was deleted;
/// - an agent's messages ascend within a batch and over the batches of a claim;
/// - of an agent's first n batches, n times the rate are selected, off by less than one, and again the same
///   after a roll-back.
class Witness {
 public:
  Witness(const Stream& stream, bool start_at_end);

  /// Every claim that is asked for, as it reaches the store.
  void asked(const pipeline::ClaimRequest& request) {
    asked_[index_of(request.partition)] = request.range;
  }
  void look(const Tables& tables);
  /// The store went back to an earlier state.
  void rolled_back(const Tables& tables);
  /// All that was produced is done: every watermark is at its log's end.
  [[nodiscard]] bool is_complete(const Tables& tables) const;

  [[nodiscard]] bool is_done(std::size_t partition, const pipeline::Position& position) const {
    const auto record = stream_[partition].at(position.offset);
    return record < seen_[partition].size() && seen_[partition][record][position.index].done > 0;
  }
  /// The offset after the last one that is done in any part, at least `watermark`.
  [[nodiscard]] std::int64_t reached(std::size_t partition, std::int64_t watermark) const;
  /// Kafka's offset is for lag displays, and never ahead of what was committed.
  void posted(std::size_t partition, std::int64_t offset);
  void fault(std::string what);
  /// Empty as long as all is well.
  [[nodiscard]] const std::string& fault() const {
    return fault_;
  }

 private:
  struct Seen {
    int done = 0, memories = 0;
    bool dead = false;
  };
  using SeenRecord = std::array<Seen, Record::messages_max>;
  struct Last {  ///< Of one agent in one partition.
    std::string token;
    pipeline::Position position;
  };

  void forget();
  void check_worths(const Tables& tables, const Tables::Batch& batch);
  Seen* settle(int partition, const pipeline::Position& position, const Message** message);
  void look_at_batch(const Tables& tables, std::size_t number);
  void look_at_gap(const Tables::Gap& gap);
  void look_at_row(const Tables& tables, std::size_t partition);
  void begun(const Tables& tables, std::size_t partition);
  void pass(const Tables& tables, std::size_t partition, std::int64_t from, std::int64_t to);
  [[nodiscard]] bool is_done(std::size_t partition, std::size_t record) const;
  [[nodiscard]] std::string place(std::size_t partition, std::int64_t offset) const;

  const Stream& stream_;
  bool start_at_end_;
  std::string fault_;
  std::array<pipeline::OffsetRange, partitions_max> asked_{};
  std::array<std::int64_t, partitions_max> highest_{};  ///< Watermark ever seen.

  // As of the last look.
  std::array<Tables::Partition, partitions_max> rows_;
  std::size_t batches_ = 0, memories_ = 0, dead_letters_ = 0, gaps_ = 0;
  std::array<std::vector<SeenRecord>, partitions_max> seen_;  ///< Beside the partition's records.
  std::map<std::pair<int, std::string>, Last> last_;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> selected_;  ///< By agent: of how many batches.

  /// What the selector says in a stream read once from `start` on, beside the partition's records.
  struct Once {
    std::int64_t start = -1;
    std::size_t next = 0;
    Selector selector;
    std::vector<std::array<pipeline::Worth, Record::messages_max>> worths;
  };
  std::array<Once, partitions_max> once_;

  // For the whole run, whatever is rolled back.
  std::map<std::string, std::string> memory_ids_;                   ///< By message id.
  std::map<std::pair<std::string, std::int64_t>, bool> decisions_;  ///< By agent and ordinal.
};

}  // namespace alluvium::simulation
