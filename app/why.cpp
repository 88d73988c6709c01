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

/// What near dedupe did with a memory. Nothing: it was neither merged nor merged into.
struct Dedupe {
  std::string into, why;                         ///< It was merged into this one.
  std::vector<connectors::DuplicateRow> merged;  ///< Into it; the first merged_shown_max.
  std::size_t count = 0;                         ///< All of them.
  /// What a model has said of it and others, with what that cost.
  std::vector<std::pair<connectors::VerdictRow, Usage>> verdicts;
};
constexpr std::size_t merged_shown_max = 100;

struct Source {
  connectors::SourceRow row;
  std::optional<std::string> text = {};  ///< If the stream still has it.
};

/// What is known of the sources' texts.
enum class Texts { not_asked, read, unreadable };

MessagePlace place_of(const connectors::SourceRow& source) {
  return {.partition = {source.topic, source.partition}, .position = source.position};
}

/// Reads the messages again, if a config says from where. Without the stream the rest of the receipt still holds.
Texts read_texts(const Options& options, std::vector<Source>& sources) {
  if (options.store.config_path.empty()) {
    return Texts::not_asked;
  }
  std::map<MessagePlace, std::string> texts;
  std::vector<MessagePlace> places;
  for (const auto& source : sources) {
    places.push_back(place_of(source.row));
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
    if (const auto found = texts.find(place_of(source.row)); found != texts.end()) {
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

void add_dedupe(pipeline::JsonText& json, const Dedupe& dedupe) {
  if (!dedupe.into.empty()) {
    json.key("dedupe").object().field("verdict", "merged").field("into", dedupe.into).field("why", dedupe.why).end();
  } else if (dedupe.count > 0) {
    json.key("dedupe").object().field("verdict", "kept").field("merged_count", dedupe.count).key("merged").array();
    for (const auto& one : dedupe.merged) {
      json.object().field("id", one.memory.id).field("why", one.why).field("content", one.memory.content);
      json.key("source_message_ids").array();
      for (const auto& id : one.memory.source_message_ids) {
        json.value(id);
      }
      json.end().end();
    }
    json.end().end();
  }
}

void add_verdicts(pipeline::JsonText& json, const Dedupe& dedupe) {
  if (dedupe.verdicts.empty()) {
    return;
  }
  json.key("verdicts").array();
  for (const auto& [said, usage] : dedupe.verdicts) {
    json.object().field("memory_id", said.other).field("verdict", said.verdict).field("model", said.model);
    json.field("request", said.request);
    add_usage(json, usage);
    json.end();
  }
  json.end();
}

/// "says the same as mem_...", or how else it stands to that one.
std::string verdict_text(const connectors::VerdictRow& said, const Usage& usage) {
  if (said.verdict == "asked") {
    return "the small model is asked how it stands to " + said.other + ", request " + std::to_string(said.request);
  }
  const auto what = said.verdict == "same"        ? "it says the same as " + said.other
                    : said.verdict == "update"    ? "one of it and " + said.other + " is an update of the other"
                    : said.verdict == "different" ? "it is about something else than " + said.other
                                                  : "how it stands to " + said.other + " is not sure";
  const auto who =
      said.model.empty() ? std::string{"nobody could say: "} : "the small model (" + said.model + ") says: ";
  return who + what + "; request " + std::to_string(said.request) + ", " + usage_text(usage);
}

/// A memory, what it rests on, and what was paid for it.
struct Receipt {
  connectors::MemoryRow memory;
  connectors::BatchRow batch;
  std::vector<Source> sources;
  Texts texts = Texts::not_asked;
  std::string tier;  ///< Empty: a rule made it.
  Usage usage;       ///< Of the request whose answer it was in.
  Dedupe dedupe;
};

std::string receipt_json(const Receipt& receipt) {
  pipeline::JsonText json;
  json.object().key("memory").raw(memory_json(receipt.memory)).key("sources").array();
  for (const auto& [row, text] : receipt.sources) {
    json.object()
        .field("message_id", row.message_id)
        .field("place", place(row.topic, row.partition, row.position))
        .field("outcome", pipeline::name(row.outcome));
    if (row.worth) {
      add_worth(json, *row.worth);
    }
    if (receipt.texts == Texts::read) {
      json.field("held", text.has_value()).key("text");
      text ? json.value(*text) : json.null();
    }
    json.end();
  }
  json.end().key("batch").raw(batch_json(receipt.batch));
  if (!receipt.tier.empty()) {
    json.field("tier", receipt.tier)
        .field("model", receipt.memory.model)
        .field("prompt_id", receipt.memory.prompt_id)
        .field("request", receipt.memory.request);
  }
  add_usage(json, receipt.usage);  // Rules are free, whatever models were asked about the rest of the batch.
  if (!receipt.tier.empty()) {
    json.field("calls", receipt.usage.calls);
  }
  add_dedupe(json, receipt.dedupe);
  add_verdicts(json, receipt.dedupe);
  return json.end().text();
}

std::string receipt_text(const Receipt& receipt) {
  const auto& [memory, batch, sources, texts, tier, usage, dedupe] = receipt;
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
                                           : usage_text(usage) + ", for the whole request it was answered in");
  if (!dedupe.into.empty()) {
    fields.emplace_back("dedupe", "merged into " + dedupe.into + ": " + dedupe.why);
  } else if (dedupe.count > 0) {
    fields.emplace_back("dedupe", "kept; " + std::to_string(dedupe.count) + " merged into it");
  }
  for (const auto& [said, cost] : dedupe.verdicts) {
    fields.emplace_back("verdict", verdict_text(said, cost));
  }
  if (memory.connections != "[]") {
    fields.emplace_back("connections", memory.connections);
  }
  auto out = aligned(fields);
  std::vector<Column> columns{
      {.title = "RESTS ON", .gives_way = true}, {.title = "FROM", .gives_way = true}, {.title = "OUTCOME"}};
  const bool scored = std::ranges::any_of(sources, [](const Source& source) { return source.row.worth.has_value(); });
  if (scored) {
    columns.push_back({.title = "SELECTION"});
  }
  if (texts == Texts::read) {
    columns.push_back({.title = "TEXT", .gives_way = true});
  }
  Table table{columns};
  for (const auto& [row, text] : sources) {
    std::vector<std::string> cells{row.message_id, place(row.topic, row.partition, row.position),
                                   std::string{pipeline::name(row.outcome)}};
    if (scored) {
      cells.push_back(row.worth ? worth_text(*row.worth) : "");
    }
    if (texts == Texts::read) {
      cells.push_back(text.value_or("(gone from the stream)"));
    }
    table.add(std::move(cells));
  }
  out += "\n" + table.text(table_width(), stdout_is_terminal() && may_style());
  if (dedupe.count > 0) {
    Table merged{{{.title = "MERGED INTO IT", .gives_way = true},
                  {.title = "WHY"},
                  {.title = "RESTS ON", .gives_way = true},
                  {.title = "CONTENT", .gives_way = true}}};
    for (const auto& one : dedupe.merged) {
      merged.add({one.memory.id, one.why, joined(one.memory.source_message_ids, ", "), one.memory.content});
    }
    out += "\n" + merged.text(table_width(), stdout_is_terminal() && may_style());
  }
  return out;
}

/// The memory, or the duplicate of that id, and what near dedupe did with it; nothing if there is no such id.
pipeline::Result<std::optional<connectors::MemoryRow>> find(connectors::SqliteReader& store, const std::string& id,
                                                            Dedupe& dedupe) {
  auto memory = store.memory(id);
  if (!memory) {
    return memory;
  }
  if (*memory) {
    const auto read = store.duplicates_of(id, [&](const connectors::DuplicateRow& row) {
      if (++dedupe.count <= merged_shown_max) {
        dedupe.merged.push_back(row);
      }
      return true;
    });
    return read ? std::move(memory) : tl::unexpected{read.error()};
  }
  auto duplicate = store.duplicate(id);
  if (!duplicate) {
    return tl::unexpected{duplicate.error()};
  }
  if (!*duplicate) {
    return std::nullopt;
  }
  dedupe.into = (*duplicate)->into;
  dedupe.why = (*duplicate)->why;
  return std::move((*duplicate)->memory);
}

pipeline::Result<void> read_verdicts(connectors::SqliteReader& store, const connectors::MemoryRow& memory,
                                     Dedupe& dedupe) {
  auto verdicts = store.verdicts_on(memory);
  if (!verdicts) {
    return tl::unexpected{verdicts.error()};
  }
  for (auto& said : *verdicts) {
    const auto calls = store.calls_of(said.request);
    if (!calls) {
      return tl::unexpected{calls.error()};
    }
    dedupe.verdicts.emplace_back(std::move(said), usage_of(*calls, "small"));
  }
  return {};
}

/// Nothing, and a complaint, if something of it is missing.
pipeline::Result<std::optional<Receipt>> receipt_of(connectors::SqliteReader& store, const Options& options) {
  Dedupe dedupe;
  auto memory = find(store, options.memory_id, dedupe);
  if (!memory) {
    return tl::unexpected{memory.error()};
  }
  if (!*memory) {
    complain("no memory " + options.memory_id);
    return std::nullopt;
  }
  if (auto read = read_verdicts(store, **memory, dedupe); !read) {
    return tl::unexpected{read.error()};
  }
  auto batch = store.batch((*memory)->batch_id);
  auto sources = store.sources(**memory);
  auto calls = store.calls_of((*memory)->request);
  if (!batch || !sources || !calls) {
    return tl::unexpected{!batch ? batch.error() : !sources ? sources.error() : calls.error()};
  }
  if (!*batch) {
    complain("memory " + options.memory_id + " names batch " + (*memory)->batch_id + ", which is not in the store");
    return std::nullopt;
  }
  Receipt receipt{.memory = std::move(**memory),
                  .batch = std::move(**batch),
                  .sources = {},
                  .tier = {},
                  .usage = {},
                  .dedupe = std::move(dedupe)};
  receipt.tier = tier_of(receipt.memory);
  if (!receipt.tier.empty()) {
    receipt.usage = usage_of(*calls, receipt.tier);
  }
  for (auto& source : *sources) {
    receipt.sources.push_back({.row = std::move(source)});
  }
  receipt.texts = read_texts(options, receipt.sources);
  return receipt;
}

int why(const Options& options) {
  const auto store = open_store(options.store);
  if (!store) {
    return report(store.error());
  }
  const auto receipt = receipt_of(**store, options);
  if (!receipt) {
    return report(receipt.error());
  }
  if (!*receipt) {
    return work_failed;
  }
  print(options.json ? receipt_json(**receipt) + "\n" : receipt_text(**receipt));
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
