// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/stub_http.hpp"
#include "connectors/stub_socket.hpp"
#include "connectors/wake_event.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::Errc;
using pipeline::fail;
using pipeline::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Kind = StubFault::Kind;

constexpr std::size_t huge_step_bytes = std::size_t{64} << 10;
constexpr milliseconds accept_wait{60'000};
constexpr milliseconds accept_pause{20};  // After a failure that may pass, as of file descriptors.

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] std::uint16_t port() const {
    // The port is at the same place in both.
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  }
};

std::string in_words(int error) {
  return std::strerror(error);  // NOLINT(concurrency-mt-unsafe): glibc's is, for known errors.
}

Result<Address> resolve(const std::string& listen, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (::getaddrinfo(listen.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return fail(Errc::invalid_config, listen + " is no address to listen on");
  }
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

/// A listening socket; the address then has its port.
Result<int> open_socket(Address& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  constexpr int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto* const name = reinterpret_cast<sockaddr*>(&address.storage);
  if (fd < 0 || ::bind(fd, name, address.length) != 0 || ::listen(fd, SOMAXCONN) != 0 ||
      ::getsockname(fd, name, &address.length) != 0) {
    const int error = errno;
    if (fd >= 0) {
      ::close(fd);
    }
    return fail(Errc::unavailable, "can't listen on port " + std::to_string(address.port()) + ": " + in_words(error));
  }
  return fd;
}

class Server final : public StubServer {
 public:
  Server(StubServerOptions options, std::unique_ptr<StubService> service, TlsContext tls, Address address, int fd)
      : options_{std::move(options)},
        service_{std::move(service)},
        tls_{std::move(tls)},
        address_{address},
        listening_{fd},
        stop_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)},
        thread_{[this] { accept_all(); }} {}
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::string url() const override {
    const bool v6 = address_.storage.ss_family == AF_INET6;
    return (tls_ != nullptr ? "https://" : "http://") + (v6 ? "[" + options_.listen + "]" : options_.listen) + ":" +
           std::to_string(address_.port());
  }

 private:
  void accept_all();
  void accept_one();
  bool listens();
  void serve(int fd);
  void talk(StubSocket& socket);
  bool deliver(StubSocket& socket, StubService::Turn& turn, bool keep_alive);
  bool deliver_drops(StubSocket& socket, StubService::Turn& turn, std::string_view bytes);
  bool deliver_huge(StubSocket& socket, StubService::Turn& turn);
  void refuse(std::int64_t ms);
  bool refused();
  void set_idle(int fd, bool idle);

  const StubServerOptions options_;
  const std::unique_ptr<StubService> service_;
  const TlsContext tls_;
  const Address address_;
  int listening_;   ///< The accepting thread's; -1 while connections are refused.
  const int stop_;  ///< Readable for good once the server is to end.
  WakeEvent wake_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::condition_variable changed_;  ///< A connection is gone, or the socket is closed.
  std::map<int, bool> connections_;  ///< True: waits for a request.
  Clock::time_point refused_until_{};
  std::thread thread_;  ///< Last: it uses all the others.
};

Server::~Server() {
  stopping_.store(true);
  constexpr std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_, &one, sizeof one);
  wake_.signal();
  thread_.join();
  std::unique_lock lock{mutex_};
  changed_.notify_all();
  for (const auto& [fd, idle] : connections_) {
    ::shutdown(fd, SHUT_RDWR);
  }
  changed_.wait(lock, [this] { return connections_.empty(); });
  lock.unlock();
  if (listening_ >= 0) {
    ::close(listening_);
  }
  ::close(stop_);
}

void Server::accept_all() {
  while (!stopping_.load()) {
    std::size_t open = 0;
    milliseconds pause{accept_wait};
    {
      const std::lock_guard lock{mutex_};
      open = connections_.size();
      if (const auto now = Clock::now(); now < refused_until_) {
        pause = std::chrono::ceil<milliseconds>(refused_until_ - now);
      }
    }
    if (!listens()) {
      wake_.drain();
      wake_.wait(listening_ < 0 ? std::min(pause, accept_pause) : pause);
      continue;
    }
    wake_.drain();
    wake_.wait(accept_wait, open < stub_connections_max ? listening_ : -1);
    if (open < stub_connections_max && !stopping_.load()) {
      accept_one();
    }
  }
}

/// Closes the socket, or opens it anew, as it should be now.
bool Server::listens() {
  const std::lock_guard lock{mutex_};
  const bool should = Clock::now() >= refused_until_;
  if (!should && listening_ >= 0) {
    ::close(listening_);
    listening_ = -1;
    changed_.notify_all();
  } else if (should && listening_ < 0) {
    auto address = address_;
    listening_ = open_socket(address).value_or(-1);
  }
  return listening_ >= 0;
}

void Server::accept_one() {
  const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
      wake_.wait(accept_pause);
    }
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    connections_[fd] = true;
  }
  try {
    // Not joined: ~Server() waits until it has taken itself off the list.
    std::thread{[this, fd] { serve(fd); }}.detach();
  } catch (const std::system_error&) {
    const std::lock_guard lock{mutex_};
    connections_.erase(fd);
    ::close(fd);
  }
}

