// SPDX-License-Identifier: Apache-2.0
#include "app/rebuild_report.hpp"

#include "app/output.hpp"
#include "app/table.hpp"

namespace alluvium::app {
namespace {

using pipeline::ComparedMemory;
using pipeline::MemoryChange;

void add_memory(pipeline::JsonText& json, std::string_view key, const ComparedMemory* memory) {
  json.key(key);
  if (memory == nullptr) {
    json.raw("null");
    return;
  }
  json.object().field("id", memory->id).field("content", memory->content).field("type", memory->type);
  json.field("importance", memory->importance).key("keywords").array();
  for (const auto& word : memory->keywords) {
    json.value(word);
  }
  json.end().field("extraction_method", memory->method).field("rule_id", memory->rule_id);
  json.key("source_message_ids").array();
  for (const auto& source : memory->sources) {
    json.value(source);
  }
  json.end().end();
}

/// The fields besides the content in which they differ: "importance, type".
std::string other_changes(const ComparedMemory& before, const ComparedMemory& after) {
  std::string text;
  const auto add_if = [&](bool differs, std::string_view word) {
    text += differs ? (text.empty() ? "" : ", ") + std::string{word} : "";
  };
  add_if(before.type != after.type, "type");
  add_if(before.importance != after.importance, "importance");
  add_if(before.keywords != after.keywords, "keywords");
  return text;
}

}  // namespace

void DifferenceReport::add(const connectors::AgentDifference& agent) {
  ++agents_;
  not_compared_ += agent.not_compared;
  for (const auto& row : agent.rows) {
    ++counts_[static_cast<std::size_t>(row.change)];
    if (row.change == MemoryChange::same) {
      continue;
    }
    const auto* before = row.before < 0 ? nullptr : &agent.before[static_cast<std::size_t>(row.before)];
    const auto* after = row.after < 0 ? nullptr : &agent.after[static_cast<std::size_t>(row.after)];
    if (json_) {
      pipeline::JsonText json;
      json.object().field("row", "memory").field("change", name(row.change)).field("agent_id", agent.agent_id);
      add_memory(json, "before", before);
      add_memory(json, "after", after);
      print(json.end().text() + "\n");
    } else if (rows_.size() < rows_max) {
      const bool other_words = before != nullptr && after != nullptr && before->content != after->content;
      rows_.push_back({std::string{name(row.change)}, agent.agent_id, before == nullptr ? "" : before->content,
                       before == nullptr || other_words ? after->content
                       : after == nullptr               ? ""
                                                        : "other " + other_changes(*before, *after)});
    }
  }
}

std::string DifferenceReport::text() const {
  std::string text;
  if (!rows_.empty()) {
    Table table{{{.title = "CHANGE"},
                 {.title = "AGENT", .gives_way = true},
                 {.title = "BEFORE", .gives_way = true},
                 {.title = "AFTER", .gives_way = true}}};
    for (const auto& row : rows_) {
      table.add(row);
    }
    text = table.text(table_width(), stdout_is_terminal() && may_style());
    const auto all = count(MemoryChange::added) + count(MemoryChange::gone) + count(MemoryChange::changed);
    if (const auto more = all - static_cast<std::int64_t>(rows_.size()); more > 0) {
      text += "and " + with_commas(more) + " more: --json has all\n";
    }
    text += "\n";
  }
  text += "memories: " + with_commas(count(MemoryChange::added)) + " added, " + with_commas(count(MemoryChange::gone)) +
          " gone, " + with_commas(count(MemoryChange::changed)) + " changed, " +
          with_commas(count(MemoryChange::same)) + " the same, of " + with_commas(agents_) +
          (agents_ == 1 ? " agent\n" : " agents\n");
  if (not_compared_ > 0) {
    text += "and " + with_commas(not_compared_) +
            " that models made: what takes their place is known only once models are asked (--make)\n";
  }
  return text;
}

void DifferenceReport::add_counts(pipeline::JsonText& json) const {
  for (const auto change : {MemoryChange::added, MemoryChange::gone, MemoryChange::changed, MemoryChange::same}) {
    json.field(name(change), count(change));
  }
  json.field("not_compared", not_compared_).field("agents", agents_);
}

}  // namespace alluvium::app
