// SPDX-License-Identifier: Apache-2.0
// Any bytes: positions and gaps decode to something that encodes to the same bytes, or fail.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pipeline/position_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto positions = alluvium::pipeline::decode_positions(bytes)) {
    if (alluvium::pipeline::encode_positions(*positions) != bytes) {
      std::abort();
    }
  }
  if (const auto gaps = alluvium::pipeline::decode_gaps(bytes)) {
    if (alluvium::pipeline::encode_gaps(*gaps) != bytes) {
      std::abort();
    }
  }
  return 0;
}
