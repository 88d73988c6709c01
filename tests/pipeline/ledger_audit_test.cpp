// SPDX-License-Identifier: Apache-2.0
#include "pipeline/ledger_audit.hpp"

#include <algorithm>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pipeline/offset_ledger.hpp"

namespace alluvium::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

OutcomeCounts empties(std::int64_t count) {
  OutcomeCounts counts;
  counts[Outcome::empty] = count;
  return counts;
}

/// Offsets [from, to) all done, none of them twice.
LedgerAudit filled(std::int64_t from, std::int64_t to, std::int64_t watermark) {
  LedgerAudit audit{{"chat", 3}, from, watermark};
  for (auto offset = from; offset < to; ++offset) {
    audit.add({.offset = offset}, Outcome::empty);
  }
  return audit;
}

TEST(LedgerAudit, AcceptsALedgerWithoutFault) {
  const auto report = filled(10, 20, 20).finish(empties(10));
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.records, 10);
  EXPECT_EQ(report.messages, 10);
  EXPECT_EQ(report.outcomes[Outcome::empty], 10);
  EXPECT_EQ(report.partition, (TopicPartition{"chat", 3}));
}

TEST(LedgerAudit, AcceptsAnEmptyLedger) {
  EXPECT_THAT((LedgerAudit{{"chat", 0}, 5, 5}.finish({}).faults), IsEmpty());
}

TEST(LedgerAudit, NamesOffsetsThatAreMissing) {
  auto audit = filled(0, 4, 8);
  audit.add({.offset = 5}, Outcome::empty);
  EXPECT_THAT(audit.finish(empties(5)).faults,
              ElementsAre("offset 4 missing below the watermark", "offsets 6 to 7 missing below the watermark"));
}

TEST(LedgerAudit, LetsOffsetsAboveTheWatermarkBeMissing) {
  auto audit = filled(0, 4, 4);
  audit.add({.offset = 6}, Outcome::empty);
  EXPECT_THAT(audit.finish(empties(5)).faults, IsEmpty());
}

TEST(LedgerAudit, FindsAWatermarkThatWasMovedEitherWay) {
  EXPECT_THAT(filled(0, 4, 5).finish(empties(4)).faults, ElementsAre("offset 4 missing below the watermark"));
  EXPECT_THAT(filled(0, 4, 3).finish(empties(4)).faults,
              ElementsAre("offset 3 is done, and yet the watermark stops before it"));
  EXPECT_THAT((LedgerAudit{{"chat", 0}, 5, 4}.finish({}).faults), ElementsAre(HasSubstr("is below the start")));
}

TEST(LedgerAudit, FindsAPositionThatIsThereTwice) {
  auto audit = filled(0, 4, 4);
  audit.add({.offset = 2}, Outcome::dead);
  auto counts = empties(4);
  counts[Outcome::dead] = 1;
  EXPECT_THAT(audit.finish(counts).faults, ElementsAre("offset 2 is there twice"));
}

TEST(LedgerAudit, AcceptsABundleInAnyOrderAndCountsItAsOneRecord) {
  LedgerAudit audit{{"chat", 0}, 0, 1};
  for (const std::uint32_t index : {2U, 0U, 1U}) {
    audit.add({.offset = 0, .index = index, .count = 3}, Outcome::empty);
  }
  const auto report = audit.finish(empties(3));
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.records, 1);
  EXPECT_EQ(report.messages, 3);
}

TEST(LedgerAudit, FindsAPartOfABundleThatIsMissingBelowTheWatermarkOnly) {
  for (const std::int64_t watermark : {0, 1}) {
    LedgerAudit audit{{"chat", 0}, 0, watermark};
    audit.add({.offset = 0, .index = 0, .count = 2}, Outcome::empty);
    const auto faults = audit.finish(empties(1)).faults;
    if (watermark == 0) {
      EXPECT_THAT(faults, IsEmpty());
    } else {
      EXPECT_THAT(faults, ElementsAre("offset 0: 1 of 2 messages of the bundle are missing"));
    }
  }
}

TEST(LedgerAudit, FindsAPartOfABundleThatIsThereTwice) {
  for (const std::uint32_t parts : {1U, 2U}) {  // Before and after the bundle is whole.
    LedgerAudit audit{{"chat", 0}, 0, 0};
    for (std::uint32_t index = 0; index < parts; ++index) {
      audit.add({.offset = 0, .index = index, .count = 2}, Outcome::empty);
    }
    audit.add({.offset = 0, .index = 0, .count = 2}, Outcome::empty);
    EXPECT_THAT(audit.finish(empties(parts + 1)).faults, testing::Contains(HasSubstr("is there twice")));
  }
}

TEST(LedgerAudit, CoversGapsAndLostRanges) {
  auto audit = filled(0, 4, 10);
  audit.add_gap({.from = 4, .to = 7});
  audit.add_lost({.from = 7, .to = 10});
  const auto report = audit.finish(empties(4));
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.gaps, 3);
  EXPECT_EQ(report.lost, 3);
}

