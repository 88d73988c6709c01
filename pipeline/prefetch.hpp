// SPDX-License-Identifier: Apache-2.0
// What a thread will touch soon, asked for while it does something else.
#pragma once

#include <cstddef>

namespace alluvium::pipeline {

/// Has the cache line at `address` fetched, without waiting for it. Any address will do, null too.
///
/// The empty assembly keeps it: g++ takes a function that does nothing but __builtin_prefetch for one without effect,
/// and drops the calls of it.
inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  __asm__ __volatile__("");
}
/// The same for what will be written.
inline void prefetch_to_write(const void* address) {
  __builtin_prefetch(address, 1);
  __asm__ __volatile__("");
}

/// The lines of a small object from its beginning on, not what it points to.
template <class Object>
void prefetch_object(const Object& object) {
  constexpr std::size_t line = 64;
  for (std::size_t at = 0; at < sizeof object; at += line) {
    prefetch(reinterpret_cast<const char*>(&object) + at);
  }
}

}  // namespace alluvium::pipeline