void Server::serve(int fd) {
  StubSocket socket{fd, tls_.get()};
  if (socket.handshake()) {
    talk(socket);
  }
  const std::lock_guard lock{mutex_};
  connections_.erase(fd);
  wake_.signal();
  changed_.notify_all();
}

void Server::talk(StubSocket& socket) {
  HttpReader reader{socket};
  while (!stopping_.load()) {
    const auto request = reader.next();
    set_idle(socket.fd(), false);
    if (refused()) {
      return;
    }
    if (!request) {
      if (request.error().status > 0) {
        const auto reply = StubService::refusal(request.error().status, request.error().message);
        if (socket.write(stub_head(reply, reply.body.size(), false) + reply.body)) {
          socket.finish();
        }
      }
      return;
    }
    auto turn = service_->answer(*request);
    const bool in_time = turn.wait_ms == 0 || socket.wait(turn.wait_ms, stop_);
    const bool whole = in_time && deliver(socket, turn, request->keep_alive);
    service_->ended(turn, whole);
    if (!whole) {
      return;
    }
    if (!request->keep_alive) {
      socket.finish();
      return;
    }
    set_idle(socket.fd(), true);
  }
}

/// True if the whole reply was written and the connection can go on.
bool Server::deliver(StubSocket& socket, StubService::Turn& turn, bool keep_alive) {
  const auto& reply = turn.reply;
  const auto half = std::string_view{reply.body}.substr(0, reply.body.size() / 2);
  const auto head = stub_head(reply, reply.body.size(), keep_alive);
  switch (turn.fault.kind) {
    case Kind::refuse:
      refuse(turn.fault.amount);
      return false;
    case Kind::close:
      return false;
    case Kind::half_close:
      socket.half_close();
      [[fallthrough]];
    case Kind::hang:
      static_cast<void>(socket.wait(-1, stop_));
      return false;
    case Kind::reset:
      socket.reset();
      return false;
    case Kind::drip:
      return deliver_drops(socket, turn, head + reply.body);
    case Kind::reset_mid_body:
      if (socket.write(head) && socket.write(half)) {
        socket.reset();
      }
      return false;
    case Kind::truncate:
      static_cast<void>(socket.write(head) && socket.write(half));
      return false;
    case Kind::huge:
      return deliver_huge(socket, turn);
    default:
      service_->finishing(turn);
      // In one piece if it is small, which is one packet instead of two.
      return reply.body.size() < huge_step_bytes ? socket.write(head + reply.body)
                                                 : socket.write(head) && socket.write(reply.body);
  }
}

bool Server::deliver_drops(StubSocket& socket, StubService::Turn& turn, std::string_view bytes) {
  for (; bytes.size() > 1; bytes.remove_prefix(1)) {
    if (!socket.write(bytes.substr(0, 1)) || !socket.wait(turn.fault.amount, stop_)) {
      return false;
    }
  }
  service_->finishing(turn);
  return socket.write(bytes);
}

bool Server::deliver_huge(StubSocket& socket, StubService::Turn& turn) {
  auto left = static_cast<std::size_t>(turn.fault.amount);
  const auto beginning = std::string_view{turn.reply.body}.substr(0, left);
  if (!socket.write(stub_head(turn.reply, left, true)) || !socket.write(beginning)) {
    return false;
  }
  left -= beginning.size();
  service_->finishing(turn);
  const std::string step(huge_step_bytes, 'a');
  while (left > 0) {
    const auto bytes = std::min(left, step.size());
    if (!socket.write(std::string_view{step}.substr(0, bytes))) {
      return false;
    }
    left -= bytes;
  }
  return true;
}

/// As if the server were down: also connections that wait for a request are closed.
void Server::refuse(std::int64_t ms) {
  std::unique_lock lock{mutex_};
  refused_until_ = std::max(refused_until_, Clock::now() + milliseconds{ms});
  for (const auto& [fd, idle] : connections_) {
    if (idle) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  wake_.signal();
  // So that who is refused first finds the socket closed, too.
  changed_.wait_for(lock, accept_wait, [this] { return listening_ < 0 || stopping_.load(); });
}

bool Server::refused() {
  const std::lock_guard lock{mutex_};
  return Clock::now() < refused_until_;
}

void Server::set_idle(int fd, bool idle) {
  const std::lock_guard lock{mutex_};
  connections_[fd] = idle;
}

}  // namespace

Result<std::unique_ptr<StubServer>> StubServer::start(StubServerOptions options) {
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return fail(Errc::invalid_config, "TLS needs both a certificate and its key");
  }
  TlsContext tls;
  if (!options.tls_cert.empty()) {
    auto made = make_tls_context(options.tls_cert, options.tls_key);
    if (!made) {
      return tl::unexpected{made.error()};
    }
    tls = std::move(*made);
  }
  options.service.batches.scheme = tls != nullptr ? "https" : "http";
  options.service.batches.clock = options.service.clock;
  auto address = resolve(options.listen, options.port);
  if (!address) {
    return tl::unexpected{address.error()};
  }
  auto service = StubService::make(std::move(options.service));
  if (!service) {
    return tl::unexpected{service.error()};
  }
  auto fd = open_socket(*address);
  if (!fd) {
    return tl::unexpected{fd.error()};
  }
  return std::make_unique<Server>(std::move(options), std::move(*service), std::move(tls), *address, *fd);
}

}  // namespace alluvium::connectors
