// Tables of what nvcc makes of the kernels, compared with the files in this folder, so that a change shows
// its cost.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace sapnet::tests {

/// "conv2d_rows<float, 32, true>" from a mangled name.
std::string readable_kernel(const std::string& mangled);

/// Whether the tables are to be written rather than compared, as by ./dev kernel-resources.
bool write_kernel_tables();

/// Fails the test if the table differs from tests/kernels/`name`, or writes that file. The first line says
/// which nvcc the table is for: a table for another one is skipped. Of the file, only the lines that are
/// wanted(line) are compared.
void check_kernel_table(const std::string& name, const std::vector<std::string>& table,
                        const std::function<bool(const std::string&)>& wanted);

/// The files that the build made for each .cu file in kernels/, with this suffix after its name. Empty, and
/// the test is skipped, if the kernels were built on another machine. build: the folder of kernels/ in the
/// build.
std::vector<std::filesystem::path> kernel_files(const std::filesystem::path& build,
                                                const std::string& suffix);

}  // namespace sapnet::tests
