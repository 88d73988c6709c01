// SPDX-License-Identifier: Apache-2.0
// An HTTP server that does byte for byte what a test tells it, also what no server should.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/test_certificate.hpp"

namespace alluvium::tests {

struct ScriptedRequest {
  std::string head;  ///< Request line and headers.
  std::string body;
  [[nodiscard]] std::string line() const {
    return head.substr(0, head.find("\r\n"));
  }
};

/// One connection, as the server's script sees it. Everything ends when the client or the test does.
class ScriptedPeer {
 public:
  ScriptedPeer(int fd, SSL* tls) : fd_{fd}, tls_{tls} {}

  /// Nothing when the client has closed it.
  std::optional<ScriptedRequest> request() {
    auto head_end = std::string::npos;
    while ((head_end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) {
        return std::nullopt;
      }
    }
    ScriptedRequest request{unread_.substr(0, head_end + 2), {}};
    const std::string_view field = "Content-Length: ";
    const auto at = request.head.find(field);
    const auto length = at == std::string::npos ? 0 : std::stoul(request.head.substr(at + field.size()));
    while (unread_.size() < head_end + 4 + length) {
      if (!read_more()) {
        return std::nullopt;
      }
    }
    request.body = unread_.substr(head_end + 4, length);
    unread_.erase(0, head_end + 4 + length);
    return request;
  }

  /// At least one byte of a request has come, or the client has closed it.
  bool first_bytes() {
    return !unread_.empty() || read_more();
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                        : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// A whole reply with a Content-Length.
  void reply(int status, std::string_view body, std::string_view more_headers = "") {
    write("HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Type: application/json\r\n" +
          std::string{more_headers} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
          std::string{body});
  }

  /// True if the client closes it within `wait`.
  bool closed_within(std::chrono::milliseconds wait) const {
    pollfd closed{fd_, POLLRDHUP, 0};
    return ::poll(&closed, 1, static_cast<int>(wait.count())) > 0;
  }
  void until_closed() const {
    closed_within(std::chrono::seconds{30});
  }
  /// Says that nothing more comes.
  void half_close() const {
    ::shutdown(fd_, SHUT_WR);
  }
  /// The next close is a reset.
  void reset() const {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  bool read_more() {
    char piece[16384];
    const auto got = tls_ != nullptr ? SSL_read(tls_, piece, sizeof piece) : ::recv(fd_, piece, sizeof piece, 0);
    if (got <= 0) {
      return false;
    }
    unread_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  SSL* tls_;
  std::string unread_;
};

/// Listens on 127.0.0.1. `script` runs once per connection, on a thread of its own, and the connection closes with its
/// end; connections are counted from 0.
class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedPeer& peer, int connection)>;

  explicit ScriptedServer(Script script, const TestCertificate* certificate = nullptr)
      : script_{std::move(script)}, tls_{certificate != nullptr ? certificate->server_context() : nullptr} {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL, and a client may be gone.
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 512) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
  }
  ~ScriptedServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
      const std::lock_guard lock{mutex_};
      for (const auto fd : open_) {
        ::shutdown(fd, SHUT_RDWR);
      }
    }
    for (auto& thread : threads_) {
      thread.join();
    }
    SSL_CTX_free(tls_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] int port() const {
    return port_;
  }
  [[nodiscard]] std::string url(const std::string& path = "", const std::string& host = "127.0.0.1") const {
    return (tls_ != nullptr ? "https://" : "http://") + host + ":" + std::to_string(port_) + path;
  }
  [[nodiscard]] int connections() const {
    return connections_;
  }

 private:
  void accept_all() {
    while (!stopping_) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        continue;
      }
      const int number = connections_++;
      const std::lock_guard lock{mutex_};
      open_.push_back(fd);
      threads_.emplace_back([this, fd, number] { serve(fd, number); });
    }
  }

  void serve(int fd, int number) {
    SSL* tls = nullptr;
    bool ready = true;
    if (tls_ != nullptr) {
      tls = SSL_new(tls_);
      SSL_set_fd(tls, fd);
      ready = SSL_accept(tls) == 1;
    }
    if (ready) {
      ScriptedPeer peer{fd, tls};
      script_(peer, number);
    }
    SSL_free(tls);
    const std::lock_guard lock{mutex_};
    open_.remove(fd);
    ::close(fd);
  }

  Script script_;
  SSL_CTX* tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::list<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// A port of 127.0.0.1 on which nobody listens.
inline int closed_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace alluvium::tests
