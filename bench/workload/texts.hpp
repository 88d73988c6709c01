// SPDX-License-Identifier: Apache-2.0
// What people say in a workload: small talk that no rule matches, and noise.
#pragma once

#include <cstddef>
#include <string>

#include "bench/workload/random.hpp"

namespace alluvium::bench {

/// Appends sentences until `bytes` are reached, ending with a whole one: at least one, of ten characters
/// or more, so that it is not noise.
void append_talk(std::string& out, std::size_t bytes, Random& random);

/// Appends a greeting or an acknowledgement, of less than ten characters.
void append_noise(std::string& out, Random& random);

}  // namespace alluvium::bench
