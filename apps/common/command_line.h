// Command line parsing with CLI11, with our own --help layout and error messages.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {  // only command_line.cpp includes CLI11, which is slow to compile
class App;
class Option;
}  // namespace CLI

namespace sapnet::apps {

/// A check of an option's value. It runs before CLI11's conversion, whose messages are less helpful.
struct Check {
  std::string what;  // what the value must be, such as "a whole number from 1 to 100"
  std::function<bool(const std::string& value)> holds;
  std::string type_name;  // stands for the value in --help
};

/// Their type names are N, X and a|b|c.
Check whole_number(std::uint64_t min, std::uint64_t max);
Check number(double min, double max);
Check one_of(std::vector<std::string> words);

/// The value of --device; see engine::choose_device.
Check device_name();

class CommandLine {
 public:
  class Option {
   public:
    explicit Option(CLI::Option* option) : option_(option) {}
    Option* check(Check check);  // sets the type name too
    Option* type_name(const std::string& name);
    Option* expected(int min, int max);  // number of values

   private:
    CLI::Option* option_;
  };

  CommandLine(const std::string& description, const std::string& program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Sets the layout of --help: usage lines without the program's name, and a text below the options.
  void set_help(std::vector<std::string> usages, const std::string& footer);
  void set_version_flag(const std::string& name, const std::string& version);

  /// parse() stores the option's value in `value`, which keeps its default if the option is not given. Types:
  /// string, path, a vector of either, int, float or std::uint64_t.
  template <typename Value>
  Option* add_option(const std::string& name, Value& value, const std::string& help);
  void add_flag(const std::string& name, bool& value, const std::string& help);

  /// Returns false after printing --help or --version. Throws UsageError, which names the option and the
  /// value.
  bool parse(int argc, char** argv);

  /// How many times an option was given; call after parse().
  std::size_t count(const std::string& name) const;

 private:
  std::unique_ptr<CLI::App> app_;
  std::deque<Option> options_;
};

}  // namespace sapnet::apps
