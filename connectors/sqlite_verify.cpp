// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_verify.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "connectors/sqlite_message_ids.hpp"
#include "connectors/sqlite_request_rows.hpp"
#include "connectors/sqlite_rows.hpp"
#include "pipeline/position_codec.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Outcome;

class Verification {
 public:
  explicit Verification(Database& database) : database_{database} {}

  std::vector<pipeline::AuditReport> run() {
    read_partitions();
    read_batches();
    read_dead_letters();
    read_gaps();
    read_memories();
    read_verdicts();
    return finish();
  }

 private:
  struct Partition {
    pipeline::LedgerAudit audit;
    pipeline::OutcomeCounts outcomes;
    std::int64_t gaps, lost, batches, last_batch;
    std::int64_t batches_found = 0;
  };

  void read_partitions() {
    auto rows = database_.prepare(
        "SELECT id, topic, partition, start_offset, watermark, extracted, empty, skipped, noise, dead, pending,"
        " gaps, lost, batches, last_batch, retired FROM partitions ORDER BY topic, partition");
    while (rows.step()) {
      const auto id = rows.integer(0);
      if (rows.integer(15) != 0) {
        retired_.insert(id);
        continue;
      }
      const pipeline::TopicPartition name{.topic = std::string{rows.text(1)},
                                          .partition = static_cast<std::int32_t>(rows.integer(2))};
      Partition partition{.audit = {name, rows.integer(3), rows.integer(4)},
                          .outcomes = {},
                          .gaps = rows.integer(11),
                          .lost = rows.integer(12),
                          .batches = rows.integer(13),
                          .last_batch = rows.integer(14)};
      for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
        partition.outcomes.of[i] = rows.integer(5 + static_cast<int>(i));
      }
      order_.push_back(id);
      partitions_.emplace(id, std::move(partition));
    }
  }

  /// Null for a retired partition, and for one that isn't there, which is a fault.
  Partition* partition_of(std::int64_t id, const std::string& what) {
    const auto found = partitions_.find(id);
    if (found != partitions_.end()) {
      return &found->second;
    }
    if (!retired_.contains(id)) {
      stray_fault(what + ": there is no partition " + std::to_string(id));
    }
    return nullptr;
  }

  void stray_fault(std::string what) {
    if (stray_.size() < pipeline::AuditReport::faults_max) {
      stray_.push_back(std::move(what));
    }
  }

  void read_batches() {
    auto rows = database_.prepare(
        "SELECT id, partition_id, max_offset, positions, outcomes, memories FROM batches ORDER BY id");
    while (rows.step()) {
      const auto row = "batch row " + std::to_string(rows.integer(0));
      memories_recorded_ += rows.integer(5);
      auto* partition = partition_of(rows.integer(1), row);
      if (const auto letters = rows.text(4); letters.find(outcome_letter(Outcome::pending)) != std::string_view::npos) {
        waiting_.emplace(rows.integer(0), letters);  // Also of ledgers that are no longer written to.
      }
      if (partition == nullptr) {
        continue;
      }
      ++partition->batches_found;
      if (rows.integer(0) > partition->last_batch) {
        partition->audit.fault(row + ": is above the partition's last batch " + std::to_string(partition->last_batch));
      }
      const auto positions = pipeline::decode_positions(rows.blob(3));
      const auto outcomes = rows.text(4);
      if (!positions || positions->empty() || positions->size() != outcomes.size()) {
        partition->audit.fault(row + ": positions and outcomes do not belong together");
        continue;
      }
      if (std::ranges::max(*positions).offset != rows.integer(2)) {
        partition->audit.fault(row + ": max_offset is not its highest offset");
      }
      for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const auto outcome = outcome_of_letter(outcomes[i]);
        if (!outcome) {
          partition->audit.fault(row + ": has an outcome that no message can have");
        } else {
          partition->audit.add((*positions)[i], *outcome);
          dead_in_batches_ += *outcome == Outcome::dead ? 1 : 0;
        }
      }
    }
    read_requests();
  }

  /// A message that waits for a model has a request that will bring it its answer, or it would wait for ever.
  void read_requests() {
    auto rows = database_.prepare("SELECT " + std::string{request_columns} + ", batch FROM requests");
    auto listed = database_.prepare("SELECT 1 FROM request_batches WHERE batch = ?1 AND request_id = ?2");
    while (rows.step()) {
      const auto stored = read_request(rows);
      const auto& places = stored.request.places;
      const auto& batches = stored.request.batches;
      for (std::size_t i = 0; i < places.size(); ++i) {
        const auto batch = batches[i] == 0 ? rows.integer(request_columns_count) : batches[i];
        if (i == 0 || batches[i] != batches[i - 1]) {
          listed.with(batch, stored.id);
          if (!listed.step()) {
            stray_fault("request " + std::to_string(stored.id) + ": is not listed with batch row " +
                        std::to_string(batch));
          }
          listed.reset();
        }
        if (const auto found = waiting_.find(batch); found != waiting_.end() && places[i] < found->second.size()) {
          found->second[places[i]] = ' ';
        }
      }
    }
    for (const auto& [batch, letters] : waiting_) {
      if (letters.find(outcome_letter(Outcome::pending)) != std::string::npos) {
        stray_fault("batch row " + std::to_string(batch) + ": has pending messages and no request for them");
      }
    }
  }

  void read_gaps() {
    auto rows = database_.prepare("SELECT id, partition_id, kind, count, ranges FROM gaps");
    while (rows.step()) {
      const auto row = "gaps row " + std::to_string(rows.integer(0));
      auto* partition = partition_of(rows.integer(1), row);
      if (partition == nullptr) {
        continue;
      }
      const auto ranges = pipeline::decode_gaps(rows.blob(4));
      const auto kind = rows.text(2);
      if (!ranges || (kind != "gap" && kind != "lost")) {
        partition->audit.fault(row + ": can't be read");
        continue;
      }
      std::int64_t count = 0;
      for (const auto& range : *ranges) {
        count += range.to - range.from;
        kind == "gap" ? partition->audit.add_gap(range) : partition->audit.add_lost(range);
      }
      if (count != rows.integer(3)) {
        partition->audit.fault(row + ": its count is not that of its ranges");
      }
    }
  }

  void read_dead_letters() {
    auto rows = database_.prepare(
        "SELECT id, partition_id, offset, bundle_index, bundle_count FROM dead_letters"
        " WHERE batch = 0");  // The others are counted with their batch.
    while (rows.step()) {
      if (auto* partition = partition_of(rows.integer(1), "dead letter " + std::to_string(rows.integer(0)))) {
        partition->audit.add({.offset = rows.integer(2),
                              .index = static_cast<std::uint32_t>(rows.integer(3)),
                              .count = static_cast<std::uint32_t>(rows.integer(4))},
                             Outcome::dead);
      }
    }
    const auto letters = database_.integer(
        "SELECT count(*) FROM dead_letters WHERE batch <> 0 AND partition_id IN"
        " (SELECT id FROM partitions WHERE retired = 0)");
    if (letters != dead_in_batches_) {
      stray_fault("batches hold " + std::to_string(dead_in_batches_) + " dead messages, but there are " +
                  std::to_string(letters) + " dead letters for them");
    }
  }

  /// Each memory rests on messages of a batch that is there. Memories were appended batch by batch, so both
  /// tables are read once, in order.
  void read_memories() {
    auto rows = database_.prepare(
        "SELECT m.id, m.batch, m.source_message_ids, b.id, b.partition_id, b.message_ids, b.positions, p.topic,"
        " p.partition, m.request FROM memories m LEFT JOIN batches b ON b.id = m.batch"
        " LEFT JOIN partitions p ON p.id = b.partition_id ORDER BY m.id");
    std::int64_t batch = -1;
    std::vector<std::string> ids;  // Of that batch, sorted.
    std::int64_t found = 0;
    while (rows.step()) {
      ++found;
      const auto row = "memory row " + std::to_string(rows.integer(0));
      if (rows.is_null(3)) {
        stray_fault(row + ": its batch, row " + std::to_string(rows.integer(1)) + ", is missing");
        continue;
      }
      if (batch != rows.integer(1)) {
        batch = rows.integer(1);
        const auto positions = pipeline::decode_positions(rows.blob(6));
        ids = split_message_ids(
            rows.is_null(5) ? std::nullopt : std::optional{rows.text(5)},
            {.topic = std::string{rows.text(7)}, .partition = static_cast<std::int32_t>(rows.integer(8))},
            positions ? std::span{*positions} : std::span<const pipeline::Position>{});
        std::ranges::sort(ids);
      }
      const auto sources = json_list(rows.text(2));
      // What a model made of messages that were gathered over several batches is in the batch of the first of them.
      const auto here = rows.integer(9) != 0 ? std::min<std::size_t>(1, sources.size()) : sources.size();
      const bool known =
          !sources.empty() && std::all_of(sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(here),
                                          [&](const auto& id) { return std::ranges::binary_search(ids, id); });
      if (!known) {
        stray_fault(row + ": rests on a message that is not in its batch, row " + std::to_string(batch));
      }
    }
    if (found != memories_recorded_) {
      stray_fault("batches record " + std::to_string(memories_recorded_) + " memories, but there are " +
                  std::to_string(found));
    }
  }

  /// What a model was asked about memories has a request that will bring the answer.
  void read_verdicts() {
    auto rows = database_.prepare(
        "SELECT low_id, high_id, request FROM verdicts WHERE verdict = 'asked' AND request NOT IN"
        " (SELECT id FROM requests)");
    while (rows.step()) {
      stray_fault("memories " + std::string{rows.text(0)} + " and " + std::string{rows.text(1)} +
                  ": wait for request " + std::to_string(rows.integer(2)) + ", which is not there");
    }
  }

  std::vector<pipeline::AuditReport> finish() {
    std::vector<pipeline::AuditReport> reports;
    for (const auto id : order_) {
      auto& partition = partitions_.at(id);
      if (partition.batches != partition.batches_found) {
        partition.audit.fault("the ledger counts " + std::to_string(partition.batches) + " batches, there are " +
                              std::to_string(partition.batches_found));
      }
      auto& report = reports.emplace_back(partition.audit.finish(partition.outcomes));
      if (report.gaps != partition.gaps || report.lost != partition.lost) {
        report.faults.push_back("the ledger counts " + std::to_string(partition.gaps) + " offsets in gaps and " +
                                std::to_string(partition.lost) + " lost, its rows hold " + std::to_string(report.gaps) +
                                " and " + std::to_string(report.lost));
      }
    }
    if (!stray_.empty() && reports.empty()) {
      reports.emplace_back();
    }
    for (auto& fault : stray_) {
      reports.front().faults.push_back(std::move(fault));
    }
    return reports;
  }

  Database& database_;
  std::map<std::int64_t, Partition> partitions_;
  std::vector<std::int64_t> order_;  ///< Their ids, by name.
  std::set<std::int64_t> retired_;
  std::vector<std::string> stray_;  ///< At most AuditReport::faults_max.
  /// Outcomes of batches with pending messages, a blank for each that a request is about: bounded like the backlog.
  std::map<std::int64_t, std::string> waiting_;
  std::int64_t memories_recorded_ = 0, dead_in_batches_ = 0;
};

}  // namespace

std::vector<pipeline::AuditReport> verify_ledger(Database& database) {
  return Verification{database}.run();
}

}  // namespace alluvium::connectors
