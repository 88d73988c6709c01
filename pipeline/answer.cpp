// SPDX-License-Identifier: Apache-2.0
// Reads the fields of what a model answered, and counts what had to be put right.
#include "pipeline/answer.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "pipeline/answer_fields.hpp"
#include "pipeline/answer_json.hpp"
#include "pipeline/attribution.hpp"
#include "pipeline/dedupe.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::pipeline {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t connections_max = 16;  ///< Of one memory.
constexpr std::string_view source_names[] = {
    "messages", "sources", "source_message_ids", "message_ids", "source_messages", "message", "source"};
constexpr std::uint32_t no_memory = 0xFFFF'FFFFU;

/// Puts one answer together.
class Reading {
 public:
  Reading(const ModelRequest& request, std::string_view prompt_id) : request_{request}, prompt_id_{prompt_id} {}

  Answer run(std::string_view text) {
    const bool cut = text.size() > answer_bytes_max;
    const auto found = find_answer_json(text.substr(0, answer_bytes_max));
    if (cut || found.truncated) {
      count(AnswerFault::truncated);
    }
    count(AnswerFault::wrong_type, found.broken);
    JsonReader reader{answer_depth_max};
    const auto root = reader.parse(found.json.empty() ? std::string_view{"null"} : std::string_view{found.json});
    const auto list = root ? memory_list(*root) : std::nullopt;
    if (!list) {
      count(AnswerFault::no_json);
      return std::move(answer_);
    }
    answer_.understood = true;
    count(AnswerFault::wrong_type, list->odd ? 1 : 0);
    for (const auto& item : list->items) {
      memory_of_item_.push_back(take_item(item));
    }
    for (auto& memory : answer_.memories) {
      std::ranges::sort(memory.sources);
      memory.id = memory_id(request_.messages, memory);
    }
    take_connections(*list);
    if (const auto unsure = list->around ? field_of(*list->around, "unsure") : std::nullopt) {
      answer_.unsure = sources_in(*unsure);
    }
    return std::move(answer_);
  }

 private:
  void count(AnswerFault fault, std::uint32_t times = 1) {
    answer_.faults[static_cast<std::size_t>(fault)] += times;
  }

  /// The index of the memory that came of it, or no_memory.
  std::uint32_t take_item(const element& item) {
    if (answer_.memories.size() == answer_memories_max || memory_of_item_.size() >= answer_items_max) {
      count(AnswerFault::too_many);
      return no_memory;
    }
    object fields;
    if (item.get(fields) != simdjson::SUCCESS) {
      count(AnswerFault::wrong_type);
      return no_memory;
    }
    auto content = content_of(fields);
    if (!content) {
      return no_memory;
    }
    const auto [known, is_new] =
        by_key_.try_emplace(dedupe_key(*content), static_cast<std::uint32_t>(answer_.memories.size()));
    auto sources = sources_of(fields, *content);
    if (!is_new) {
      add_sources(answer_.memories[known->second].sources, sources);
      return known->second;
    }
    Memory memory;
    memory.content = std::move(*content);
    memory.type = type_of(fields);
    memory.importance = importance_of(fields);
    memory.keywords = keywords_of(fields);
    memory.method = method_of(request_.tier);
    memory.prompt_id = prompt_id_;
    memory.sources = std::move(sources);
    answer_.memories.push_back(std::move(memory));
    return known->second;
  }

  std::optional<std::string> content_of(const object& fields) {
    const auto value = field_of(fields, memory_text_names);
    std::string_view text;
    if (value && value->get(text) != simdjson::SUCCESS) {
      count(AnswerFault::wrong_type);
      return std::nullopt;
    }
    auto content = cleaned(text, Lines::keep);
    if (content.empty() || content.size() > memory_content_bytes_max) {
      count(content.empty() ? AnswerFault::no_content : AnswerFault::too_long);
      return std::nullopt;
    }
    return content;
  }

  MemoryType type_of(const object& fields) {
    const auto value = field_of(fields, "type");
    std::string_view text;
    if (value && value->get(text) == simdjson::SUCCESS) {
      const auto type_name = lower_case(trimmed(text));
      for (const auto type : {MemoryType::semantic, MemoryType::episodic, MemoryType::procedural}) {
        if (type_name == name(type)) {
          return type;
        }
      }
    }
    count(AnswerFault::wrong_type);
    return MemoryType::semantic;
  }

