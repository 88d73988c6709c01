// SPDX-License-Identifier: Apache-2.0
// How the allocator is to work (docs/ARCHITECTURE.md says why).
#include "app/allocator.hpp"

#include <cstddef>

#include <malloc.h>

// A build without jemalloc has these symbols and no use for them. The names and their linkage are jemalloc's.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
extern "C" const char* malloc_conf;
const char* malloc_conf = "thp:never,background_thread:true,narenas:2,oversize_threshold:0";
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size, void* value,
                                     std::size_t size);

namespace alluvium::app {

void release_unused() {
  if (&mallctl != nullptr) {
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: MALLCTL_ARENAS_ALL.
  } else {
    malloc_trim(0);
  }
}

}  // namespace alluvium::app
