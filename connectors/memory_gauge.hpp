// SPDX-License-Identifier: Apache-2.0
// What the operating system says about this process's memory.
#pragma once

#include <string>

#include "pipeline/error.hpp"
#include "pipeline/governor.hpp"

namespace alluvium::connectors {

struct MemoryGaugeOptions {
  /// Folder of the control group to watch; empty: the one that the process is in, of cgroup v2, else of v1, if any.
  std::string cgroup;
  std::string proc = "/proc";
  std::string cgroups = "/sys/fs/cgroup";
};

/// Reads resident memory from /proc, use and limit from the control group (v2: memory.current, memory.max and
/// memory.high; v1: memory.usage_in_bytes and memory.limit_in_bytes), waiting for memory (PSI) from the group or, where
/// it has none, from the machine. File pages that can be dropped (inactive_file) are not counted as used. What can't
/// be read is 0.
class MemoryGauge {
 public:
  /// Fails with `invalid_config` if `options.cgroup` is given and is no control group with memory accounting.
  [[nodiscard]] static pipeline::Result<MemoryGauge> make(const MemoryGaugeOptions& options);

  /// Takes some 20 us. Any thread.
  [[nodiscard]] pipeline::MemoryReading read() const;

  /// "control group v2 at FOLDER, limit 512MB", for the log; empty if there is none with a limit.
  [[nodiscard]] std::string describe() const;

 private:
  explicit MemoryGauge(const MemoryGaugeOptions& options) : proc_{options.proc} {}

  std::string proc_;
  std::string group_;  ///< Empty: none.
  bool v2_ = false;
};

}  // namespace alluvium::connectors
