// SPDX-License-Identifier: Apache-2.0
// Every call of a model that was made, the answers that were paid for, and what was learnt of each model's tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/sqlite_database.hpp"
#include "pipeline/model_ports.hpp"

namespace alluvium::connectors {

/// What a call was for.
struct CallRow {
  std::int64_t batch = 0;
  std::string agent_id, org_id, tier, mode, month;
  std::int64_t messages = 0;
};

/// All its calls belong inside the caller's write transaction.
class CallRows {
 public:
  explicit CallRows(Database& database);

  /// Records the call; keeps its answer, and learns from its usage.
  void add(const CallRow& what, const pipeline::CallEnd& end, std::int64_t memories, const pipeline::Answer& answer);
  [[nodiscard]] std::optional<pipeline::PaidAnswer> answer(const std::string& hash);
  void forget_answers_before(std::int64_t utc_ms);
  [[nodiscard]] pipeline::TokenCalibration calibration(const std::string& model);
  /// Whether this very call is recorded: a commit that only seemed to fail is tried again.
  [[nodiscard]] bool recorded(const pipeline::CallEnd& end);
  [[nodiscard]] bool has_answered(const std::string& endpoint, const std::string& model);

 private:
  Statement add_, keep_, find_, forget_, calibration_, learn_, recorded_, answered_;
};

}  // namespace alluvium::connectors
