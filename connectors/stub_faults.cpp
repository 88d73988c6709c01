// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_faults.hpp"

#include <algorithm>
#include <array>

#include "pipeline/json_reader.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;
using simdjson::dom::element;
using Kind = StubFault::Kind;

constexpr std::array<std::string_view, 22> kind_names{
    "",       "status",         "refuse",   "hang",   "close",       "half_close",   "reset",
    "drip",   "reset_mid_body", "truncate", "html",   "wrong_shape", "wrong_schema", "prose",
    "fenced", "cut_answer",     "refusal",  "inject", "huge",        "errored",      "expired",
    "job"};

constexpr std::int64_t refuse_ms_default = 1'000;
constexpr std::int64_t drip_ms_default = 50;
constexpr std::int64_t huge_bytes_default = 100'000'000;

/// A whole number of 0 to `most`, or `standard` for a bare true. False if it is neither.
bool read_amount(element value, std::int64_t most, std::int64_t standard, std::int64_t& out) {
  if (bool truth = false; value.get(truth) == simdjson::SUCCESS) {
    out = standard;
    return truth;
  }
  return value.get(out) == simdjson::SUCCESS && out >= 0 && out <= most;
}

bool read_text(element value, std::string& out) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS || text.empty()) {
    return false;
  }
  out = text;
  return true;
}

bool read_truth(element value, bool& out) {
  return value.get(out) == simdjson::SUCCESS;
}

bool read_nth(element value, std::vector<std::int64_t>& nth) {
  simdjson::dom::array several;
  if (value.get(several) != simdjson::SUCCESS) {
    std::int64_t one = 0;
    nth = {};
    const bool fits = value.get(one) == simdjson::SUCCESS && one > 0;
    nth.push_back(one);
    return fits;
  }
  for (const auto each : several) {
    std::int64_t one = 0;
    if (each.get(one) != simdjson::SUCCESS || one <= 0) {
      return false;
    }
    nth.push_back(one);
  }
  return !nth.empty();
}

std::string without_v1(std::string_view path) {
  return std::string{path.starts_with("/v1/") ? path.substr(3) : path};
}

/// False if a field is unknown or not as it should be; then `wrong` is its name.
bool read_match(simdjson::dom::object match, StubScript::Entry& entry, std::string& wrong) {
  for (const auto [key, value] : match) {
    bool good = false;
    if (key == "nth") {
      good = read_nth(value, entry.nth);
    } else if (key == "every") {
      good = value.get(entry.every) == simdjson::SUCCESS && entry.every > 0;
    } else if (key == "contains") {
      good = read_text(value, entry.contains);
    } else if (key == "path") {
      good = read_text(value, entry.path);
      entry.path = without_v1(entry.path);
    } else if (key == "method") {
      good = read_text(value, entry.method);
    } else if (key == "model") {
      good = read_text(value, entry.model);
    } else if (key == "in_batch") {
      good = read_truth(value, entry.in_batch);
    }
    if (!good) {
      wrong = "match." + std::string{key};
      return false;
    }
  }
  return true;
}

bool read_headers(element value, StubHeaders& headers) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return false;
  }
  for (const auto [key, header] : object) {
    std::string name{key};
    std::string text;
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (!read_text(header, text)) {
      text = simdjson::minify(header);
    }
    if (name.empty() || (name + text).find_first_of("\r\n") != std::string::npos) {
      return false;
    }
    headers.set(name, std::move(text));
  }
  return true;
}

/// A field that goes with a kind. Nothing: it is none of them.
std::optional<bool> read_detail(std::string_view key, element value, StubFault& fault) {
  if (key == "headers") {
    return read_headers(value, fault.headers);
  }
  if (key == "body") {
    std::string_view text;
    fault.body = value.get(text) == simdjson::SUCCESS ? std::string{text} : simdjson::minify(value);
    return true;
  }
  if (key == "code") {
    return read_text(value, fault.error.code);
  }
  if (key == "message") {
    return read_text(value, fault.error.message);
  }
  if (key == "retry_after_date_s") {
    std::int64_t seconds = 0;
    const bool good = read_amount(value, stub_wait_ms_max / 1000, 1, seconds);
    fault.retry_date_s = seconds;
    return good;
  }
  if (key == "slow_ms") {
    return read_amount(value, stub_wait_ms_max, refuse_ms_default, fault.slow_ms);
  }
  if (key == "applied") {
    return read_truth(value, fault.applied);
  }
  return std::nullopt;
}

bool read_kind(Kind kind, element value, StubFault& fault) {
  // "errored" says what happens where "status" says how.
  const bool with_status =
      (fault.kind == Kind::errored && kind == Kind::status) || (fault.kind == Kind::status && kind == Kind::errored);
  if (fault.kind != Kind::none && !with_status) {
    return false;
  }
  fault.kind = with_status ? Kind::errored : kind;
  switch (kind) {
    case Kind::status: {
      std::int64_t status = 0;
      const bool good = value.get(status) == simdjson::SUCCESS && status >= 200 && status <= 599;
      fault.error.status = static_cast<int>(status);
      return good;
    }
    case Kind::refuse:
      return read_amount(value, stub_wait_ms_max, refuse_ms_default, fault.amount);
    case Kind::drip:
      return read_amount(value, stub_wait_ms_max, drip_ms_default, fault.amount);
    case Kind::huge:
      return read_amount(value, stub_huge_bytes_max, huge_bytes_default, fault.amount);
    case Kind::inject:
      return value["text"].error() == simdjson::SUCCESS && read_text(value["text"].value_unsafe(), fault.text);
    case Kind::job:
      return read_text(value, fault.text) && (fault.text == "expired" || fault.text == "failed");
    default: {
      bool truth = false;
      return read_truth(value, truth) && truth;
    }
  }
}

