// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_near_dedupe.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <xxhash.h>

#include "pipeline/dedupe.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Fate;
using pipeline::Neighbour;
using pipeline::Sameness;
using pipeline::Sketch;

// In the order of NewMemory::bind().
#define ALLUVIUM_MEMORY_COLUMNS                                                                               \
  "memory_id, agent_id, batch, session_id, user_id, content, type, importance, keywords,"                     \
  " extraction_method, rule_id, source_message_ids, created_ms, prompt_id, model, connections, first_offset," \
  " first_index, request"
#define ALLUVIUM_MEMORY_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19"

/// Texts that are too long to be compared by words are nobody's neighbours.
Neighbour neighbour_of(const pipeline::Rank& rank, const Sketch& sketch, std::string_view user_id, std::int64_t item) {
  return {.rank = rank,
          .simhash = sketch.simhash,
          .speaker = sketch.text.whole ? sketch.form : XXH3_64bits(user_id.data(), user_id.size()),
          .item = item};
}

bool twins(const Sketch& a, const Sketch& b) {
  return a.form == b.form && a.text.words == b.text.words && a.text.question == b.text.question;
}

}  // namespace

NearDedupe::NearDedupe(Database& database, BatchRows& batches, const AdjudicationOptions& adjudication)
    : database_{database},
      batches_{batches},
      neighbours_{database},
      adjudication_{database, adjudication},
      members_{database, adjudication_.verdicts()},
      links_{database, neighbours_, adjudication_},
      insert_{database.prepare("INSERT INTO memories(" ALLUVIUM_MEMORY_COLUMNS
                               ", dedupe_hash) VALUES(" ALLUVIUM_MEMORY_VALUES
                               ", ?20) ON CONFLICT(agent_id, dedupe_hash) DO NOTHING RETURNING id")},
      insert_duplicate_{database.prepare("INSERT INTO duplicates(" ALLUVIUM_MEMORY_COLUMNS
                                         ", kept, why, form) VALUES(" ALLUVIUM_MEMORY_VALUES
                                         ", ?20, ?21, ?22) ON CONFLICT(agent_id, memory_id) DO NOTHING RETURNING id")},
      demote_{database.prepare("INSERT INTO duplicates(" ALLUVIUM_MEMORY_COLUMNS
                               ", kept, why, form) SELECT " ALLUVIUM_MEMORY_COLUMNS
                               ", id, '', ?2 FROM memories WHERE id = ?1 RETURNING id")},
      promote_{database.prepare("INSERT INTO memories(" ALLUVIUM_MEMORY_COLUMNS
                                ", dedupe_hash) SELECT " ALLUVIUM_MEMORY_COLUMNS ", ?2 FROM duplicates WHERE id = ?1"
                                " ON CONFLICT(agent_id, dedupe_hash) DO NOTHING RETURNING id")},
      erase_memory_{database.prepare("DELETE FROM memories WHERE id = ?1")},
      erase_duplicate_{database.prepare("DELETE FROM duplicates WHERE id = ?1")},
      retarget_{database.prepare("UPDATE duplicates SET kept = ?3, why = ?4 WHERE kept = ?1 AND form = ?2")},
      merged_text_{database.prepare("SELECT user_id, content FROM duplicates WHERE id = ?1")},
      history_{database.prepare("SELECT memory_id, user_id, content, extraction_method, first_offset, first_index, id"
                                " FROM memories WHERE agent_id = ?1 ORDER BY id DESC LIMIT ?2")},
      at_{database.prepare("SELECT id FROM memories WHERE agent_id = ?1 AND dedupe_hash = ?2")},
      followers_{database.prepare("SELECT id, form FROM duplicates WHERE kept = ?1")},
      follow_{database.prepare("UPDATE duplicates SET kept = ?2 WHERE id = ?1")} {}

