// SPDX-License-Identifier: Apache-2.0
// What both batch APIs have in common: a job's way from its making to its end.
#include "connectors/stub_batches.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <xxhash.h>

#include "pipeline/json_text.hpp"

namespace alluvium::connectors {
namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

bool is_under(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

bool stub_custom_id_fits(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string_view stub_query(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

bool StubBatches::serves(std::string_view path) {
  return is_under(path, "/files") || is_under(path, "/batches") || is_under(path, "/messages/batches");
}

StubApi StubBatches::api_of(std::string_view path) {
  return is_under(path, "/messages/batches") ? StubApi::anthropic : StubApi::openai;
}

StubReply StubBatches::handle(const StubRequest& request, const StubFault& fault, const Fate& fate,
                              std::string_view request_id) {
  const std::lock_guard lock{mutex_};
  const auto api = api_of(request.path);
  const Call call{request, fault, fate, request_id, api, split_path(request.path)};
  return api == StubApi::openai ? openai(call) : anthropic(call);
}

StubBatches::Totals StubBatches::totals() {
  const std::lock_guard lock{mutex_};
  return totals_;
}

std::size_t StubBatches::requests_max(StubApi api) const {
  const auto own = api == StubApi::openai ? openai_batch_requests_max : anthropic_batch_requests_max;
  return options_.requests_max > 0 ? options_.requests_max : own;
}

StubJob* StubBatches::find(StubApi api, std::string_view id) {
  const auto found = std::ranges::find_if(jobs_, [&](const auto& job) { return job->api == api && job->id == id; });
  return found != jobs_.end() ? found->get() : nullptr;
}

StubReply StubBatches::added(const Call& call, StubJob job) {
  const auto bytes = std::accumulate(job.requests.begin(), job.requests.end(), std::size_t{0},
                                     [](auto sum, const auto& each) { return sum + each.body.size(); });
  if (jobs_.size() >= stub_jobs_max || kept_bytes_ + bytes > stub_kept_bytes_max) {
    return stub_error(call.api, {429, "This simulation keeps no more jobs: start it anew.", {}, {}}, call.request_id);
  }
  kept_bytes_ += bytes;
  job.id = new_id(call.api == StubApi::openai ? "batch_" : "msgbatch_");
  job.total = job.requests.size();
  job.created_ms = options_.clock();
  job.ending = call.fault.kind == StubFault::Kind::job ? call.fault.text : std::string{};
  ++totals_.jobs;
  totals_.requests += static_cast<std::int64_t>(job.total);
  auto& kept = *jobs_.emplace_back(std::make_unique<StubJob>(std::move(job)));
  if (options_.polls == 0) {
    end(kept);
  }
  return {200,
          call.api == StubApi::openai ? openai_json(kept) : anthropic_json(kept, call.request),
          "application/json",
          {}};
}

void StubBatches::poll(StubJob& job) {
  ++job.polls;
  const bool due = job.polls >= options_.polls || job.cancel_ms > 0 || !job.invalid.empty();
  if (due && job.ended_ms == 0) {
    end(job);
  }
}

/// Answers every request of the job, in an order that is not theirs.
void StubBatches::end(StubJob& job) {
  job.ended_ms = options_.clock();
  const bool failed = job.api == StubApi::openai && (!job.invalid.empty() || job.ending == "failed");
  std::vector<std::size_t> order(failed ? 0 : job.requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t index) {
    const auto& id = job.requests[index].custom_id;
    return std::pair{XXH3_64bits(id.data(), id.size()), index};
  });
  std::string output;
  std::string errors;
  for (const auto index : order) {
    if (job.api == StubApi::openai) {
      openai_line(job, index, output, errors);
    } else {
      anthropic_line(job, index);
    }
  }
  for (const auto& request : job.requests) {
    kept_bytes_ -= request.body.size();
  }
  job.requests.clear();
  kept_bytes_ += job.results.size();
  if (!output.empty()) {
    job.output_file = keep_file(job.id + "_output.jsonl", "batch_output", std::move(output));
  }
  if (!errors.empty()) {
    job.error_file = keep_file(job.id + "_error.jsonl", "batch_output", std::move(errors));
  }
}

StubBatches::Outcome StubBatches::outcome(StubJob& job, std::size_t index) {
  const auto& request = job.requests[index];
  const auto half = job.total / 2;
  const auto request_id = "req_" + stub_hex(XXH3_64bits(request.custom_id.data(), request.custom_id.size()));
  const auto failed = [&](const StubError& error) {
    ++job.errored;
    return Outcome{End::errored, stub_error_body(job.api, error, request_id), error.status};
  };
  if (request.fault.kind == StubFault::Kind::errored) {
    return failed(request.fault.error);
  }
  if (job.ending == "failed") {
    return failed({500, {}, {}, {}});
  }
  if (request.fault.kind == StubFault::Kind::expired || (job.ending == "expired" && index >= half)) {
    ++job.expired;
    return {End::expired, {}, 0};
  }
  if (job.cancel_ms > 0 && index >= (job.polls > 1 ? half : 0)) {  // The poll that ends it counts already.
    ++job.canceled;
    return {End::canceled, {}, 0};
  }
  const auto call = read_stub_call(job.api, request.body);
  if (!call) {
    return failed(call.error());
  }
  const auto limit = options_.ignore_max_tokens ? 0 : static_cast<std::size_t>(call->max_tokens) * 4;
  const auto said = stub_said(request.fault, stub_answer(call->prompt, call->wants_connections, limit));
  ++job.succeeded;
  ++totals_.succeeded;
  totals_.duplicates += answered_.insert(call->hash).second ? 0 : 1;
  const auto completion = stub_tokens(said.text.size());
  job.prompt_tokens += call->prompt_tokens;
  job.completion_tokens += completion;
  totals_.prompt_tokens += call->prompt_tokens;
  totals_.completion_tokens += completion;
  return {End::succeeded, stub_reply_body(*call, said, job.ended_ms, "batch"), 200};
}

std::string StubBatches::keep_file(const std::string& name, const std::string& purpose, std::string content) {
  auto id = new_id("file-");
  kept_bytes_ += content.size();
  files_.emplace(id, File{name, purpose, std::move(content), options_.clock()});
  return id;
}

/// Different in each run of the server, so that a client's old ids are unknown.
std::string StubBatches::new_id(std::string_view prefix) {
  const std::uint64_t seed[2] = {++made_, static_cast<std::uint64_t>(options_.clock())};
  return std::string{prefix} + stub_hex(XXH3_64bits(seed, sizeof seed));
}

std::string StubBatches::jobs_list(const Call& call, std::size_t limit_default, std::size_t limit_max,
                                   std::string_view after, std::string_view before, bool& has_more, std::string& first,
                                   std::string& last) {
  auto limit = limit_default;
  const auto wanted = stub_query(call.request.query, "limit");
  std::from_chars(wanted.data(), wanted.data() + wanted.size(), limit);
  limit = std::clamp<std::size_t>(limit, 1, limit_max);
  std::vector<const StubJob*> newest_first;
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) {
    if ((*job)->api == call.api) {
      newest_first.push_back(job->get());
    }
  }
  const auto at = [&](std::string_view id) {
    return std::ranges::find(newest_first, id, [](const auto* job) { return std::string_view{job->id}; });
  };
  if (const auto found = at(after); !after.empty() && found != newest_first.end()) {
    newest_first.erase(newest_first.begin(), found + 1);
  }
  if (const auto found = at(before); !before.empty() && found != newest_first.end()) {
    newest_first.erase(found, newest_first.end());
    // Those just before it: the last ones of what is left.
    newest_first.erase(newest_first.begin(),
                       newest_first.end() - static_cast<std::ptrdiff_t>(std::min(limit, newest_first.size())));
  }
  has_more = newest_first.size() > limit;
  newest_first.resize(std::min(limit, newest_first.size()));
  pipeline::JsonText list;
  list.array();
  for (const auto* job : newest_first) {
    list.raw(call.api == StubApi::openai ? openai_json(*job) : anthropic_json(*job, call.request));
  }
  first = newest_first.empty() ? "" : newest_first.front()->id;
  last = newest_first.empty() ? "" : newest_first.back()->id;
  return list.end().text();
}

}  // namespace alluvium::connectors
