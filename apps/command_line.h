// How the programs read their command lines: by CLI11, with a tidy --help and with our own error messages.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {  // command_line.cpp alone includes CLI11, which takes long to compile
class App;
class Option;
}  // namespace CLI

namespace sapnet::apps {

/// A check of an option's value. It comes before CLI11's own conversion, whose messages say less.
struct Check {
  std::string what;  // that the value must be: "a whole number from 1 to 100"
  std::function<bool(const std::string& value)> holds;
};

Check whole_number(std::uint64_t least, std::uint64_t most);
Check number(double least, double most);
Check one_of(std::vector<std::string> words);

class CommandLine {
 public:
  class Option {
   public:
    explicit Option(CLI::Option* option) : option_(option) {}
    Option* check(Check check);
    Option* type_name(const std::string& name);
    Option* expected(int least, int most);  // how many values

   private:
    CLI::Option* option_;
  };

  CommandLine(const std::string& description, const std::string& program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Lays out --help: the lines after "Usage: ", each without the program's name, and a text below the
  /// options.
  void lay_out_help(std::vector<std::string> usages, const std::string& footer);
  void set_version_flag(const std::string& name, const std::string& version);

  /// `value` gets the option's value when parse() is called, and stays as it is without the option. Its type:
  /// a string, a path, a vector of either, int, float or std::uint64_t.
  template <typename Value>
  Option* add_option(const std::string& name, Value& value, const std::string& help);
  void add_flag(const std::string& name, bool& value, const std::string& help);

  /// Returns false when --help or --version was asked for, and printed. Throws UsageError, which names the
  /// option and the value.
  bool parse(int argc, char** argv);

  /// How often an option was given; after parse().
  std::size_t count(const std::string& name) const;

 private:
  std::unique_ptr<CLI::App> app_;
  std::deque<Option> options_;
};

}  // namespace sapnet::apps
