#include "apps/common/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "apps/common/program.h"
#include "engine/device.h"

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

template <typename Number>
Check number_check(const std::string& what, Number min, Number max, const std::string& type_name) {
  return {what,
          [min, max](const std::string& text) {
            Number value{};
            const char* end = text.data() + text.size();
            const auto result = std::from_chars(text.data(), end, value);
            return result.ec == std::errc() && result.ptr == end && value >= min &&
                   value <= max;  // so no NaN
          },
          type_name};
}

/// CLI11 takes the argument after an option as its value, even if it is an option itself.
void refuse_options_as_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.starts_with('-') && app.get_option_no_throw(value) != nullptr)
        throw UsageError(option->get_name() + " needs a value, but is followed by the option " + value);
    }
  }
}

/// Rewrites a message of CLI11's, which starts with the option's name.
std::string mismatch(const CLI::App& app, const std::string& message) {
  const std::string name = message.substr(0, message.find_first_of(": "));
  const CLI::Option* option = app.get_option_no_throw(name);
  if (option == nullptr) return message;
  if (option->count() > 1) return name + " is given twice";
  return name + " needs a value";
}

}  // namespace

Check whole_number(std::uint64_t min, std::uint64_t max) {
  return number_check("a whole number from " + std::to_string(min) + " to " + std::to_string(max), min, max,
                      "N");
}

Check number(double min, double max) {
  std::array<char, 80> what;
  std::snprintf(what.data(), what.size(), "a number from %g to %g", min, max);
  return number_check(what.data(), min, max, "X");
}

Check one_of(std::vector<std::string> words) {
  std::string what, type_name;
  for (std::size_t i = 0; i < words.size(); ++i) {
    what += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
    type_name += (i == 0 ? "" : "|") + words[i];
  }
  return {what,
          [words = std::move(words)](const std::string& value) {
            return std::find(words.begin(), words.end(), value) != words.end();
          },
          type_name};
}

Check device_name() {
  return {"auto, cpu, cuda or cuda:N",
          [](const std::string& value) {
            return value == "auto" || value == "cpu" || engine::gpu_number(value).has_value();
          },
          "auto|cpu|cuda|cuda:N"};
}

CommandLine::Option* CommandLine::Option::check(Check check) {
  option_->type_name(check.type_name);
  const std::string no_description;  // the option's help text states what is allowed
  option_->check(CLI::Validator(
      [check = std::move(check)](const std::string& value) {
        return check.holds(value) ? std::string() : "must be " + check.what + ", not '" + value + "'";
      },
      no_description));
  return this;
}

CommandLine::Option* CommandLine::Option::type_name(const std::string& name) {
  option_->type_name(name);
  return this;
}

CommandLine::Option* CommandLine::Option::expected(int min, int max) {
  option_->expected(min, max);
  return this;
}

CommandLine::CommandLine(const std::string& description, const std::string& program)
    : app_(std::make_unique<CLI::App>(description, program)) {}

CommandLine::~CommandLine() = default;

void CommandLine::set_help(std::vector<std::string> usages, const std::string& footer) {
  app_->formatter(std::make_shared<HelpFormatter>(std::move(usages)));
  app_->footer(footer);
}

void CommandLine::set_version_flag(const std::string& name, const std::string& version) {
  app_->set_version_flag(name, version);
}

template <typename Value>
CommandLine::Option* CommandLine::add_option(const std::string& name, Value& value, const std::string& help) {
  return &options_.emplace_back(app_->add_option(name, value, help));
}

using Path = std::filesystem::path;
using Option = CommandLine::Option;
template Option* CommandLine::add_option(const std::string&, int&, const std::string&);
template Option* CommandLine::add_option(const std::string&, float&, const std::string&);
template Option* CommandLine::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option* CommandLine::add_option(const std::string&, std::string&, const std::string&);
template Option* CommandLine::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option* CommandLine::add_option(const std::string&, Path&, const std::string&);
template Option* CommandLine::add_option(const std::string&, std::vector<Path>&, const std::string&);

void CommandLine::add_flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

bool CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
    refuse_options_as_values(*app_);
    return true;
  } catch (const CLI::Success& asked) {
    app_->exit(asked);
    return false;
  } catch (const CLI::ExtrasError& error) {
    const auto extras = app_->remaining();
    throw UsageError(extras.empty() ? error.what() : "unknown option '" + extras.front() + "'");
  } catch (const CLI::ArgumentMismatch& error) {
    throw UsageError(mismatch(*app_, error.what()));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

std::size_t CommandLine::count(const std::string& name) const { return app_->count(name); }

}  // namespace sapnet::apps