  double importance_of(const object& fields) {
    const auto value = field_of(fields, "importance");
    const auto number = value ? decimal_of(*value) : std::nullopt;
    if (number && *number >= 0 && *number <= 1) {
      count(AnswerFault::importance, value->is_string() ? 1 : 0);
      return *number;
    }
    count(AnswerFault::importance);
    if (number) {
      return rescaled_importance(*number);
    }
    std::string_view text;
    return value && value->get(text) == simdjson::SUCCESS ? importance_in_words(text) : 0.5;
  }

  std::vector<std::string> keywords_of(const object& fields) {
    std::vector<std::string> keywords;
    const auto add = [&keywords](std::string_view text) {
      auto keyword = cleaned(text, Lines::join);
      if (!keyword.empty() && keyword.size() <= keyword_bytes_max && keywords.size() < memory_keywords_max &&
          std::ranges::find(keywords, keyword) == keywords.end()) {
        keywords.push_back(std::move(keyword));
      }
    };
    const auto value = field_of(fields, "keywords");
    std::string_view text;
    if (simdjson::dom::array list; value && value->get(list) == simdjson::SUCCESS) {
      for (const auto item : list) {
        if (item.get(text) == simdjson::SUCCESS) {
          add(text);
        } else {
          count(AnswerFault::wrong_type);
        }
      }
    } else if (value && value->get(text) == simdjson::SUCCESS) {
      count(AnswerFault::wrong_type);
      each_part(text, add);
    } else if (value) {
      count(AnswerFault::wrong_type);
    }
    return keywords;
  }

  template <class Visit>
  static void each_part(std::string_view text, Visit visit) {
    while (!text.empty()) {
      const auto size = std::min(text.find(','), text.size());
      visit(text.substr(0, size));
      text.remove_prefix(std::min(size + 1, text.size()));
    }
  }

  // Which messages.

  std::vector<std::uint32_t> sources_of(const object& fields, std::string_view content) {
    if (const auto value = field_of(fields, source_names)) {
      if (auto sources = sources_in(*value); !sources.empty()) {
        return sources;
      }
    }
    if (!attribution_) {
      attribution_.emplace(request_.messages);
    }
    return attribution_->sources_of(content);
  }

  /// The messages that a list of numbers and ids names, or a single one. Ascending, each once.
  std::vector<std::uint32_t> sources_in(const element& value) {
    std::vector<std::uint32_t> sources;
    if (simdjson::dom::array list; value.get(list) == simdjson::SUCCESS) {
      for (const auto item : list) {
        add_named(sources, item);
      }
    } else {
      add_named(sources, value);
    }
    std::ranges::sort(sources);
    sources.erase(std::ranges::unique(sources).begin(), sources.end());
    return sources;
  }

