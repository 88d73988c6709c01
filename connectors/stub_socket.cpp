// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace alluvium::connectors {
namespace {

constexpr std::size_t write_step_bytes = std::size_t{1} << 20;
constexpr std::size_t drained_bytes_max = std::size_t{64} << 20;
constexpr timeval drain_wait{1, 0};

}  // namespace

pipeline::Result<TlsContext> make_tls_context(const std::string& cert, const std::string& key) {
  TlsContext context{SSL_CTX_new(TLS_server_method())};
  if (context == nullptr || SSL_CTX_use_certificate_chain_file(context.get(), cert.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    ERR_clear_error();
    return pipeline::fail(pipeline::Errc::invalid_config,
                          cert + " and " + key + " are not a certificate and its key (PEM)");
  }
  return context;
}

StubSocket::StubSocket(int fd, SSL_CTX* context) : fd_{fd}, tls_{context != nullptr ? SSL_new(context) : nullptr} {
  constexpr int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval idle{stub_idle_max.count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
  if (tls_ != nullptr) {
    SSL_set_fd(tls_.get(), fd_);
  }
}

StubSocket::~StubSocket() {
  ERR_clear_error();
  ::close(fd_);
}

bool StubSocket::handshake() {
  return tls_ == nullptr || SSL_accept(tls_.get()) == 1;
}

std::size_t StubSocket::read(char* into, std::size_t bytes_max) {
  if (tls_ != nullptr) {
    std::size_t count = 0;
    return SSL_read_ex(tls_.get(), into, bytes_max, &count) == 1 ? count : 0;
  }
  while (true) {
    const auto count = ::recv(fd_, into, bytes_max, 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
}

bool StubSocket::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto step = std::min(bytes.size(), write_step_bytes);
    std::size_t written = 0;
    if (tls_ != nullptr) {
      if (SSL_write_ex(tls_.get(), bytes.data(), step, &written) != 1) {
        return false;
      }
    } else {
      const auto count = ::send(fd_, bytes.data(), step, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count <= 0) {
        return false;
      }
      written = static_cast<std::size_t>(count);
    }
    bytes.remove_prefix(written);
  }
  return true;
}

bool StubSocket::wait(std::int64_t ms, int stop) const {
  using std::chrono::steady_clock, std::chrono::milliseconds;
  const auto until = steady_clock::now() + milliseconds{ms};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    if (ms >= 0 && left <= 0) {
      return true;
    }
    std::array<pollfd, 2> waited{pollfd{fd_, POLLRDHUP, 0}, pollfd{stop, POLLIN, 0}};
    const auto ready =
        ::poll(waited.data(), waited.size(), ms < 0 ? -1 : static_cast<int>(std::min<std::int64_t>(left, INT_MAX)));
    if (ready > 0) {
      return false;
    }
  }
}

void StubSocket::half_close() const {
  ::shutdown(fd_, SHUT_WR);
}

void StubSocket::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  if (tls_ != nullptr) {
    SSL_set_quiet_shutdown(tls_.get(), 1);
  }
}

void StubSocket::finish() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_.get());
  }
  half_close();
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &drain_wait, sizeof drain_wait);
  std::array<char, 16384> drained{};
  for (std::size_t bytes = 0; bytes < drained_bytes_max;) {
    const auto count = ::recv(fd_, drained.data(), drained.size(), 0);
    if (count <= 0) {
      return;
    }
    bytes += static_cast<std::size_t>(count);
  }
}

}  // namespace alluvium::connectors