MemoryCount NearDedupe::insert(const NewMemory& arrival) {
  const auto first_message = arrival.batch[arrival.memory.sources.front()];
  const auto& first = arrival.origin.first;
  load(arrival.batch.agent_id());
  Member newcomer;
  newcomer.batch = arrival.origin.batch_row;
  newcomer.id = arrival.memory.id;
  newcomer.rank = pipeline::rank_of(arrival.memory.method, first.offset, first.index, arrival.memory.id);
  newcomer.sketch = pipeline::sketch_of(arrival.memory.content, first_message.user_id);
  adopt_exact(arrival, newcomer.sketch);
  auto circle = members_.circle(agent_id_, {newcomer.shape()}, judged_, &newcomer.sketch);
  auto& all = circle.members;
  const auto twin = std::ranges::find_if(all, [&](const Member& one) { return twins(one.sketch, newcomer.sketch); });
  if (twin != all.end() && twin->rank <= newcomer.rank) {
    if (twin->id != newcomer.id) {  // Else it is there already, from before the ledger was reset.
      const auto why = twin->number > 0 ? std::string{name(Sameness::same_key)} : twin->why;
      insert_duplicate_.reset();
      arrival.bind(insert_duplicate_, twin->kept, why, newcomer.form());
      static_cast<void>(insert_duplicate_.step());
      insert_duplicate_.reset();
    }
    neighbours_.write();
    return {};
  }
  const auto replaced = twin != all.end() ? static_cast<std::size_t>(twin - all.begin()) : NearCircle::nobody;
  all.push_back(std::move(newcomer));
  apply(&arrival, all, circle.fates(replaced));
  if (replaced != NearCircle::nobody) {  // Its twin stands for it now.
    members_.remove(agent_id_, all[replaced].shape(), all[replaced].number);
  }
  PairQuestion question{.origin = {.batch = arrival.origin.batch_row,
                                   .agent_id = agent_id_,
                                   .org_id = std::string{first_message.org_id},
                                   .halvings = 0,
                                   .due_ms = 0},
                        .wordings = {},
                        .texts = {}};
  links_.update(agent_id_, change_, &question);
  neighbours_.write();
  auto count = counts(arrival.origin.batch_row);
  if (!question.texts.empty()) {
    const bool asked = adjudication_.ask(question, arrival.origin.now_ms);
    count.requests = asked ? 1 : 0;
    count.unasked = asked ? 0 : 1;
  }
  return count;
}

MemoryCount NearDedupe::decide(const std::string& agent_id, std::span<const VerdictRows::Decided> decided) {
  load(agent_id);
  using pipeline::Verdict;
  for (const auto& [of_agent, one, other, verdict] : decided) {
    if (of_agent == agent_id && verdict == Verdict::same) {
      auto circle = members_.circle(agent_id, {one.shape, other.shape}, judged_, nullptr);
      apply(nullptr, circle.members, circle.fates());
    }
  }
  for (const auto& [of_agent, one, other, verdict] : decided) {
    if (of_agent != agent_id || verdict == Verdict::same || verdict == Verdict::unsure) {
      continue;
    }
    for (const auto& member : members_.circle(agent_id, {one.shape, other.shape}, false, nullptr).members) {
      if (member.number > 0 && (member.form() == one.form || member.form() == other.form)) {
        change_.judged.push_back(member.number);
      }
    }
  }
  links_.update(agent_id_, change_, nullptr);
  neighbours_.write();
  return counts(0);
}

/// Begins anew with this agent.
void NearDedupe::load(const std::string& agent_id) {
  agent_id_ = agent_id;
  judged_ = adjudication_.verdicts().any(agent_id);
  change_ = {.added = {}, .removed = {}, .judged = {}, .any_verdicts = judged_};
  strays_.clear();
  moved_.clear();
  neighbours_.load(agent_id);
  if (neighbours_.all().empty()) {
    adopt();
  }
}

/// What was stored without near dedupe is compared with from now on; among each other these memories stay as they are.
void NearDedupe::adopt() {
  std::vector<Neighbour> old;
  history_.with(agent_id_, pipeline::neighbours_max);
  while (history_.step()) {
    const auto sketch = pipeline::sketch_of(history_.text(2), history_.text(1));
    const auto rank = pipeline::rank_of(pipeline::method_named(history_.text(3)), history_.integer(4),
                                        static_cast<std::uint32_t>(history_.integer(5)), history_.text(0));
    const auto row = history_.integer(6);
    members_.add(agent_id_, signed_number(sketch.shape), row);
    old.push_back(neighbour_of(rank, sketch, history_.text(1), row));
  }
  history_.reset();
  std::ranges::for_each(old.rbegin(), old.rend(), [this](const Neighbour& one) { neighbours_.add(one); });
}

/// Near dedupe may have been off when an exact duplicate was stored.
void NearDedupe::adopt_exact(const NewMemory& arrival, const Sketch& sketch) {
  at_.with(agent_id_, signed_number(pipeline::dedupe_hash(pipeline::dedupe_key(arrival.memory.content))));
  const auto row = at_.step() ? at_.integer(0) : 0;
  at_.reset();
  if (row == 0 || members_.has(agent_id_, signed_number(sketch.shape), row)) {
    return;
  }
  const auto member = members_.read(row).value();
  if (member.sketch.shape != sketch.shape) {
    return;
  }
  members_.add(agent_id_, signed_number(sketch.shape), row);
  neighbours_.remove(row);
  neighbours_.add(neighbour_of(member.rank, member.sketch, arrival.batch[arrival.memory.sources.front()].user_id, row));
}

