// SPDX-License-Identifier: Apache-2.0
// What models have done and cost according to a store, and the budgets that people set in it: for the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/budget.hpp"
#include "pipeline/error.hpp"
#include "pipeline/model_ports.hpp"
#include "pipeline/money.hpp"
#include "pipeline/token_estimate.hpp"

namespace alluvium::connectors {

/// One account in one month.
struct AccountRow {
  pipeline::BudgetScope scope = pipeline::BudgetScope::global;
  std::string key;                            ///< Agent or organisation; empty for global.
  std::optional<pipeline::Money> limit = {};  ///< Set in the store; what a config sets is not here.
  pipeline::Money spent = {}, reserved = {};
  std::int64_t unknown_calls = 0;               ///< Paid for, at a price nobody knows: not in `spent`.
  std::optional<pipeline::Money> alerted = {};  ///< The limit that people were told is used up.
};

/// What the models of a tier did.
struct TierWork {
  std::string tier;          ///< small|premium|all
  std::int64_t batches = 0;  ///< That it was called for.
  std::int64_t calls = 0, answers = 0, possibly_paid = 0;
  std::int64_t prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;
  std::int64_t memories = 0;
  std::optional<pipeline::Money> cost = {};  ///< Nothing: a price is unknown.
};

/// What came in, what became of it.
struct StoreShape {
  std::int64_t messages = 0, batches = 0, memories = 0;  ///< Memories of rules as well.
  std::int64_t selected = 0;                             ///< Batches that a model was or will be asked about.
  std::int64_t skipped = 0;                              ///< Batches that were not selected.
};

/// How often the premium tier was asked after the small one.
struct PremiumShare {
  std::int64_t small = 0;    ///< Batches with enough messages that the small tier answered.
  std::int64_t premium = 0;  ///< Those of them that went on to the premium tier.
};

/// What one model did for one tier in one mode.
struct ModelWorkRow {
  std::string tier, model, mode;
  std::int64_t calls = 0, messages = 0, reused = 0, memories = 0;
  pipeline::TokenUsage usage;
  std::optional<pipeline::Money> cost;  ///< Nothing: a price is unknown.
};
/// Bytes of content, and messages that wait for a model.
struct StreamShareRow {
  std::int64_t bytes = 0, noise = 0, chosen = 0, waiting = 0, rule_memories = 0;
};

/// Every call reads one consistent snapshot.
class SqliteUsage {
 public:
  /// Errors as SqliteReader::open().
  [[nodiscard]] static pipeline::Result<std::unique_ptr<SqliteUsage>> open(const std::string& path);
  virtual ~SqliteUsage() = default;

  virtual pipeline::Result<AccountRow> account(pipeline::BudgetScope scope, const std::string& key,
                                               const std::string& month) = 0;
  /// Those that spent something in the month or have a limit of their own, the most spent first.
  virtual pipeline::Result<std::vector<AccountRow>> accounts(const std::string& month, std::int64_t limit) = 0;
  /// Each tier that was called, then "all"; `month` empty: ever.
  virtual pipeline::Result<std::vector<TierWork>> work(const std::string& month) = 0;
  virtual pipeline::Result<std::vector<ModelWorkRow>> models() = 0;
  virtual pipeline::Result<StreamShareRow> stream_share() = 0;
  virtual pipeline::Result<StoreShape> shape() = 0;
  virtual pipeline::Result<PremiumShare> premium_share(std::size_t min_messages) = 0;
  virtual pipeline::Result<pipeline::TokenCalibration> calibration(const std::string& model) = 0;
  /// The mean of a tier's answers by this model; nothing if there is none.
  virtual pipeline::Result<std::optional<double>> completion_tokens(pipeline::Tier tier, const std::string& model) = 0;
  /// Every request that waits, in the order of their making.
  virtual pipeline::Result<void> requests(const std::function<void(const pipeline::StoredRequest&)>& each) = 0;
};

/// Sets an account's monthly limit, or takes it away. Requests that are parked for want of its money are due at once:
/// returns how many. The file is made if there is none, since a limit may be set before the first run.
[[nodiscard]] pipeline::Result<std::int64_t> set_budget(const std::string& path, pipeline::BudgetScope scope,
                                                        const std::string& key, std::optional<pipeline::Money> limit,
                                                        std::int64_t now_ms);

}  // namespace alluvium::connectors
