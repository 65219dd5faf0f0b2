// How the programs read their command lines: CLI11, with a tidy --help and with faults told in our sentences.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace sapnet::apps {

/// Lays out --help: the lines after "Usage: ", each without the program's name, and a text below the options.
void lay_out_help(CLI::App& app, std::vector<std::string> usages, const std::string& footer);

/// Checks of an option's value. They come before CLI11's own conversion, whose messages say less.
CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);
CLI::Validator number(double least, double most);
CLI::Validator one_of(std::vector<std::string> words);

/// Returns false when --help or --version was asked for, and printed. Throws UsageError, which names the
/// option and the value.
bool parse_command_line(CLI::App& app, int argc, char** argv);

}  // namespace sapnet::apps