void NearDedupe::apply(const NewMemory* arrival, std::vector<Member>& members, const std::vector<Fate>& fates) {
  const auto before = members;
  strays_.clear();
  // First what goes, so that its place in the table is free for what comes.
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].number > 0 && fates[i].into) {
      demote(members[i], i, before);
    }
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto& member = members[i];
    if (fates[i].into || member.number > 0) {
      continue;
    }
    const auto old = member.number;
    member.number = member.kept = keep(arrival, member);
    if (old != 0) {
      erase_duplicate_.with(-old).run();
    }
    ++moved_[member.batch];
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto& member = members[i];
    member.kept = fates[i].into ? members[*fates[i].into].number : member.number;
    member.why = fates[i].into ? name(fates[i].why) : "";
    if (member.number == 0) {
      arrival->bind(insert_duplicate_, member.kept, member.why, member.form());
      member.number = insert_duplicate_.step() ? -insert_duplicate_.integer(0) : 0;
      insert_duplicate_.reset();
    }
  }
  retarget(before, members);
  rename_keys(before, members);
}

/// From `memories` to `duplicates`. Where it goes is not known yet.
void NearDedupe::demote(Member& member, std::size_t index, const std::vector<Member>& members) {
  followers_.with(member.number);
  while (followers_.step()) {
    const auto form = followers_.integer(1);
    const auto leads = [&](const Member& one) { return one.form() == form && one.kept == member.number; };
    if (std::ranges::none_of(members, leads)) {  // Nobody in the circle will take it along.
      strays_.push_back({.row = followers_.integer(0), .behind = index});
    }
  }
  followers_.reset();
  demote_.with(member.number, member.form());
  static_cast<void>(demote_.step());
  const auto row = demote_.integer(0);
  demote_.reset();
  erase_memory_.with(member.number).run();
  for (const auto& neighbour : neighbours_.all()) {
    if (neighbour.item == member.number) {
      change_.removed.push_back(neighbour);
    }
  }
  neighbours_.remove(member.number);
  std::erase_if(change_.added, [&](const Neighbour& one) { return one.item == member.number; });
  --moved_[member.batch];
  member.number = -row;
}

void NearDedupe::rename_keys(const std::vector<Member>& before, const std::vector<Member>& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (before[i].number != after[i].number) {
      members_.remove(agent_id_, after[i].shape(), before[i].number);
    }
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (before[i].number != after[i].number && after[i].number != 0) {
      members_.add(agent_id_, after[i].shape(), after[i].number);
    }
  }
}

/// A row in `memories` for the arrival or for one that was merged.
std::int64_t NearDedupe::keep(const NewMemory* arrival, const Member& member) {
  std::string content;
  std::string user_id;
  auto& statement = member.number == 0 ? insert_ : promote_;
  if (member.number == 0) {
    content = arrival->memory.content;
    user_id = arrival->batch[arrival->memory.sources.front()].user_id;
  } else {
    merged_text_.with(-member.number);
    static_cast<void>(merged_text_.step());
    user_id = merged_text_.text(0);
    content = merged_text_.text(1);
    merged_text_.reset();
  }
  // The place that exact dedupe would give it, so that it is found should near dedupe be off one day. What is not the
  // same may have that key all the same ("$20", "20"): then one of its own.
  auto place = pipeline::dedupe_hash(pipeline::dedupe_key(content));
  for (int i = 0; i < MemoryTable::probes_max; ++i, place = i == 1 ? member.sketch.form : place + 1) {
    if (member.number == 0) {
      arrival->bind(statement, signed_number(place));
    } else {
      statement.with(-member.number, signed_number(place));
    }
    const auto row = statement.step() ? std::optional{statement.integer(0)} : std::nullopt;
    statement.reset();
    if (row) {
      const auto neighbour = neighbour_of(member.rank, member.sketch, user_id, *row);
      neighbours_.add(neighbour);
      change_.added.push_back(neighbour);
      return *row;
    }
  }
  throw SqliteFailure{Errc::unsafe_to_go_on, "memories of one agent: too many keys share one hash"};
}

/// Sends what is written like a member, and was merged with it, where the member went.
void NearDedupe::retarget(const std::vector<Member>& before, const std::vector<Member>& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto& was = before[i];
    const auto& is = after[i];
    const bool demoted = was.number > 0 && is.number < 0;
    if (was.kept != 0 && (demoted || was.kept != is.kept || was.why != is.why)) {
      const auto why = is.number > 0 ? name(Sameness::same_key) : std::string_view{is.why};
      retarget_.with(was.kept, is.form(), is.kept, why).run();
    }
  }
  for (const auto& [row, behind] : strays_) {
    follow_.with(row, after[behind].kept).run();
  }
}

MemoryCount NearDedupe::counts(std::int64_t own_batch) {
  MemoryCount count{.of_batch = moved_[own_batch]};
  for (const auto& [batch, more] : moved_) {
    count.of_all += more;
    if (batch != own_batch && more != 0) {
      batches_.count_memories(batch, more);
    }
  }
  return count;
}

}  // namespace alluvium::connectors
