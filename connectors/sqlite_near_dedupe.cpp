// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_near_dedupe.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include <simdjson.h>
#include <xxhash.h>

#include "pipeline/dedupe.hpp"
#include "pipeline/json_text.hpp"

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

constexpr std::string_view link_type = "possible_update";

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

std::int64_t signed_number(std::uint64_t hash) {
  return static_cast<std::int64_t>(hash);
}

/// The connections of a memory without its links, and with these instead.
std::string connections_with(std::string_view json, const std::vector<std::string>& earlier) {
  std::string out = "[";
  const auto add = [&out](std::string_view item) {
    out += out.size() > 1 ? "," : "";
    out += item;
  };
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (json != "[]" && parser.parse(json.data(), json.size()).get_array().get(array) == simdjson::SUCCESS) {
    for (const auto element : array) {
      std::string_view type;
      if (element["type"].get_string().get(type) != simdjson::SUCCESS || type != link_type) {
        add(simdjson::minify(element));
      }
    }
  }
  for (const auto& id : earlier) {
    pipeline::JsonText link;
    add(link.object().field("type", link_type).field("memory_id", id).end().text());
  }
  return out + "]";
}

}  // namespace

NearDedupe::NearDedupe(Database& database)
    : database_{database},
      neighbours_{database},
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
      keys_{database.prepare("SELECT item FROM near_keys WHERE agent_id = ?1 AND shape = ?2 LIMIT ?3")},
      add_key_{database.prepare("INSERT OR IGNORE INTO near_keys(agent_id, shape, item) VALUES(?1, ?2, ?3)")},
      erase_key_{database.prepare("DELETE FROM near_keys WHERE agent_id = ?1 AND shape = ?2 AND item = ?3")},
      kept_{database.prepare("SELECT memory_id, user_id, content, extraction_method, first_offset, first_index, batch,"
                             " id, '' FROM memories WHERE id = ?1")},
      merged_{database.prepare("SELECT memory_id, user_id, content, extraction_method, first_offset, first_index,"
                               " batch, kept, why FROM duplicates WHERE id = ?1")},
      history_{database.prepare("SELECT memory_id, user_id, content, extraction_method, first_offset, first_index, id"
                                " FROM memories WHERE agent_id = ?1 ORDER BY id DESC LIMIT ?2")},
      at_{database.prepare("SELECT id FROM memories WHERE agent_id = ?1 AND dedupe_hash = ?2")},
      content_{database.prepare("SELECT memory_id, content FROM memories WHERE id = ?1")},
      connections_{database.prepare("SELECT connections FROM memories WHERE id = ?1")},
      connect_{database.prepare("UPDATE memories SET connections = ?2 WHERE id = ?1")},
      count_batch_{database.prepare("UPDATE batches SET memories = memories + ?2 WHERE id = ?1")} {}

MemoryCount NearDedupe::insert(const NewMemory& arrival) {
  const auto& agent_id = arrival.batch.agent_id();
  const auto user_id = arrival.batch[arrival.memory.sources.front()].user_id;
  const auto& first = arrival.origin.first;
  neighbours_.load(agent_id);
  if (neighbours_.all().empty()) {
    adopt(agent_id);
  }
  Member newcomer;
  newcomer.batch = arrival.origin.batch_row;
  newcomer.id = arrival.memory.id;
  newcomer.rank = pipeline::rank_of(arrival.memory.method, first.offset, first.index, arrival.memory.id);
  newcomer.sketch = pipeline::sketch_of(arrival.memory.content, user_id);
  auto all = members(agent_id, newcomer.sketch.shape);
  adopt_exact(arrival, newcomer.sketch, all);
  const auto twin = std::ranges::find_if(all, [&](const Member& one) { return twins(one.sketch, newcomer.sketch); });
  if (twin != all.end() && twin->rank <= newcomer.rank) {
    if (twin->id != newcomer.id) {  // Else it is there already, from before the ledger was reset.
      const auto why = twin->number > 0 ? std::string{name(Sameness::same_key)} : twin->why;
      insert_duplicate_.reset();
      arrival.bind(insert_duplicate_, twin->kept, why, signed_number(newcomer.sketch.form));
      static_cast<void>(insert_duplicate_.step());
      insert_duplicate_.reset();
    }
    neighbours_.write();
    return {};
  }
  const bool replaces = twin != all.end();
  const auto replaced = replaces ? static_cast<std::size_t>(twin - all.begin()) : 0;
  all.push_back(std::move(newcomer));
  std::vector<pipeline::Variant> variants;
  for (const auto& one : all) {
    variants.push_back({one.rank, &one.sketch});
  }
  apply(arrival, all, pipeline::settle(variants));
  if (replaces) {  // Its twin stands for it now.
    erase_key_.with(agent_id, signed_number(all[replaced].sketch.shape), all[replaced].number).run();
  }
  change_links();
  neighbours_.write();
  return counts(arrival.origin.batch_row);
}

