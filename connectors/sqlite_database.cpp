// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_database.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <sys/stat.h>

namespace alluvium::connectors {
namespace {

/// With the reason that the system gave, if any: SQLite's "disk I/O error" stands for many.
std::string message_of(sqlite3* database, int code) {
  if (database == nullptr || (sqlite3_errcode(database) & 0xFF) != (code & 0xFF)) {
    return sqlite3_errstr(code);
  }
  std::string message = sqlite3_errmsg(database);
  const auto kind = code & 0xFF;
  if (const auto reason = sqlite3_system_errno(database);
      reason != 0 && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN)) {
    message += " (" + std::system_category().message(reason) + ")";
  }
  return message;
}

/// SQLite calls the file corrupt when a read fails with EIO; then even its first bytes can't be read, as a rule.
bool can_be_read(sqlite3* database) {
  sqlite3_file* file = nullptr;
  std::array<char, 16> bytes{};
  return sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file)) != SQLITE_OK ||
         file == nullptr || file->pMethods == nullptr ||
         (file->pMethods->xRead(file, bytes.data(), static_cast<int>(bytes.size()), 0) & 0xFF) != SQLITE_IOERR;
}

[[noreturn]] void throw_error(sqlite3* database, int code) {
  if (database != nullptr && (code & 0xFF) == SQLITE_CORRUPT && !can_be_read(database)) {
    code = SQLITE_IOERR;
  }
  const char* path = database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
  std::string detail = path == nullptr || *path == '\0' ? std::string{"SQLite"} : std::string{path};
  detail += ": ";
  detail += message_of(database, code);
  throw SqliteFailure{meaning_of(code), detail};
}

constexpr unsigned prepare_persistent = SQLITE_PREPARE_PERSISTENT;

/// SQLite takes a null pointer for NULL, and an empty view may have one.
const char* not_null(std::string_view text) {
  return text.data() == nullptr ? "" : text.data();
}

}  // namespace

pipeline::Errc meaning_of(int sqlite_code) {
  switch (sqlite_code & 0xFF) {  // The rest of an extended code says more, but changes nothing here.
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
      return pipeline::Errc::unavailable;
    default:
      return pipeline::Errc::unsafe_to_go_on;
  }
}

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const auto code =
      sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), prepare_persistent, &statement, nullptr);
  statement_.reset(statement);
  if (code != SQLITE_OK) {
    throw_error(database, code);
  }
}

bool Statement::step() {
  const auto code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code != SQLITE_DONE) {
    check(code);
  }
  return false;
}

void Statement::run() {
  step();
  reset();
}

void Statement::reset() {
  sqlite3_reset(statement_.get());  // Says again what step() said already.
}

