// SPDX-License-Identifier: Apache-2.0
#include "pipeline/next_step.hpp"

#include <algorithm>

namespace alluvium::pipeline {
namespace {

constexpr std::chrono::milliseconds ask_again_delay{500};

NextStep bisect(const StoredRequest& stored, const CallOutcome& outcome, const RetryOptions& retry,
                std::string_view hash) {
  NextStep next;
  const bool about_the_message = outcome.readable || stored.asks + 1 >= asks_alone_max + unreadable_rounds_max;
  const auto size = stored.request.messages.size();
  if (size > 1) {
    next.kind = NextStep::Kind::divide;
    next.part_size = (size + 1) / 2;
  } else if (outcome.endpoint_has_answered && about_the_message) {
    next.kind = NextStep::Kind::dead;
  } else if (stored.asks + 1 < asks_alone_max) {
    next.kind = NextStep::Kind::again;
    next.asked = true;
    next.delay = ask_again_delay;
  } else {
    next.kind = NextStep::Kind::backlog;
    next.asked = true;
    next.delay = backlog_delay(retry, stored.rounds + 1, hash);
  }
  return next;
}

}  // namespace

NextStep next_step(const StoredRequest& stored, const CallOutcome& outcome, const RetryOptions& retry,
                   std::string_view hash) {
  NextStep next;
  const auto no_answer = [&](bool longer) {
    if (stored.asks > 0) {
      return bisect(stored, outcome, retry, hash);
    }
    next.kind = NextStep::Kind::again;
    next.asked = true;
    next.longer = longer;
    next.delay = ask_again_delay;
    return next;
  };
  switch (outcome.what) {
    case ReplyClass::answered:
      return outcome.understood ? next : no_answer(outcome.cut_off);
    case ReplyClass::ask_again:
      return no_answer(false);
    case ReplyClass::cut_off:
      return no_answer(true);
    case ReplyClass::bisect:
      return bisect(stored, outcome, retry, hash);
    case ReplyClass::blocked:
      break;
    case ReplyClass::retry:
      if (stored.attempts <= retry.max) {
        const auto size = retry.fallback_batch_size;
        const bool smaller = size > 0 && stored.request.messages.size() > size;
        next.kind = smaller ? NextStep::Kind::divide : NextStep::Kind::again;
        next.part_size = smaller ? size : 0;
        next.delay = retry_delay(retry, std::max<std::size_t>(1, stored.attempts), hash);
        return next;
      }
      break;
  }
  next.kind = NextStep::Kind::backlog;
  next.delay = backlog_delay(retry, stored.rounds + 1, hash);
  return next;
}

std::vector<ModelRequest> parts_of(const ModelRequest& request, std::size_t size) {
  std::vector<ModelRequest> parts;
  for (std::size_t begin = 0; begin < request.messages.size(); begin += size) {
    parts.push_back(part_of(request, begin, std::min(begin + size, request.messages.size())));
  }
  return parts;
}

}  // namespace alluvium::pipeline
