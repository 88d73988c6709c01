// SPDX-License-Identifier: Apache-2.0
// SQLite's file system with faults: the n-th call of some kinds fails, once or until it is healed, before it has an
// effect or after. It wraps the default VFS and takes its place as long as the object lives.
#pragma once

#include <cstdlib>
#include <cstring>
#include <new>

#include <sqlite3.h>

namespace alluvium::connectors {

/// Kinds of calls, as bits.
enum VfsCall : unsigned {
  vfs_open = 1U << 0U,
  vfs_read = 1U << 1U,
  vfs_write = 1U << 2U,
  vfs_truncate = 1U << 3U,
  vfs_sync = 1U << 4U,
  vfs_size = 1U << 5U,
  vfs_lock = 1U << 6U,
  vfs_shm_map = 1U << 7U,
  vfs_shm_lock = 1U << 8U,
  vfs_delete = 1U << 9U,
  vfs_access = 1U << 10U,
  vfs_all = (1U << 11U) - 1U,
};

struct VfsFault {
  unsigned calls = vfs_all;
  int nth = 0;              ///< Counted from 1 over the calls of these kinds.
  bool lasting = false;     ///< All later ones fail too, until heal().
  bool takes_hold = false;  ///< The call does its work and fails all the same. Of a write that does not: half of it.
  int code = 0;             ///< 0: the I/O error of that kind of call.
};

class FaultyVfs {
 public:
  FaultyVfs() : real_{sqlite3_vfs_find(nullptr)}, vfs_{*real_} {
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.pNext = nullptr;
    vfs_.zName = "faulty";
    vfs_.pAppData = this;
    vfs_.xOpen = open;
    vfs_.xDelete = [](sqlite3_vfs* vfs, const char* name, int sync) {
      auto& self = of(vfs);
      return self.call(vfs_delete, SQLITE_IOERR_DELETE, [&] { return self.real_->xDelete(self.real_, name, sync); });
    };
    vfs_.xAccess = [](sqlite3_vfs* vfs, const char* name, int flags, int* out) {
      auto& self = of(vfs);
      return self.call(vfs_access, SQLITE_IOERR_ACCESS,
                       [&] { return self.real_->xAccess(self.real_, name, flags, out); });
    };
    vfs_.xFullPathname = [](sqlite3_vfs* vfs, const char* name, int size, char* out) {
      auto* real = of(vfs).real_;
      return real->xFullPathname(real, name, size, out);
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultyVfs() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;
  FaultyVfs(FaultyVfs&&) = delete;
  FaultyVfs& operator=(FaultyVfs&&) = delete;

  void arm(const VfsFault& fault) {
    fault_ = fault;
    armed_ = true;
    seen_ = 0;
  }
  void heal() {
    armed_ = false;
  }
  /// Faults since the object was made.
  [[nodiscard]] int hits() const {
    return hits_;
  }

 private:
  struct File {
    sqlite3_file base;
    FaultyVfs* vfs;
    sqlite3_file* real;  ///< Right behind this one.
  };

  static FaultyVfs& of(sqlite3_vfs* vfs) {
    return *static_cast<FaultyVfs*>(vfs->pAppData);
  }
  static File& file_of(sqlite3_file* file) {
    return *reinterpret_cast<File*>(file);
  }

  bool is_due(unsigned kind) {
    if (!armed_ || (fault_.calls & kind) == 0) {
      return false;
    }
    ++seen_;
    const bool due = fault_.lasting ? seen_ >= fault_.nth : seen_ == fault_.nth;
    hits_ += due ? 1 : 0;
    return due;
  }

  template <class Real>
  int call(unsigned kind, int error, const Real& real) {
    if (!is_due(kind)) {
      return real();
    }
    if (fault_.takes_hold) {
      static_cast<void>(real());
    }
    return fault_.code == 0 ? error : fault_.code;
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* opened, int flags, int* out_flags) {
    auto& self = of(vfs);
    auto& file = file_of(opened);
    std::memset(opened, 0, sizeof(File));
    file.vfs = &self;
    file.real = reinterpret_cast<sqlite3_file*>(&file + 1);
    if (self.is_due(vfs_open)) {
      return self.fault_.code == 0 ? SQLITE_CANTOPEN : self.fault_.code;
    }
    const auto result = self.real_->xOpen(self.real_, name, file.real, flags, out_flags);
    if (file.real->pMethods != nullptr) {
      file.base.pMethods = methods();
    }
    return result;
  }

  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods all = make_methods();
    return &all;
  }
  static sqlite3_io_methods make_methods() {
    sqlite3_io_methods to{};
    to.iVersion = 2;
    to.xClose = [](sqlite3_file* file) { return real(file).xClose(file_of(file).real); };
    to.xRead = [](sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
      return through(file, vfs_read, SQLITE_IOERR_READ,
                     [&](auto* under) { return under->pMethods->xRead(under, out, size, at); });
    };
    to.xWrite = [](sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
      return file_of(file).vfs->write(file_of(file).real, bytes, size, at);
    };
    to.xTruncate = [](sqlite3_file* file, sqlite3_int64 size) {
      return through(file, vfs_truncate, SQLITE_IOERR_TRUNCATE,
                     [&](auto* under) { return under->pMethods->xTruncate(under, size); });
    };
    to.xSync = [](sqlite3_file* file, int /*flags*/) {
      // Nothing is really synced: that would only matter if the power were cut.
      return through(file, vfs_sync, SQLITE_IOERR_FSYNC, [](auto* /*under*/) { return SQLITE_OK; });
    };
    to.xFileSize = [](sqlite3_file* file, sqlite3_int64* size) {
      return through(file, vfs_size, SQLITE_IOERR_FSTAT,
                     [&](auto* under) { return under->pMethods->xFileSize(under, size); });
    };
    to.xLock = [](sqlite3_file* file, int level) {
      return through(file, vfs_lock, SQLITE_IOERR_LOCK,
                     [&](auto* under) { return under->pMethods->xLock(under, level); });
    };
    to.xUnlock = [](sqlite3_file* file, int level) { return real(file).xUnlock(file_of(file).real, level); };
    to.xCheckReservedLock = [](sqlite3_file* file, int* out) {
      return real(file).xCheckReservedLock(file_of(file).real, out);
    };
    to.xFileControl = [](sqlite3_file* file, int operation, void* argument) {
      return real(file).xFileControl(file_of(file).real, operation, argument);
    };
    to.xSectorSize = [](sqlite3_file* file) { return real(file).xSectorSize(file_of(file).real); };
    to.xDeviceCharacteristics = [](sqlite3_file* file) {
      return real(file).xDeviceCharacteristics(file_of(file).real);
    };
    to.xShmMap = [](sqlite3_file* file, int page, int size, int extend, void volatile** out) {
      return through(file, vfs_shm_map, SQLITE_IOERR_SHMMAP,
                     [&](auto* under) { return under->pMethods->xShmMap(under, page, size, extend, out); });
    };
    to.xShmLock = [](sqlite3_file* file, int offset, int n, int flags) {
      if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        return real(file).xShmLock(file_of(file).real, offset, n, flags);
      }
      // A lock that is taken and said not to be would be no fault of a disk.
      auto& self = *file_of(file).vfs;
      return self.is_due(vfs_shm_lock) ? SQLITE_IOERR_SHMLOCK
                                       : real(file).xShmLock(file_of(file).real, offset, n, flags);
    };
    to.xShmBarrier = [](sqlite3_file* file) { real(file).xShmBarrier(file_of(file).real); };
    to.xShmUnmap = [](sqlite3_file* file, int erase) { return real(file).xShmUnmap(file_of(file).real, erase); };
    return to;
  }

  static const sqlite3_io_methods& real(sqlite3_file* file) {
    return *file_of(file).real->pMethods;
  }
  template <class Real>
  static int through(sqlite3_file* file, unsigned kind, int error, const Real& real) {
    auto* under = file_of(file).real;
    return file_of(file).vfs->call(kind, error, [&] { return real(under); });
  }

  int write(sqlite3_file* under, const void* bytes, int size, sqlite3_int64 at) {
    if (!is_due(vfs_write)) {
      return under->pMethods->xWrite(under, bytes, size, at);
    }
    static_cast<void>(under->pMethods->xWrite(under, bytes, fault_.takes_hold ? size : size / 2, at));
    return fault_.code == 0 ? SQLITE_IOERR_WRITE : fault_.code;
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  VfsFault fault_;
  bool armed_ = false;
  int seen_ = 0;
  int hits_ = 0;
};

}  // namespace alluvium::connectors
