// SPDX-License-Identifier: Apache-2.0
// What a model is asked about: some messages of one agent, kept in the store until they are answered.
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

/// Two memories of one user that are much alike: what is asked of a model is how they stand to each other.
struct TextPair {
  std::string earlier, later;  ///< By rank.
  bool operator==(const TextPair&) const = default;
};
/// Pairs in one request.
inline constexpr std::size_t pairs_max = 8;

/// Messages on their way to a model, or pairs of memories and then no messages. `messages` owns them, in order;
/// messages[i] stands at places[i] of the committed batch batches[i]: its number in the store, or 0 for the one batch
/// that the whole request is about.
struct ModelRequest {
  Tier tier = Tier::small;
  Batch messages;
  std::vector<std::uint32_t> places;
  std::vector<std::int64_t> batches;
  std::vector<TextPair> pairs = {};
  [[nodiscard]] bool adjudicates() const {
    return !pairs.empty();
  }
};

/// The request's part of `batch`: the messages at `places` (ascending, not empty).
[[nodiscard]] ModelRequest make_request(Tier tier, const Batch& batch, const std::vector<std::uint32_t>& places);
/// The same request about messages [begin, end) of it only.
[[nodiscard]] ModelRequest part_of(const ModelRequest& request, std::size_t begin, std::size_t end);
/// A request to `tier` about those of its messages (indexes, ascending).
[[nodiscard]] ModelRequest part_of(const ModelRequest& request, Tier tier, const std::vector<std::uint32_t>& indexes);
/// Adds what `more`, about later messages of the same agent, is about.
void append(ModelRequest& request, const ModelRequest& more);

/// As JSON text for the store: everything but the tier, and of the position nothing. decode gives back an equal one.
[[nodiscard]] std::string encode_request(const ModelRequest& request);
/// `unsafe_to_go_on` if `json` is not what encode_request() makes.
[[nodiscard]] Result<ModelRequest> decode_request(Tier tier, std::string_view json);

/// 32 hex digits: XXH3-128 of the URL and the body that are sent. Two requests with the same hash get the same answer.
[[nodiscard]] std::string request_hash(std::string_view url, std::string_view body);

}  // namespace alluvium::pipeline
