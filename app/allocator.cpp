// SPDX-License-Identifier: Apache-2.0
// How jemalloc is to work: huge pages alone save a sixth of all CPU time (docs/ARCHITECTURE.md).
// A build without jemalloc has this symbol and no use for it.

// The name and its linkage are jemalloc's.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
extern "C" const char* malloc_conf;
const char* malloc_conf = "thp:always,metadata_thp:auto,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
