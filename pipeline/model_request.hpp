// SPDX-License-Identifier: Apache-2.0
// What a model is asked about: some messages of one batch, kept in the store until they are answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/batch.hpp"
#include "pipeline/error.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::pipeline {

/// user, assistant, system, tool, other: as models and the store read it.
[[nodiscard]] std::string_view name(Role role);

/// Bytes of content that one request may hold; a batch with more is asked about in parts.
inline constexpr std::size_t request_content_bytes_max = std::size_t{512} << 10;

/// Messages on their way to a model. `messages` owns them, in order; places[i] is where messages[i] stands in the
/// committed batch.
struct ModelRequest {
  Tier tier = Tier::small;
  Batch messages;
  std::vector<std::uint32_t> places;
};

/// The request's part of `batch`: the messages at `places` (ascending, not empty).
[[nodiscard]] ModelRequest make_request(Tier tier, const Batch& batch, const std::vector<std::uint32_t>& places);
/// The same request about messages [begin, end) of it only.
[[nodiscard]] ModelRequest part_of(const ModelRequest& request, std::size_t begin, std::size_t end);

/// As JSON text for the store: everything but the tier, and of the position nothing. decode gives back an equal one.
[[nodiscard]] std::string encode_request(const ModelRequest& request);
/// `unsafe_to_go_on` if `json` is not what encode_request() makes.
[[nodiscard]] Result<ModelRequest> decode_request(Tier tier, std::string_view json);

/// 32 hex digits: XXH3-128 of the URL and the body that are sent. Two requests with the same hash get the same answer.
[[nodiscard]] std::string request_hash(std::string_view url, std::string_view body);

}  // namespace alluvium::pipeline
