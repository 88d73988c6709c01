// SPDX-License-Identifier: Apache-2.0
#include "pipeline/batch_policy.hpp"

#include <algorithm>
#include <cassert>

namespace alluvium::pipeline {

Result<BatchPolicy> BatchPolicy::make(const Options& options) {
  using std::chrono::milliseconds;
  if (options.max_messages < 1 || options.max_messages > 10'000) {
    return fail(Errc::invalid_config, "buffer.max_messages: want 1 to 10000");
  }
  if (options.min_messages < 1 || options.min_messages > options.max_messages) {
    return fail(Errc::invalid_config, "buffer.min_messages: want 1 to buffer.max_messages");
  }
  if (options.idle_timeout <= milliseconds{0}) {
    return fail(Errc::invalid_config, "buffer.idle_timeout: want more than 0");
  }
  if (options.max_hold < options.idle_timeout || options.max_hold > std::chrono::hours{24 * 7}) {
    return fail(Errc::invalid_config, "buffer.max_hold: want buffer.idle_timeout to 7 days");
  }
  if (options.max_bytes < 1 || options.max_bytes > std::size_t{1} << 30) {
    return fail(Errc::invalid_config, "buffer.max_bytes: want 1B to 1GiB");
  }
  return BatchPolicy{options};
}

bool BatchPolicy::must_flush_before(const Pending& pending, std::size_t next_bytes) const {
  return pending.messages > 0 && pending.content_bytes + next_bytes > options_.max_bytes;
}

TimePoint BatchPolicy::deadline(const Pending& pending) const {
  assert(pending.messages > 0);
  const auto held = pending.first_at + options_.max_hold;
  return pending.messages >= options_.min_messages ? std::min(held, pending.last_at + options_.idle_timeout) : held;
}

std::chrono::milliseconds BatchPolicy::sweep_interval() const {
  using std::chrono::milliseconds;
  return std::clamp(options_.idle_timeout / 20, milliseconds{10}, milliseconds{1000});
}

}  // namespace alluvium::pipeline
