// SPDX-License-Identifier: Apache-2.0
// What the tests of HTTP share: clients, calls, and servers of one trick.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "connectors/http_client.hpp"
#include "tests/support/scripted_server.hpp"

namespace alluvium::connectors {
using namespace std::chrono_literals;
using tests::ScriptedPeer;
using tests::ScriptedServer;
using tests::TestCertificate;
using Transport = pipeline::ModelReply::Transport;

inline constexpr auto forever = 20s;

inline std::unique_ptr<HttpClient> client_of(
    const std::string& base_url, const std::function<void(HttpOptions&)>& change = [](HttpOptions&) {}) {
  HttpOptions options;
  options.base_url = base_url;
  options.total_timeout = forever;
  options.read_timeout = forever;
  change(options);
  auto client = HttpClient::make(options);
  EXPECT_TRUE(client.has_value()) << client.error().detail;
  return std::move(*client);
}

inline HttpRequest post(std::string body = "{}") {
  HttpRequest request;
  request.target = "/ask";
  request.body = std::move(body);
  return request;
}

/// Answers everything with what it was asked.
inline void echo(ScriptedPeer& peer, int) {
  while (const auto request = peer.request()) {
    peer.reply(200, request->body);
  }
}

/// What comes of one call to a server that answers with these bytes and then does `then`.
inline HttpReply reply_to(
    const std::string& bytes, const std::function<void(ScriptedPeer&)>& then,
    const std::function<void(HttpOptions&)>& change = [](HttpOptions&) {}) {
  const ScriptedServer server{[&](ScriptedPeer& peer, int) {
    if (peer.request()) {
      peer.write(bytes);
      then(peer);
    }
  }};
  return client_of(server.url(), change)->call(post());
}
inline void close(ScriptedPeer&) {}
inline void hang(ScriptedPeer& peer) {
  peer.until_closed();
}

/// Replies as they come, on any thread.
class Replies {
 public:
  std::function<void(HttpReply)> next() {
    return [this](HttpReply reply) {
      const std::lock_guard lock{mutex_};
      replies_.push_back(std::move(reply));
      changed_.notify_all();
    };
  }
  std::vector<HttpReply> wait(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, forever, [&] { return replies_.size() >= count; });
    return replies_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HttpReply> replies_;
};

}  // namespace alluvium::connectors
