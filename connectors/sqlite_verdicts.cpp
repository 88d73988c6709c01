// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_verdicts.hpp"

#include <algorithm>

#include "pipeline/neighbourhood.hpp"

namespace alluvium::connectors {

using pipeline::Verdict;

VerdictRows::VerdictRows(Database& database)
    : any_{database.prepare("SELECT 1 FROM verdicts WHERE agent_id = ?1 LIMIT 1")},
      find_{database.prepare("SELECT verdict, model FROM verdicts WHERE agent_id = ?1 AND low = ?2 AND high = ?3")},
      same_{database.prepare("SELECT high, high_shape FROM verdicts WHERE agent_id = ?1 AND low = ?2"
                             " AND verdict = 'same' UNION ALL SELECT low, low_shape FROM verdicts WHERE agent_id = ?1"
                             " AND high = ?2 AND verdict = 'same' LIMIT ?3")},
      ask_{database.prepare("INSERT INTO verdicts(agent_id, low, high, low_shape, high_shape, low_id, high_id, request,"
                            " pair, asked_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")},
      waiting_{database.prepare("SELECT agent_id, low, high, low_shape, high_shape, low_id, high_id, pair FROM verdicts"
                                " WHERE request = ?1 AND verdict = 'asked' ORDER BY pair")},
      decide_{database.prepare("UPDATE verdicts SET verdict = ?4, model = ?5, decided_ms = ?6"
                               " WHERE agent_id = ?1 AND low = ?2 AND high = ?3")} {}

bool VerdictRows::any(const std::string& agent_id) {
  any_.with(agent_id);
  const bool found = any_.step();
  any_.reset();
  return found;
}

std::optional<VerdictRows::Said> VerdictRows::find(const std::string& agent_id, std::int64_t form, std::int64_t other) {
  std::optional<Said> said;
  find_.with(agent_id, std::min(form, other), std::max(form, other));
  if (find_.step()) {
    said = {.verdict = pipeline::verdict_named(find_.text(0)), .model = std::string{find_.text(1)}};
  }
  find_.reset();
  return said;
}

std::vector<Wording> VerdictRows::same_as(const std::string& agent_id, std::int64_t form) {
  std::vector<Wording> all;
  same_.with(agent_id, form, pipeline::variants_max);
  while (same_.step()) {
    all.push_back({.form = same_.integer(0), .shape = same_.integer(1), .memory_id = {}});
  }
  same_.reset();
  return all;
}

void VerdictRows::ask(const std::string& agent_id, std::span<const WordingPair> pairs, std::int64_t request,
                      std::int64_t now_ms) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [earlier, later] = pairs[i];
    const auto& low = earlier.form < later.form ? earlier : later;
    const auto& high = earlier.form < later.form ? later : earlier;
    ask_.with(agent_id, low.form, high.form, low.shape, high.shape, low.memory_id, high.memory_id, request, i, now_ms)
        .run();
  }
}

std::vector<VerdictRows::Decided> VerdictRows::decide(std::int64_t request, std::span<const Verdict> verdicts,
                                                      std::string_view model, std::int64_t now_ms) {
  std::vector<Decided> all;
  waiting_.with(request);
  while (waiting_.step()) {
    const auto pair = static_cast<std::size_t>(waiting_.integer(7));
    all.push_back({.agent_id = std::string{waiting_.text(0)},
                   .one = {waiting_.integer(1), waiting_.integer(3), std::string{waiting_.text(5)}},
                   .other = {waiting_.integer(2), waiting_.integer(4), std::string{waiting_.text(6)}},
                   .verdict = pair < verdicts.size() ? verdicts[pair] : Verdict::unsure});
  }
  waiting_.reset();
  for (const auto& [agent_id, one, other, verdict] : all) {
    decide_.with(agent_id, one.form, other.form, name(verdict), model, now_ms).run();
  }
  return all;
}

}  // namespace alluvium::connectors
