// SPDX-License-Identifier: Apache-2.0
#include "pipeline/ledger_audit.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "pipeline/offset_ledger.hpp"

namespace alluvium::pipeline {
namespace {

/// Reading stops at window_offsets_max above the watermark; what was under way then may still be committed.
constexpr std::int64_t reach_above_watermark = 2 * window_offsets_max;

std::string range_text(std::int64_t from, std::int64_t to) {
  return to - from == 1 ? "offset " + std::to_string(from)
                        : "offsets " + std::to_string(from) + " to " + std::to_string(to - 1);
}

}  // namespace

LedgerAudit::LedgerAudit(TopicPartition partition, std::int64_t start_offset, std::int64_t watermark) {
  report_.partition = std::move(partition);
  report_.from = std::max<std::int64_t>(start_offset, 0);
  report_.watermark = watermark;
  if (start_offset < 0 || watermark < start_offset) {
    fault("the watermark " + std::to_string(watermark) + " is below the start " + std::to_string(start_offset));
  }
}

void LedgerAudit::fault(std::string what) {
  if (report_.faults.size() < AuditReport::faults_max) {
    report_.faults.push_back(std::move(what));
  } else {
    ++more_faults_;
  }
}

void LedgerAudit::add(const Position& position, Outcome outcome) {
  ++report_.messages;
  ++report_.outcomes[outcome];
  const auto next = position.offset == std::numeric_limits<std::int64_t>::max() ? position.offset : position.offset + 1;
  if (!in_reach(position.offset, next)) {
    return;
  }
  if (position.count > 1) {
    add_part(position);
  } else {
    ++report_.records;
    cover(position.offset);
  }
}

void LedgerAudit::add_gap(const Gap& gap) {
  report_.gaps += gap.to - gap.from;
  cover_range(gap, false);
}

void LedgerAudit::add_lost(const Gap& lost) {
  report_.lost += lost.to - lost.from;
  cover_range(lost, true);
}

AuditReport LedgerAudit::finish(const OutcomeCounts& stored) {
  find_partial_bundles();
  find_missing();
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (stored[outcome] != report_.outcomes[outcome]) {
      fault(std::string{name(outcome)} + ": the ledger counts " + std::to_string(stored[outcome]) +
            " messages, its rows hold " + std::to_string(report_.outcomes[outcome]));
    }
  }
  if (more_faults_ > 0) {
    report_.faults.push_back("and " + std::to_string(more_faults_) + " more");
  }
  return std::move(report_);
}

bool LedgerAudit::in_reach(std::int64_t from, std::int64_t to) {
  if (from < report_.from) {
    fault("offset " + std::to_string(from) + " is below the start " + std::to_string(report_.from));
    return false;
  }
  // Differences, because a sum could overflow: rows may hold anything if the file was tampered with.
  const auto last = to - 1;
  if (last - report_.from >= offsets_max || (last > report_.watermark && last - report_.from > reach_above_watermark &&
                                             last - reach_above_watermark > report_.watermark)) {
    fault("offset " + std::to_string(last) + " is too far above " +
          (last - report_.from >= offsets_max ? "the start to be checked" : "the watermark"));
    return false;
  }
  return true;
}

void LedgerAudit::cover(std::int64_t offset) {
  const auto bit = static_cast<std::size_t>(offset - report_.from);
  if (bit >= covered_.size()) {
    covered_.resize(bit + 1);
  }
  if (covered_[bit] || partial_.contains(offset)) {
    fault("offset " + std::to_string(offset) + " is there twice");
  }
  covered_[bit] = true;
}

void LedgerAudit::cover_range(const Gap& range, bool lost) {
  if (!in_reach(range.from, range.to)) {
    return;
  }
  if (range.to > report_.watermark) {
    fault(range_text(range.from, range.to) + (lost ? ": lost" : ": a gap") + " above the watermark");
  }
  const auto first = static_cast<std::size_t>(range.from - report_.from);
  const auto last = static_cast<std::size_t>(range.to - report_.from);
  if (last > covered_.size()) {
    covered_.resize(last);
  }
  for (auto bit = first; bit < last; ++bit) {
    if (lost && covered_[bit]) {
      fault("offset " + std::to_string(report_.from + static_cast<std::int64_t>(bit)) + " is done and yet lost");
    }
    covered_[bit] = true;
  }
}

void LedgerAudit::add_part(const Position& position) {
  const auto twice = [&] {
    fault("offset " + std::to_string(position.offset) + ", message " + std::to_string(position.index) +
          " of its bundle, is there twice");
  };
  const auto found = partial_.find(position.offset);
  if (found == partial_.end() && covered(position.offset)) {
    twice();
    return;
  }
  auto& bundle = partial_[position.offset];
  if (bundle.count == 0) {
    ++report_.records;
    bundle.count = position.count;
  } else if (bundle.count != position.count) {
    fault("offset " + std::to_string(position.offset) + " is a bundle of " + std::to_string(bundle.count) +
          " messages and also of " + std::to_string(position.count));
  }
  const auto place = std::ranges::lower_bound(bundle.seen, position.index);
  if (place != bundle.seen.end() && *place == position.index) {
    twice();
    return;
  }
  bundle.seen.insert(place, position.index);
  if (bundle.seen.size() >= bundle.count) {
    partial_.erase(position.offset);
    cover(position.offset);
  }
}

bool LedgerAudit::covered(std::int64_t offset) const {
  const auto bit = static_cast<std::size_t>(offset - report_.from);
  return bit < covered_.size() && covered_[bit];
}

void LedgerAudit::find_partial_bundles() {
  std::vector<std::int64_t> offsets;
  for (const auto& [offset, bundle] : partial_) {
    if (offset < report_.watermark && !covered(offset)) {
      offsets.push_back(offset);
    }
  }
  std::ranges::sort(offsets);  // The same report whatever the order of the map.
  for (const auto offset : offsets) {
    const auto& bundle = partial_[offset];
    fault("offset " + std::to_string(offset) + ": " + std::to_string(bundle.count - bundle.seen.size()) + " of " +
          std::to_string(bundle.count) + " messages of the bundle are missing");
  }
}

void LedgerAudit::find_missing() {
  const auto is_missing = [this](std::int64_t offset) { return !covered(offset) && !partial_.contains(offset); };
  const auto covered_end = report_.from + static_cast<std::int64_t>(covered_.size());
  const auto checked_end = std::min(report_.watermark, covered_end);
  for (auto offset = report_.from; offset < checked_end; ++offset) {
    if (is_missing(offset)) {
      const auto from = offset;
      while (offset < checked_end && is_missing(offset)) {
        ++offset;
      }
      fault(range_text(from, offset) + " missing below the watermark");
    }
  }
  // Nothing at all is stored above covered_end but parts of bundles, which are reported already.
  auto from = std::max(covered_end, report_.from);
  while (from < report_.watermark && partial_.contains(from)) {
    ++from;
  }
  if (from < report_.watermark) {
    fault(range_text(from, report_.watermark) + " missing below the watermark");
  }
  if (report_.watermark >= report_.from && covered(report_.watermark)) {
    fault("offset " + std::to_string(report_.watermark) + " is done, and yet the watermark stops before it");
  }
}

}  // namespace alluvium::pipeline