bool read_fault(simdjson::dom::object what, StubFault& fault, std::string& wrong) {
  for (const auto [key, value] : what) {
    auto good = read_detail(key, value, fault);
    if (!good) {
      const auto* const found = std::find(kind_names.begin() + 1, kind_names.end(), key);
      good = found != kind_names.end() && read_kind(static_cast<Kind>(found - kind_names.begin()), value, fault);
    }
    if (!*good) {
      wrong = "do." + std::string{key};
      return false;
    }
  }
  return true;
}

/// What is wrong with it; empty if nothing.
std::string read_entry(element json, StubScript::Entry& entry) {
  simdjson::dom::object object;
  simdjson::dom::object part;
  std::string wrong;
  if (json.get(object) != simdjson::SUCCESS) {
    return "want an object";
  }
  std::optional<std::int64_t> times;
  for (const auto [key, value] : object) {
    std::int64_t count = 0;
    const bool good = (key == "match" && value.get(part) == simdjson::SUCCESS && read_match(part, entry, wrong)) ||
                      (key == "do" && value.get(part) == simdjson::SUCCESS && read_fault(part, entry.fault, wrong)) ||
                      (key == "times" && value.get(count) == simdjson::SUCCESS && count > 0);
    if (!good) {
      return (wrong.empty() ? std::string{key} : wrong) + " is unknown here, or not as it should be";
    }
    times = key == "times" ? count : times;
  }
  if (entry.fault.kind == Kind::none && entry.fault.slow_ms == 0) {
    return "it has nothing to \"do\"";
  }
  const bool once = !entry.contains.empty() && entry.nth.empty() && entry.every == 0;
  entry.times = times.value_or(once ? 1 : 0);
  const auto kind = entry.fault.kind;
  entry.in_batch = entry.in_batch || kind == Kind::errored || kind == Kind::expired;
  const bool about_words = kind >= Kind::wrong_schema && kind <= Kind::inject;
  if (entry.in_batch && !about_words && kind != Kind::errored && kind != Kind::expired) {
    return "a request in a batch job can only be errored, expired, or answered in another way";
  }
  return {};
}

bool path_fits(std::string_view wanted, std::string_view path) {
  if (wanted.ends_with('*')) {
    return path.starts_with(wanted.substr(0, wanted.size() - 1));
  }
  return wanted.empty() || wanted == path;
}

}  // namespace

std::string_view name(Kind kind) {
  return kind_names[static_cast<std::size_t>(kind)];
}

StubSaid stub_said(const StubFault& fault, StubAnswer answer) {
  using End = StubSaid::End;
  const auto end = answer.cut ? End::length : End::whole;
  switch (fault.kind) {
    case Kind::wrong_schema:
      return {R"({"memories":[{"content":12,"type":["x"],"importance":"very","keywords":"none","messages":"first"},)"
              R"(7,null],"unsure":"nothing"})",
              end};
    case Kind::prose:
      return {"Sure! Here is what I found in the chat:\n\n" + answer.text + "\n\nLet me know if you need more.", end};
    case Kind::fenced:
      return {"```json\n" + answer.text + "\n```", end};
    case Kind::cut_answer:
      return {answer.text.substr(0, answer.text.size() / 2), End::length};
    case Kind::refusal:
      return {"I'm sorry, but I can't help with that.", End::refusal};
    case Kind::inject:
      return {fault.text, End::whole};
    default:
      return {std::move(answer.text), end};
  }
}

Result<StubScript> StubScript::read(std::string_view json) {
  const auto invalid = [](const std::string& why) { return fail(Errc::invalid_config, "fault script: " + why); };
  if (json.empty() || json.size() > stub_script_bytes_max) {
    return invalid("want a JSON list of at most 8 MB");
  }
  pipeline::JsonReader reader{stub_json_depth_max};
  const auto root = reader.parse(json);
  if (!root) {
    return invalid(root.error().detail);
  }
  simdjson::dom::array list;
  if (root->get(list) != simdjson::SUCCESS) {
    return invalid("want a JSON list");
  }
  StubScript script;
  for (const auto each : list) {
    const auto number = std::to_string(script.entries_.size() + 1);
    if (script.entries_.size() == stub_script_entries_max) {
      return invalid("more than " + std::to_string(stub_script_entries_max) + " entries");
    }
    if (auto wrong = read_entry(each, script.entries_.emplace_back()); !wrong.empty()) {
      return invalid("entry " + number + ": " + wrong);
    }
  }
  return script;
}

StubFault StubScript::next(const StubSubject& subject, bool in_batch) {
  const Entry* acting = nullptr;
  for (auto& entry : entries_) {
    const bool concerned = entry.in_batch == in_batch && path_fits(entry.path, subject.path) &&
                           (entry.method.empty() || entry.method == subject.method) &&
                           (entry.model.empty() || entry.model == subject.model) &&
                           (entry.contains.empty() || subject.body.find(entry.contains) != std::string_view::npos ||
                            subject.path.find(entry.contains) != std::string_view::npos);
    if (!concerned) {
      continue;
    }
    ++entry.seen;
    const bool counted = (entry.nth.empty() || std::ranges::find(entry.nth, entry.seen) != entry.nth.end()) &&
                         (entry.every == 0 || entry.seen % entry.every == 0);
    if (acting == nullptr && counted && (entry.times == 0 || entry.acted < entry.times)) {
      ++entry.acted;
      acting = &entry;
    }
  }
  return acting != nullptr ? acting->fault : StubFault{};
}

}  // namespace alluvium::connectors
