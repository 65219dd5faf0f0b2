#include "apps/command_line.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <utility>

#include "apps/program.h"

namespace sapnet::apps {
namespace {

class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::vector<std::string> usages) : usages_(std::move(usages)) { column_width(34); }

  std::string make_usage(const CLI::App* /*app*/, std::string name) const override {
    std::string text;
    for (const auto& usage : usages_)
      text.append(text.empty() ? "Usage: " : "       ").append(name).append(" ").append(usage).append("\n");
    return text;
  }

 private:
  std::vector<std::string> usages_;
};

/// A check without a description: the option's own text tells in --help what is allowed.
CLI::Validator must_be(const std::string& what, std::function<bool(const std::string&)> holds) {
  return CLI::Validator(
      [what, holds = std::move(holds)](const std::string& value) {
        return holds(value) ? std::string() : "must be " + what + ", not '" + value + "'";
      },
      "");
}

template <typename Number>
CLI::Validator number_check(const std::string& what, Number least, Number most) {
  return must_be(what, [least, most](const std::string& text) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    return result.ec == std::errc() && result.ptr == end && value >= least && value <= most;  // so no NaN
  });
}

/// CLI11 takes what follows an option for its value, even when that is an option itself.
void refuse_options_as_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.starts_with('-') && app.get_option_no_throw(value) != nullptr)
        throw UsageError(option->get_name() + " needs a value, and " + value + " is an option");
    }
  }
}

/// CLI11 begins such a message with the option's name.
std::string mismatch(const CLI::App& app, const std::string& message) {
  const std::string name = message.substr(0, message.find_first_of(": "));
  const CLI::Option* option = app.get_option_no_throw(name);
  if (option == nullptr) return message;
  if (option->count() > 1) return name + " is given twice";
  return name + " needs a value";
}

}  // namespace

void lay_out_help(CLI::App& app, std::vector<std::string> usages, const std::string& footer) {
  app.formatter(std::make_shared<HelpFormatter>(std::move(usages)));
  app.footer(footer);
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  return number_check("a whole number from " + std::to_string(least) + " to " + std::to_string(most), least,
                      most);
}

CLI::Validator number(double least, double most) {
  std::array<char, 80> what;
  std::snprintf(what.data(), what.size(), "a number from %g to %g", least, most);
  return number_check(what.data(), least, most);
}

CLI::Validator one_of(std::vector<std::string> words) {
  std::string what;
  for (std::size_t i = 0; i < words.size(); ++i)
    what += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  return must_be(what, [words = std::move(words)](const std::string& value) {
    return std::find(words.begin(), words.end(), value) != words.end();
  });
}

bool parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    refuse_options_as_values(app);
    return true;
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return false;
  } catch (const CLI::ExtrasError& error) {
    const auto extras = app.remaining();
    throw UsageError(extras.empty() ? error.what() : "there is no option '" + extras.front() + "'");
  } catch (const CLI::ArgumentMismatch& error) {
    throw UsageError(mismatch(app, error.what()));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace sapnet::apps