TEST(LedgerAudit, FindsSomethingDoneThatIsCalledLost) {
  auto audit = filled(0, 4, 5);
  audit.add_lost({.from = 3, .to = 5});
  EXPECT_THAT(audit.finish(empties(4)).faults, ElementsAre("offset 3 is done and yet lost"));
}

TEST(LedgerAudit, LetsCompactionTakeAwayWhatIsDone) {
  auto audit = filled(0, 4, 6);
  audit.add({.offset = 4, .index = 1, .count = 3}, Outcome::empty);
  audit.add_gap({.from = 3, .to = 6});
  EXPECT_THAT(audit.finish(empties(5)).faults, IsEmpty());
}

TEST(LedgerAudit, FindsAGapAboveTheWatermark) {
  auto audit = filled(0, 4, 4);
  audit.add_gap({.from = 5, .to = 6});
  EXPECT_THAT(audit.finish(empties(4)).faults, ElementsAre("offset 5: a gap above the watermark"));
}

TEST(LedgerAudit, LetsABundleBePartlyLost) {
  LedgerAudit audit{{"chat", 0}, 0, 1};
  audit.add({.offset = 0, .index = 1, .count = 3}, Outcome::empty);
  audit.add_lost({.from = 0, .to = 1});
  EXPECT_THAT(audit.finish(empties(1)).faults, IsEmpty());
}

TEST(LedgerAudit, ComparesTheCountsOfOutcomes) {
  auto counts = empties(3);
  counts[Outcome::noise] = 1;
  EXPECT_THAT(filled(0, 4, 4).finish(counts).faults,
              ElementsAre("empty: the ledger counts 3 messages, its rows hold 4",
                          "noise: the ledger counts 1 messages, its rows hold 0"));
}

TEST(LedgerAudit, KeepsTheFirstFaultsAndCountsTheRest) {
  for (const std::size_t faults : {AuditReport::faults_max, AuditReport::faults_max + 1}) {
    LedgerAudit audit{{"chat", 0}, 0, 0};
    for (std::size_t i = 0; i < faults; ++i) {
      audit.fault("something");
    }
    const auto report = audit.finish({});
    EXPECT_EQ(report.faults.size(), faults);
    EXPECT_EQ(report.faults.back(), faults == AuditReport::faults_max ? "something" : "and 1 more");
  }
}

TEST(LedgerAudit, RefusesOffsetsThatNoLedgerCanHaveWithoutTakingMemoryForThem) {
  LedgerAudit audit{{"chat", 0}, 10, 10};
  audit.add({.offset = 9}, Outcome::empty);
  audit.add({.offset = std::numeric_limits<std::int64_t>::max()}, Outcome::empty);
  audit.add({.offset = std::numeric_limits<std::int64_t>::min()}, Outcome::empty);
  audit.add_gap({.from = 10, .to = std::numeric_limits<std::int64_t>::max()});
  EXPECT_THAT(audit.finish(empties(3)).faults, ElementsAre(HasSubstr("below the start"), HasSubstr("too far above"),
                                                           HasSubstr("below the start"), HasSubstr("too far above")));
}

TEST(LedgerAudit, TakesAWatermarkOfAnyHeight) {
  const auto report = LedgerAudit{{"chat", 0}, 0, std::numeric_limits<std::int64_t>::max()}.finish({});
  EXPECT_THAT(report.faults, ElementsAre(HasSubstr("missing below the watermark")));
}

TEST(LedgerAudit, AgreesWithEveryLedgerThatWasKeptAndNoneThatWasNot) {
  EXPECT_TRUE(rc::check("in any order: clean; with one position more or less: not", [] {
    const auto size = *rc::gen::inRange<std::uint32_t>(1, 30);
    std::vector<Position> positions;
    OffsetLedger ledger{100};
    for (std::uint32_t i = 0; i < size; ++i) {
      const auto count = *rc::gen::inRange<std::uint32_t>(1, 4);
      for (std::uint32_t index = 0; index < count; ++index) {
        positions.push_back({.offset = 100 + i, .index = index, .count = count});
        ledger.mark(positions.back());
      }
    }
    const auto picked = *rc::gen::inRange<std::size_t>(0, positions.size());
    const auto change = *rc::gen::element(-1, 0, 1);
    auto rows = positions;
    std::ranges::rotate(rows, rows.begin() + static_cast<std::ptrdiff_t>(picked));
    if (change < 0) {
      rows.pop_back();
    } else if (change > 0) {
      rows.push_back(rows.front());
    }
    LedgerAudit audit{{"chat", 0}, 100, ledger.watermark()};
    for (const auto& position : rows) {
      audit.add(position, Outcome::empty);
    }
    const auto report = audit.finish(empties(static_cast<std::int64_t>(rows.size())));
    RC_ASSERT(report.faults.empty() == (change == 0));
  }));
}

}  // namespace
}  // namespace alluvium::pipeline
