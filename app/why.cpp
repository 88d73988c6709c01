// SPDX-License-Identifier: Apache-2.0
// alluvium why: the receipt of a memory, from the rule or model that made it to the messages it rests on.
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
#include "pipeline/tier.hpp"

namespace alluvium::app {
namespace {

struct Options {
  StoreChoice store;
  std::string memory_id;
  bool json = false;
};

struct Source {
  std::string message_id, place, outcome;
  MessagePlace stands = {};
  std::optional<std::string> text = {};  ///< If the stream still has it.
};

/// What is known of the sources' texts.
enum class Texts { not_asked, read, unreadable };

// Where each message that the memory rests on stood, and how it ended.
std::vector<Source> sources_of(const connectors::MemoryRow& memory, const connectors::BatchRow& batch) {
  std::vector<Source> sources;
  for (std::size_t i = 0; i < batch.message_ids.size(); ++i) {
    const auto& id = batch.message_ids[i];
    if (std::find(memory.source_message_ids.begin(), memory.source_message_ids.end(), id) !=
        memory.source_message_ids.end()) {
      sources.push_back({id,
                         place(batch.topic, batch.partition, batch.positions.at(i)),
                         std::string{pipeline::name(batch.outcomes.at(i))},
                         {.partition = {batch.topic, batch.partition}, .position = batch.positions.at(i)}});
    }
  }
  return sources;
}

/// Reads the messages again, if a config says from where. Without the stream the rest of the receipt still holds.
Texts read_texts(const Options& options, std::vector<Source>& sources) {
  if (options.store.config_path.empty()) {
    return Texts::not_asked;
  }
  std::map<MessagePlace, std::string> texts;
  std::vector<MessagePlace> places;
  for (const auto& source : sources) {
    places.push_back(source.stands);
  }
  const auto read = stream_config(options.store.config_path).and_then([&](const config::Config& config) {
    return read_messages(config, places, [&](const MessagePlace& place, const pipeline::MessageView& message) {
      texts.emplace(place, message.content);
    });
  });
  if (!read) {
    complain("the messages can't be read from the stream: " + read.error().detail);
    return Texts::unreadable;
  }
  for (auto& source : sources) {
    if (const auto found = texts.find(source.stands); found != texts.end()) {
      source.text = found->second;
    }
  }
  return Texts::read;
}

// The tier whose model made it; empty for rules.
std::string tier_of(const connectors::MemoryRow& memory) {
  for (const auto tier : {pipeline::Tier::small, pipeline::Tier::premium}) {
    if (memory.method == pipeline::name(pipeline::method_of(tier))) {
      return std::string{pipeline::name(tier)};
    }
  }
  return {};
}

std::string receipt_json(const connectors::MemoryRow& memory, const connectors::BatchRow& batch,
                         const std::vector<Source>& sources, Texts texts) {
  pipeline::JsonText json;
  json.object().key("memory").raw(memory_json(memory)).key("sources").array();
  for (const auto& source : sources) {
    json.object().field("message_id", source.message_id).field("place", source.place).field("outcome", source.outcome);
    if (texts == Texts::read) {
      json.field("held", source.text.has_value()).key("text");
      source.text ? json.value(*source.text) : json.null();
    }
    json.end();
  }
  json.end().key("batch").raw(batch_json(batch));
  if (const auto tier = tier_of(memory); !tier.empty()) {
    json.field("tier", tier).field("model", memory.model).field("prompt_id", memory.prompt_id);
    const auto usage = usage_of(batch.calls, tier);
    add_usage(json, usage);
    json.field("calls", usage.calls);
  } else {
    add_usage(json, {});  // Rules are free, whatever models were asked about the rest of the batch.
  }
  return json.end().text();
}

std::string receipt_text(const connectors::MemoryRow& memory, const connectors::BatchRow& batch,
                         const std::vector<Source>& sources, Texts texts) {
  const auto tier = tier_of(memory);
  std::vector<std::pair<std::string, std::string>> fields = {
      {"memory", memory.id}, {"content", memory.content}, {"agent", memory.agent_id}};
  if (tier.empty()) {
    fields.emplace_back("made by", memory.method + (memory.rule_id.empty() ? "" : ", rule " + memory.rule_id));
  } else {
    fields.emplace_back("made by", memory.method + ", " + memory.model);
    fields.emplace_back("prompt", memory.prompt_id);
  }
  fields.emplace_back("created", memory.created_at);
  fields.emplace_back("batch", batch.id);
  fields.emplace_back("of it", std::to_string(batch.message_ids.size()) + " messages from " + batch.topic + "/" +
                                   std::to_string(batch.partition) + ", " + std::to_string(batch.memories) +
                                   (batch.memories == 1 ? " memory" : " memories"));
  fields.emplace_back("cost", tier.empty() ? "$0, 0 tokens: rules are free"
                                           : usage_text(usage_of(batch.calls, tier)) + ", for all the " + tier +
                                                 " model was asked about the batch");
  auto out = aligned(fields);
  std::vector<Column> columns{
      {.title = "RESTS ON", .gives_way = true}, {.title = "FROM", .gives_way = true}, {.title = "OUTCOME"}};
  if (texts == Texts::read) {
    columns.push_back({.title = "TEXT", .gives_way = true});
  }
  Table table{columns};
  for (const auto& source : sources) {
    std::vector<std::string> cells{source.message_id, source.place, source.outcome};
    if (texts == Texts::read) {
      cells.push_back(source.text.value_or("(gone from the stream)"));
    }
    table.add(std::move(cells));
  }
  return out + "\n" + table.text(table_width(), stdout_is_terminal() && may_style());
}

int why(const Options& options) {
  const auto store = open_store(options.store);
  if (!store) {
    return report(store.error());
  }
  const auto memory = (*store)->memory(options.memory_id);
  if (!memory) {
    return report(memory.error());
  }
  if (!*memory) {
    complain("no memory " + options.memory_id);
    return work_failed;
  }
  const auto batch = (*store)->batch((*memory)->batch_id);
  if (!batch) {
    return report(batch.error());
  }
  if (!*batch) {
    complain("memory " + options.memory_id + " names batch " + (*memory)->batch_id + ", which is not in the store");
    return work_failed;
  }
  auto sources = sources_of(**memory, **batch);
  const auto texts = read_texts(options, sources);
  print(options.json ? receipt_json(**memory, **batch, sources, texts) + "\n"
                     : receipt_text(**memory, **batch, sources, texts));
  return done;
}

}  // namespace

void add_why(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("why", "Shows what a memory rests on and what it cost; with -c also the messages' texts");
  auto options = std::make_shared<Options>();
  command->add_option("memory", options->memory_id, "The memory's id")->required();
  command->add_flag("--json", options->json, "As one JSON object");
  add_store_options(*command, options->store);
  command->callback([options, &exit_code] { exit_code = why(*options); });
}

}  // namespace alluvium::app