  void add_named(std::vector<std::uint32_t>& sources, const element& value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) {
      const auto number = integer_of(value);
      if (!number) {
        count(AnswerFault::wrong_type);
      } else {
        add_message(sources, number, std::to_string(*number));
      }
    } else if (text.find(',') == std::string_view::npos || message_with_id(text)) {
      add_message(sources, integer_in(text), text);
    } else {
      each_part(text, [&](std::string_view part) { add_message(sources, integer_in(part), trimmed(part)); });
    }
  }

  void add_message(std::vector<std::uint32_t>& sources, std::optional<std::int64_t> number, std::string_view id) {
    const auto size = static_cast<std::int64_t>(request_.messages.size());
    if (number && *number >= 1 && *number <= size) {
      sources.push_back(static_cast<std::uint32_t>(*number - 1));
    } else if (const auto message = message_with_id(id)) {
      sources.push_back(*message);
    } else {
      count(AnswerFault::unknown_source);
    }
  }

  std::optional<std::uint32_t> message_with_id(std::string_view id) {
    if (message_of_id_.empty()) {
      for (std::size_t i = 0; i < request_.messages.size(); ++i) {
        message_of_id_.try_emplace(request_.messages.id(i), static_cast<std::uint32_t>(i));
      }
    }
    const auto found = message_of_id_.find(id);
    return found == message_of_id_.end() ? std::nullopt : std::optional{found->second};
  }

  static void add_sources(std::vector<std::uint32_t>& sources, const std::vector<std::uint32_t>& more) {
    std::vector<std::uint32_t> both;
    std::ranges::set_union(sources, more, std::back_inserter(both));
    sources = std::move(both);
  }

  // Connections: numbers count the items of the list from 1.

  struct Connection {
    std::uint32_t to;
    std::string type;
  };

  void take_connections(const MemoryList& list) {
    connections_.resize(answer_.memories.size());
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      object fields;
      if (memory_of_item_[i] != no_memory && list.items[i].get(fields) == simdjson::SUCCESS) {
        take_connections_of(fields, memory_of_item_[i]);
      }
    }
    if (list.around) {
      take_connections_of(*list.around, no_memory);
    }
    for (const auto& connections : connections_) {
      JsonText json;
      json.array();
      for (const auto& [to, type] : connections) {
        json.object().field("memory_id", answer_.memories[to].id).field("type", type).end();
      }
      answer_.connections.push_back(json.end().text());
    }
  }

  /// `from`: the memory that has them, or no_memory if each says so itself.
  void take_connections_of(const object& fields, std::uint32_t from) {
    const auto value = field_of(fields, "connections");
    simdjson::dom::array list;
    if (!value || value->get(list) != simdjson::SUCCESS) {
      count(AnswerFault::wrong_type, value ? 1 : 0);
      return;
    }
    for (const auto item : list) {
      take_connection(item, from);
    }
  }

  void take_connection(const element& item, std::uint32_t from) {
    static constexpr std::string_view to_names[] = {"to", "memory", "memory_id", "target", "insight", "id"};
    static constexpr std::string_view type_names[] = {"type", "relation", "relationship"};
    object fields;
    auto to = no_memory;
    std::string type;
    if (item.get(fields) == simdjson::SUCCESS) {
      from = from == no_memory ? memory_named(field_of(fields, "from")) : from;
      to = memory_named(field_of(fields, to_names));
      std::string_view text;
      if (const auto value = field_of(fields, type_names); value && value->get(text) == simdjson::SUCCESS) {
        type = cleaned(text, Lines::join);
      }
    } else {
      to = memory_named(item);
    }
    if (from == no_memory || to == no_memory || from == to) {
      count(AnswerFault::wrong_type);
    } else if (connections_[from].size() < connections_max) {
      const bool usable = !type.empty() && type.size() <= keyword_bytes_max;
      connections_[from].push_back({to, usable ? std::move(type) : "related"});
    }
  }

  [[nodiscard]] std::uint32_t memory_named(const std::optional<element>& value) const {
    const auto number = value ? integer_of(*value) : std::nullopt;
    if (!number || *number < 1 || *number > static_cast<std::int64_t>(memory_of_item_.size())) {
      return no_memory;
    }
    return memory_of_item_[static_cast<std::size_t>(*number - 1)];
  }

  const ModelRequest& request_;
  std::string prompt_id_;
  Answer answer_;
  std::unordered_map<std::string, std::uint32_t> by_key_;  ///< The memory with a dedupe key.
  std::vector<std::uint32_t> memory_of_item_;
  std::vector<std::vector<Connection>> connections_;                   ///< By memory.
  std::unordered_map<std::string_view, std::uint32_t> message_of_id_;  ///< Filled when first asked.
  std::optional<Attribution> attribution_;                             ///< Made when first needed.
};

}  // namespace

std::string_view name(AnswerFault fault) {
  static constexpr std::array<std::string_view, answer_fault_count> names = {
      "no_json", "truncated", "no_content", "too_long", "wrong_type", "importance", "unknown_source", "too_many"};
  return names[static_cast<std::size_t>(fault)];
}

Answer parse_answer(std::string_view text, const ModelRequest& request, std::string_view prompt_id) {
  return Reading{request, prompt_id}.run(text);
}

}  // namespace alluvium::pipeline
