// SPDX-License-Identifier: Apache-2.0
#include "connectors/model_endpoint.hpp"

#include <algorithm>
#include <utility>

#include "connectors/model_jobs.hpp"
#include "connectors/model_wire.hpp"
#include "connectors/url.hpp"

namespace alluvium::connectors {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;

namespace {

constexpr std::size_t concurrent_limit = 1024;

bool is_any_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

Result<void> check(const EndpointOptions& options) {
  const auto refuse = [&](const std::string& what) {
    return fail(Errc::invalid_config, (options.name.empty() ? "" : "endpoint " + options.name + ": ") + what);
  };
  if (!is_any_of(options.api, {"openai", "anthropic"})) {
    return refuse("api: \"" + options.api + "\" is neither openai nor anthropic");
  }
  if (options.model.empty()) {
    return refuse("model: must not be empty");
  }
  if (!is_any_of(options.max_tokens_field, {"max_tokens", "max_completion_tokens"})) {
    return refuse("max_tokens_field: is neither max_tokens nor max_completion_tokens");
  }
  if (!is_any_of(options.response_format, {"json_schema", "json_object", "none"})) {
    return refuse("response_format: is none of json_schema, json_object and none");
  }
  if (!options.api_key.empty() && !is_visible_ascii(options.api_key)) {
    return refuse("api_key: has characters in it that no key has (a blank or a line break?)");
  }
  if (!is_visible_ascii(options.anthropic_version)) {
    return refuse("anthropic_version: is empty or has characters in it that can't be sent");
  }
  if (options.concurrent_max < 1 || options.concurrent_max > concurrent_limit) {
    return refuse("concurrent_max: must be 1 to " + std::to_string(concurrent_limit));
  }
  if (auto url = parse_url(options.base_url); !url) {
    return refuse("base_url: " + url.error().detail);
  }
  return {};
}

class HttpModel : public pipeline::Model {
 public:
  HttpModel(EndpointOptions options, pipeline::WallClock clock, std::unique_ptr<HttpClient> http, const Url& url)
      : options_{std::move(options)}, clock_{clock}, anthropic_{options_.api == "anthropic"}, http_{std::move(http)} {
    target_ = target_prefix(options_, url.path) + (anthropic_ ? "/messages" : "/chat/completions");
    url_ = http_->base_url() + target_;
    headers_ = api_headers(options_);
    headers_.emplace_back("Content-Type", "application/json");
  }

  [[nodiscard]] const std::string& model_name() const override {
    return options_.model;
  }
  [[nodiscard]] const std::string& url() const override {
    return url_;
  }
  [[nodiscard]] std::string body(const pipeline::ModelPrompt& prompt) const override {
    return anthropic_ ? anthropic_body(options_, prompt) : openai_body(options_, prompt);
  }
  void send(std::string body, std::function<void(pipeline::ModelReply)> done) override {
    HttpRequest request;
    request.target = target_;
    request.headers = headers_;
    request.body = std::move(body);
    const ReadAnswer read = anthropic_ ? read_anthropic_answer : read_openai_answer;
    http_->send(std::move(request), [read, clock = clock_, key = options_.api_key,
                                     done = std::move(done)](const HttpReply& reply) {
      auto read_out = read_reply(reply, read, clock());
      // Some gateways say which key they refuse.
      constexpr std::string_view shown = "[key]";
      auto& said = read_out.error_message;
      for (auto at = key.empty() ? std::string::npos : said.find(key); at != std::string::npos;
           at = said.find(key, at + shown.size())) {
        said.replace(at, key.size(), shown);
      }
      done(std::move(read_out));
    });
  }

 private:
  EndpointOptions options_;
  pipeline::WallClock clock_;
  bool anthropic_;
  std::string target_, url_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::unique_ptr<HttpClient> http_;
};

}  // namespace

Result<std::unique_ptr<pipeline::Model>> make_model(const EndpointOptions& options, pipeline::WallClock clock) {
  if (auto checked = check(options); !checked) {
    return tl::unexpected{checked.error()};
  }
  auto http = options.http;
  http.base_url = options.base_url;
  http.connections_max = options.concurrent_max;
  auto client = HttpClient::make(http);
  if (!client) {
    return tl::unexpected{client.error()};
  }
  return std::make_unique<HttpModel>(options, clock, *std::move(client), *parse_url(options.base_url));
}

Result<std::unique_ptr<pipeline::BatchApi>> make_batch_api(const EndpointOptions& options, pipeline::WallClock clock) {
  if (auto checked = check(options); !checked) {
    return tl::unexpected{checked.error()};
  }
  auto http = options.http;
  http.base_url = options.base_url;
  http.connections_max = 1;
  auto client = HttpClient::make(http);
  if (!client) {
    return tl::unexpected{client.error()};
  }
  JobCalls calls{options, clock, *std::move(client), *parse_url(options.base_url)};
  return options.api == "anthropic" ? make_anthropic_batches(std::move(calls)) : make_openai_batches(std::move(calls));
}

}  // namespace alluvium::connectors
