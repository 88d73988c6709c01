// SPDX-License-Identifier: Apache-2.0
// Finds the fields of a chat message in a JSON object, by their usual names or where a mapping says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "pipeline/decoder.hpp"
#include "pipeline/fault.hpp"
#include "pipeline/message.hpp"

namespace alluvium::pipeline {

/// What an object can say: the fields of a message, then those of a bundle and of a CloudEvent.
enum class Field : std::uint8_t {
  id,
  agent_id,
  session_id,
  user_id,
  org_id,
  role,
  content,
  timestamp,
  messages,
  specversion,
  data,
  data_base64,
  subject,
  time,
};
inline constexpr std::size_t field_count = 14;
[[nodiscard]] std::string_view name(Field field);

/// The field that is called `name`, if any: most have several names.
[[nodiscard]] std::optional<Field> field_named(std::string_view name);

/// What a field says: mostly text.
class FieldValue {
 public:
  FieldValue() = default;
  explicit FieldValue(std::string_view text) : text_{text} {}
  explicit FieldValue(const simdjson::dom::element& element) : element_{element} {
    if (element.is_string()) {
      text_ = std::string_view{element};
    }
  }
  [[nodiscard]] std::optional<std::string_view> text() const {
    return text_.data() == nullptr ? std::nullopt : std::optional{text_};
  }
  /// What it is if it is not text.
  [[nodiscard]] const simdjson::dom::element& element() const {
    return element_;
  }

 private:
  std::string_view text_;  ///< Without a place if it is not text.
  simdjson::dom::element element_;
};

/// The fields that one object has. Null counts as absent.
class Fields {
 public:
  [[nodiscard]] bool has(Field field) const {
    return (found_ & bit(field)) != 0;
  }
  [[nodiscard]] const FieldValue& operator[](Field field) const {
    return at_[static_cast<std::size_t>(field)];
  }
  /// `value`: its text, or an element that is not null.
  template <class Value>
  void set(Field field, const Value& value) {
    at_[static_cast<std::size_t>(field)] = FieldValue{value};
    found_ |= bit(field);
  }
  void drop(Field field) {
    found_ &= ~bit(field);
  }
  void clear() {
    found_ = 0;
    is_free_of_control_characters_ = false;
  }
  /// That all texts have been looked through for them already.
  void free_of_control_characters(bool are) {
    is_free_of_control_characters_ = are;
  }
  [[nodiscard]] bool is_free_of_control_characters() const {
    return is_free_of_control_characters_;
  }

 private:
  static std::uint32_t bit(Field field) {
    return std::uint32_t{1} << static_cast<unsigned>(field);
  }

  std::array<FieldValue, field_count> at_;
  std::uint32_t found_ = 0;
  bool is_free_of_control_characters_ = false;
};

class MessageReader {
 public:
  MessageReader(FieldMapping mapping, std::size_t id_bytes_max);

  /// Looks through an object once. Of fields of the same meaning the first that is not null counts;
  /// of those that the mapping places, only what stands there.
  [[nodiscard]] Fields find(const simdjson::dom::element& object) const;
  /// True if the mapping places anything.
  [[nodiscard]] bool is_mapped() const {
    return is_mapped_;
  }

  /// Holds the text of ids that were numbers.
  using IdDigits = std::array<std::array<char, 24>, field_count>;

  /// Sets in `message` what the fields say: ids, role and time, not the content. What they do not
  /// say stays as it is. A time that can't be read counts as not said.
  [[nodiscard]] OrFault<void> read_attributes(const Fields& fields, MessageView& message, IdDigits& digits) const;

  /// The text of the message, never blank. `joined` holds it if it had to be put together.
  [[nodiscard]] static OrFault<std::string_view> read_content(const Fields& fields, std::string& joined);

  /// Text, or an integer as text; empty if the field is absent.
  [[nodiscard]] static OrFault<std::string_view> read_text(const Fields& fields, Field field, IdDigits& digits);

  /// Why `id` can't be an id, if so: too long, or with control characters. It is UTF-8.
  [[nodiscard]] std::optional<Fault> id_fault(std::string_view what, std::string_view id,
                                              bool is_free_of_control_characters = false) const;

 private:
  FieldMapping mapping_;
  bool is_mapped_;
  std::size_t id_bytes_max_;
};

/// What an element is, in words that continue "content is ...".
[[nodiscard]] std::string_view kind_of(const simdjson::dom::element& element);
[[nodiscard]] std::string_view kind_of(const FieldValue& value);

/// Milliseconds since 1970, if the value is a time.
[[nodiscard]] std::optional<std::int64_t> read_timestamp(const FieldValue& value);

}  // namespace alluvium::pipeline