/// What was stored without near dedupe is compared with from now on; among each other these memories stay as they are.
void NearDedupe::adopt(const std::string& agent_id) {
  std::vector<Neighbour> old;
  history_.with(agent_id, pipeline::neighbours_max);
  while (history_.step()) {
    const auto sketch = pipeline::sketch_of(history_.text(2), history_.text(1));
    const auto rank = pipeline::rank_of(pipeline::method_named(history_.text(3)), history_.integer(4),
                                        static_cast<std::uint32_t>(history_.integer(5)), history_.text(0));
    const auto row = history_.integer(6);
    add_key_.with(agent_id, signed_number(sketch.shape), row).run();
    old.push_back(neighbour_of(rank, sketch, history_.text(1), row));
  }
  history_.reset();
  std::ranges::for_each(old.rbegin(), old.rend(), [this](const Neighbour& one) { neighbours_.add(one); });
}

/// Near dedupe may have been off when an exact duplicate was stored.
void NearDedupe::adopt_exact(const NewMemory& arrival, const Sketch& sketch, std::vector<Member>& members) {
  const auto& agent_id = arrival.batch.agent_id();
  at_.with(agent_id, signed_number(pipeline::dedupe_hash(pipeline::dedupe_key(arrival.memory.content))));
  const auto row = at_.step() ? at_.integer(0) : 0;
  at_.reset();
  if (row == 0 || std::ranges::count(members, row, &Member::number) > 0) {
    return;
  }
  auto member = read_member(row);
  if (member.sketch.shape != sketch.shape || members.size() >= pipeline::variants_max) {
    return;
  }
  add_key_.with(agent_id, signed_number(sketch.shape), row).run();
  neighbours_.remove(row);
  neighbours_.add(neighbour_of(member.rank, member.sketch, arrival.batch[arrival.memory.sources.front()].user_id, row));
  members.push_back(std::move(member));
}

std::vector<NearDedupe::Member> NearDedupe::members(const std::string& agent_id, std::uint64_t shape) {
  std::vector<std::int64_t> numbers;
  keys_.with(agent_id, signed_number(shape), pipeline::variants_max);
  while (keys_.step()) {
    numbers.push_back(keys_.integer(0));
  }
  keys_.reset();
  std::vector<Member> all;
  for (const auto number : numbers) {
    all.push_back(read_member(number));
  }
  return all;
}

NearDedupe::Member NearDedupe::read_member(std::int64_t number) {
  auto& row = number > 0 ? kept_ : merged_;
  row.with(number > 0 ? number : -number);
  if (!row.step()) {
    throw SqliteFailure{Errc::unsafe_to_go_on, "near_keys names memory " + std::to_string(number) + ": it is missing"};
  }
  Member member{.number = number,
                .kept = row.integer(7),
                .batch = row.integer(6),
                .id = std::string{row.text(0)},
                .why = std::string{row.text(8)},
                .rank = pipeline::rank_of(pipeline::method_named(row.text(3)), row.integer(4),
                                          static_cast<std::uint32_t>(row.integer(5)), row.text(0)),
                .sketch = pipeline::sketch_of(row.text(2), row.text(1))};
  row.reset();
  return member;
}

