// SPDX-License-Identifier: Apache-2.0
// How the allocator is to work: huge pages save a tenth of the user time with very many agents (docs/ARCHITECTURE.md).
#include "app/allocator.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <malloc.h>
#include <unistd.h>

// A build without jemalloc has these symbols and no use for them. The names and their linkage are jemalloc's.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
extern "C" const char* malloc_conf;
const char* malloc_conf =
    "thp:always,metadata_thp:auto,background_thread:true,"
    "narenas:2,oversize_threshold:0,dirty_decay_ms:5000,muzzy_decay_ms:0";
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size, void* value,
                                     std::size_t size);

namespace alluvium::app {

void fit_allocator(std::size_t limit_bytes) {
  // With them a small engine takes 50 MB before it has read anything, without them 31.
  constexpr std::size_t enough_for_huge_pages = std::size_t{256} << 20;
  constexpr auto* variable = "MALLOC_CONF";
  if (limit_bytes >= enough_for_huge_pages || &mallctl == nullptr || std::getenv(variable) != nullptr) {
    return;
  }
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) {
    words.push_back(std::move(word));
  }
  std::vector<char*> argv;
  for (auto& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  file.close();
  std::error_code failed;
  if (!words.empty() && setenv(variable, "thp:never,metadata_thp:disabled", 0) == 0) {
    // By its own path, for the name that ps shows. If that fails, huge pages it is.
    execv(std::filesystem::read_symlink("/proc/self/exe", failed).c_str(), argv.data());
  }
}

void release_unused() {
  if (&mallctl != nullptr) {
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: MALLCTL_ARENAS_ALL.
  } else {
    malloc_trim(0);
  }
}

}  // namespace alluvium::app
