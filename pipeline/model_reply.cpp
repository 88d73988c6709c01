// SPDX-License-Identifier: Apache-2.0
// The classes follow what the providers' own clients retry, and what their users wish they had not.
#include "pipeline/model_reply.hpp"

#include <algorithm>

#include "pipeline/utf8.hpp"

namespace alluvium::pipeline {

namespace {

constexpr std::size_t description_bytes_max = 300;

bool mentions(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

bool code_mentions(const ModelReply& reply, std::string_view word) {
  return mentions(reply.error_type, word) || mentions(reply.error_code, word);
}

/// The account is what is at fault. Messages are only looked at where they begin: further on they may quote the
/// chat, and a message in it must not be able to block the endpoint.
bool is_about_the_account(const ModelReply& reply) {
  return code_mentions(reply, "billing") || code_mentions(reply, "insufficient_quota") ||
         code_mentions(reply, "API_KEY_INVALID") ||                          // Gemini says so with a 400,
         reply.error_message.starts_with("API key not valid") ||             // in two ways,
         reply.error_message.starts_with("Your credit balance is too low");  // and Anthropic that.
}

ReplyClass class_of_success(const ModelReply& reply) {
  if (reply.finish == "refusal" || reply.finish == "content_filter" || !reply.readable) {
    return ReplyClass::ask_again;
  }
  if (reply.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return reply.finish == "length" ? ReplyClass::cut_off : ReplyClass::ask_again;
  }
  return ReplyClass::answered;
}

/// Of a status from 400 on, as if there were no x-should-retry.
ReplyClass class_of_error(const ModelReply& reply) {
  if (is_about_the_account(reply)) {
    return ReplyClass::blocked;
  }
  switch (reply.status) {
    case 408:
    case 409:
    case 425:
      return ReplyClass::retry;
    case 429:
      return code_mentions(reply, "PerDay") || mentions(reply.error_message, "PerDay") ? ReplyClass::blocked
                                                                                       : ReplyClass::retry;
    case 401:
    case 402:
    case 403:
    case 404:
    case 405:
    case 407:
    case 410:
      return ReplyClass::blocked;
    default:
      return reply.status >= 500 ? ReplyClass::retry : ReplyClass::bisect;
  }
}

/// Appends `text` as far as it is UTF-8 without control characters and fits.
void append_plain(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto bytes = character_bytes(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool plain = bytes > 0 && first >= 0x20U && first != 0x7FU;
    bytes = std::max<std::size_t>(bytes, 1);
    if (out.size() + bytes > description_bytes_max) {
      return;
    }
    out += plain ? text.substr(0, bytes) : std::string_view{" "};
    text.remove_prefix(bytes);
  }
}

/// What of an error's message can be kept. Where the request is at fault some servers quote it, chat and all: there
/// the message is cut before anything that can begin a quotation.
std::string_view message_of(const ModelReply& reply, ReplyClass what) {
  const std::string_view message = reply.error_message;
  return what == ReplyClass::bisect ? message.substr(0, message.find_first_of("\"'`{[<\n:")) : message;
}

std::string_view in_words(const ModelReply& reply, ReplyClass what) {
  switch (reply.transport) {
    case ModelReply::Transport::not_sent:
      return reply.timed_out ? "not sent: connecting timed out" : "not sent";
    case ModelReply::Transport::lost:
      return reply.timed_out ? "timed out" : "the connection ended before the reply was complete";
    case ModelReply::Transport::answered:
      break;
  }
  switch (what) {
    case ReplyClass::ask_again:
      return !reply.readable        ? "the reply is not the API's"
             : reply.finish.empty() ? "no usable text"
                                    : "no usable text, finish ";
    case ReplyClass::cut_off:
      return "cut off before there was any text";
    default:
      return "";
  }
}

}  // namespace

ReplyClass classify(const ModelReply& reply) {
  if (reply.transport != ModelReply::Transport::answered) {
    return ReplyClass::retry;
  }
  if (reply.status >= 200 && reply.status < 300) {
    return class_of_success(reply);
  }
  if (reply.status < 400 || reply.status > 599) {
    return ReplyClass::blocked;  // A redirect, or no HTTP at all: not an API's URL.
  }
  const auto what = class_of_error(reply);
  if (what == ReplyClass::retry && reply.should_retry == false) {
    return reply.status == 429 ? ReplyClass::blocked : ReplyClass::bisect;
  }
  return what;
}

bool is_overload(const ModelReply& reply) {
  if (reply.transport != ModelReply::Transport::answered) {
    return reply.timed_out;
  }
  return reply.status == 408 || reply.status == 429 || (reply.status >= 500 && reply.status <= 599);
}

std::string describe(const ModelReply& reply) {
  const auto what = classify(reply);
  std::string out;
  const auto add = [&](std::string_view part, std::string_view between) {
    if (!part.empty()) {
      append_plain(out, out.empty() ? "" : between);
      append_plain(out, part);
    }
  };
  if (reply.transport == ModelReply::Transport::answered) {
    out = std::to_string(reply.status);
  }
  if (const auto words = in_words(reply, what); !words.empty()) {
    add(words, " ");
    if (words.ends_with("finish ")) {
      append_plain(out, reply.finish);
    }
  }
  add(reply.error_type, " ");
  if (reply.error_code != reply.error_type && reply.error_code != std::to_string(reply.status)) {
    add(reply.error_code, " ");
  }
  add(message_of(reply, what), ": ");
  return out;
}

}  // namespace alluvium::pipeline
