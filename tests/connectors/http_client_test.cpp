// SPDX-License-Identifier: Apache-2.0
#include "connectors/http_client.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <semaphore>

#include <gtest/gtest.h>

#include "tests/connectors/http_fixture.hpp"

namespace alluvium::connectors {
namespace {

// Requests and replies -------------------------------------------------------------------------

TEST(HttpClient, SendsWhatItIsGivenAndGivesBackWhatComes) {
  std::promise<tests::ScriptedRequest> asked;
  const ScriptedServer server{[&](ScriptedPeer& peer, int) {
    asked.set_value(*peer.request());
    peer.reply(418, "short and stout", "X-Pot: Tea\r\n");
  }};
  auto request = post("hello");
  request.headers = {{"Authorization", "Bearer k"}};
  const auto reply = client_of(server.url("/v1/"))->call(request);
  EXPECT_EQ(reply.transport, Transport::answered);
  EXPECT_EQ(reply.status, 418);
  EXPECT_EQ(reply.body, "short and stout");
  EXPECT_EQ(reply.header("x-pot"), "Tea");
  EXPECT_EQ(reply.header("x-none"), "");
  EXPECT_EQ(reply.error, "");
  const auto got = asked.get_future().get();
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.head, "POST /v1/ask HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                          "\r\nUser-Agent: alluvium\r\nAuthorization: Bearer k\r\nContent-Length: 5\r\n");
}

TEST(HttpClient, ReadsABodyInChunks) {
  const auto reply = reply_to(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: t\r\n\r\n",
      hang);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "abc0123456789");
  EXPECT_EQ(reply.header("t"), "");
}

TEST(HttpClient, ReadsABodyThatTheEndOfTheConnectionEnds) {
  const auto reply = reply_to("HTTP/1.0 200 OK\r\n\r\nall of it", close);
  EXPECT_EQ(reply.transport, Transport::answered);
  EXPECT_EQ(reply.body, "all of it");
}

TEST(HttpClient, TakesAWholeReplyFromAServerThatHalfCloses) {
  const auto reply = reply_to("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", [](ScriptedPeer& peer) {
    peer.half_close();
    peer.until_closed();
  });
  EXPECT_EQ(reply.body, "ok");
}

TEST(HttpClient, PassesOverInterimReplies) {
  const auto reply = reply_to(
      "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      hang);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "ok");
  EXPECT_EQ(reply.header("x-a"), "");
}

TEST(HttpClient, DoesNotListenToInterimRepliesForever) {
  std::string bytes;
  for (int i = 0; i < 17; ++i) {
    bytes += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  EXPECT_EQ(reply_to(bytes, hang).transport, Transport::lost);
}

TEST(HttpClient, FollowsNoRedirect) {
  const auto reply = reply_to("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", hang);
  EXPECT_EQ(reply.status, 302);
}

TEST(HttpClient, RefusesToSendWhatWouldForgeAHeader) {
  const ScriptedServer server{echo};
  const auto client = client_of(server.url());
  auto request = post();
  request.headers = {{"X-Api-Key", "secret\r\nX-Forged: yes"}};
  const auto reply = client->call(request);
  EXPECT_EQ(reply.transport, Transport::not_sent);
  EXPECT_EQ(reply.error.find("secret"), std::string::npos);
  request = post();
  request.target = "/a b";
  EXPECT_EQ(client->call(request).transport, Transport::not_sent);
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpClient, TakesTheEarlyReplyToARequestTooLongToBeRead) {
  const ScriptedServer server{[](ScriptedPeer& peer, int) {
    peer.first_bytes();
    peer.reply(413, "too long");
    peer.until_closed();
  }};
  const auto reply = client_of(server.url())->call(post(std::string(std::size_t{32} << 20, 'x')));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.body, "too long");
}

// Connections ----------------------------------------------------------------------------------

TEST(HttpClient, UsesAConnectionAgain) {
  const ScriptedServer server{echo};
  const auto client = client_of(server.url());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client->call(post(std::to_string(i))).body, std::to_string(i));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, DoesNotUseAConnectionAgainThatTheServerWantsToClose) {
  const ScriptedServer server{[](ScriptedPeer& peer, int) {
    while (peer.request()) {
      peer.reply(200, "ok", "Connection: close\r\n");
    }
  }};
  const auto client = client_of(server.url());
  EXPECT_EQ(client->call(post()).body, "ok");
  EXPECT_EQ(client->call(post()).body, "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, ClosesAConnectionThatWasIdleTooLong) {
  std::promise<void> closed;
  const ScriptedServer server{[&](ScriptedPeer& peer, int) {
    while (peer.request()) {
      peer.reply(200, "ok");
    }
    closed.set_value();
  }};
  const auto client = client_of(server.url(), [](HttpOptions& options) { options.idle_max = 20ms; });
  EXPECT_EQ(client->call(post()).body, "ok");
  EXPECT_EQ(closed.get_future().wait_for(forever), std::future_status::ready);
}

TEST(HttpClient, ConnectsAnewWhereTheServerHasClosedTheIdleConnection) {
  std::counting_semaphore<> closed{0};
  const ScriptedServer server{[&](ScriptedPeer& peer, int) {
    peer.request();
    peer.reply(200, "ok");
    peer.half_close();
    closed.release();
    peer.until_closed();
  }};
  const auto client = client_of(server.url());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client->call(post()).transport, Transport::answered);
    ASSERT_TRUE(closed.try_acquire_for(forever));
  }
  EXPECT_EQ(server.connections(), 20);
}

