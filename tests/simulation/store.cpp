// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/store.hpp"

#include <algorithm>
#include <optional>

#include "pipeline/commit_verdict.hpp"
#include "pipeline/position_codec.hpp"
#include "pipeline/selection.hpp"

namespace alluvium::simulation {

using pipeline::ClaimRequest;
using pipeline::CommitResult;
using pipeline::PartitionCommit;
using pipeline::Position;
using pipeline::Result;

std::string Store::new_token(const Tables::Partition& row) {
  if (mutation_ == Mutation::counter_token) {
    return std::to_string(row.seq + 1);
  }
  if (mutation_ == Mutation::claim_keeps_token && !row.token.empty()) {
    return row.token;
  }
  std::string token(12, ' ');
  for (auto& letter : token) {
    letter = static_cast<char>('a' + random_.below(26));
  }
  return token;
}

Result<std::vector<Position>> Store::done_positions(int partition, pipeline::OpenBatches& open) {
  const auto& row = tables_.partitions[static_cast<std::size_t>(partition)];
  std::vector<Position> done;
  const auto last = std::min<std::int64_t>(row.last_batch, std::ssize(tables_.batches));
  for (auto id = std::max<std::int64_t>(row.floor_batch, 1); id <= last; ++id) {
    const auto& batch = tables_.batches[static_cast<std::size_t>(id - 1)];
    if (batch.partition != partition) {
      continue;
    }
    const auto positions = pipeline::decode_positions(batch.positions);
    if (!positions) {
      return tl::unexpected{positions.error()};
    }
    open.add(id, std::max_element(positions->begin(), positions->end())->offset);
    for (const auto& position : *positions) {
      if (position.offset >= row.watermark) {
        done.push_back(position);
      }
    }
  }
  open.ends_at(row.last_batch);
  open.pass(row.watermark);
  for (const auto& letter : tables_.dead_letters) {
    if (letter.partition == partition && letter.position.offset >= row.watermark) {
      done.push_back(letter.position);
    }
  }
  return done;
}

Result<pipeline::Claim> Store::claim(const ClaimRequest& request, std::int64_t now_ms) {
  const auto i = index_of(request.partition);
  auto& row = tables_.partitions[i];
  Tables::Partition next = row;
  if (!row.exists) {
    pipeline::FirstSight sight{.topic_begun_ms = std::nullopt, .was_reset = false, .now_ms = now_ms};
    for (const auto& other : tables_.partitions) {
      if (other.exists) {
        sight.topic_begun_ms = std::min(sight.topic_begun_ms.value_or(other.begun_ms), other.begun_ms);
      }
    }
    next.exists = true;
    next.identity = request.identity;
    next.begun_ms = now_ms;
    next.start = next.watermark = next.selector.offset = pipeline::first_watermark(request, sight);
  }
  pipeline::OpenBatches open;
  const auto before = std::exchange(row, next);
  auto done = done_positions(static_cast<int>(i), open);
  auto plan = done ? pipeline::plan_claim(row, std::move(*done), request) : tl::unexpected{done.error()};
  if (!plan) {
    row = before;
    return tl::unexpected{plan.error()};
  }
  std::int64_t lost = 0;
  for (const auto& gap : plan->lost) {
    lost += gap.to - gap.from;
  }
  if (mutation_ != Mutation::lost_not_recorded) {
    write_gaps(static_cast<int>(i), true, std::move(plan->lost));
  }
  open.pass(plan->watermark);
  row.token = new_token(row);
  row.seq = plan->seq;
  row.identity = plan->identity;
  row.watermark = plan->watermark;
  row.floor_batch = open.floor();
  row.selector = plan->selector.value_or(row.selector);
  return pipeline::Claim{row.token, row.seq, row.watermark, std::move(plan->done), lost, std::move(plan->selector)};
}

/// The verdict, and what some mutations make of it: they show it other rows than there are.
Result<bool> Store::may_write(std::span<const PartitionCommit> commits, CommitResult& result) {
  std::array<pipeline::LedgerRow, partitions_max> shown;
  std::array<const pipeline::LedgerRow*, partitions_max> rows{};
  for (std::size_t i = 0; i < commits.size(); ++i) {
    const auto& commit = commits[i];
    const auto& row = tables_.partitions[index_of(commit.partition)];
    if (!row.exists) {
      continue;
    }
    rows[i] = &row;
    const bool same_token = row.token == commit.token;
    const bool pass = mutation_ == Mutation::no_fence || (mutation_ == Mutation::token_without_seq && same_token) ||
                      (mutation_ == Mutation::seq_without_token && row.seq == commit.seq) ||
                      (mutation_ == Mutation::blind_retry && same_token && row.seq == commit.seq + 1);
    if (pass) {
      shown[i].token = commit.token;
      shown[i].seq = commit.seq;
      shown[i].watermark = std::min(row.watermark, commit.watermark);
      rows[i] = &shown[i];
    }
  }
  auto verdict = pipeline::judge(commits, {rows.data(), commits.size()});
  if (!verdict) {
    return tl::unexpected{verdict.error()};
  }
  result.fenced = std::move(verdict->fenced);
  return verdict->write;
}

Result<CommitResult> Store::commit(std::span<const PartitionCommit> commits, Part part) {
  CommitResult result;
  // Of two transactions, the first one asks; the ledger's asks in any case.
  if (part != Part::unchecked && !(part == Part::data && mutation_ == Mutation::ledger_before_data)) {
    const auto write = may_write(commits, result);
    if (!write) {
      return tl::unexpected{write.error()};
    }
    if (!*write || part == Part::look) {
      return result;
    }
  }
  for (const auto& commit : commits) {
    const auto i = index_of(commit.partition);
    auto& row = tables_.partitions[i];
    pipeline::OpenBatches open;
    if (const auto done = done_positions(static_cast<int>(i), open); !done) {
      return tl::unexpected{done.error()};
    }
    if (part != Part::ledger) {
      write_data(commit, open);
    }
    row.last_batch = open.last();
    open.pass(commit.watermark);
    row.floor_batch = open.floor();
    if (part != Part::data) {
      write_gaps(static_cast<int>(i), false, commit.gaps);
      row.seq += 1;
      row.watermark = commit.watermark;
      row.selector = commit.selector.value_or(row.selector);
    }
  }
  return result;
}

void Store::write_data(const PartitionCommit& commit, pipeline::OpenBatches& open) {
  const auto partition = static_cast<int>(index_of(commit.partition));
  for (const auto& batch : commit.batches) {
    write_batch(partition, commit, batch);
    auto max_offset = batch.batch.position(0).offset;
    for (std::size_t i = 0; i < batch.batch.size(); ++i) {
      max_offset = std::max(max_offset, batch.batch.position(i).offset);
    }
    open.add(std::ssize(tables_.batches), max_offset);
  }
  if (mutation_ != Mutation::dead_not_settled) {
    for (const auto& letter : commit.dead_letters) {
      tables_.dead_letters.push_back({partition, letter.position});
    }
  }
}

void Store::write_batch(int partition, const PartitionCommit& commit, const pipeline::ExtractedBatch& batch) {
  Tables::Batch row{.partition = partition,
                    .token = commit.token,
                    .id = batch.id,
                    .agent = batch.batch.agent_id(),
                    .positions = {},
                    .worths = {}};
  for (const auto& other : tables_.batches) {
    row.ordinal += other.agent == row.agent ? 1 : 0;
  }
  row.selected = mutation_ == Mutation::random_selection
                     ? random_.below(1000) < static_cast<std::uint32_t>(selection_rate * 1000)
                     : pipeline::is_selected({.rate = selection_rate}, row.agent, row.ordinal);
  std::vector<Position> positions;
  for (std::size_t i = 0; i < batch.batch.size(); ++i) {
    positions.push_back(batch.batch.position(i));
    row.worths.push_back(batch.batch.worth(i));
  }
  row.positions = pipeline::encode_positions(positions);
  tables_.batches.push_back(std::move(row));
  for (const auto& memory : batch.memories) {
    tables_.memories.push_back({tables_.batches.size(), memory.id, batch.batch.position(memory.sources.front())});
  }
}

void Store::write_gaps(int partition, bool lost, std::vector<pipeline::Gap> gaps) {
  const auto ranges = pipeline::decode_gaps(pipeline::encode_gaps(pipeline::merged(std::move(gaps))));
  if (mutation_ == Mutation::gaps_not_recorded || !ranges) {
    return;
  }
  for (const auto& range : *ranges) {
    tables_.gaps.push_back({partition, lost, range});
  }
}

void Store::keep() {
  kept_.push_back({tables_.partitions, tables_.batches.size(), tables_.memories.size(), tables_.dead_letters.size(),
                   tables_.gaps.size()});
}

bool Store::roll_back() {
  if (kept_.empty()) {
    return false;
  }
  // Usually not far.
  const auto back =
      random_.below(std::min<std::uint32_t>(static_cast<std::uint32_t>(kept_.size()), random_.once_in(3) ? 100 : 4));
  kept_.resize(kept_.size() - back);
  const auto& to = kept_.back();
  tables_.partitions = to.partitions;
  tables_.batches.resize(to.batches);
  tables_.memories.resize(to.memories);
  tables_.dead_letters.resize(to.dead_letters);
  tables_.gaps.resize(to.gaps);
  return true;
}

}  // namespace alluvium::simulation
