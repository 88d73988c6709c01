// SPDX-License-Identifier: Apache-2.0
// What is known of one HTTP call while it is under way. Only http_client.cpp includes it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "connectors/http_client.hpp"
#include "connectors/http_connection.hpp"
#include "connectors/reply_parser.hpp"

namespace alluvium::connectors {

/// A call from send() to its `done`.
struct HttpCall {
  enum class Stage { waiting, connecting, exchanging };
  using TimePoint = std::chrono::steady_clock::time_point;

  HttpCall(boost::asio::io_context& io, HttpRequest asked, std::function<void(HttpReply)> then)
      : request{std::move(asked)}, done{std::move(then)}, timer{io} {}

  HttpRequest request;
  std::function<void(HttpReply)> done;
  std::string head;  ///< Request line and headers.
  HttpReply reply;
  std::optional<ReplyParser> parser;
  std::shared_ptr<HttpConnection> connection;
  Stage stage = Stage::waiting;
  boost::asio::steady_timer timer;
  TimePoint started, must_end;  ///< must_end: by the total time-out.
  TimePoint deadline, armed_for = TimePoint::max();
  int interim_replies = 0;
  std::size_t written = 0;
  bool writing = false;
  bool heard = false;    ///< At least one byte of the reply came.
  bool reused = false;   ///< The connection had served another call before.
  bool failing = false;  ///< The connection is closed; the end waits until it is known how much was written.
  bool ended = false;

  /// Of head and body.
  [[nodiscard]] bool is_written() const {
    return !writing && written == head.size() + request.body.size();
  }
  /// True if it still waits for what happens on `its`: a handler of a connection given up does nothing.
  [[nodiscard]] bool waits_for(const std::shared_ptr<HttpConnection>& its) const {
    return !ended && !failing && connection == its;
  }
};

}  // namespace alluvium::connectors