TEST(HttpClient, NeverSendsAgainWhatWentOutAsAWhole) {
  std::atomic<int> requests{0};
  const ScriptedServer server{[&](ScriptedPeer& peer, int connection) {
    while (peer.request()) {
      if (++requests == 2 && connection == 0) {
        peer.reset();
        return;
      }
      peer.reply(200, "ok");
    }
  }};
  const auto client = client_of(server.url());
  EXPECT_EQ(client->call(post()).body, "ok");
  const auto reply = client->call(post());
  EXPECT_EQ(reply.transport, Transport::lost);
  EXPECT_FALSE(reply.timed_out);
  EXPECT_EQ(requests, 2);
}

TEST(HttpClient, SendsOnceMoreWhatAKeptAliveConnectionDidNotTakeAsAWhole) {
  const std::string long_body(std::size_t{64} << 20, 'x');
  const ScriptedServer server{[&](ScriptedPeer& peer, int connection) {
    peer.request();
    peer.reply(200, "ok");
    peer.first_bytes();
    if (connection == 0) {  // Closes with the second request on its way.
      peer.reset();
      return;
    }
  }};
  const auto client = client_of(server.url());
  EXPECT_EQ(client->call(post()).body, "ok");
  EXPECT_EQ(client->call(post(long_body)).body, "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, DoesNotSendOnceMoreWhatAFreshConnectionDidNotTake) {
  const ScriptedServer server{[](ScriptedPeer& peer, int) {
    peer.first_bytes();
    peer.reset();
  }};
  const auto reply = client_of(server.url())->call(post(std::string(std::size_t{64} << 20, 'x')));
  EXPECT_EQ(reply.transport, Transport::lost);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, OpensNoMoreConnectionsThanItMayAndServesTheRestInTurn) {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  const ScriptedServer server{[&](ScriptedPeer& peer, int) {
    while (const auto request = peer.request()) {
      int seen = ++now;
      for (int known = most; seen > known && !most.compare_exchange_weak(known, seen);) {
      }
      --now;
      peer.reply(200, request->body);
    }
  }};
  Replies replies;
  const auto client = client_of(server.url(), [](HttpOptions& options) { options.connections_max = 3; });
  for (int i = 0; i < 50; ++i) {
    client->send(post(std::to_string(i)), replies.next());
  }
  const auto all = replies.wait(50);
  EXPECT_EQ(std::ranges::count(all, Transport::answered, &HttpReply::transport), 50);
  EXPECT_LE(server.connections(), 3);
  EXPECT_LE(most, 3);
}

TEST(HttpClient, LetsACallThatFindsNoConnectionWaitNoLongerThanItsTotalTimeOut) {
  const ScriptedServer server{[](ScriptedPeer& peer, int) { peer.until_closed(); }};
  Replies first;
  const auto client = client_of(server.url(), [](HttpOptions& options) { options.connections_max = 1; });
  client->send(post(), first.next());
  auto second = post();
  second.total_timeout = 50ms;
  const auto reply = client->call(second);
  EXPECT_EQ(reply.transport, Transport::not_sent);
  EXPECT_TRUE(reply.timed_out);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, CarriesTwoHundredCallsAtOnceOnOneThread) {
  std::atomic<int> arrived{0};
  std::promise<void> all_here;
  const auto here = all_here.get_future().share();
  const ScriptedServer server{[&](ScriptedPeer& peer, int) {
    while (const auto request = peer.request()) {
      if (++arrived == 200) {
        all_here.set_value();
      }
      here.wait_for(forever);
      peer.reply(200, request->body);
    }
  }};
  Replies replies;
  const auto client = client_of(server.url(), [](HttpOptions& options) { options.connections_max = 200; });
  for (int i = 0; i < 200; ++i) {
    client->send(post(std::to_string(i)), replies.next());
  }
  const auto all = replies.wait(200);
  std::vector<int> bodies;
  for (const auto& reply : all) {
    ASSERT_EQ(reply.transport, Transport::answered) << reply.error;
    bodies.push_back(std::stoi(reply.body));
  }
  std::ranges::sort(bodies);
  EXPECT_EQ(std::ranges::unique(bodies).begin(), bodies.end());
  EXPECT_EQ(bodies.size(), 200U);
  EXPECT_EQ(arrived, 200);
}

TEST(HttpClient, EndsEveryCallWhenItIsDestroyed) {
  const ScriptedServer server{[](ScriptedPeer& peer, int) { peer.until_closed(); }};
  std::atomic<int> answered{0};
  std::atomic<int> ended{0};
  std::atomic<int> after{0};
  {
    const auto client = client_of(server.url(), [](HttpOptions& options) { options.connections_max = 4; });
    for (int i = 0; i < 10; ++i) {
      client->send(post(std::string(std::size_t{1} << 20, 'x')), [&, raw = client.get()](const HttpReply& reply) {
        answered += reply.transport == Transport::answered ? 1 : 0;
        ++ended;
        raw->send(post(), [&](const HttpReply&) { ++after; });
      });
    }
  }
  EXPECT_EQ(ended, 10);
  EXPECT_EQ(after, 10);
  EXPECT_EQ(answered, 0);
}

}  // namespace
}  // namespace alluvium::connectors
