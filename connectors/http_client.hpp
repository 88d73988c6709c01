// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 to model endpoints: TLS, kept-alive pooled connections, time-outs, bounded replies.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/model_reply.hpp"

namespace alluvium::connectors {

struct HttpOptions {
  std::string base_url;  ///< http://host[:port][/path] or https://...
  std::chrono::milliseconds connect_timeout{5'000};  ///< Name, TCP and TLS together.
  std::chrono::milliseconds read_timeout{30'000};    ///< Between two pieces of the reply.
  std::chrono::milliseconds total_timeout{30'000};   ///< Of a call, from its start.
  std::size_t response_bytes_max = std::size_t{8} << 20;
  std::size_t connections_max = 64;  ///< Open at once; calls beyond wait for one (within their total time-out).
  std::chrono::milliseconds idle_max{30'000};  ///< An unused connection is closed after this.
  std::string ca_file;                         ///< PEM; empty: the system's certificates.
};

struct HttpRequest {
  std::string method = "POST";
  std::string target;  ///< Appended to base_url's path: "/chat/completions".
  std::vector<std::pair<std::string, std::string>> headers;  ///< Secrets among them are never logged.
  std::string body;
  std::size_t response_bytes_max = 0;         ///< 0: as in the options.
  std::chrono::milliseconds total_timeout{0};  ///< 0: as in the options.
};

struct HttpReply {
  pipeline::ModelReply::Transport transport = pipeline::ModelReply::Transport::answered;
  bool timed_out = false;
  bool too_large = false;  ///< Cut off at response_bytes_max; transport is answered, the body what there was.
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case.
  std::string body;
  std::string error;  ///< For people, when not answered.
  std::chrono::milliseconds took{0};
  /// Empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
};

/// One per endpoint; runs an I/O thread of its own. Any thread may call. The destructor cancels what is under way:
/// each `done` is still called once, before it returns.
class HttpClient {
 public:
  /// `invalid_config` for a URL that is none, a scheme other than http and https, user info in it, or a CA file that
  /// can't be read.
  [[nodiscard]] static pipeline::Result<std::unique_ptr<HttpClient>> make(const HttpOptions& options);
  virtual ~HttpClient() = default;
  /// `done` runs on the I/O thread: it must be quick and must not throw.
  virtual void send(HttpRequest request, std::function<void(HttpReply)> done) = 0;
  /// Waits for it. Not from inside a `done`.
  [[nodiscard]] HttpReply call(HttpRequest request);
  [[nodiscard]] virtual const std::string& base_url() const = 0;
};

/// True for 127.0.0.0/8, ::1 and localhost: endpoints that need no key.
[[nodiscard]] bool is_loopback(const std::string& base_url);

}  // namespace alluvium::connectors