std::int64_t Statement::integer(int column) {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) {
  return sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::text(int column) {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  const auto size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view{}
                          : std::string_view{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::string_view Statement::blob(int column) {
  const auto* bytes = sqlite3_column_blob(statement_.get(), column);
  const auto size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view{}
                          : std::string_view{static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Statement::bind(int index, std::string_view text) {
  // Without a destructor SQLite takes the bytes where they are.
  check(sqlite3_bind_text64(statement_.get(), index, not_null(text), text.size(), nullptr, SQLITE_UTF8));
}

void Statement::bind(int index, Blob blob) {
  check(sqlite3_bind_blob64(statement_.get(), index, not_null(blob.bytes), blob.bytes.size(), nullptr));
}

void Statement::bind(int index, std::nullptr_t) {
  check(sqlite3_bind_null(statement_.get(), index));
}

void Statement::bind(int index, double number) {
  check(sqlite3_bind_double(statement_.get(), index, number));
}

void Statement::bind_integer(int index, std::int64_t number) {
  check(sqlite3_bind_int64(statement_.get(), index, number));
}

void Statement::check(int code) {
  if (code != SQLITE_OK) {
    throw_error(sqlite3_db_handle(statement_.get()), code);
  }
}

namespace {

/// Before the first connection. Without it each of SQLite's allocations takes a lock, to count for statistics that
/// nobody asks for.
void set_up_library() {
  [[maybe_unused]] static const int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace

Database::Database(const std::string& path, Mode mode, std::chrono::milliseconds busy_timeout)
    : busy_timeout_{busy_timeout} {
  set_up_library();
  const auto access = mode == Mode::read_only    ? SQLITE_OPEN_READONLY
                      : mode == Mode::read_write ? SQLITE_OPEN_READWRITE
                                                 : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* database = nullptr;
  const auto code =
      sqlite3_open_v2(path.c_str(), &database, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) {
    throw SqliteFailure{meaning_of(code), path + ": " + message_of(database, code)};
  }
  // SQLite opens what can't be written to for reading instead, and would stay with that when it can.
  if (mode != Mode::read_only && sqlite3_db_readonly(database, "main") == 1) {
    throw SqliteFailure{pipeline::Errc::unavailable, path + ": the file, or the disk it is on, is read-only"};
  }
  sqlite3_busy_timeout(database, static_cast<int>(busy_timeout.count()));
}

void Database::execute(const char* sql) {
  if (const auto code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK) {
    throw_error(database_.get(), code);
  }
}

Statement Database::prepare(std::string_view sql) {
  return Statement{database_.get(), sql};
}

std::int64_t Database::integer(std::string_view sql) {
  auto statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(std::string_view sql) {
  auto statement = prepare(sql);
  return statement.step() ? std::string{statement.text(0)} : std::string{};
}

std::int64_t Database::changes() {
  return sqlite3_changes64(database_.get());
}

std::int64_t Database::last_row() {
  return sqlite3_last_insert_rowid(database_.get());
}

void Database::limit_cache(std::size_t bytes) {
  execute(("PRAGMA cache_size = -" + std::to_string(bytes / 1024)).c_str());
}

bool Database::in_transaction() {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

void Database::expect_in_place() {
  const char* path = sqlite3_db_filename(database_.get(), "main");
  if (path == nullptr || *path == '\0') {
    return;  // In memory.
  }
  int moved = 0;
  sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  const auto refuse_if = [path](bool gone, const char* suffix) {
    if (gone) {
      throw SqliteFailure{pipeline::Errc::unsafe_to_go_on,
                          std::string{path} + suffix +
                              ": was deleted, moved or replaced while in use; nothing more is written to what it was"};
    }
  };
  struct stat main {};
  // SQLite takes a failing stat() for a move.
  refuse_if(moved != 0 && (::stat(path, &main) == 0 || errno == ENOENT), "");
  constexpr std::array suffixes{"-wal", "-shm"};
  for (std::size_t i = 0; i < suffixes.size(); ++i) {
    struct stat found {};
    const bool there = ::stat((std::string{path} + suffixes[i]).c_str(), &found) == 0;
    if (!there && errno != ENOENT) {
      continue;  // A disk that can't tell. The commit will.
    }
    refuse_if(companions_[i] != 0 && (!there || found.st_ino != companions_[i]), suffixes[i]);
    companions_[i] = there ? found.st_ino : 0;
  }
}

/// As far as that is possible now, without waiting for anyone.
void Database::shrink_log() {
  sqlite3_busy_timeout(database_.get(), 0);
  sqlite3_wal_checkpoint_v2(database_.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(database_.get(), static_cast<int>(busy_timeout_.count()));
}

Transaction::Transaction(Database& database, Kind kind) : database_{database}, undone_{kind == Kind::write} {
  if (database_.in_transaction()) {
    database_.execute("ROLLBACK");  // Of one whose end did not work out.
  }
  if (kind == Kind::write && std::exchange(database_.shrink_first_, false)) {
    database_.shrink_log();
  }
  database_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  database_.shrink_first_ = database_.shrink_first_ || undone_;
  // SQLite itself has rolled back after some errors, and after a commit there is nothing to do.
  if (database_.in_transaction()) {
    try {
      database_.execute("ROLLBACK");
    } catch (const SqliteFailure&) {  // The connection's next BEGIN fails and says so.
      return;
    }
  }
}

void Transaction::commit() {
  database_.expect_in_place();
  database_.execute("COMMIT");
  undone_ = false;
}

}  // namespace alluvium::connectors
