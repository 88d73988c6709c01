// SPDX-License-Identifier: Apache-2.0
// SQLite's handles as C++ objects, and what its error codes mean to the engine.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <sqlite3.h>

#include "pipeline/error.hpp"

namespace alluvium::connectors {

/// What went wrong, inside the sqlite_* files only: guarded() turns it into a Result at the border.
class SqliteFailure : public std::runtime_error {
 public:
  SqliteFailure(pipeline::Errc code, const std::string& detail) : std::runtime_error{detail}, code_{code} {}
  [[nodiscard]] pipeline::Errc code() const {
    return code_;
  }

 private:
  pipeline::Errc code_;
};

/// `unavailable` for what may be gone at the next try (locks, a full disk, I/O errors), else `unsafe_to_go_on`.
[[nodiscard]] pipeline::Errc meaning_of(int sqlite_code);

/// Runs `work`; whatever it throws becomes an Error.
template <class Work>
[[nodiscard]] auto guarded(Work&& work) -> pipeline::Result<std::invoke_result_t<Work>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      return {};
    } else {
      return std::forward<Work>(work)();
    }
  } catch (const SqliteFailure& failure) {
    return pipeline::fail(failure.code(), failure.what());
  } catch (const std::exception& failure) {  // Out of memory: nothing was committed.
    return pipeline::fail(pipeline::Errc::unavailable, failure.what());
  }
}

/// Bytes to bind as a BLOB instead of as text.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement. What is bound must live until the statement is run or reset.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  /// Starts anew with these values for ?1, ?2, ...
  template <class... Values>
  Statement& with(const Values&... values) {
    reset();
    bind_from(1, values...);
    return *this;
  }
  /// These for ?first and on. The others stay; it must not be running.
  template <class... Values>
  void bind_from(int first, const Values&... values) {
    (bind(first++, values), ...);
  }
  /// True if there is a row to read.
  bool step();
  /// For statements that give no row.
  void run();
  void reset();

  [[nodiscard]] std::int64_t integer(int column);
  [[nodiscard]] double real(int column);
  /// Valid until the next step(), run() or reset(). Empty for NULL.
  [[nodiscard]] std::string_view text(int column);
  [[nodiscard]] std::string_view blob(int column);
  [[nodiscard]] bool is_null(int column);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_finalize(statement);
    }
  };

  void bind(int index, std::string_view text);
  void bind(int index, Blob blob);
  void bind(int index, std::nullptr_t);
  void bind(int index, double number);
  void bind(int index, std::integral auto number) {
    bind_integer(index, static_cast<std::int64_t>(number));
  }
  void bind(int index, const char* text) = delete;
  void bind_integer(int index, std::int64_t number);
  void check(int code);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection. One thread uses it.
class Database {
 public:
  enum class Mode { read_only, read_write, create };

  /// Throws SqliteFailure, like everything here.
  Database(const std::string& path, Mode mode, std::chrono::milliseconds busy_timeout);

  /// Statements without values or rows.
  void execute(const char* sql);
  [[nodiscard]] Statement prepare(std::string_view sql);
  /// The first column of the first row of a query.
  [[nodiscard]] std::int64_t integer(std::string_view sql);
  [[nodiscard]] std::string text(std::string_view sql);
  [[nodiscard]] std::int64_t changes();   ///< Rows that the last statement changed.
  [[nodiscard]] std::int64_t last_row();  ///< Number of the row that the last INSERT made.
  [[nodiscard]] bool in_transaction();
  void limit_cache(std::size_t bytes);  ///< Of file pages in memory.
  /// Throws (`unsafe_to_go_on`) if the file or its log was deleted or replaced since this connection uses it: SQLite
  /// would go on writing to what has no name any more. For use inside a transaction. Three stat() calls.
  void expect_in_place();

 private:
  struct Close {
    void operator()(sqlite3* database) const {
      sqlite3_close_v2(database);
    }
  };

  friend class Transaction;
  void shrink_log();

  std::unique_ptr<sqlite3, Close> database_;
  std::chrono::milliseconds busy_timeout_;
  std::array<std::uint64_t, 2> companions_{};  ///< Inodes of -wal and -shm; 0: not known yet.
  bool shrink_first_ = false;                  ///< Before the next write transaction.
};

/// Rolls back at its end unless it was committed. The next one that writes then first moves the write-ahead log into
/// the file and gives its room back: on a full disk that may be what was missing.
class Transaction {
 public:
  enum class Kind { read, write };

  Transaction(Database& database, Kind kind);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction(Transaction&&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool undone_;
};

/// guarded() `work` in a write transaction.
template <class Work>
[[nodiscard]] auto in_transaction(Database& database, const Work& work)
    -> pipeline::Result<std::invoke_result_t<const Work&>> {
  return guarded([&] {
    Transaction transaction{database, Transaction::Kind::write};
    if constexpr (std::is_void_v<std::invoke_result_t<const Work&>>) {
      work();
      transaction.commit();
    } else {
      auto result = work();
      transaction.commit();
      return result;
    }
  });
}

}  // namespace alluvium::connectors
