// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/witness.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipeline/position_codec.hpp"

namespace alluvium::simulation {
namespace {

/// How long after a topic's first claim another partition of it still counts as there from the beginning
/// (docs/delivery.md): 10 minutes.
constexpr std::int64_t beginning_ms = 600'000;

}  // namespace

Witness::Witness(const Stream& stream, bool start_at_end) : stream_{stream}, start_at_end_{start_at_end} {}

void Witness::fault(std::string what) {
  if (fault_.empty()) {
    fault_ = std::move(what);
  }
}

std::string Witness::place(std::size_t partition, std::int64_t offset) const {
  return std::to_string(partition) + "/" + std::to_string(offset);
}

void Witness::forget() {
  rows_ = {};
  batches_ = memories_ = dead_letters_ = gaps_ = 0;
  for (auto& partition : seen_) {
    partition.clear();
  }
  last_.clear();
  selected_.clear();
}

void Witness::rolled_back(const Tables& tables) {
  forget();
  // Rows may be anywhere now: only what is in the tables is checked, not how it came about.
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    rows_[i] = tables.partitions[i];
    rows_[i].watermark = rows_[i].start;
    rows_[i].seq -= 1;
  }
  look(tables);
}

void Witness::look(const Tables& tables) {
  for (std::size_t i = 0; i < stream_.partitions().size(); ++i) {
    seen_[i].resize(stream_[i].records.size());
  }
  const auto first_new = batches_;
  for (; memories_ < tables.memories.size(); ++memories_) {
    const auto& memory = tables.memories[memories_];
    const auto& partition = stream_[static_cast<std::size_t>(tables.batches[memory.batch - 1].partition)];
    const auto* record = partition.find(memory.source.offset);
    if (record == nullptr || memory.source.index >= record->count) {
      return fault("a memory rests on nothing that was produced");
    }
    const auto& message = record->messages[memory.source.index];
    const auto [known, fresh] = memory_ids_.emplace(message.id, memory.id);
    if (!fresh && known->second != memory.id) {
      return fault(message.id + ": read again, its memory has another id");
    }
    auto& seen = seen_[index_of(partition.name)][partition.at(memory.source.offset)];
    ++seen[memory.source.index].memories;
  }
  for (; batches_ < tables.batches.size(); ++batches_) {
    look_at_batch(tables, batches_);
  }
  for (auto i = first_new; i < batches_; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (tables.batches[i].id == tables.batches[j].id) {
        return fault(tables.batches[i].id + ": two batches with one id");
      }
    }
  }
  for (; dead_letters_ < tables.dead_letters.size(); ++dead_letters_) {
    const auto& letter = tables.dead_letters[dead_letters_];
    const Message* message = nullptr;
    if (auto* seen = settle(letter.partition, letter.position, &message); seen != nullptr && !message->dead) {
      return fault(message->id + ": a dead letter for a message that is none");
    }
  }
  for (; gaps_ < tables.gaps.size(); ++gaps_) {
    for (std::size_t i = 0; i < gaps_; ++i) {
      const auto& a = tables.gaps[i];
      const auto& b = tables.gaps[gaps_];
      if (a.partition == b.partition && a.range.from < b.range.to && b.range.from < a.range.to) {
        return fault(place(static_cast<std::size_t>(a.partition), b.range.from) + ": a gap or lost twice");
      }
    }
    look_at_gap(tables.gaps[gaps_]);
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    look_at_row(tables, i);
  }
}

/// Null after a fault.
Witness::Seen* Witness::settle(int partition, const pipeline::Position& position, const Message** message) {
  const auto p = static_cast<std::size_t>(partition);
  const auto* record = stream_[p].find(position.offset);
  if (record == nullptr || position.index >= record->count || position.count != record->count) {
    fault(place(p, position.offset) + ": done, and no such message was produced");
    return nullptr;
  }
  *message = &record->messages[position.index];
  auto& seen = seen_[p][stream_[p].at(position.offset)][position.index];
  if (++seen.done > 1) {
    fault((*message)->id + ": done twice");
    return nullptr;
  }
  return &seen;
}