void NearDedupe::apply(const NewMemory& arrival, std::vector<Member>& members, const std::vector<Fate>& fates) {
  const auto& agent_id = arrival.batch.agent_id();
  added_.clear();
  removed_.clear();
  moved_.clear();
  const auto before = members;
  // First what goes, so that its place in the table is free for what comes.
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto& member = members[i];
    if (member.number > 0 && fates[i].into) {
      demote_.with(member.number, signed_number(member.sketch.form));
      static_cast<void>(demote_.step());
      const auto row = demote_.integer(0);
      demote_.reset();
      erase_memory_.with(member.number).run();
      for (const auto& neighbour : neighbours_.all()) {
        if (neighbour.item == member.number) {
          removed_.push_back(neighbour);
        }
      }
      neighbours_.remove(member.number);
      --moved_[member.batch];
      member.number = -row;
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
      arrival.bind(insert_duplicate_, member.kept, member.why, signed_number(member.sketch.form));
      member.number = insert_duplicate_.step() ? -insert_duplicate_.integer(0) : 0;
      insert_duplicate_.reset();
    }
  }
  retarget(before, members);
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (before[i].number != members[i].number) {
      erase_key_.with(agent_id, signed_number(members[i].sketch.shape), before[i].number).run();
    }
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (before[i].number != members[i].number && members[i].number != 0) {
      add_key_.with(agent_id, signed_number(members[i].sketch.shape), members[i].number).run();
    }
  }
}

/// A row in `memories` for the arrival or for one that was merged.
std::int64_t NearDedupe::keep(const NewMemory& arrival, const Member& member) {
  std::string content = arrival.memory.content;
  std::string user_id{arrival.batch[arrival.memory.sources.front()].user_id};
  auto& statement = member.number == 0 ? insert_ : promote_;
  if (member.number != 0) {
    merged_.with(-member.number);
    static_cast<void>(merged_.step());
    user_id = merged_.text(1);
    content = merged_.text(2);
    merged_.reset();
  }
  // The place that exact dedupe would give it, so that it is found should near dedupe be off one day. What is not the
  // same may have that key all the same ("$20", "20"): then one of its own.
  auto place = pipeline::dedupe_hash(pipeline::dedupe_key(content));
  for (int i = 0; i < MemoryTable::probes_max; ++i, place = i == 1 ? member.sketch.form : place + 1) {
    if (member.number == 0) {
      arrival.bind(statement, signed_number(place));
    } else {
      statement.with(-member.number, signed_number(place));
    }
    const auto row = statement.step() ? std::optional{statement.integer(0)} : std::nullopt;
    statement.reset();
    if (row) {
      const auto neighbour = neighbour_of(member.rank, member.sketch, user_id, *row);
      neighbours_.add(neighbour);
      added_.push_back(neighbour);
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
      retarget_.with(was.kept, signed_number(is.sketch.form), is.kept, why).run();
    }
  }
}

void NearDedupe::change_links() {
  std::map<std::int64_t, Neighbour> changed;
  for (const auto& one : added_) {
    changed.emplace(one.item, one);
  }
  const auto all = neighbours_.all();
  for (const auto* list : {&added_, &removed_}) {
    for (const auto& one : *list) {
      for (const auto i : pipeline::touched(all, one)) {
        changed.emplace(all[i].item, all[i]);
      }
    }
  }
  for (const auto& [item, neighbour] : changed) {
    link(neighbour);
  }
}

void NearDedupe::link(const Neighbour& neighbour) {
  const auto all = neighbours_.all();
  std::vector<std::string> earlier;
  std::optional<pipeline::CanonicalText> own;
  for (const auto i : pipeline::nearest(all, neighbour)) {
    if (!own) {
      content_.with(neighbour.item);
      own = pipeline::canonical_text(content_.step() ? content_.text(1) : std::string_view{});
    }
    content_.with(all[i].item);
    if (content_.step() && alike(*own, pipeline::canonical_text(content_.text(1)))) {
      earlier.emplace_back(content_.text(0));
    }
    if (earlier.size() == pipeline::links_max) {
      break;
    }
  }
  content_.reset();
  connections_.with(neighbour.item);
  const std::string before{connections_.step() ? connections_.text(0) : "[]"};
  connections_.reset();
  if (earlier.empty() && before.find(link_type) == std::string::npos) {
    return;
  }
  if (const auto after = connections_with(before, earlier); after != before) {
    connect_.with(neighbour.item, after).run();
  }
}

MemoryCount NearDedupe::counts(std::int64_t own_batch) {
  MemoryCount count{.of_batch = moved_[own_batch]};
  for (const auto& [batch, more] : moved_) {
    count.of_all += more;
    if (batch != own_batch && more != 0) {
      count_batch_.with(batch, more).run();
    }
  }
  return count;
}

}  // namespace alluvium::connectors
