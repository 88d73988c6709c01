// SPDX-License-Identifier: Apache-2.0
// Connections that wait to be used again. Only http_client.cpp includes it.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "connectors/http_connection.hpp"

namespace alluvium::connectors {

/// Holds as many as are kept in it: the client bounds them. All on the I/O thread.
class IdleConnections {
 public:
  IdleConnections(boost::asio::io_context& io, std::chrono::milliseconds idle_max) : idle_max_{idle_max}, timer_{io} {}

  void keep(std::shared_ptr<HttpConnection> connection) {
    connection->idle_since = std::chrono::steady_clock::now();
    idle_.push_back(std::move(connection));
    if (idle_.size() == 1) {
      sweep();
    }
  }

  /// The one used last that the server has left open, or null: then there are none at all any more.
  [[nodiscard]] std::shared_ptr<HttpConnection> take() {
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->is_quiet()) {
        return connection;
      }
      connection->close();
    }
    return nullptr;
  }

  void close_all() {
    for (const auto& connection : idle_) {
      connection->close();
    }
    idle_.clear();
    timer_.cancel();
  }

 private:
  /// Closes what was not used for idle_max, and looks again when the next one will have been.
  void sweep() {
    const auto now = std::chrono::steady_clock::now();
    while (!idle_.empty() && now >= idle_.front()->idle_since + idle_max_) {
      idle_.front()->close();
      idle_.pop_front();
    }
    if (idle_.empty()) {
      return;
    }
    timer_.expires_at(idle_.front()->idle_since + idle_max_);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) {
        sweep();
      }
    });
  }

  std::chrono::milliseconds idle_max_;
  std::deque<std::shared_ptr<HttpConnection>> idle_;  ///< The longest unused in front.
  boost::asio::steady_timer timer_;
};

}  // namespace alluvium::connectors