void Witness::look_at_batch(const Tables& tables, std::size_t number) {
  const auto& batch = tables.batches[number];
  const auto positions = pipeline::decode_positions(batch.positions);
  if (!positions || positions->empty()) {
    return fault(batch.id + ": its positions can't be read");
  }
  auto& last = last_[{batch.partition, batch.agent}];
  for (const auto& position : *positions) {
    const Message* message = nullptr;
    const auto* seen = settle(batch.partition, position, &message);
    if (seen == nullptr) {
      return;
    }
    if (batch.agent != "agent-" + std::to_string(message->agent) || message->dead) {
      return fault(message->id + ": in a batch where it does not belong");
    }
    if (seen->memories != (message->marked ? 1 : 0)) {
      return fault(message->id + ": has " + std::to_string(seen->memories) + " memories");
    }
    if (last.token == batch.token && position <= last.position) {
      return fault(message->id + ": stored after a later message of its agent");
    }
    last = {batch.token, position};
  }
  check_worths(tables, batch);
  auto& [selected, of] = selected_[batch.agent];
  if (batch.ordinal != of++) {
    return fault(batch.id + ": its agent's batches are miscounted");
  }
  selected += batch.selected ? 1 : 0;
  if (std::abs(static_cast<double>(selected) - static_cast<double>(of) * selection_rate) >= 1) {
    return fault(batch.agent + ": " + std::to_string(selected) + " of " + std::to_string(of) + " batches selected");
  }
  const auto [decision, fresh] = decisions_.emplace(std::pair{batch.agent, batch.ordinal}, batch.selected);
  if (!fresh && decision->second != batch.selected) {
    fault(batch.id + ": selected otherwise than before it was rolled back");
  }
}

void Witness::check_worths(const Tables& tables, const Tables::Batch& batch) {
  const auto p = static_cast<std::size_t>(batch.partition);
  const auto& partition = stream_[p];
  if (!partition.whole) {
    return;
  }
  auto& once = once_[p];
  if (const auto start = tables.partitions[p].start; once.start != start) {
    once = {.start = start, .next = partition.at(start), .selector = Selector{}, .worths = {}};
  }
  once.worths.resize(partition.records.size());
  for (; once.next < partition.records.size(); ++once.next) {
    const auto& record = partition.records[once.next];
    for (std::uint32_t i = 0; i < record.count; ++i) {
      if (!record.messages[i].dead) {
        once.worths[once.next][i] = once.selector.take(record.messages[i].id);
      }
    }
  }
  const auto positions = pipeline::decode_positions(batch.positions);
  for (std::size_t i = 0; i < positions->size(); ++i) {
    const auto& expected = once.worths[partition.at((*positions)[i].offset)][(*positions)[i].index];
    if (batch.worths[i].score != expected.score || batch.worths[i].threshold != expected.threshold) {
      return fault(place(p, (*positions)[i].offset) + ": judged otherwise than in a stream read once");
    }
  }
}

void Witness::look_at_gap(const Tables::Gap& gap) {
  const auto p = static_cast<std::size_t>(gap.partition);
  const auto& partition = stream_[p];
  if (gap.range.from >= gap.range.to || gap.range.to > partition.end) {
    return fault(place(p, gap.range.from) + ": a gap that can't be");
  }
  if (gap.lost && gap.range.to > partition.first) {
    return fault(place(p, gap.range.from) + ": lost, though retention has not come so far");
  }
  for (auto i = partition.at(gap.range.from); i < partition.records.size(); ++i) {
    const auto& record = partition.records[i];
    if (record.offset >= gap.range.to) {
      break;
    }
    if (!gap.lost && !record.compacted) {
      return fault(place(p, record.offset) + ": a gap, though there is a record");
    }
    if (is_done(p, i)) {
      return fault(place(p, record.offset) + ": a gap or lost, though it is done");
    }
  }
}

