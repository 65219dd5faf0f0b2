"""Scores all benchmark pairs with sapnet-infer and compares the scores with yardstick.json.

    /usr/bin/python3 tests/golden/compare_scores.py [--program build/bin/sapnet-infer]

Prints both means and the largest difference for a single image; exits with 1 if a difference exceeds
0.005 dB or an SSIM of 0.0005.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMITS = {"psnr": 0.005, "ssim": 0.0005}


def our_scores(options, weights, pairs, rounding, folder):
    """PSNR and SSIM per image."""
    images = options.data / pairs
    subprocess.run([options.program, images / "rain", "-o", folder / "derained", "--reference", images / "clean",
                    "--weights", options.weights / weights, "--rounding", rounding,
                    "--json", folder / "scores.json"], check=True, stdout=subprocess.DEVNULL)
    document = json.loads((folder / "scores.json").read_text())
    return {pathlib.Path(image["input"]).name:
            {"psnr": image["derained"]["psnr_rgb"], "ssim": image["derained"]["ssim_rgb"]}
            for image in document["images"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = ROOT.parent / "shared"
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "bin" / "sapnet-infer")
    parser.add_argument("--data", type=pathlib.Path, default=shared / "data")
    parser.add_argument("--weights", type=pathlib.Path, default=shared / "weights")
    options = parser.parse_args()
    yardstick = json.loads(pathlib.Path(__file__).with_name("yardstick.json").read_text())
    within = True
    for weights, sets in yardstick.items():
        if weights == "torch":
            continue
        for pairs, images in sets.items():
            for rounding in ("truncate", "nearest"):
                with tempfile.TemporaryDirectory() as folder:
                    ours = our_scores(options, weights, pairs, rounding, pathlib.Path(folder))
                if ours.keys() != images.keys():
                    sys.exit(f"{options.data / pairs}: has other images than yardstick.json")
                for figure, limit in LIMITS.items():
                    theirs = {name: image[rounding][figure] for name, image in images.items()}
                    worst = max(abs(ours[name][figure] - theirs[name]) for name in images)
                    within &= worst <= limit
                    print(f"{weights} on {pairs}, {rounding}, {figure}: "
                          f"ours {sum(score[figure] for score in ours.values()) / len(ours):.5f}, "
                          f"PyTorch {sum(theirs.values()) / len(theirs):.5f}, "
                          f"largest difference of an image {worst:.1e}", flush=True)
    if not within:
        sys.exit(1)


if __name__ == "__main__":
    main()
