// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_settlement.hpp"

#include <utility>

#include "connectors/sqlite_message_ids.hpp"
#include "pipeline/dead_letter.hpp"
#include "pipeline/position_codec.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::Outcome;

}  // namespace

SettlementRows::SettlementRows(Database& database, const DedupeOptions& dedupe)
    : batch_rows_{database},
      memories_{database, batch_rows_, dedupe},
      rows_{database},
      verdicts_{database},
      batch_{database.prepare("SELECT partition_id, positions, outcomes FROM batches WHERE id = ?1")},
      update_batch_{database.prepare("UPDATE batches SET outcomes = ?2, outcome = ?3, memories = memories + ?4,"
                                     " ended_ms = ?5 WHERE id = ?1")},
      others_{database.prepare("SELECT " + std::string{request_columns} +
                               ", requests.batch FROM request_batches JOIN requests ON id = request_id"
                               " WHERE request_batches.batch = ?1 AND request_id <> ?2")},
      dead_{database.prepare(
          "INSERT INTO dead_letters(partition_id, offset, bundle_index, bundle_count, message_id, reason, detail,"
          " payload_bytes, timestamp_ms, created_ms, key, payload, batch)"
          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")},
      partition_{database.prepare(
          "UPDATE partitions SET extracted = extracted + ?2, empty = empty + ?3, skipped = skipped + ?4,"
          " noise = noise + ?5, dead = dead + ?6, pending = pending + ?7, updated_ms = ?8 WHERE id = ?1")} {}

pipeline::Settled SettlementRows::write(pipeline::StoredRequest stored, std::int64_t origin,
                                        const pipeline::Settlement& settlement, pipeline::CallMode mode_of_premium,
                                        std::int64_t now_ms) {
  pipeline::Settled settled;
  Batches batches;
  std::vector<Standing> standing;
  for (std::size_t i = 0; i < stored.request.places.size(); ++i) {
    const auto row = stored.request.batches[i] == 0 ? origin : stored.request.batches[i];
    auto found = batches.find(row);
    if (found == batches.end()) {
      found = batches.emplace(row, read_batch(row, stored.id)).first;
    }
    const auto place = stored.request.places[i];
    if (place >= found->second.before.size()) {
      throw SqliteFailure{Errc::unsafe_to_go_on,
                          "request " + std::to_string(stored.id) + ": is about messages that its batch does not have"};
    }
    standing.push_back({.batch = &found->second, .row = row, .place = place});
    stored.request.messages.place(i, found->second.positions[place]);
  }
  for (const auto& next : settlement.follow_ups) {
    const RequestOrigin made_with{.batch = origin,
                                  .agent_id = stored.agent_id,
                                  .org_id = stored.org_id,
                                  .halvings = settlement.halves ? stored.halvings + 1 : 0,
                                  .due_ms = settlement.follow_ups_due_ms};
    rows_.insert(made_with, next.tier == stored.request.tier ? stored.mode : mode_of_premium, next, now_ms);
    for (std::size_t i = 0; i < next.places.size(); ++i) {
      batches.at(next.batches[i] == 0 ? origin : next.batches[i]).waits.at(next.places[i]) = true;
    }
  }
  for (const auto& [batch, row, place] : standing) {
    if (batch->after[place] == outcome_letter(Outcome::pending) && !batch->waits[place]) {
      batch->after[place] = outcome_letter(Outcome::empty);
    }
  }
  const auto& answer = settlement.answer;
  for (std::size_t i = 0; i < answer.memories.size(); ++i) {
    const auto& memory = answer.memories[i];
    const auto& first = standing.at(memory.sources.front());
    const auto count = memories_.insert(memory, stored.request.messages,
                                        {.batch_row = first.row,
                                         .first = stored.request.messages.position(memory.sources.front()),
                                         .request = stored.id,
                                         .model = settlement.model,
                                         .connections = answer.connections[i],
                                         .now_ms = now_ms});
    settled.memories += count.of_all;
    first.batch->memories += count.of_batch;
    for (const auto source : memory.sources) {
      standing.at(source).batch->after[standing[source].place] = outcome_letter(Outcome::extracted);
    }
  }
  settled.duplicates = static_cast<std::int64_t>(answer.memories.size()) - settled.memories;
  for (const auto index : settlement.dead) {
    // What a rule or another tier found in it stays; then it did not die.
    auto& [batch, row, place] = standing.at(index);
    if (batch->after[place] != outcome_letter(Outcome::extracted) && !batch->waits[place]) {
      batch->after[place] = outcome_letter(Outcome::dead);
      write_dead_letter(stored, index, *batch, row, settlement.dead_detail, now_ms);
    }
  }
  for (const auto& [row, batch] : batches) {
    update(row, batch, settled, now_ms);
  }
  return settled;
}

pipeline::Settled SettlementRows::decide(const pipeline::StoredRequest& stored, const pipeline::Settlement& settlement,
                                         std::int64_t now_ms) {
  const auto decided = verdicts_.decide(stored.id, settlement.verdicts, settlement.model, now_ms);
  const auto count = memories_.decide(stored.agent_id, decided);
  pipeline::Settled settled;
  settled.memories = count.of_all;
  settled.duplicates = -count.of_all;
  return settled;
}

void SettlementRows::update(std::int64_t row, const TouchedBatch& batch, pipeline::Settled& settled,
                            std::int64_t now_ms) {
  pipeline::OutcomeCounts moved;
  for (std::size_t i = 0; i < batch.after.size(); ++i) {
    if (batch.after[i] != batch.before[i]) {
      --moved[*outcome_of_letter(batch.before[i])];
      ++moved[*outcome_of_letter(batch.after[i])];
    }
  }
  for (std::size_t i = 0; i < pipeline::outcome_count; ++i) {
    settled.moved.of[i] += moved.of[i];
  }
  update_batch_.with(row, batch.after, outcome_word(batch.after), batch.memories, now_ms).run();
  partition_
      .with(batch.partition_id, moved[Outcome::extracted], moved[Outcome::empty], moved[Outcome::skipped],
            moved[Outcome::noise], moved[Outcome::dead], moved[Outcome::pending], now_ms)
      .run();
}

SettlementRows::TouchedBatch SettlementRows::read_batch(std::int64_t row, std::int64_t request) {
  batch_.with(row);
  if (!batch_.step()) {
    throw SqliteFailure{Errc::unsafe_to_go_on, "a request is of batch row " + std::to_string(row) + ": it is missing"};
  }
  TouchedBatch batch;
  batch.partition_id = batch_.integer(0);
  auto positions = pipeline::decode_positions(batch_.blob(1));
  batch.before = batch_.text(2);
  batch.after = batch.before;
  batch_.reset();
  if (!positions || positions->size() != batch.before.size()) {
    throw SqliteFailure{Errc::unsafe_to_go_on, "batch row " + std::to_string(row) + ": can't be read"};
  }
  batch.positions = std::move(*positions);
  batch.waits.resize(batch.before.size());
  others_.with(row, request);
  while (others_.step()) {
    const auto other = read_request(others_);
    const auto origin = others_.integer(request_columns_count);
    for (std::size_t i = 0; i < other.request.places.size(); ++i) {
      const auto about = other.request.batches[i] == 0 ? origin : other.request.batches[i];
      if (const auto place = other.request.places[i]; about == row && place < batch.waits.size()) {
        batch.waits[place] = true;
      }
    }
  }
  others_.reset();
  return batch;
}

void SettlementRows::write_dead_letter(const pipeline::StoredRequest& stored, std::uint32_t index,
                                       const TouchedBatch& batch, std::int64_t row, const std::string& detail,
                                       std::int64_t now_ms) {
  const auto message = stored.request.messages[index];
  const auto& position = message.position;
  dead_
      .with(batch.partition_id, position.offset, position.index, position.count, message.id,
            pipeline::name(pipeline::DeadReason::refused_by_model), detail, message.content.size(),
            message.timestamp_ms, now_ms, Blob{stored.agent_id},
            Blob{message.content.substr(0, pipeline::dead_letter_payload_bytes_max)}, row)
      .run();
}

}  // namespace alluvium::connectors
