// SPDX-License-Identifier: Apache-2.0
// What the command line shows of batch jobs, and the two things a person can tell them: cancel and resume.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/job_ports.hpp"

namespace alluvium::connectors {

/// A job, and where the requests are that were in it. What is in none of the counts has been answered.
struct JobRow {
  pipeline::StoredJob job;
  std::int64_t submitted = 0;  ///< Still in it.
  std::int64_t queued = 0, degraded = 0, parked = 0;

  [[nodiscard]] std::int64_t answered() const {
    return job.requests - submitted - queued - degraded - parked;
  }
};

/// Requests of one tier in one state that are for batch jobs.
struct WaitingRow {
  std::string tier, state;
  std::int64_t requests = 0, messages = 0;
  std::int64_t oldest_ms = 0;  ///< When the oldest was made.
};

class SqliteJobList {
 public:
  /// `invalid_config` if there is no such file; `unsafe_to_go_on` if it is not a store of ours.
  [[nodiscard]] static pipeline::Result<std::unique_ptr<SqliteJobList>> open(const std::string& path);
  virtual ~SqliteJobList() = default;

  /// Newest first; `each` returns false to stop.
  virtual pipeline::Result<void> jobs(std::int64_t limit, const std::function<bool(const JobRow&)>& each) = 0;
  virtual pipeline::Result<std::optional<JobRow>> job(std::int64_t id) = 0;
  virtual pipeline::Result<std::vector<WaitingRow>> waiting() = 0;
  /// Whoever sees to the job cancels it at its provider; what is not answered is parked until resume(). False if it is
  /// over, or there is none.
  virtual pipeline::Result<bool> cancel(std::int64_t id) = 0;
  /// Its requests that are parked, degraded or wait for their next try are due at once; a cancel that its provider has
  /// not been told of is taken back. Returns how many requests.
  virtual pipeline::Result<std::int64_t> resume(std::int64_t id) = 0;
};

}  // namespace alluvium::connectors
