// File handling of sapnet-infer: what it must not overwrite, where it writes, what it skips.
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/apps/program_folder.h"
#include "tests/catch.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

TEST_CASE("sapnet-infer never overwrites its inputs", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png", "rgb8.bmp"});
  fs::create_directories(temp / "clean");
  fs::copy_file(kImages / "rgb8.png", temp / "clean/rgb8.png");
  fs::copy_file(kWeights, temp / "w.safetensors");
  fs::create_symlink("in/rgb8.png", temp / "link.png");
  fs::create_symlink("nowhere.json", temp / "dangling.json");
  const auto before = temp.list(".");
  for (const auto& [arguments, sentence] : std::vector<std::pair<std::string, std::string>>{
           {"in/rgb8.png -o in", "in/rgb8.png would overwrite the input in/rgb8.png"},
           {"in/rgb8.png -o in/rgb8.png", "in/rgb8.png would overwrite the input in/rgb8.png"},
           {"in/rgb8.png -o ./in/../in/rgb8.png", "would overwrite the input in/rgb8.png"},
           {"in/rgb8.png -o link.png", "link.png would overwrite the input in/rgb8.png"},
           {"link.png -o in/rgb8.png", "in/rgb8.png would overwrite the input link.png"},
           {"in/rgb8.png in/rgb8.bmp -o in", "in/rgb8.png would overwrite the input in/rgb8.png"},
           {"in/rgb8.png -o clean --reference clean",
            "clean/rgb8.png would overwrite the reference clean/rgb8.png"},
           {"in/rgb8.png -o a.png --json in/rgb8.png",
            "--json in/rgb8.png would overwrite the input in/rgb8.png"},
           {"in/rgb8.png -o a.png --report link.png",
            "--report link.png would overwrite the input in/rgb8.png"},
           {"in/rgb8.png -o a.png --reference clean --report clean/rgb8.png",
            "--report clean/rgb8.png would overwrite the reference clean/rgb8.png"},
           {"in/rgb8.png -o a.png --weights w.safetensors --json w.safetensors",
            "--json w.safetensors would overwrite the weight file w.safetensors"},
           {"in/rgb8.png -o a.png --json x --report ./x", "--json x and --report ./x are the same file"},
           {"in/rgb8.png -o a.png --json dangling.json --report nowhere.json",
            "--json dangling.json and --report nowhere.json are the same file"},
           {"in/rgb8.png -o a.png --report a.png", "a.png and --report a.png are the same file"},
           {"in -o out", "out/rgb8.png would be written twice, from in/rgb8.bmp and from in/rgb8.png"}}) {
    const bool own_weights = arguments.find("--weights") != std::string::npos;
    const auto outcome = own_weights ? temp.shell("$INFER " + arguments) : temp.infer(arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(sentence));
  }
  CHECK(temp.list(".") == before);
  CHECK(temp.list("in") == Names{"rgb8.bmp", "rgb8.png"});
  CHECK(text_of(temp / "in/rgb8.png") == text_of(kImages / "rgb8.png"));
  CHECK(text_of(temp / "w.safetensors") == text_of(kWeights));
}

TEST_CASE("sapnet-infer writes through symbolic links", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  fs::create_directories(temp / "real");
  write_text(temp / "real/old.json", "old");
  fs::create_symlink("real/old.json", temp / "a.json");
  fs::create_symlink("real/new.html", temp / "page.html");
  fs::create_symlink("hop.png", temp / "out.png");
  fs::create_symlink("real/new.png", temp / "hop.png");
  CHECK(temp.infer("in/rgb8.png -o out.png --json a.json --report page.html").exit_code == 0);
  CHECK(temp.list("real") == Names{"new.html", "new.png", "old.json"});
  for (const char* link : {"a.json", "page.html", "out.png", "hop.png"}) CHECK(fs::is_symlink(temp / link));
  CHECK_THAT(text_of(temp / "real/old.json"), StartsWith("{"));
  CHECK(train::read_image(temp / "real/new.png").width == train::read_image(temp / "in/rgb8.png").width);

  fs::create_symlink("loop.json", temp / "loop.json");
  const auto loop = temp.infer("in -o out --json loop.json");
  CHECK(loop.exit_code != 0);
  CHECK_THAT(loop.err, Contains("loop.json: ") && Contains("symbolic links"));
}

TEST_CASE("sapnet-infer writes JSON to a file, or with - to standard output", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  mkfifo((temp / "pipe").c_str(), 0600);
  fs::create_symlink("/proc/self/fd/1", temp / "stdout");
  fs::create_symlink("/proc/self/fd/2", temp / "stderr");
  for (const auto& [arguments, part] : std::vector<std::pair<std::string, std::string>>{
           {"--json pipe", "--json pipe: is not a regular file"},
           {"--json in", "--json in: is a folder"},
           {"--report in", "--report in: is a folder"},
           {"--report -", "--report -: "},
           // Standard output is a file here, which a rename would replace.
           {"--json stdout", "--json stdout: is the program's own output"},
           {"--report stderr", "--report stderr: is the program's own output"}}) {
    const auto outcome = temp.infer("in -o out " + arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part));
    CHECK(outcome.out.empty());
  }
  mkfifo((temp / "pipe.png").c_str(), 0600);
  for (const std::string output : {"-", "pipe", "pipe.png"}) {
    const auto outcome = temp.infer("in/rgb8.png -o " + output);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: -o " + output + ": "));
  }
  CHECK(temp.list(".") == Names{"in", "pipe", "pipe.png", "stderr", "stdout"});

  const auto outcome = temp.infer("in -o out --reference in --json - --verbose");
  CHECK(outcome.exit_code == 0);
  const auto json = nlohmann::json::parse(outcome.out);  // and nothing else
  CHECK(json["images"].size() == 1);
  CHECK_THAT(outcome.err, Contains("peak memory") && !Contains("PSNR"));
}

