// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_settlement.hpp"

#include <algorithm>

#include "connectors/sqlite_message_ids.hpp"
#include "pipeline/dead_letter.hpp"
#include "pipeline/position_codec.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Outcome;

}  // namespace

SettlementRows::SettlementRows(Database& database)
    : memories_{database},
      rows_{database},
      batch_{database.prepare("SELECT partition_id, positions, outcomes FROM batches WHERE id = ?1")},
      update_batch_{database.prepare("UPDATE batches SET outcomes = ?2, outcome = ?3, memories = memories + ?4,"
                                     " ended_ms = ?5 WHERE id = ?1")},
      others_{database.prepare("SELECT id, agent_id, org_id, tier, mode, state, attempts, rounds, asks, halvings,"
                               " due_ms, request FROM requests WHERE batch = ?1 AND id <> ?2")},
      dead_{database.prepare(
          "INSERT INTO dead_letters(partition_id, offset, bundle_index, bundle_count, message_id, reason, detail,"
          " payload_bytes, timestamp_ms, created_ms, key, payload, batch)"
          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")},
      partition_{database.prepare(
          "UPDATE partitions SET extracted = extracted + ?2, empty = empty + ?3, skipped = skipped + ?4,"
          " noise = noise + ?5, dead = dead + ?6, pending = pending + ?7, updated_ms = ?8 WHERE id = ?1")} {}

pipeline::Settled SettlementRows::write(const pipeline::StoredRequest& stored, std::int64_t batch_row,
                                        const pipeline::Settlement& settlement, pipeline::CallMode mode_of_premium,
                                        std::int64_t now_ms) {
  pipeline::Settled settled;
  const auto batch = read_batch(batch_row);
  const auto& places = stored.request.places;
  if (places.empty() || places.back() >= batch.outcomes.size()) {
    throw SqliteFailure{Errc::unsafe_to_go_on,
                        "request " + std::to_string(stored.id) + ": is about messages that its batch does not have"};
  }
  auto waits = asked_elsewhere(stored, batch_row, batch.outcomes.size());
  for (const auto& next : settlement.follow_ups) {
    const RequestOrigin origin{.batch = batch_row,
                               .agent_id = stored.agent_id,
                               .org_id = stored.org_id,
                               .halvings = settlement.halves ? stored.halvings + 1 : 0,
                               .due_ms = settlement.follow_ups_due_ms};
    rows_.insert(origin, next.tier == stored.request.tier ? stored.mode : mode_of_premium, next, now_ms);
    for (const auto place : next.places) {
      waits.at(place) = true;
    }
  }
  auto after = batch.outcomes;
  const auto end_as = [&](std::uint32_t place, Outcome outcome) { after[place] = outcome_letter(outcome); };
  for (const auto place : places) {
    if (after[place] == outcome_letter(Outcome::pending) && !waits[place]) {
      end_as(place, Outcome::empty);
    }
  }
  const auto& answer = settlement.answer;
  for (std::size_t i = 0; i < answer.memories.size(); ++i) {
    const auto& memory = answer.memories[i];
    const bool stored_now =
        memories_.insert(memory, stored.request.messages, batch_row, now_ms, settlement.model, answer.connections[i]);
    (stored_now ? settled.memories : settled.duplicates) += 1;
    for (const auto source : memory.sources) {
      end_as(places.at(source), Outcome::extracted);
    }
  }
  for (const auto index : settlement.dead) {
    // What a rule or another tier found in it stays; then it did not die.
    const auto place = places.at(index);
    if (after[place] != outcome_letter(Outcome::extracted) && !waits[place]) {
      end_as(place, Outcome::dead);
    }
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i] != batch.outcomes[i]) {
      --settled.moved[*outcome_of_letter(batch.outcomes[i])];
      ++settled.moved[*outcome_of_letter(after[i])];
    }
  }
  const auto& moved = settled.moved;
  update_batch_.with(batch_row, after, outcome_word(after), settled.memories, now_ms).run();
  partition_
      .with(batch.partition_id, moved[Outcome::extracted], moved[Outcome::empty], moved[Outcome::skipped],
            moved[Outcome::noise], moved[Outcome::dead], moved[Outcome::pending], now_ms)
      .run();
  const BatchRow died{.partition_id = batch.partition_id, .positions = batch.positions, .outcomes = std::move(after)};
  write_dead_letters(stored, batch_row, died, settlement, now_ms);
  return settled;
}

SettlementRows::BatchRow SettlementRows::read_batch(std::int64_t row) {
  batch_.with(row);
  if (!batch_.step()) {
    throw SqliteFailure{Errc::unsafe_to_go_on, "a request is of batch row " + std::to_string(row) + ": it is missing"};
  }
  BatchRow batch{.partition_id = batch_.integer(0),
                 .positions = std::string{batch_.blob(1)},
                 .outcomes = std::string{batch_.text(2)}};
  batch_.reset();
  return batch;
}

std::vector<bool> SettlementRows::asked_elsewhere(const pipeline::StoredRequest& stored, std::int64_t batch_row,
                                                  std::size_t size) {
  std::vector<bool> asked(size);
  others_.with(batch_row, stored.id);
  while (others_.step()) {
    for (const auto place : read_request(others_).request.places) {
      if (place < size) {
        asked[place] = true;
      }
    }
  }
  others_.reset();
  return asked;
}

void SettlementRows::write_dead_letters(const pipeline::StoredRequest& stored, std::int64_t batch_row,
                                        const BatchRow& batch, const pipeline::Settlement& settlement,
                                        std::int64_t now_ms) {
  if (settlement.dead.empty()) {
    return;
  }
  const auto positions = pipeline::decode_positions(batch.positions);
  if (!positions || positions->size() != batch.outcomes.size()) {
    throw SqliteFailure{Errc::unsafe_to_go_on, "batch row " + std::to_string(batch_row) + ": can't be read"};
  }
  for (const auto index : settlement.dead) {
    const auto place = stored.request.places.at(index);
    if (batch.outcomes[place] != outcome_letter(Outcome::dead)) {
      continue;
    }
    const auto message = stored.request.messages[index];
    const auto& position = (*positions)[place];
    dead_
        .with(batch.partition_id, position.offset, position.index, position.count, message.id,
              pipeline::name(pipeline::DeadReason::refused_by_model), settlement.dead_detail, message.content.size(),
              message.timestamp_ms, now_ms, Blob{stored.agent_id},
              Blob{message.content.substr(0, pipeline::dead_letter_payload_bytes_max)}, batch_row)
        .run();
  }
}

}  // namespace alluvium::connectors
