// SPDX-License-Identifier: Apache-2.0
// The tables of the store, how an older file gets them, and which files are refused.
#pragma once

#include <span>

#include "connectors/sqlite_database.hpp"

namespace alluvium::connectors {

/// "Aluv", in the file's header: what tells our files from other programs'.
inline constexpr int sqlite_application_id = 0x416C7576;

/// Brings a file one version further, in a transaction of its own.
struct Migration {
  const char* sql;
};

/// Step n brings version n to n + 1; a new file has version 0. Never changed once released, only added to.
[[nodiscard]] std::span<const Migration> sqlite_migrations();

/// Sets the connection up for writing, creates the tables or migrates them. Throws SqliteFailure:
/// `unsafe_to_go_on` if the file is not ours, of a newer version, or corrupt.
void open_schema(Database& database, const std::string& path,
                 std::span<const Migration> migrations = sqlite_migrations());

/// The same for reading: an older version is refused as well, for only the engine migrates.
void check_schema(Database& database, const std::string& path);

}  // namespace alluvium::connectors
