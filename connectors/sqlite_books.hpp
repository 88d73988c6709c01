// SPDX-License-Identifier: Apache-2.0
// Whose money and answers a store's requests use, if not its own.
#pragma once

#include <optional>
#include <string>

#include "connectors/sqlite_database.hpp"
#include "pipeline/money.hpp"

namespace alluvium::connectors {

/// A shadow store (sqlite_shadow.hpp) has no accounts, no answers and no calibrations: its requests are paid for by the
/// store that it was made from, and find there what was paid for before.
struct Books {
  std::string path;  ///< Of the other store; empty: the store keeps its own.
  std::string run;   ///< What the spending is for: an account of its own, without a month.
  std::optional<pipeline::Money> run_limit;
};

/// SQLite looks for a table that the connection's own file does not have in the files attached to it. A transaction
/// over both is not atomic when the process dies in the middle of its commit: ours comes first, so that money that was
/// set aside there may stay so, but is never spent unseen.
inline void open_books(Database& database, const Books& books) {
  if (!books.path.empty()) {
    database.prepare("ATTACH ?1 AS books").with(books.path).run();
    database.execute("PRAGMA books.synchronous = NORMAL");
  }
}

}  // namespace alluvium::connectors
