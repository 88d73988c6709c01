// SPDX-License-Identifier: Apache-2.0
// Lists of words that everyone knows, a blank on both sides of every word.
#pragma once

#include <string_view>

namespace alluvium::pipeline::english {

/// Five letters and more; not those of which two letters can be swapped to make another word, nor inflections.
extern const std::string_view common_a_j, common_k_z;

}  // namespace alluvium::pipeline::english
