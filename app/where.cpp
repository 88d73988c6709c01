// SPDX-License-Identifier: Apache-2.0
// alluvium where: how a message ended. The store has no row per message, so this reads all batches.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/output.hpp"
#include "app/records.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::app {
namespace {

struct Options {
  StoreChoice store;
  std::string message_id;
  bool json = false;
};

// One place where the message stood. A message id can stand at several: producers send twice.
struct Found {
  std::string place, outcome;
  std::string agent_id = {}, batch_id = {};  ///< Unless it is dead.
  std::vector<std::string> memories = {};    ///< If it was extracted.
  std::string reason = {}, detail = {};      ///< If it is dead.
  std::optional<std::int64_t> dead_letter = {};
};

// Places listed at most; a message id that stands at more is no id.
constexpr std::size_t found_max = 1000;

pipeline::Result<std::vector<Found>> find(connectors::SqliteReader& store, const std::string& message_id) {
  std::vector<Found> found;
  auto read = store.batches({}, [&](const connectors::BatchRow& batch) {
    for (std::size_t i = 0; i < batch.message_ids.size() && found.size() < found_max; ++i) {
      if (batch.message_ids[i] == message_id) {
        found.push_back({.place = place(batch.topic, batch.partition, batch.positions.at(i)),
                         .outcome = std::string{pipeline::name(batch.outcomes.at(i))},
                         .agent_id = batch.agent_id,
                         .batch_id = batch.id});
      }
    }
    return found.size() < found_max;
  });
  if (!read) {
    return tl::unexpected{read.error()};
  }
  read = store.dead_letters({}, [&](const connectors::DeadLetterRow& row) {
    if (row.letter.message_id == message_id) {
      found.push_back({.place = place(row.topic, row.partition, row.letter.position),
                       .outcome = "dead",
                       .reason = std::string{pipeline::name(row.letter.reason)},
                       .detail = row.letter.detail,
                       .dead_letter = row.number});
    }
    return found.size() < found_max;
  });
  if (!read) {
    return tl::unexpected{read.error()};
  }
  for (auto& one : found) {
    if (one.outcome != "extracted") {
      continue;
    }
    read = store.memories({.agent_id = one.agent_id}, [&](const connectors::MemoryRow& memory) {
      const auto& sources = memory.source_message_ids;
      if (memory.batch_id == one.batch_id && std::find(sources.begin(), sources.end(), message_id) != sources.end()) {
        one.memories.push_back(memory.id);
      }
      return true;
    });
    if (!read) {
      return tl::unexpected{read.error()};
    }
  }
  return found;
}

std::string found_text(const Found& one) {
  std::string text = one.place + "  ";
  if (one.outcome == "extracted") {
    text += one.memories.empty() ? "extracted: its memory was known already"
                                 : "extracted into " + joined(one.memories, ", ");
  } else if (one.outcome == "dead") {
    text +=
        "dead: " + one.reason + ": " + one.detail + "  (dead-letters show " + std::to_string(*one.dead_letter) + ")";
  } else {
    text += one.outcome;
  }
  return text + (one.batch_id.empty() ? "" : "  " + one.batch_id) + "\n";
}

std::string found_json(const std::string& message_id, const Found& one) {
  pipeline::JsonText json;
  json.object().field("message_id", message_id).field("place", one.place).field("outcome", one.outcome);
  if (one.dead_letter) {
    json.field("reason", one.reason).field("detail", one.detail).field("dead_letter", *one.dead_letter);
  } else {
    json.field("agent_id", one.agent_id).field("batch_id", one.batch_id).key("memories").array();
    for (const auto& memory : one.memories) {
      json.value(memory);
    }
    json.end();
  }
  return json.end().text() + "\n";
}

int where(const Options& options) {
  const auto store = open_store(options.store);
  if (!store) {
    return report(store.error());
  }
  const auto found = find(**store, options.message_id);
  if (!found) {
    return report(found.error());
  }
  for (const auto& one : *found) {
    print(options.json ? found_json(options.message_id, one) : found_text(one));
  }
  if (found->empty()) {
    complain(options.message_id + " is not in the store: pending, or never read");
    return work_failed;
  }
  return done;
}

}  // namespace

void add_where(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("where", "Tells how a message ended");
  auto options = std::make_shared<Options>();
  command->add_option("message", options->message_id, "The message's id")->required();
  command->add_flag("--json", options->json, "One JSON object per place it stood at");
  add_store_options(*command, options->store);
  command->callback([options, &exit_code] { exit_code = where(*options); });
}

}  // namespace alluvium::app
