// SPDX-License-Identifier: Apache-2.0
// Scans an answer for brackets, and asks simdjson about what is between them.
#include "pipeline/answer_json.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "pipeline/json_mending.hpp"
#include "pipeline/json_reader.hpp"

namespace alluvium::pipeline {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view blanks = " \t\r\n";
/// Objects and lists around the list of memories that are looked into.
constexpr unsigned wrappers_max = 4;
/// A text is scanned from several brackets on if what follows the first ones is no use: this often in sum, and a short
/// one a little more.
constexpr std::size_t scans_max = 4;
constexpr std::size_t scan_bytes_min = std::size_t{64} << 10;
/// Brackets from which a scan begins.
constexpr std::size_t regions_max = 4096;

/// What the brackets say about the text from one of them on.
struct Region {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< Behind the bracket that closes it, or where it breaks off.
  bool closed = false;
  std::size_t cut = 0;  ///< Behind the last whole memory or list, if it breaks off; 0: there is none.
  std::string closers;  ///< What is still open there.
  std::vector<std::pair<std::size_t, std::size_t>> items;  ///< The objects of the outermost lists.
};

/// Follows the brackets of one region.
class Scan {
 public:
  Scan(std::string_view text, std::size_t begin) : text_{text} {
    region_.begin = begin;
  }

  Region run() {
    bool quoted = false;
    auto i = region_.begin;
    for (; i < text_.size() && !region_.closed; ++i) {
      const char c = text_[i];
      if (quoted) {
        i += c == '\\' ? 1 : 0;
        quoted = c != '"';
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        if (!open(c, i)) {
          break;
        }
      } else if (c == '}' || c == ']') {
        if (!close(c, i)) {
          break;
        }
      }
    }
    region_.end = std::min(i, text_.size());
    return std::move(region_);
  }

 private:
  [[nodiscard]] bool in_list() const {
    return depth_ > 0 && closers_[depth_ - 1] == ']';
  }
  bool open(char c, std::size_t at) {
    if (depth_ == answer_depth_max) {
      return false;
    }
    if (c == '{' && in_list() && depth_ <= item_depth_) {
      if (depth_ < item_depth_) {  // What looked like memories so far was deeper inside.
        item_depth_ = depth_;
        region_.items.clear();
      }
      item_begin_ = at;
    }
    closers_[depth_++] = c == '{' ? '}' : ']';
    return true;
  }
  bool close(char c, std::size_t at) {
    if (closers_[--depth_] != c) {  // Never below 0: the region ends when the last bracket closes.
      return false;
    }
    if (depth_ == 0) {
      region_.closed = true;
    } else if (c == '}' && depth_ == item_depth_ && in_list()) {
      if (region_.items.size() < answer_items_max) {
        region_.items.emplace_back(item_begin_, at + 1);
      }
      cut_behind(at);
    } else if (c == ']' && depth_ < item_depth_ && !in_list()) {
      cut_behind(at);
    }
    return true;
  }
  void cut_behind(std::size_t at) {
    region_.cut = at + 1;
    region_.closers.assign(closers_.rend() - static_cast<std::ptrdiff_t>(depth_), closers_.rend());
  }

