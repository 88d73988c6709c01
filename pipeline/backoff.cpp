// SPDX-License-Identifier: Apache-2.0
#include "pipeline/backoff.hpp"

#include <algorithm>
#include <cstdint>

#include <xxhash.h>

namespace alluvium::pipeline {

namespace {

using std::chrono::milliseconds;

// What a request is hashed with, so that its backlog does not repeat the jitter of its retries.
constexpr std::uint64_t retry_salt = 0;
constexpr std::uint64_t backlog_salt = std::uint64_t{1} << 32;

/// `first`, doubled `times` times, up to `most`.
std::int64_t doubled(std::int64_t first, std::size_t times, std::int64_t most) {
  for (; times > 0 && first > 0 && first < most; --times) {
    first = first > most / 2 ? most : first * 2;
  }
  return std::min(first, most);
}

milliseconds delay(milliseconds first, milliseconds most, std::size_t failures, bool jitter, std::uint64_t salt,
                   std::string_view request_hash) {
  const auto top = std::max<std::int64_t>(most.count(), 0);
  const auto floor = std::clamp<std::int64_t>(first.count(), 0, top);
  failures = std::max<std::size_t>(failures, 1);
  if (!jitter) {
    return milliseconds{doubled(floor, failures - 1, top)};
  }
  const auto span = static_cast<std::uint64_t>(doubled(floor, failures, top) - floor);
  const auto chance = XXH3_64bits_withSeed(request_hash.data(), request_hash.size(), salt + failures);
  return milliseconds{floor + static_cast<std::int64_t>(chance % (span + 1))};
}

}  // namespace

milliseconds retry_delay(const RetryOptions& options, std::size_t attempt, std::string_view request_hash) {
  return delay(options.delay, options.delay_max, attempt, options.jitter, retry_salt, request_hash);
}

milliseconds backlog_delay(const RetryOptions& options, std::size_t rounds, std::string_view request_hash) {
  return delay(options.backlog_delay, backlog_delay_max, rounds, options.jitter, backlog_salt, request_hash);
}

}  // namespace alluvium::pipeline
