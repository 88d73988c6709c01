// SPDX-License-Identifier: Apache-2.0
// The benchmarks, in the order of a message's way. Each call registers those of one step.
#pragma once

namespace alluvium::bench {

void add_decode();
void add_route();
void add_buffer();
void add_rules();
void add_dedupe();
void add_selection();
void add_ledger();
void add_store();

}  // namespace alluvium::bench
