// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_memories.hpp"

#include <algorithm>
#include <tuple>

#include "connectors/sqlite_near_dedupe.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {

MemoryTable::MemoryTable(Database& database, BatchRows& batches, const DedupeOptions& dedupe, Hash hash)
    : database_{database},
      batches_{batches},
      hash_{hash},
      insert_{database.prepare(
          "INSERT INTO memories(memory_id, agent_id, batch, session_id, user_id, content, type, importance, keywords,"
          " extraction_method, rule_id, source_message_ids, created_ms, prompt_id, model, connections, first_offset,"
          " first_index, request, dedupe_hash)"
          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
          " ON CONFLICT(agent_id, dedupe_hash) DO NOTHING")},
      present_{database.prepare("SELECT id, batch, content, extraction_method, first_offset, first_index FROM memories"
                                " WHERE agent_id = ?1 AND dedupe_hash = ?2")},
      replace_{database.prepare(
          "UPDATE memories SET (memory_id, agent_id, batch, session_id, user_id, content, type, importance, keywords,"
          " extraction_method, rule_id, source_message_ids, created_ms, prompt_id, model, connections, first_offset,"
          " first_index, request) = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
          " ?19) WHERE id = ?20")},
      near_{dedupe.near ? std::make_unique<NearDedupe>(database, batches, dedupe.adjudication) : nullptr} {}

MemoryTable::~MemoryTable() = default;

MemoryCount MemoryTable::insert(const pipeline::Memory& memory, const pipeline::Batch& batch,
                                const MemoryOrigin& origin) {
  const auto append_list = [](std::string& json, const auto& items, const auto& text_of) {
    json = "[";
    for (const auto& item : items) {
      if (json.size() > 1) {
        json += ',';
      }
      pipeline::append_json(json, text_of(item));
    }
    json += ']';
  };
  append_list(keywords_, memory.keywords, [](const std::string& word) { return std::string_view{word}; });
  append_list(sources_, memory.sources, [&](std::uint32_t source) { return batch.id(source); });
  if (near_) {
    return near_->insert({memory, batch, origin, keywords_, sources_});
  }
  return insert_exact(memory, batch, origin);
}

MemoryCount MemoryTable::decide(const std::string& agent_id, std::span<const VerdictRows::Decided> decided) {
  const auto says_something = [](const VerdictRows::Decided& one) { return one.verdict != pipeline::Verdict::unsure; };
  return near_ && std::ranges::any_of(decided, says_something) ? near_->decide(agent_id, decided) : MemoryCount{};
}

MemoryCount MemoryTable::insert_exact(const pipeline::Memory& memory, const pipeline::Batch& batch,
                                      const MemoryOrigin& origin) {
  const auto key = pipeline::dedupe_key(memory.content);
  auto hash = hash_(key);
  const NewMemory arrival{memory, batch, origin, keywords_, sources_};
  for (int i = 0; i < probes_max; ++i, ++hash) {
    const auto place = static_cast<std::int64_t>(hash);
    arrival.bind(insert_, place).run();
    if (database_.changes() == 1) {
      return {.of_batch = 1, .of_all = 1};
    }
    const auto there = present(batch.agent_id(), place, key, memory, origin.first);
    if (there.same && !there.goes_after) {
      return {};
    }
    if (there.same) {
      // In its row, which others may know by its number.
      arrival.bind(replace_, there.row).run();
      batches_.count_memories(there.batch, -1);
      return {.of_batch = 1, .of_all = 0};
    }
  }
  throw SqliteFailure{pipeline::Errc::unsafe_to_go_on, "memories of one agent: too many keys share one hash"};
}

MemoryTable::Present MemoryTable::present(const std::string& agent_id, std::int64_t hash, std::string_view key,
                                          const pipeline::Memory& memory, const pipeline::Position& first) {
  Present there;
  present_.with(agent_id, hash);
  if (present_.step()) {
    there.row = present_.integer(0);
    there.batch = present_.integer(1);
    there.same = pipeline::dedupe_key(present_.text(2)) == key;
    there.goes_after = std::tuple{memory.method, first.offset, std::int64_t{first.index}} <
                       std::tuple{pipeline::method_named(present_.text(3)), present_.integer(4), present_.integer(5)};
  }
  present_.reset();
  return there;
}

}  // namespace alluvium::connectors