TEST_CASE("sapnet-infer reports that it cannot write to standard output", "[infer]") {
  if (!fs::exists("/dev/full")) return;
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  const std::string weights = " --weights '" + kWeights.string() + "' ";
  for (const std::string command : {"$INFER --help", "$INFER --version", "$RAIN --help",
                                    "$INFER in -o out --reference in", "$INFER in -o out --json -"}) {
    const bool bare = command.find(" in ") == std::string::npos;
    const auto outcome = temp.shell(command + (bare ? "" : weights) + " >/dev/full");
    CAPTURE(command);
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.err, Contains(": error: cannot write to standard output"));
  }
}

TEST_CASE("sapnet-infer treats -o as a file or a folder, and reports invalid ones", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png", "grey8.png"});
  write_text(temp / "file", "");
  for (const auto& [arguments, part] : std::vector<std::pair<std::string, std::string>>{
           {"in/rgb8.png in/grey8.png -o a.png", "-o a.png: is one file, but there are several images"},
           {"in -o a.png", "-o a.png: is one file, but there are several images"},
           {"in/rgb8.png -o a.mp4", "-o a.mp4: images are written as .png, .jpg or .jpeg, not .mp4"},
           {"in -o a.webp", "not .webp; for a folder, write a.webp/"},
           {"in/rgb8.png -o a.png --format jpg", "-o a.png: images are written as .jpg or .jpeg, not .png"},
           {"in -o file", "file: is a file, but a folder is needed"},
           {"in -o file/deep", "file: is a file, but a folder is needed"},
           {"in/rgb8.png -o file/a.png", "file: is a file, but a folder is needed"}}) {
    const auto outcome = temp.infer(arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part));
  }
  CHECK(temp.list(".") == Names{"file", "in"});

  CHECK(temp.infer("in/rgb8.png -o new/deep/a.png").exit_code == 0);
  CHECK(temp.list("new/deep") == Names{"a.png"});
  CHECK(temp.infer("in -o made --json made/a.json --report made/page.html").exit_code == 0);
  CHECK(temp.list("made") == Names{"a.json", "grey8.png", "page.html", "rgb8.png"});
  CHECK(temp.infer("in/rgb8.png -o v1.2/").exit_code == 0);
  CHECK(temp.infer("in/grey8.png -o v1.2").exit_code == 0);  // now there is such a folder
  CHECK(temp.list("v1.2") == Names{"grey8.png", "rgb8.png"});
}

TEST_CASE("sapnet-infer leaves no empty folder when it wrote nothing", "[infer]") {
  const ProgramFolder temp;
  write_text(temp / "in/broken.png", "not an image");
  fs::create_directory(temp / "old");
  CHECK(temp.infer("in -o out/deep").exit_code == 1);
  CHECK(temp.infer("in/broken.png -o new/a.png").exit_code == 1);
  CHECK(temp.infer("in -o old").exit_code == 1);
  CHECK(temp.infer("in -o out --weights nowhere.pth").exit_code != 0);
  CHECK(temp.list(".") == Names{"in", "old"});
}

TEST_CASE("sapnet-infer checks first that it can write", "[infer]") {
  if (geteuid() == 0 && !fs::exists("/proc/self/task")) return;
  const ProgramFolder temp;
  train::write_image(temp / "in/a.png", Bytes(1600 * 1200 * 3), 1600, 1200, 3, 95);
  // Not even root can create files in /proc; processing the image would take minutes.
  const auto outcome =
      temp.shell("timeout 20 $INFER in -o /proc/self/task --stages 32 --weights '" + kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: /proc/self/task/a.png: cannot be written: "));
}

TEST_CASE("sapnet-infer reports skipped files and continues after an empty folder", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  for (const char* folder : {"in/sub", "empty", "notes", "notes/more", "notes/less"})
    fs::create_directory(temp / folder);
  for (const char* file : {"in/a.txt", "in/b.gif", "in/c", "in/.hidden", "notes/a.txt"})
    write_text(temp / file, "no image");
  const auto outcome = temp.infer("in empty notes -o out");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err,
             Contains("sapnet-infer: error: empty: contains no images (.png, .jpg, .jpeg, .bmp)\n") &&
                 Contains("sapnet-infer: error: notes: contains no images") &&
                 Contains("\n1 image written to out\n") &&
                 Contains("\n3 other files and 1 folder in in were skipped\n") &&
                 Contains("\n1 other file and 2 folders in notes were skipped\n"));
  CHECK(temp.list("out") == Names{"rgb8.png"});

  const auto nothing = temp.infer("empty -o nothing");
  CHECK(nothing.exit_code == 1);
  CHECK(nothing.err == "sapnet-infer: error: empty: contains no images (.png, .jpg, .jpeg, .bmp)\n");
  CHECK_FALSE(fs::exists(temp / "nothing"));
}

TEST_CASE("sapnet-infer reports inputs that are not regular files", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  mkfifo((temp / "pipe").c_str(), 0600);
  mkfifo((temp / "in/p.png").c_str(), 0600);
  const auto outcome = temp.shell("timeout 20 $INFER pipe in -o out --weights '" + kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Contains("sapnet-infer: error: pipe: is not a regular file\n") &&
                              Contains("sapnet-infer: error: in/p.png: is not a regular file\n") &&
                              EndsWith("sapnet-infer: error: 2 of 3 images failed\n"));
  CHECK(temp.list("out") == Names{"rgb8.png"});
}

}  // namespace
}  // namespace sapnet::apps
