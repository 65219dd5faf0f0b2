// sapnet-infer and the files around it: what it must not overwrite, where it writes, what it passes over.
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/apps/workshop.h"
#include "tests/catch.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

TEST_CASE("sapnet-infer overwrites nothing that it reads", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png", "rgb8.bmp"});
  fs::create_directories(workshop / "clean");
  fs::copy_file(kPictures / "rgb8.png", workshop / "clean/rgb8.png");
  fs::copy_file(kWeights, workshop / "w.safetensors");
  fs::create_symlink("in/rgb8.png", workshop / "link.png");
  fs::create_symlink("nowhere.json", workshop / "dangling.json");
  const auto before = workshop.list(".");
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
           {"in/rgb8.png -o a.png --json x --report ./x", "--json x and --report ./x are one file"},
           {"in/rgb8.png -o a.png --json dangling.json --report nowhere.json",
            "--json dangling.json and --report nowhere.json are one file"},
           {"in/rgb8.png -o a.png --report a.png", "a.png and --report a.png are one file"},
           {"in -o out", "out/rgb8.png would be written twice, from in/rgb8.bmp and from in/rgb8.png"}}) {
    const bool own_weights = arguments.find("--weights") != std::string::npos;
    const auto outcome = own_weights ? workshop.shell("$INFER " + arguments) : workshop.infer(arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(sentence));
  }
  CHECK(workshop.list(".") == before);
  CHECK(workshop.list("in") == Names{"rgb8.bmp", "rgb8.png"});
  CHECK(text_of(workshop / "in/rgb8.png") == text_of(kPictures / "rgb8.png"));
  CHECK(text_of(workshop / "w.safetensors") == text_of(kWeights));
}

TEST_CASE("sapnet-infer writes through symbolic links", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  fs::create_directories(workshop / "real");
  write_text(workshop / "real/old.json", "old");
  fs::create_symlink("real/old.json", workshop / "a.json");
  fs::create_symlink("real/new.html", workshop / "page.html");
  fs::create_symlink("hop.png", workshop / "out.png");
  fs::create_symlink("real/new.png", workshop / "hop.png");
  CHECK(workshop.infer("in/rgb8.png -o out.png --json a.json --report page.html").exit_code == 0);
  CHECK(workshop.list("real") == Names{"new.html", "new.png", "old.json"});
  for (const char* link : {"a.json", "page.html", "out.png", "hop.png"})
    CHECK(fs::is_symlink(workshop / link));
  CHECK_THAT(text_of(workshop / "real/old.json"), StartsWith("{"));
  CHECK(train::read_image(workshop / "real/new.png").width ==
        train::read_image(workshop / "in/rgb8.png").width);

  fs::create_symlink("loop.json", workshop / "loop.json");
  const auto loop = workshop.infer("in -o out --json loop.json");
  CHECK(loop.exit_code != 0);
  CHECK_THAT(loop.err, Contains("loop.json: ") && Contains("symbolic links"));
}

TEST_CASE("sapnet-infer writes figures to files, and with --json - to standard output", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  mkfifo((workshop / "pipe").c_str(), 0600);
  fs::create_symlink("/proc/self/fd/1", workshop / "stdout");
  fs::create_symlink("/proc/self/fd/2", workshop / "stderr");
  for (const auto& [arguments, part] : std::vector<std::pair<std::string, std::string>>{
           {"--json pipe", "--json pipe: is not a regular file"},
           {"--json in", "--json in: is a folder"},
           {"--report in", "--report in: is a folder"},
           {"--report -", "--report -: "},
           // Standard output is a file here, which a rename would replace.
           {"--json stdout", "--json stdout: is the program's own output"},
           {"--report stderr", "--report stderr: is the program's own output"}}) {
    const auto outcome = workshop.infer("in -o out " + arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part));
    CHECK(outcome.out.empty());
  }
  mkfifo((workshop / "pipe.png").c_str(), 0600);
  for (const std::string output : {"-", "pipe", "pipe.png"}) {
    const auto outcome = workshop.infer("in/rgb8.png -o " + output);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: -o " + output + ": "));
  }
  CHECK(workshop.list(".") == Names{"in", "pipe", "pipe.png", "stderr", "stdout"});

  const auto outcome = workshop.infer("in -o out --reference in --json - --verbose");
  CHECK(outcome.exit_code == 0);
  const auto json = nlohmann::json::parse(outcome.out);  // and nothing else
  CHECK(json["pictures"].size() == 1);
  CHECK_THAT(outcome.err, Contains("peak memory") && !Contains("PSNR"));
}

TEST_CASE("sapnet-infer says so when standard output cannot be written", "[infer]") {
  if (!fs::exists("/dev/full")) return;
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  const std::string weights = " --weights '" + kWeights.string() + "' ";
  for (const std::string command : {"$INFER --help", "$INFER --version", "$RAIN --help",
                                    "$INFER in -o out --reference in", "$INFER in -o out --json -"}) {
    const bool bare = command.find(" in ") == std::string::npos;
    const auto outcome = workshop.shell(command + (bare ? "" : weights) + " >/dev/full");
    CAPTURE(command);
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.err, Contains(": error: standard output cannot be written"));
  }
}

