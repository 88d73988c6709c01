// SPDX-License-Identifier: Apache-2.0
// alluvium where: how a message ended, or what it waits for. The store has no row per message, so this reads all
// batches.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.hpp"
#include "app/listing.hpp"
#include "app/message_texts.hpp"
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
  std::string agent_id = {}, batch_id = {};           ///< Unless it never came into a batch.
  std::uint32_t index = 0;                            ///< In the batch.
  std::optional<pipeline::Worth> worth = {};          ///< If it was selected, or not, by value.
  std::vector<std::string> memories = {};             ///< If it was extracted.
  std::vector<connectors::RequestRow> requests = {};  ///< If it is pending: what models are still to be asked.
  std::string reason = {}, detail = {};               ///< If it is dead.
  std::optional<std::int64_t> dead_letter = {};
};

// Places listed at most; a message id that stands at more is no id.
constexpr std::size_t found_max = 1000;

// A message that a model refused stands in its batch, and has a dead letter: one place.
void add_dead_letter(std::vector<Found>& found, const connectors::DeadLetterRow& row) {
  const auto stood = place(row.topic, row.partition, row.letter.position);
  auto one = std::find_if(found.begin(), found.end(),
                          [&](const Found& other) { return other.place == stood && other.outcome == "dead"; });
  if (one == found.end()) {
    one = found.insert(found.end(), {.place = stood, .outcome = "dead"});
  }
  one->reason = pipeline::name(row.letter.reason);
  one->detail = row.letter.detail;
  one->dead_letter = row.number;
}

// What was made of it, or who is still to be asked.
pipeline::Result<void> look_closer(connectors::SqliteReader& store, const std::string& message_id, Found& one) {
  if (one.outcome == "extracted") {
    return store.memories({.agent_id = one.agent_id}, [&](const connectors::MemoryRow& memory) {
      const auto& sources = memory.source_message_ids;
      // What a model was asked about together may stand in several batches: the memory is in one of them.
      const bool may_be = memory.batch_id == one.batch_id || memory.request != 0;
      if (may_be && std::find(sources.begin(), sources.end(), message_id) != sources.end()) {
        one.memories.push_back(memory.id);
      }
      return true;
    });
  }
  if (one.outcome != "pending") {
    return {};
  }
  auto batch = store.batch(one.batch_id);
  if (!batch) {
    return tl::unexpected{batch.error()};
  }
  if (*batch) {
    for (auto& request : (*batch)->requests) {
      if (std::find(request.places.begin(), request.places.end(), one.index) != request.places.end()) {
        one.requests.push_back(std::move(request));
      }
    }
  }
  return {};
}

/// How far something is done of each partition: whoever did it has read all that is below.
using DoneUpTo = std::map<pipeline::TopicPartition, std::int64_t>;

pipeline::Result<std::vector<Found>> find(connectors::SqliteReader& store, const std::string& message_id,
                                          DoneUpTo& done_up_to) {
  std::vector<Found> found;
  auto read = store.batches({}, [&](const connectors::BatchRow& batch) {
    auto& done = done_up_to[{batch.topic, batch.partition}];
    for (const auto& position : batch.positions) {
      done = std::max(done, position.offset);
    }
    for (std::size_t i = 0; i < batch.message_ids.size() && found.size() < found_max; ++i) {
      if (batch.message_ids[i] == message_id) {
        auto stood = place(batch.topic, batch.partition, batch.positions.at(i));
        if (batch.rebuilt) {
          std::erase_if(found, [&](const Found& earlier) { return earlier.place == stood; });
        }
        found.push_back({.place = std::move(stood),
                         .outcome = std::string{pipeline::name(batch.outcomes.at(i))},
                         .agent_id = batch.agent_id,
                         .batch_id = batch.id,
                         .index = static_cast<std::uint32_t>(i),
                         .worth = batch.worths.empty() ? std::nullopt : std::optional{batch.worths[i]}});
      }
    }
    return found.size() < found_max;
  });
  if (!read) {
    return tl::unexpected{read.error()};
  }
  read = store.dead_letters({}, [&](const connectors::DeadLetterRow& row) {
    if (row.letter.message_id == message_id) {
      add_dead_letter(found, row);
    }
    return found.size() < found_max;
  });
  for (auto& one : found) {
    if (read) {
      read = look_closer(store, message_id, one);
    }
  }
  if (!read) {
    return tl::unexpected{read.error()};
  }
  return found;
}

/// A message of the stream that the store has nothing of yet.
struct Ahead {
  std::string place, agent_id;
  std::int64_t timestamp_ms = 0, watermark = 0;
  bool was_read = false;  ///< Something behind it is done: it waits in a buffer.
};

