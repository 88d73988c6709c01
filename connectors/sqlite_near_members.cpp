// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_near_members.hpp"

#include <unordered_map>

namespace alluvium::connectors {

using pipeline::Fate;
using pipeline::Sameness;

std::vector<Fate> NearCircle::fates(std::size_t replaced) const {
  std::vector<std::size_t> places;
  std::vector<pipeline::Variant> variants;
  std::unordered_multimap<std::int64_t, std::size_t> of_form;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i != replaced) {
      of_form.emplace(members[i].form(), places.size());
      places.push_back(i);
      variants.push_back({members[i].rank, &members[i].sketch});
    }
  }
  std::vector<pipeline::CalledSame> pairs;
  for (const auto& [form, other] : called_same) {
    const auto [first, last] = of_form.equal_range(form);
    const auto [other_first, other_last] = of_form.equal_range(other);
    for (auto one = first; one != last; ++one) {
      for (auto two = other_first; two != other_last; ++two) {
        pairs.emplace_back(one->second, two->second);
      }
    }
  }
  std::vector<Fate> all(members.size());
  const auto settled = pipeline::settle(variants, pairs);
  for (std::size_t i = 0; i < settled.size(); ++i) {
    all[places[i]] = settled[i];
    if (settled[i].into) {
      all[places[i]].into = places[*settled[i].into];
    }
  }
  if (replaced != nobody) {
    all[replaced] = all.back().into ? all.back() : Fate{.into = members.size() - 1, .why = Sameness::same_key};
  }
  return all;
}

NearMembers::NearMembers(Database& database, VerdictRows& verdicts)
    : verdicts_{verdicts},
      keys_{database.prepare("SELECT item FROM near_keys WHERE agent_id = ?1 AND shape = ?2 LIMIT ?3")},
      has_{database.prepare("SELECT 1 FROM near_keys WHERE agent_id = ?1 AND shape = ?2 AND item = ?3")},
      add_{database.prepare("INSERT OR IGNORE INTO near_keys(agent_id, shape, item) VALUES(?1, ?2, ?3)")},
      remove_{database.prepare("DELETE FROM near_keys WHERE agent_id = ?1 AND shape = ?2 AND item = ?3")},
      kept_{database.prepare("SELECT memory_id, user_id, content, extraction_method, first_offset, first_index, batch,"
                             " id, '' FROM memories WHERE id = ?1")},
      merged_{database.prepare("SELECT memory_id, user_id, content, extraction_method, first_offset, first_index,"
                               " batch, kept, why FROM duplicates WHERE id = ?1")} {}

bool NearMembers::has(const std::string& agent_id, std::int64_t shape, std::int64_t number) {
  const bool found = has_.with(agent_id, shape, number).step();
  has_.reset();
  return found;
}

void NearMembers::add(const std::string& agent_id, std::int64_t shape, std::int64_t number) {
  add_.with(agent_id, shape, number).run();
}

void NearMembers::remove(const std::string& agent_id, std::int64_t shape, std::int64_t number) {
  remove_.with(agent_id, shape, number).run();
}

std::optional<NearMember> NearMembers::read(std::int64_t number) {
  auto& row = number > 0 ? kept_ : merged_;
  row.with(number > 0 ? number : -number);
  if (!row.step()) {
    row.reset();
    return std::nullopt;
  }
  NearMember member{.number = number,
                    .kept = row.integer(7),
                    .batch = row.integer(6),
                    .id = std::string{row.text(0)},
                    .why = std::string{row.text(8)},
                    .rank = pipeline::rank_of(pipeline::method_named(row.text(3)), row.integer(4),
                                              static_cast<std::uint32_t>(row.integer(5)), row.text(0)),
                    .sketch = pipeline::sketch_of(row.text(2), row.text(1))};
  row.reset();
  return member;
}

NearCircle NearMembers::circle(const std::string& agent_id, std::set<std::int64_t> shapes, bool judged,
                               const pipeline::Sketch* newcomer) {
  NearCircle circle;
  std::vector<std::int64_t> order{shapes.begin(), shapes.end()};
  const auto always = order.size();
  const auto follow = [&](std::uint64_t hash) {
    const auto form = signed_number(hash);
    for (const auto& other : judged ? verdicts_.same_as(agent_id, form) : std::vector<Wording>{}) {
      circle.called_same.emplace(form, other.form);
      if (shapes.insert(other.shape).second) {
        order.push_back(other.shape);
      }
    }
  };
  if (newcomer != nullptr) {
    follow(newcomer->form);
  }
  for (std::size_t i = 0; i < order.size() && (i < always || circle.members.size() < pipeline::variants_max); ++i) {
    std::vector<std::int64_t> numbers;
    keys_.with(agent_id, order[i], pipeline::variants_max);
    while (keys_.step()) {
      numbers.push_back(keys_.integer(0));
    }
    keys_.reset();
    for (const auto number : numbers) {
      auto member = read(number);
      if (!member) {  // Near dedupe was off when its text was replaced.
        remove(agent_id, order[i], number);
        continue;
      }
      follow(circle.members.emplace_back(std::move(*member)).sketch.form);
    }
  }
  return circle;
}

}  // namespace alluvium::connectors