TEST_CASE("sapnet-infer takes -o for a file or a folder, and says which it cannot", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png", "grey8.png"});
  write_text(workshop / "file", "");
  for (const auto& [arguments, part] : std::vector<std::pair<std::string, std::string>>{
           {"in/rgb8.png in/grey8.png -o a.png", "-o a.png: is one file, for several pictures"},
           {"in -o a.png", "-o a.png: is one file, for several pictures"},
           {"in/rgb8.png -o a.mp4", "-o a.mp4: pictures are written as .png, .jpg or .jpeg, not .mp4"},
           {"in -o a.webp", "not .webp; a folder of this name is a.webp/"},
           {"in/rgb8.png -o a.png --format jpg", "-o a.png: pictures are written as .jpg or .jpeg, not .png"},
           {"in -o file", "file: is a file where a folder is needed"},
           {"in -o file/deep", "file: is a file where a folder is needed"},
           {"in/rgb8.png -o file/a.png", "file: is a file where a folder is needed"}}) {
    const auto outcome = workshop.infer(arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part));
  }
  CHECK(workshop.list(".") == Names{"file", "in"});

  CHECK(workshop.infer("in/rgb8.png -o new/deep/a.png").exit_code == 0);
  CHECK(workshop.list("new/deep") == Names{"a.png"});
  CHECK(workshop.infer("in -o made --json made/a.json --report made/page.html").exit_code == 0);
  CHECK(workshop.list("made") == Names{"a.json", "grey8.png", "page.html", "rgb8.png"});
  CHECK(workshop.infer("in/rgb8.png -o v1.2/").exit_code == 0);
  CHECK(workshop.infer("in/grey8.png -o v1.2").exit_code == 0);  // now there is such a folder
  CHECK(workshop.list("v1.2") == Names{"grey8.png", "rgb8.png"});
}

TEST_CASE("sapnet-infer leaves no empty folder when it wrote nothing", "[infer]") {
  const Workshop workshop;
  write_text(workshop / "in/broken.png", "not a picture");
  fs::create_directory(workshop / "old");
  CHECK(workshop.infer("in -o out/deep").exit_code == 1);
  CHECK(workshop.infer("in/broken.png -o new/a.png").exit_code == 1);
  CHECK(workshop.infer("in -o old").exit_code == 1);
  CHECK(workshop.infer("in -o out --weights nowhere.pth").exit_code != 0);
  CHECK(workshop.list(".") == Names{"in", "old"});
}

TEST_CASE("sapnet-infer finds out first that it cannot write", "[infer]") {
  if (geteuid() == 0 && !fs::exists("/proc/self/task")) return;
  const Workshop workshop;
  train::write_image(workshop / "in/a.png", Bytes(1600 * 1200 * 3), 1600, 1200, 3, 95);
  // Nobody makes files in /proc, not even root; computing the picture would take minutes.
  const auto outcome = workshop.shell("timeout 20 $INFER in -o /proc/self/task --stages 32 --weights '" +
                                      kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: /proc/self/task/a.png: cannot be written: "));
}

TEST_CASE("sapnet-infer says what it passed over, and does not stop at an empty folder", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  for (const char* folder : {"in/sub", "empty", "notes", "notes/more", "notes/less"})
    fs::create_directory(workshop / folder);
  for (const char* file : {"in/a.txt", "in/b.gif", "in/c", "in/.hidden", "notes/a.txt"})
    write_text(workshop / file, "no picture");
  const auto outcome = workshop.infer("in empty notes -o out");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err,
             Contains("sapnet-infer: error: empty: holds no pictures (.png, .jpg, .jpeg, .bmp)\n") &&
                 Contains("sapnet-infer: error: notes: holds no pictures") &&
                 Contains("\n1 picture written to out\n") &&
                 Contains("\n3 other files and 1 folder in in were passed over\n") &&
                 Contains("\n1 other file and 2 folders in notes were passed over\n"));
  CHECK(workshop.list("out") == Names{"rgb8.png"});

  const auto nothing = workshop.infer("empty -o nothing");
  CHECK(nothing.exit_code == 1);
  CHECK(nothing.err == "sapnet-infer: error: empty: holds no pictures (.png, .jpg, .jpeg, .bmp)\n");
  CHECK_FALSE(fs::exists(workshop / "nothing"));
}

TEST_CASE("sapnet-infer names an input that is no file", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  mkfifo((workshop / "pipe").c_str(), 0600);
  mkfifo((workshop / "in/p.png").c_str(), 0600);
  const auto outcome =
      workshop.shell("timeout 20 $INFER pipe in -o out --weights '" + kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Contains("sapnet-infer: error: pipe: is not a regular file\n") &&
                              Contains("sapnet-infer: error: in/p.png: is not a regular file\n") &&
                              EndsWith("sapnet-infer: error: 2 of 3 pictures failed\n"));
  CHECK(workshop.list("out") == Names{"rgb8.png"});
}

}  // namespace
}  // namespace sapnet::apps
