// SPDX-License-Identifier: Apache-2.0
#include "connectors/memory_gauge.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/connectors/sqlite_fixture.hpp"

namespace alluvium::connectors {
namespace {

/// A control group and a /proc of its own.
class MemoryGaugeTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    const auto file = std::filesystem::path{folder.file(path)};
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << text;
  }
  [[nodiscard]] MemoryGauge gauge(const std::string& cgroup = "") const {
    return MemoryGauge::make({.cgroup = cgroup.empty() ? "" : folder.file(cgroup),
                              .proc = folder.file("proc"),
                              .cgroups = folder.file("cgroups")})
        .value();
  }

  ScratchFolder folder;
};

TEST_F(MemoryGaugeTest, ReadsResidentMemoryOfThisProcess) {
  const auto reading = MemoryGauge::make({}).value().read();
  EXPECT_GT(reading.resident, 1 << 20);
  EXPECT_GE(reading.group_limit, 0);
}

TEST_F(MemoryGaugeTest, ReadsCgroupV2) {
  write("proc/self/cgroup", "0::/pod/engine\n");
  write("cgroups/pod/engine/memory.current", "1000000\n");
  write("cgroups/pod/engine/memory.stat", "anon 700000\ninactive_file 250000\nactive_file 50000\n");
  write("cgroups/pod/engine/memory.max", "4000000\n");
  write("cgroups/pod/engine/memory.high", "max\n");
  write("cgroups/pod/engine/memory.pressure", "some avg10=12.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00\n");
  const auto reading = gauge().read();
  EXPECT_EQ(reading.group_used, 750000);
  EXPECT_EQ(reading.group_limit, 4000000);
  EXPECT_DOUBLE_EQ(reading.stalled_percent, 12.5);
  write("cgroups/pod/engine/memory.high", "3000000\n");
  EXPECT_EQ(gauge().read().group_limit, 3000000);
}

TEST_F(MemoryGaugeTest, AGroupWithoutALimitHasNone) {
  write("proc/self/cgroup", "0::/\n");
  write("cgroups/memory.current", "1000000\n");
  write("cgroups/memory.max", "max\n");
  EXPECT_EQ(gauge().read().group_limit, 0);
  EXPECT_EQ(gauge().describe(), "");
}

TEST_F(MemoryGaugeTest, ReadsCgroupV1) {
  write("proc/self/cgroup", "5:cpu:/a\n4:memory:/pod\n0::/\n");
  write("cgroups/memory/pod/memory.usage_in_bytes", "2000000\n");
  write("cgroups/memory/pod/memory.limit_in_bytes", "8000000\n");
  write("cgroups/memory/pod/memory.stat", "cache 1\ntotal_inactive_file 500000\n");
  write("proc/pressure/memory", "some avg10=3.00 avg60=1.00 avg300=0.00 total=1\n");
  const auto reading = gauge().read();
  EXPECT_EQ(reading.group_used, 1500000);
  EXPECT_EQ(reading.group_limit, 8000000);
  EXPECT_DOUBLE_EQ(reading.stalled_percent, 3);
  write("cgroups/memory/pod/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(gauge().read().group_limit, 0);
}

TEST_F(MemoryGaugeTest, WithinAContainerTheGroupIsTheRoot) {
  write("proc/self/cgroup", "0::/somewhere/on/the/host\n");
  write("cgroups/memory.current", "5\n");
  write("cgroups/memory.max", "10\n");
  EXPECT_EQ(gauge().read().group_limit, 10);
}

TEST_F(MemoryGaugeTest, WatchesTheGroupThatIsNamed) {
  write("mine/memory.current", "5\n");
  write("mine/memory.max", "10\n");
  EXPECT_EQ(gauge("mine").read().group_used, 5);
  const auto none = MemoryGauge::make({.cgroup = folder.file("other")});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, pipeline::Errc::invalid_config);
}

TEST_F(MemoryGaugeTest, WhatCantBeReadIsNothing) {
  const auto reading = gauge().read();
  EXPECT_EQ(reading.resident, 0);
  EXPECT_EQ(reading.group_used, 0);
  EXPECT_EQ(reading.group_limit, 0);
  EXPECT_EQ(reading.stalled_percent, 0);
}

}  // namespace
}  // namespace alluvium::connectors
