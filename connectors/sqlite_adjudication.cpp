// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_adjudication.hpp"

namespace alluvium::connectors {
namespace {

/// Counting reads an index: once in this time is enough.
constexpr std::int64_t backlog_read_every_ms = 1000;

}  // namespace

Adjudication::Adjudication(Database& database, const AdjudicationOptions& options)
    : options_{options},
      rows_{database},
      verdicts_{database},
      waiting_{database.prepare("SELECT count(*), coalesce(sum(bytes), 0) FROM requests")} {}

bool Adjudication::ask(const PairQuestion& question, std::int64_t now_ms) {
  if (!has_room(now_ms)) {
    return false;
  }
  const pipeline::ModelRequest request{.tier = pipeline::Tier::small,
                                       .messages = pipeline::Batch{question.origin.agent_id},
                                       .places = {},
                                       .batches = {},
                                       .pairs = question.texts};
  const auto id = rows_.insert(question.origin, options_.mode, request, now_ms);
  verdicts_.ask(question.origin.agent_id, question.wordings, id, now_ms);
  ++backlog_.requests;
  for (const auto& [earlier, later] : question.texts) {
    backlog_.bytes += static_cast<std::int64_t>(earlier.size() + later.size());
  }
  return true;
}

bool Adjudication::has_room(std::int64_t now_ms) {
  if (backlog_read_ms_ < 0 || now_ms - backlog_read_ms_ >= backlog_read_every_ms || now_ms < backlog_read_ms_) {
    waiting_.with();
    if (waiting_.step()) {
      backlog_ = {.requests = waiting_.integer(0), .bytes = waiting_.integer(1)};
    }
    waiting_.reset();
    backlog_read_ms_ = now_ms;
  }
  return backlog_.requests < options_.requests_max && backlog_.bytes < options_.bytes_max;
}

}  // namespace alluvium::connectors
