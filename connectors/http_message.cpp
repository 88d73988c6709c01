// SPDX-License-Identifier: Apache-2.0
#include "connectors/http_message.hpp"

#include <algorithm>
#include <future>
#include <memory>

namespace alluvium::connectors {

std::string fault_of(const HttpRequest& request) {
  if (!is_visible_ascii(request.target) || request.target.front() != '/' || !is_visible_ascii(request.method)) {
    return "the request's target has characters in it that can't be sent";
  }
  for (const auto& [name, value] : request.headers) {
    const bool sendable = std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
    if (!is_visible_ascii(name) || name.find(':') != std::string::npos || !sendable) {
      return "the header " + name + " has characters in it that can't be sent";
    }
  }
  return {};
}

std::string head_of(const HttpRequest& request, const Url& base_url) {
  auto head = request.method + " " + base_url.path + request.target + " HTTP/1.1\r\nHost: " + base_url.host_header() +
              "\r\nUser-Agent: alluvium\r\n";
  for (const auto& [name, value] : request.headers) {
    head += name + ": " + value + "\r\n";
  }
  if (!request.body.empty() || request.method != "GET") {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return head + "\r\n";
}

std::string_view HttpReply::header(std::string_view lower_case_name) const {
  const auto found = std::ranges::find(headers, lower_case_name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

HttpReply HttpClient::call(HttpRequest request) {
  // Shared: the thread that sets it may still be at it when this one has gone on.
  const auto promise = std::make_shared<std::promise<HttpReply>>();
  auto reply = promise->get_future();
  send(std::move(request), [promise](HttpReply came) { promise->set_value(std::move(came)); });
  return reply.get();
}

}  // namespace alluvium::connectors