  std::string_view text_;
  Region region_;
  std::array<char, answer_depth_max> closers_{};
  std::size_t depth_ = 0;
  std::size_t item_depth_ = answer_depth_max;
  std::size_t item_begin_ = 0;
};

/// True if the object has a text that could be a memory's.
bool has_text(const object& object, bool strictly) {
  const std::size_t names = strictly ? 2 : std::size(memory_text_names);
  for (std::size_t i = 0; i < names; ++i) {
    element value;
    if (object.at_key(memory_text_names[i]).get(value) == simdjson::SUCCESS && value.is_string()) {
      return true;
    }
  }
  return false;
}

bool is_memory(const element& item) {
  object fields;
  return item.get(fields) == simdjson::SUCCESS && has_text(fields, false);
}

std::optional<MemoryList> list_in(const element& root, unsigned wrappers);

std::optional<MemoryList> list_in_array(const simdjson::dom::array& array, unsigned wrappers) {
  MemoryList list;
  bool memories = false;
  for (const auto item : array) {
    list.items.push_back(item);
    memories = memories || is_memory(item);
  }
  if (memories || list.items.empty()) {
    return list;
  }
  for (const auto& item : list.items) {
    if (auto inner = list_in(item, wrappers); inner && (inner->named || !inner->items.empty())) {
      return inner;
    }
  }
  return std::nullopt;
}

std::optional<MemoryList> named_list(const object& fields) {
  element value;
  if (fields.at_key("memories").get(value) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  MemoryList list{.items = {}, .around = fields, .named = true, .odd = !value.is_array()};
  if (simdjson::dom::array array; value.get(array) == simdjson::SUCCESS) {
    list.items.assign(array.begin(), array.end());
  } else if (value.is_object()) {
    list.items.push_back(value);
  } else if (!value.is_null()) {
    return std::nullopt;
  }
  return list;
}

bool is_no_list_of_memories(std::string_view name) {
  return name == "unsure" || name == "connections" || name == "messages" || name == "keywords";
}

std::optional<MemoryList> list_in(const element& root, unsigned wrappers) {
  if (wrappers == 0) {
    return std::nullopt;
  }
  if (simdjson::dom::array array; root.get(array) == simdjson::SUCCESS) {
    return list_in_array(array, wrappers - 1);
  }
  object fields;
  if (root.get(fields) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  if (auto list = named_list(fields)) {
    return list;
  }
  if (has_text(fields, true)) {
    return std::nullopt;
  }
  std::optional<MemoryList> empty;
  for (const auto field : fields) {
    if (is_no_list_of_memories(field.key)) {
      continue;
    }
    auto list = list_in(field.value, wrappers - 1);
    if (list && !list->around) {
      list->around = fields;
    }
    if (list && (list->named || !list->items.empty())) {
      return list;
    }
    if (list && !empty) {
      empty = std::move(list);
    }
  }
  return empty;
}

/// Goes from bracket to bracket and keeps the best list.
class Search {
 public:
  explicit Search(std::string_view text) : text_{text} {}

  AnswerJson run() {
    auto budget = scans_max * text_.size() + scan_bytes_min;
    auto at = next_start(0);
    for (std::size_t regions = 0; at != std::string_view::npos && regions < regions_max; ++regions) {
      const auto region = Scan{text_, at}.run();
      const bool used = take(region);
      const auto cost = region.end - at + 1;
      if (cost > budget) {
        break;
      }
      budget -= cost;
      at = next_start(used ? region.end : at + 1);
    }
    if (!has_items_ && !singles_.empty()) {
      best_ = {.json = "[" + singles_ + "]", .truncated = false, .broken = 0};
    }
    best_.truncated = best_.truncated || (best_.json.empty() && breaks_off_);
    return std::move(best_);
  }

 private:
  /// The next bracket that can begin a list of memories: [1] and {name} in prose can't.
  [[nodiscard]] std::size_t next_start(std::size_t from) const {
    for (auto at = text_.find_first_of("{[", from); at != std::string_view::npos;
         at = text_.find_first_of("{[", at + 1)) {
      const auto next = text_.find_first_not_of(blanks, at + 1);
      if (next == std::string_view::npos) {
        return std::string_view::npos;
      }
      const std::string_view wanted = text_[at] == '{' ? "\"" : "{[]";
      if (wanted.find(text_[next]) != std::string_view::npos) {
        return at;
      }
    }
    return std::string_view::npos;
  }

  /// An empty list in the middle of other text (var a=[];) is no answer.
  [[nodiscard]] bool stands_alone(std::size_t at) const {
    const auto before = text_.substr(0, at).find_last_not_of(" \t");
    return before == std::string_view::npos ||
           std::string_view{"\r\n:`>"}.find(text_[before]) != std::string_view::npos;
  }

  /// True if the region was JSON and needs no second look from within.
  bool take(const Region& region) {
    breaks_off_ = breaks_off_ || !region.closed;
    std::string json;
    if (region.closed || region.cut > 0) {
      const auto end = region.closed ? region.end : region.cut;
      append_mended(json, text_.substr(region.begin, end - region.begin));
      json += region.closed ? "" : region.closers;
      if (const auto root = reader_.parse(json)) {
        return take_whole(region, *root, std::move(json));
      }
    }
    return !region.items.empty() && take_items(region);
  }

  bool take_whole(const Region& region, const element& root, std::string json) {
    const auto list = memory_list(root);
    if (!list) {
      object fields;
      if (region.closed && root.get(fields) == simdjson::SUCCESS && has_text(fields, true)) {
        singles_ += singles_.empty() ? "" : ",";
        singles_ += json;
      }
      return region.closed;
    }
    const bool bare_empty = root.is_array() && list->items.empty();
    if (!region.closed && !list->named && list->items.empty()) {
      return false;
    }
    if (!bare_empty || stands_alone(region.begin)) {
      keep({.json = std::move(json), .truncated = !region.closed, .broken = 0}, !list->items.empty());
    }
    return true;
  }

  /// Takes the memories one by one: one that is broken then costs only itself.
  bool take_items(const Region& region) {
    AnswerJson found{.json = "[", .truncated = !region.closed, .broken = 0};
    bool memories = false;
    std::string json;
    for (const auto& [begin, end] : region.items) {
      json.clear();
      append_mended(json, text_.substr(begin, end - begin));
      const auto item = reader_.parse(json);
      if (!item) {
        ++found.broken;
        continue;
      }
      memories = memories || is_memory(*item);
      found.json += found.json.size() > 1 ? "," : "";
      found.json += json;
    }
    found.json += "]";
    if (memories) {
      keep(std::move(found), true);
    }
    return memories;
  }

  void keep(AnswerJson found, bool has_items) {
    if (best_.json.empty() || (has_items && (!has_items_ || !found.truncated))) {
      has_items_ = has_items;
      best_ = std::move(found);
    }
  }

  std::string_view text_;
  JsonReader reader_{answer_depth_max};
  AnswerJson best_;
  bool has_items_ = false;
  bool breaks_off_ = false;
  std::string singles_;  ///< Memories that stand in no list, with commas between them.
};

/// The text with one level of escapes taken off, as if it had been in a JSON string.
std::string unescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && (next == '"' || next == '\\' || next == 'n')) {
      out += next == 'n' ? '\n' : next;
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

AnswerJson find_answer_json(std::string_view text) {
  auto found = Search{text}.run();
  if (found.json.empty() && text.find("\\\"") != std::string_view::npos) {
    const auto inner = unescaped(text);
    if (auto again = Search{inner}.run(); !again.json.empty()) {
      return again;
    }
  }
  return found;
}

std::optional<MemoryList> memory_list(const element& root) {
  return list_in(root, wrappers_max);
}

}  // namespace alluvium::pipeline
