// SPDX-License-Identifier: Apache-2.0
// How a request goes from state to state, and what that means for the money set aside for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "connectors/sqlite_accounts.hpp"
#include "connectors/sqlite_calls.hpp"
#include "connectors/sqlite_database.hpp"

namespace alluvium::connectors {

/// A request's row without its messages.
struct RequestHead {
  AccountRows::Payer payer;
  std::string state, tier, mode, hash, endpoint, model, owner;
  std::int64_t batch = 0, messages = 0, updated_ms = 0, job = 0;
  std::optional<pipeline::Money> reserved;

  [[nodiscard]] CallRow call(const pipeline::CallEnd& end) const;
};

/// All its calls belong inside the caller's write transaction.
class RequestStates {
 public:
  explicit RequestStates(Database& database);

  [[nodiscard]] std::optional<RequestHead> find(std::int64_t id);
  void put_off(std::int64_t id, const pipeline::Postponement& how, std::int64_t now_ms);

 private:
  Statement find_, postpone_;
};

/// Gives back what was set aside for the request, and books what its end has cost.
void book(AccountRows& accounts, const RequestHead& row, const pipeline::CallEnd& end);

}  // namespace alluvium::connectors