bool Witness::is_done(std::size_t partition, std::size_t record) const {
  for (std::uint32_t i = 0; i < stream_[partition].records[record].count; ++i) {
    if (seen_[partition][record][i].done == 0) {
      return false;
    }
  }
  return true;
}

void Witness::look_at_row(const Tables& tables, std::size_t partition) {
  const auto& row = tables.partitions[partition];
  auto& before = rows_[partition];
  if (!row.exists) {
    return;
  }
  if (!before.exists) {
    begun(tables, partition);
    before = row;
    before.seq = 0;
    before.watermark = row.start;
  }
  if (row.seq == before.seq && row.watermark == before.watermark && row.token == before.token) {
    return;
  }
  if (row.seq != before.seq + 1) {
    return fault(place(partition, row.watermark) + ": seq went from " + std::to_string(before.seq) + " to " +
                 std::to_string(row.seq));
  }
  if (row.watermark < before.watermark || row.watermark > stream_[partition].end) {
    return fault(place(partition, row.watermark) + ": the watermark came from " + std::to_string(before.watermark));
  }
  pass(tables, partition, before.watermark, row.watermark);
  highest_[partition] = std::max(highest_[partition], row.watermark);
  before = row;
}

void Witness::begun(const Tables& tables, std::size_t partition) {
  const auto& row = tables.partitions[partition];
  bool from_the_beginning = true;
  for (const auto& other : tables.partitions) {
    from_the_beginning = from_the_beginning && (!other.exists || row.begun_ms - other.begun_ms <= beginning_ms);
  }
  const auto& range = asked_[partition];
  const auto want = start_at_end_ && from_the_beginning ? range.end : range.first;
  if (row.start != want) {
    fault(place(partition, row.start) + ": begun there, and not at " + std::to_string(want));
  }
}

void Witness::pass(const Tables& tables, std::size_t partition, std::int64_t from, std::int64_t to) {
  const auto& log = stream_[partition];
  for (auto at = from; at < to;) {
    const auto i = log.at(at);
    if (i < log.records.size() && log.records[i].offset == at && is_done(partition, i)) {
      ++at;
      continue;
    }
    const auto covers = [&](const Tables::Gap& gap) {
      return static_cast<std::size_t>(gap.partition) == partition && gap.range.from <= at && at < gap.range.to;
    };
    const auto gap = std::find_if(tables.gaps.rbegin(), tables.gaps.rend(), covers);
    if (gap == tables.gaps.rend()) {
      return fault(place(partition, at) + ": below the watermark, and neither done nor a gap nor lost");
    }
    at = gap->range.to;
  }
  for (const auto& gap : tables.gaps) {
    if (static_cast<std::size_t>(gap.partition) == partition && gap.range.to > to) {
      return fault(place(partition, gap.range.from) + ": a gap that the watermark has not passed");
    }
  }
  if (const auto i = log.at(to); i < log.records.size() && log.records[i].offset == to && is_done(partition, i)) {
    fault(place(partition, to) + ": the watermark stops before an offset that is done");
  }
}

bool Witness::is_complete(const Tables& tables) const {
  for (std::size_t i = 0; i < stream_.partitions().size(); ++i) {
    if (!tables.partitions[i].exists || tables.partitions[i].watermark != stream_[i].end) {
      return false;
    }
  }
  return true;
}

std::int64_t Witness::reached(std::size_t partition, std::int64_t watermark) const {
  auto reached = watermark;
  for (std::size_t i = 0; i < seen_[partition].size(); ++i) {
    const auto done = [](const Seen& seen) { return seen.done > 0; };
    if (std::any_of(seen_[partition][i].begin(), seen_[partition][i].end(), done)) {
      reached = std::max(reached, stream_[partition].records[i].offset + 1);
    }
  }
  return reached;
}

void Witness::posted(std::size_t partition, std::int64_t offset) {
  if (offset > highest_[partition]) {
    fault(place(partition, offset) + ": posted to Kafka, and never committed");
  }
}

}  // namespace alluvium::simulation
