// SPDX-License-Identifier: Apache-2.0
// Intake's records: how they are read, decoded and handed to the router.
#include <algorithm>
#include <utility>

#include "actors/intake.hpp"

namespace alluvium::actors {
namespace {

using namespace std::chrono_literals;
using pipeline::PartitionSlot;

constexpr std::int64_t dead_letter_overhead_bytes = 400;
constexpr std::size_t deep_poll_min = 2'000;  // Messages: who reads a backlog brings more at once.
/// In a long backlog those of the partitions that are behind do not wait longer for a chunk to get large; the others
/// may.
constexpr auto gathering_max = 250ms;
constexpr auto silence_max = 20ms;

/// Of messages until they are routed, with a buffer for each of the agents.
std::int64_t weight_of(const pipeline::MessageChunk& messages, std::size_t agents) {
  return static_cast<std::int64_t>(messages.bytes() +
                                   messages.entries().size() * sizeof(pipeline::MessageChunk::Entry) +
                                   agents * static_cast<std::size_t>(buffer_overhead_bytes));
}

}  // namespace

/// Polls once, or while there is a long backlog until the chunk is as large as it should be.
pipeline::Result<void> Intake::read(TimePoint now) {
  chunk_ = caf::make_counted<RoutedChunk>();
  is_behind_ = false;
  const auto end = now + gathering_max;
  auto brought_at = now;
  const bool reads = stage_ && !stopping_.load(std::memory_order_acquire);
  auto bytes = reads ? relief_.allowance(now, 0) : 0;
  auto wait = std::min<std::chrono::milliseconds>(policy_.sweep_interval(), bytes == 0 ? 10ms : 100ms);
  for (;;) {
    const auto records = metrics_.records.load(std::memory_order_relaxed);
    if (auto polled = source_.poll(bytes, wait); !polled && polled.error().code != pipeline::Errc::unavailable) {
      return polled;
    }
    now = std::chrono::steady_clock::now();
    if (metrics_.records.load(std::memory_order_relaxed) != records) {
      relief_.brought_some(now);
      brought_at = now;
    }
    const auto& messages = chunk_->messages;
    const auto count = messages.entries().size();
    is_behind_ = count >= deep_poll_min && source_.backlog().records >= PressureRelief::long_backlog;
    // Should each be of another agent, half of the credit would do for it.
    const bool is_large = static_cast<std::int64_t>(messages.bytes()) >= chunk_size_.wanted() ||
                          weight_of(messages, count) >= credit_.limit() / 2;
    if (!is_behind_ || is_large || now >= std::min(end, brought_at + silence_max) ||
        stopping_.load(std::memory_order_acquire)) {
      return {};
    }
    bytes = relief_.allowance(now, weight_of(messages, chunk_size_.agents_of(count)));
    if (bytes == 0) {
      return {};
    }
    wait = 5ms;
  }
}

void Intake::on_record(PartitionSlot slot, const pipeline::RecordView& record) {
  auto& here = partition(slot);
  if (here.phase != Phase::running || here.at_end) {
    return;
  }
  using Step = pipeline::PartitionReading::Step;
  const auto step = here.reading.on_record(record.offset, gaps_);
  settle_gaps(slot, here);
  if (here.selection && step != Step::ignore && step != Step::rewind) {
    if (auto state = here.selection->before(record.offset)) {
      settled(slot, here).selectors.push_back(std::move(*state));
    }
  }
  switch (step) {
    case Step::ignore:
      return;
    case Step::rewind:
      hold(slot, true);
      return;
    case Step::skip:
      metrics_.records_skipped.fetch_add(1, std::memory_order_relaxed);
      if (here.selection) {
        decode(slot, here, record, step);
      }
      break;
    case Step::rest:
    case Step::take:
      metrics_.records.fetch_add(1, std::memory_order_relaxed);
      decode(slot, here, record, step);
      break;
  }
  if (here.reading.is_full() && !here.held) {
    hold(slot, true);  // relieve_windows() sees to the agent that waits for company.
  }
  mark_if_at_end(slot, false);
}

void Intake::decode(PartitionSlot slot, Partition& here, const pipeline::RecordView& record,
                    pipeline::PartitionReading::Step step) {
  using Step = pipeline::PartitionReading::Step;
  dead_.clear();
  if (step == Step::take) {
    const auto before = chunk_->messages.entries().size();
    decoder_.decode(record, slot, chunk_->messages, dead_);
    judge(here, chunk_->messages, before);
  } else {
    // It is done, or may be a bundle of which a part is done.
    part_ = {};
    decoder_.decode(record, slot, part_, dead_);
    judge(here, part_, 0);
    for (const auto& entry : part_.entries()) {
      if (const auto message = entry.message(); step == Step::rest && !here.reading.is_done(message.position)) {
        chunk_->messages.add(message, slot);
      }
    }
    std::erase_if(dead_,
                  [&](const auto& letter) { return step == Step::skip || here.reading.is_done(letter.position); });
  }
  for (auto& letter : dead_) {
    auto& out = settled(slot, here);
    out.charge.add(static_cast<std::int64_t>(letter.payload.size() + letter.key.size()) + dead_letter_overhead_bytes);
    out.dead_letters.push_back(std::move(letter));
  }
}

void Intake::judge(Partition& here, pipeline::MessageChunk& messages, std::size_t from) {
  for (auto i = from; here.selection && i < messages.entries().size(); ++i) {
    messages.judge(i, here.selection->judge(messages.entries()[i].message(), *scoring_));
  }
}

void Intake::on_end(PartitionSlot slot, std::int64_t offset) {
  auto& here = partition(slot);
  if (here.phase != Phase::running || here.at_end) {
    return;
  }
  using Step = pipeline::PartitionReading::Step;
  const auto step = here.reading.on_end(offset, gaps_);
  settle_gaps(slot, here);
  if (step == Step::rewind) {
    hold(slot, true);
  }
  if (step == Step::skip) {
    mark_if_at_end(slot, true);
  }
}

void Intake::settle_gaps(PartitionSlot slot, Partition& here) {
  if (!gaps_.empty()) {
    auto& out = settled(slot, here).gaps;
    out.insert(out.end(), gaps_.begin(), gaps_.end());
    gaps_.clear();
  }
}

Settled& Intake::settled(PartitionSlot slot, Partition& here) {
  if (!here.settled) {
    here.settled = std::make_shared<Settled>(Settled{claims_[slot], {}, {}, {}, pipeline::Charge{credit_}});
  }
  return *here.settled;
}

void Intake::hold(PartitionSlot slot, bool held) {
  partition(slot).held = held;
  source_.hold(slot, held);
}

void Intake::hand_on() {
  for (PartitionSlot slot = 0; slot < partitions_.size(); ++slot) {
    if (auto out = std::exchange(partitions_[slot].settled, nullptr); out && stage_) {
      caf::anon_send(stage_->writer, std::move(out));
    }
  }
  auto chunk = std::exchange(chunk_, nullptr);
  // A partition that was lost or stalled meanwhile has no claim any more.
  const auto orphan = [this](const auto& entry) { return !claims_[entry.slot()]; };
  if (std::any_of(chunk->messages.entries().begin(), chunk->messages.entries().end(), orphan)) {
    auto kept = caf::make_counted<RoutedChunk>();
    for (const auto& entry : chunk->messages.entries()) {
      if (!orphan(entry)) {
        kept->messages.add(entry.message(), entry.slot());
      }
    }
    chunk = std::move(kept);
  }
  if (!chunk->messages.entries().empty() && stage_) {
    chunk->charge = pipeline::Charge{credit_};
    chunk->charge.add(static_cast<std::int64_t>(chunk->messages.bytes()));
    const auto bytes = chunk->charge.bytes();
    const auto messages = chunk->messages.entries().size();
    const auto agents = router_.route(std::move(chunk), claims_);
    if (is_behind_) {
      chunk_size_.made(bytes, messages, agents);
    }
  }
}

}  // namespace alluvium::actors
