// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_near_links.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <simdjson.h>

#include "connectors/sqlite_near_members.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Neighbour;
using pipeline::Verdict;

constexpr std::string_view possible_update = "possible_update";
constexpr std::string_view update_by_model = "update";

/// One of ours: models' own connections have other types, or no model's name.
bool is_link(simdjson::dom::element element) {
  std::string_view type;
  std::string_view model;
  return element["type"].get_string().get(type) == simdjson::SUCCESS &&
         (type == possible_update ||
          (type == update_by_model && element["model"].get_string().get(model) == simdjson::SUCCESS));
}

}  // namespace

NearLinks::NearLinks(Database& database, NeighbourTable& neighbours, Adjudication& adjudication)
    : neighbours_{neighbours},
      adjudication_{adjudication},
      content_{database.prepare("SELECT memory_id, content, user_id FROM memories WHERE id = ?1")},
      connections_{database.prepare("SELECT connections FROM memories WHERE id = ?1")},
      connect_{database.prepare("UPDATE memories SET connections = ?2 WHERE id = ?1")} {}

void NearLinks::update(const std::string& agent_id, const Change& change, PairQuestion* question) {
  judged_ = adjudication_.enabled() || change.any_verdicts;
  std::set<std::int64_t> done;
  const auto link_once = [&](const Neighbour& one) {
    if (done.insert(one.item).second) {
      link(agent_id, one, question);
    }
  };
  std::ranges::for_each(change.added, link_once);
  const auto all = neighbours_.all();
  for (const auto* list : {&change.added, &change.removed}) {
    for (const auto& one : *list) {
      for (const auto i : pipeline::touched(all, one)) {
        link_once(all[i]);
      }
    }
  }
  for (const auto& one : all) {
    if (std::ranges::find(change.judged, one.item) != change.judged.end()) {
      link_once(one);
    }
  }
}

NearLinks::Text NearLinks::read_text(std::int64_t item) {
  Text text;
  content_.with(item);
  if (content_.step()) {
    text.memory_id = content_.text(0);
    text.content = content_.text(1);
    if (judged_) {
      text.sketch = pipeline::sketch_of(text.content, content_.text(2));
    } else {  // All that a link needs.
      text.sketch.text = pipeline::canonical_text(text.content);
    }
  }
  content_.reset();
  return text;
}

void NearLinks::link(const std::string& agent_id, const Neighbour& neighbour, PairQuestion* question) {
  const auto all = neighbours_.all();
  std::vector<Link> links;
  std::optional<Text> own;
  for (const auto i : pipeline::nearest(all, neighbour)) {
    if (links.size() == pipeline::links_max) {
      break;
    }
    if (!own) {
      own = read_text(neighbour.item);
    }
    auto earlier = read_text(all[i].item);
    if (earlier.memory_id.empty() || !alike(own->sketch.text, earlier.sketch.text)) {
      continue;
    }
    const auto said = judged_ ? adjudication_.verdicts().find(agent_id, signed_number(own->sketch.form),
                                                              signed_number(earlier.sketch.form))
                              : std::nullopt;
    const auto verdict = said && said->verdict ? *said->verdict : Verdict::unsure;
    if (verdict == Verdict::different) {
      continue;
    }
    // Called the same, and here all the same: what was said while near dedupe was off. Linked, at least.
    if (!said && question != nullptr && adjudication_.enabled()) {
      ask(*question, earlier, *own);
    }
    links.push_back(
        {.memory_id = std::move(earlier.memory_id), .model = verdict == Verdict::update ? said->model : std::string{}});
  }
  connections_.with(neighbour.item);
  const std::string before{connections_.step() ? connections_.text(0) : "[]"};
  connections_.reset();
  if (links.empty() && before == "[]") {
    return;
  }
  if (const auto after = connections_with(before, links); after != before) {
    connect_.with(neighbour.item, after).run();
  }
}

void NearLinks::ask(PairQuestion& question, const Text& earlier, const Text& later) {
  const auto wording = [](const Text& text) {
    return Wording{.form = signed_number(text.sketch.form),
                   .shape = signed_number(text.sketch.shape),
                   .memory_id = text.memory_id};
  };
  WordingPair pair{wording(earlier), wording(later)};
  const auto known = [&](const WordingPair& one) {
    return std::minmax(one.earlier.form, one.later.form) == std::minmax(pair.earlier.form, pair.later.form);
  };
  if (question.texts.size() == pipeline::pairs_max || pair.earlier.form == pair.later.form ||
      std::ranges::any_of(question.wordings, known)) {
    return;
  }
  question.wordings.push_back(std::move(pair));
  question.texts.push_back({earlier.content, later.content});
}

/// The connections of a memory without its links, and with these instead.
std::string NearLinks::connections_with(std::string_view json, const std::vector<Link>& links) {
  std::string out = "[";
  const auto add = [&out](std::string_view item) {
    out += out.size() > 1 ? "," : "";
    out += item;
  };
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (json != "[]" && parser.parse(json.data(), json.size()).get_array().get(array) == simdjson::SUCCESS) {
    for (const auto element : array) {
      if (!is_link(element)) {
        add(simdjson::minify(element));
      }
    }
  }
  for (const auto& [id, model] : links) {
    pipeline::JsonText link;
    link.object().field("type", model.empty() ? possible_update : update_by_model).field("memory_id", id);
    if (!model.empty()) {
      link.field("model", model);
    }
    add(link.end().text());
  }
  return out + "]";
}

}  // namespace alluvium::connectors
