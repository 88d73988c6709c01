// SPDX-License-Identifier: Apache-2.0
#include "pipeline/conclusion.hpp"

#include <algorithm>

#include "pipeline/token_estimate.hpp"

namespace alluvium::pipeline {
namespace {

/// An endpoint that asks for more is not waited for: its request goes to the backlog.
constexpr std::chrono::milliseconds longest_wait{60'000};

TokenUsage usage_of(const CallContext& call, const ModelReply& reply) {
  if (reply.usage) {
    return *reply.usage;
  }
  const TokenCalibration unknown;
  return {.prompt = unknown.prompt_tokens(call.prompt_bytes),
          .completion = unknown.prompt_tokens(static_cast<std::int64_t>(reply.text.size())),
          .cached = 0,
          .cache_write = 0};
}

CallEnd end_of(const CallContext& call, const ModelReply& reply) {
  CallEnd end;
  end.request = call.stored.id;
  end.hash = call.hash;
  end.endpoint = call.endpoint;
  end.model = call.model;
  end.started_ms = call.started_ms;
  end.ended_ms = call.ended_ms;
  end.from_cache = call.cached;
  end.agent_id = call.stored.agent_id;
  end.org_id = call.stored.org_id;
  end.tier = call.stored.request.tier;
  end.messages = static_cast<std::int64_t>(call.stored.request.places.size());
  end.reserved = call.cached ? Money{} : call.reserved.value_or(Money{});
  end.possibly_paid = reply.transport == ModelReply::Transport::lost;
  // A 200 has been paid for, whatever is in it.
  if (reply.transport == ModelReply::Transport::answered && reply.status == 200 && !call.cached) {
    end.usage = usage_of(call, reply);
    if (call.price != nullptr) {
      end.cost = cost_of(*call.price, end.usage, call.in_batch_job);
    }
    end.prompt_bytes = reply.usage ? call.prompt_bytes : 0;
  }
  return end;
}

/// Of an answer that was cut off: the first message behind the last that a memory rests on. 0: it was not cut off, or
/// there is none.
std::size_t behind_the_cut(const ModelReply& reply, const Answer& answer, const std::vector<bool>& extracted) {
  if (reply.finish != "length" || answer.faults[static_cast<std::size_t>(AnswerFault::truncated)] == 0) {
    return 0;
  }
  auto behind = extracted.size();
  while (behind > 0 && !extracted[behind - 1]) {
    --behind;
  }
  return behind < extracted.size() ? behind : 0;
}

void keep_answer(Conclusion& out, const CallContext& call, const ModelReply& reply) {
  if (!call.cached) {
    out.end.answer = PaidAnswer{.hash = std::string{call.hash},
                                .model = std::string{call.model},
                                .text = reply.text,
                                .finish = reply.finish,
                                .usage = out.end.usage,
                                .cost = out.end.cost};
  }
}

void settle_pairs(Conclusion& out, const CallContext& call, const ModelReply& reply, std::vector<Verdict> verdicts) {
  out.settlement.emplace();
  out.settlement->model = call.model;
  out.settlement->verdicts = std::move(verdicts);
  keep_answer(out, call, reply);
}

void settle(Conclusion& out, const CallContext& call, const ModelReply& reply, Answer answer) {
  const auto& request = call.stored.request;
  std::vector<bool> extracted(request.messages.size());
  for (const auto& memory : answer.memories) {
    for (const auto source : memory.sources) {
      extracted[source] = true;
    }
  }
  auto& settlement = out.settlement.emplace();
  settlement.model = call.model;
  if (const auto rest = behind_the_cut(reply, answer, extracted); rest > 0) {
    // What is whole is kept; the model did not get to the messages after it.
    settlement.follow_ups.push_back(part_of(request, rest, request.messages.size()));
    settlement.halves = true;
  } else if (request.tier == Tier::small) {
    std::vector<std::uint32_t> asked(request.messages.size());
    for (std::uint32_t i = 0; i < asked.size(); ++i) {
      asked[i] = i;
    }
    const auto left = left_for_premium(call.policies, asked, extracted, answer.unsure);
    if (!left.empty()) {
      settlement.follow_ups.push_back(part_of(request, Tier::premium, left));
    }
  }
  settlement.answer = std::move(answer);
  keep_answer(out, call, reply);
}

std::string error_text(const CallContext& call, const ModelReply& reply, bool understood) {
  if (reply.transport != ModelReply::Transport::answered && reply.timed_out) {
    return "Batch processing timeout after " + std::to_string(call.timeout_ms) + "ms";
  }
  if (reply.status == 200 && reply.readable && !understood) {
    return std::string{"the model's answer holds no list of "} +
           (call.stored.request.adjudicates() ? "verdicts" : "memories") + " (finish: " + reply.finish + ")";
  }
  return describe(reply);
}

}  // namespace

Conclusion conclude(const CallContext& call, const ModelReply& reply, ReplyClass what) {
  Conclusion out{.end = end_of(call, reply), .settlement = {}, .postponement = {}, .step = {}};
  const bool adjudicates = call.stored.request.adjudicates();
  Answer answer;
  VerdictAnswer verdicts;
  if (what == ReplyClass::answered && adjudicates) {
    verdicts = parse_verdicts(reply.text, call.stored.request.pairs.size());
  } else if (what == ReplyClass::answered) {
    answer = parse_answer(reply.text, call.stored.request, call.prompt_id);
  }
  const bool understood = answer.understood || verdicts.understood;
  out.step = next_step(call.stored,
                       {.what = what,
                        .understood = understood,
                        .cut_off = reply.finish == "length",
                        .readable = what != ReplyClass::ask_again || reply.readable,
                        .endpoint_has_answered = call.endpoint_has_answered},
                       call.retry, call.hash);
  if (out.step.kind == NextStep::Kind::settle) {
    adjudicates ? settle_pairs(out, call, reply, std::move(verdicts.verdicts))
                : settle(out, call, reply, std::move(answer));
    return out;
  }
  out.end.error = error_text(call, reply, understood);
  // In the store too, so that it holds through a crash.
  const auto floor = std::max(reply.retry_after.value_or(std::chrono::milliseconds{0}),
                              reply.limit_reset.value_or(std::chrono::milliseconds{0}));
  const auto due_ms = call.ended_ms + std::max(out.step.delay, floor).count();
  switch (out.step.kind) {
    case NextStep::Kind::divide:
      out.settlement.emplace();
      out.settlement->follow_ups = parts_of(call.stored.request, out.step.part_size);
      out.settlement->halves = true;
      out.settlement->follow_ups_due_ms = due_ms;
      break;
    case NextStep::Kind::dead:
      out.settlement.emplace();
      if (!adjudicates) {  // Pairs that nobody can judge stay as they are.
        out.settlement->dead = {0};
        out.settlement->dead_detail = out.end.error;
      }
      break;
    case NextStep::Kind::backlog:
    case NextStep::Kind::again:
    case NextStep::Kind::settle: {
      const bool to_backlog = out.step.kind == NextStep::Kind::backlog || floor > longest_wait;
      out.postponement.emplace();
      out.postponement->state = to_backlog ? RequestState::degraded : RequestState::queued;
      out.postponement->due_ms = due_ms;
      out.postponement->asked = out.step.asked;
      out.postponement->new_round = to_backlog;
      out.postponement->reason = out.end.error;
      break;
    }
  }
  return out;
}

ModelReply reply_of(const PaidAnswer& paid) {
  ModelReply reply;
  reply.status = 200;
  reply.readable = true;
  reply.text = paid.text;
  reply.finish = paid.finish;
  reply.usage = paid.usage;
  return reply;
}

}  // namespace alluvium::pipeline