pipeline::Result<std::vector<Ahead>> look_ahead(const std::string& config_path, const std::string& message_id,
                                                const DoneUpTo& done_up_to) {
  const auto config = stream_config(config_path);
  if (!config) {
    return tl::unexpected{config.error()};
  }
  std::vector<Ahead> ahead;
  const auto read = read_what_is_ahead(
      *config, [&](const MessagePlace& where, std::int64_t watermark, const pipeline::MessageView& message) {
        if (message.id != message_id || ahead.size() == found_max) {
          return;
        }
        const auto done = done_up_to.find(where.partition);
        ahead.push_back({.place = place(where.partition.topic, where.partition.partition, where.position),
                         .agent_id = std::string{message.agent_id},
                         .timestamp_ms = message.timestamp_ms,
                         .watermark = watermark,
                         .was_read = done != done_up_to.end() && done->second > where.position.offset});
      });
  if (!read) {
    return tl::unexpected{read.error()};
  }
  return ahead;
}

std::string ahead_text(const Ahead& one) {
  const auto since = pipeline::iso8601(one.timestamp_ms);
  const auto stands = " (" + one.place + ", the watermark is " + std::to_string(one.watermark) + ")\n";
  return one.was_read ? "in a buffer of agent " + one.agent_id + ", there since " + since + stands
                      : "not read yet, or just read: of agent " + one.agent_id + ", there since " + since +
                            "; nothing behind it is done" + stands;
}

std::string ahead_json(const std::string& message_id, const Ahead& one) {
  pipeline::JsonText json;
  json.object().field("message_id", message_id).field("place", one.place);
  json.field("outcome", one.was_read ? "buffered" : "not_read").field("agent_id", one.agent_id);
  json.field("since", pipeline::iso8601(one.timestamp_ms)).field("watermark", one.watermark);
  return json.end().text() + "\n";
}

std::string found_text(const Found& one) {
  std::string text = one.place + "  ";
  if (one.outcome == "extracted") {
    text += one.memories.empty() ? "extracted: its memory was known already"
                                 : "extracted into " + joined(one.memories, ", ");
  } else if (one.dead_letter) {
    text +=
        "dead: " + one.reason + ": " + one.detail + "  (dead-letters show " + std::to_string(*one.dead_letter) + ")";
  } else if (one.outcome == "pending") {
    text += "pending";
    for (const auto& request : one.requests) {
      text += std::string{&request == &one.requests.front() ? ": " : "; "} + "for the " + request.tier + " model, " +
              request.state;
      const bool gathering = request.state == "gathering";
      text += gathering ? " since " + pipeline::iso8601(request.created_ms) + " (" + std::to_string(request.messages) +
                              " so far)"
                        : "";
      text += request.due_ms == 0 ? "" : (gathering ? ", until " : ", not before ") + pipeline::iso8601(request.due_ms);
      text += request.reason.empty() ? "" : " (" + request.reason + ")";
    }
  } else {
    text += one.outcome;
  }
  if (one.worth && !one.dead_letter) {
    text += "  (" + worth_text(*one.worth) + ")";
  }
  return text + (one.batch_id.empty() ? "" : "  " + one.batch_id) + "\n";
}

std::string found_json(const std::string& message_id, const Found& one) {
  pipeline::JsonText json;
  json.object().field("message_id", message_id).field("place", one.place).field("outcome", one.outcome);
  if (one.dead_letter) {
    json.field("reason", one.reason).field("detail", one.detail).field("dead_letter", *one.dead_letter);
  }
  if (one.worth) {
    add_worth(json, *one.worth);
  }
  if (!one.batch_id.empty()) {
    json.field("agent_id", one.agent_id).field("batch_id", one.batch_id).key("memories").array();
    for (const auto& memory : one.memories) {
      json.value(memory);
    }
    json.end();
  }
  if (!one.requests.empty()) {
    json.key("requests").array();
    for (const auto& request : one.requests) {
      add_request(json, request);
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
  DoneUpTo done_up_to;
  const auto found = find(**store, options.message_id, done_up_to);
  if (!found) {
    return report(found.error());
  }
  for (const auto& one : *found) {
    print(options.json ? found_json(options.message_id, one) : found_text(one));
  }
  if (!found->empty()) {
    return done;
  }
  if (options.store.config_path.empty()) {
    complain(options.message_id + " is not in the store: still in a buffer, or never read; with -c the stream tells");
    return work_failed;
  }
  const auto ahead = look_ahead(options.store.config_path, options.message_id, done_up_to);
  if (!ahead) {
    complain(options.message_id + " is not in the store, and the stream can't be read");
    return report(ahead.error());
  }
  for (const auto& one : *ahead) {
    print(options.json ? ahead_json(options.message_id, one) : ahead_text(one));
  }
  if (ahead->empty()) {
    complain(options.message_id + ": not seen: neither in the store nor in what the stream holds beyond it");
    return work_failed;
  }
  return done;
}

}  // namespace

void add_where(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("where", "Tells how a message ended; with -c also where it is in the stream");
  auto options = std::make_shared<Options>();
  command->add_option("message", options->message_id, "The message's id")->required();
  command->add_flag("--json", options->json, "One JSON object per place it stood at");
  add_store_options(*command, options->store);
  command->callback([options, &exit_code] { exit_code = where(*options); });
}

}  // namespace alluvium::app
