// SPDX-License-Identifier: Apache-2.0
// One thread, callbacks, a pool of kept-alive connections. Boost is seen here and in the two headers that only this
// includes.
#include "connectors/http_client.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <thread>
#include <unordered_set>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include "connectors/http_call.hpp"
#include "connectors/http_connection.hpp"
#include "connectors/http_message.hpp"
#include "connectors/idle_connections.hpp"
#include "connectors/reply_parser.hpp"
#include "connectors/url.hpp"

namespace alluvium::connectors {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace http = boost::beast::http;
using boost::system::error_code;
using pipeline::Result;
using Clock = std::chrono::steady_clock;
using Transport = pipeline::ModelReply::Transport;

namespace {

constexpr std::size_t calls_max = 4096;                     // Under way or waiting; one more is refused at once.
constexpr std::size_t write_bytes = std::size_t{64} << 10;  // Between two looks at the clock.
constexpr int interim_replies_max = 16;                     // 1xx before the real one.

using CallPointer = std::shared_ptr<HttpCall>;
using Stage = HttpCall::Stage;

class PooledClient : public HttpClient {
 public:
  PooledClient(const HttpOptions& options, Url url, std::optional<ssl::context> tls)
      : options_{options},
        url_{std::move(url)},
        text_{url_.text()},
        tls_{std::move(tls)},
        idle_{io_, options.idle_max},
        work_{io_.get_executor()} {
    options_.connections_max = std::max<std::size_t>(options_.connections_max, 1);
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~PooledClient() override;
  PooledClient(const PooledClient&) = delete;
  PooledClient& operator=(const PooledClient&) = delete;

  void send(HttpRequest request, std::function<void(HttpReply)> done) override;
  [[nodiscard]] const std::string& base_url() const override {
    return text_;
  }

 private:
  // Everything from here on runs on the I/O thread.
  void begin(const CallPointer& call);
  void serve();
  void connect(const CallPointer& call);
  void exchange(const CallPointer& call);
  void expect_reply(const CallPointer& call);
  void write(const CallPointer& call);
  void read(const CallPointer& call);
  /// What is in the buffer; false if more has to be read.
  bool parse(const CallPointer& call);
  void at_end_of_stream(const CallPointer& call, const error_code& error);

  void set_deadline(const CallPointer& call, Clock::time_point deadline);
  void arm(const CallPointer& call);
  void time_out(const CallPointer& call);
  void give_up(const CallPointer& call, std::string error, bool timed_out = false);
  void conclude(const CallPointer& call);
  void finish(const CallPointer& call, bool keep_connection);

  HttpOptions options_;
  Url url_;
  std::string text_;
  asio::io_context io_{1};
  std::optional<ssl::context> tls_;
  std::unordered_set<CallPointer> calls_;  ///< Not ended; at most calls_max.
  std::deque<CallPointer> waiting_;        ///< Of these, for a connection.
  IdleConnections idle_;
  std::size_t in_use_ = 0;  ///< Connections with a call; with the idle ones at most connections_max.
  bool stopping_ = false;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

PooledClient::~PooledClient() {
  asio::post(io_, [this] {
    stopping_ = true;
    const auto calls = calls_;
    for (const auto& call : calls) {
      give_up(call, "the client is shutting down");
    }
    idle_.close_all();
    work_.reset();
  });
  thread_.join();
}

void PooledClient::send(HttpRequest request, std::function<void(HttpReply)> done) {
  auto call = std::make_shared<HttpCall>(io_, std::move(request), std::move(done));
  call->started = Clock::now();
  const auto total = call->request.total_timeout.count() > 0 ? call->request.total_timeout : options_.total_timeout;
  call->must_end = call->started + total;
  asio::post(io_, [this, call] { begin(call); });
}

void PooledClient::begin(const CallPointer& call) {
  auto fault = fault_of(call->request);
  if (fault.empty() && calls_.size() >= calls_max) {
    fault = "more than " + std::to_string(calls_max) + " calls are under way";
  }
  if (stopping_) {
    fault = "the client is shutting down";
  }
  calls_.insert(call);
  if (!fault.empty()) {
    give_up(call, std::move(fault));
    return;
  }
  call->head = head_of(call->request, url_);
  waiting_.push_back(call);
  set_deadline(call, call->must_end);
  serve();
}

void PooledClient::serve() {
  while (!waiting_.empty() && !stopping_) {
    auto connection = idle_.take();
    if (!connection && in_use_ >= options_.connections_max) {
      return;
    }
    const auto call = waiting_.front();
    waiting_.pop_front();
    ++in_use_;
    if (connection) {
      call->connection = std::move(connection);
      call->reused = true;
      exchange(call);
    } else {
      connect(call);
    }
  }
}

void PooledClient::connect(const CallPointer& call) {
  call->stage = Stage::connecting;
  call->reused = false;
  const auto connection = std::make_shared<HttpConnection>(io_);
  call->connection = connection;
  set_deadline(call, Clock::now() + options_.connect_timeout);
  connection->open(url_, tls_ ? &*tls_ : nullptr, [this, call, connection](std::string error) {
    if (!call->waits_for(connection)) {
      return;
    }
    if (error.empty()) {
      exchange(call);
    } else {
      give_up(call, std::move(error));
    }
  });
}

void PooledClient::exchange(const CallPointer& call) {
  call->stage = Stage::exchanging;
  expect_reply(call);
  set_deadline(call, Clock::now() + options_.read_timeout);
  // Both at once: a server may refuse a long request before it has read it all.
  write(call);
  read(call);
}

void PooledClient::expect_reply(const CallPointer& call) {
  const auto own = call->request.response_bytes_max;
  call->parser.emplace(call->reply, own > 0 ? own : options_.response_bytes_max);
}

void PooledClient::write(const CallPointer& call) {
  const auto connection = call->connection;
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(call->head), asio::buffer(call->request.body)};
  const auto each_piece = [this, call](const error_code& error, std::size_t) -> std::size_t {
    set_deadline(call, Clock::now() + options_.read_timeout);
    return error ? 0 : write_bytes;
  };
  const auto at_end = [this, call, connection](const error_code&, std::size_t written) {
    if (call->ended || call->connection != connection) {
      return;
    }
    call->writing = false;
    call->written = written;
    // If it failed, the reader finds out why, after whatever the server said before it hung up.
    if (call->failing) {
      conclude(call);
    }
  };
  call->writing = true;
  connection->write(buffers, each_piece, at_end);
}

void PooledClient::read(const CallPointer& call) {
  const auto connection = call->connection;
  if (!connection->has_room()) {
    give_up(call, "the reply is not HTTP: there is no end to a line of it");
    return;
  }
  connection->read([this, call, connection](const error_code& error, std::size_t got) {
    if (!call->waits_for(connection)) {
      return;
    }
    call->heard = call->heard || got > 0;
    set_deadline(call, Clock::now() + options_.read_timeout);
    if (got > 0 && parse(call)) {
      return;
    }
    if (error) {
      at_end_of_stream(call, error);
    } else {
      read(call);
    }
  });
}

bool PooledClient::parse(const CallPointer& call) {
  auto& buffer = call->connection->buffer();
  while (buffer.size() > 0) {
    error_code error;
    buffer.consume(call->parser->put(buffer.data(), error));
    if (error == http::error::need_more) {
      return false;
    }
    if (error == http::error::body_limit) {
      call->reply.too_large = true;
      finish(call, false);
      return true;
    }
    if (error) {
      give_up(call, "the reply is not HTTP: " + error.message());
      return true;
    }
    if (!call->parser->is_done()) {
      continue;
    }
    if (call->reply.status >= 200) {
      finish(call, call->parser->keep_alive() && call->is_written() && buffer.size() == 0);
      return true;
    }
    if (++call->interim_replies > interim_replies_max || call->reply.status == 101) {
      give_up(call, "the server answers with status " + std::to_string(call->reply.status) + " only");
      return true;
    }
    expect_reply(call);
  }
  return false;
}

void PooledClient::at_end_of_stream(const CallPointer& call, const error_code& error) {
  error_code incomplete = error;
  if (error == asio::error::eof && call->parser->got_some()) {
    call->parser->put_eof(incomplete);
  }
  if (!incomplete) {  // A body that the end of the connection ends.
    finish(call, false);
    return;
  }
  give_up(call, !call->heard ? "the server closed the connection without a reply: " + error.message()
                             : "the server closed the connection in the middle of its reply: " + error.message());
}

/// A deadline that moves back costs nothing: the timer looks again when it fires.
void PooledClient::set_deadline(const CallPointer& call, Clock::time_point deadline) {
  call->deadline = std::min(deadline, call->must_end);
  if (!call->ended && call->deadline < call->armed_for) {
    arm(call);
  }
}

void PooledClient::arm(const CallPointer& call) {
  call->armed_for = call->deadline;
  call->timer.expires_at(call->deadline);
  call->timer.async_wait([this, call](const error_code& error) {
    if (error || call->ended || call->failing) {
      return;
    }
    if (Clock::now() < call->deadline) {
      arm(call);
    } else {
      time_out(call);
    }
  });
}

void PooledClient::time_out(const CallPointer& call) {
  const bool total = call->deadline == call->must_end;
  switch (call->stage) {
    case Stage::waiting:
      give_up(call, "no connection was free in time", true);
      return;
    case Stage::connecting:
      give_up(call, "connecting to " + url_.host_header() + " timed out", true);
      return;
    case Stage::exchanging:
      give_up(call, total ? "the call timed out" : "the server went silent: reading timed out", true);
      return;
  }
}

/// The call has failed; how badly depends on what was written, which the end of the writing tells.
void PooledClient::give_up(const CallPointer& call, std::string error, bool timed_out) {
  if (call->ended || call->failing) {
    return;
  }
  call->failing = true;
  call->reply.error = std::move(error);
  call->reply.timed_out = timed_out;
  if (call->connection) {
    call->connection->close();
  }
  if (!call->writing) {
    conclude(call);
  }
}

void PooledClient::conclude(const CallPointer& call) {
  // The server closed a kept-alive connection while the request was on its way into it. What it never had in whole
  // it can't have answered. `reused` is false from the second time on.
  if (call->stage == Stage::exchanging && call->reused && !call->is_written() && !call->heard &&
      !call->reply.timed_out && !stopping_) {
    call->failing = false;
    call->written = 0;
    call->reply = HttpReply{};
    connect(call);
    return;
  }
  call->reply.transport = call->written > 0 ? Transport::lost : Transport::not_sent;
  call->reply.status = 0;
  call->reply.headers.clear();
  call->reply.body.clear();
  finish(call, false);
}

void PooledClient::finish(const CallPointer& call, bool keep_connection) {
  call->ended = true;
  call->timer.cancel();
  call->parser.reset();
  if (call->stage == Stage::waiting) {
    std::erase(waiting_, call);
  } else {
    --in_use_;
    if (keep_connection && !stopping_) {
      idle_.keep(call->connection);
    } else {
      call->connection->close();
    }
    call->connection.reset();
  }
  calls_.erase(call);
  serve();
  call->reply.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - call->started);
  const auto done = std::move(call->done);
  done(std::move(call->reply));
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::make(const HttpOptions& options) {
  auto url = parse_url(options.base_url);
  if (!url) {
    return tl::unexpected{url.error()};
  }
  std::optional<ssl::context> tls;
  if (url->tls) {
    auto context = make_tls_context(options.ca_file);
    if (!context) {
      return tl::unexpected{context.error()};
    }
    tls = *std::move(context);
  }
  return std::make_unique<PooledClient>(options, *std::move(url), std::move(tls));
}

}  // namespace alluvium::connectors
