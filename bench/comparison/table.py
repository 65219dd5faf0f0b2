"""Formats the results of a case as text and as JSON."""
from .runs import typical


def memory(device, report):
    """Peak GPU memory on a GPU; of the whole process on a CPU."""
    return report["tensor_peak_bytes" if device == "cuda" else "peak_memory_bytes"]


def seconds(value):
    return f"{1000 * value:.3f} ms" if value < 0.1 else f"{value:.3f} s"


def print_header(device, options):
    if device == "cuda":
        print("\nOn a GPU: median of the runs, p10 and p90, by GPU events; peak memory of maps and weights.")
    else:
        print(f"On the CPU, {options.threads} threads: minimum of the runs, p10 and p90; peak memory of the "
              "process. % of peak counts FLOPs of direct convolution; Winograd needs a quarter of the multiplications "
              "and may exceed 100.")
    print("PSNR: against the clean image. Difference: of outputs, losses or gradients, from ours in fp32.")


def print_case(case):
    """Prints a line per program; a single line if nothing was measured."""
    if not any(case.measured(ours) for ours in (True, False)):
        reasons = [": " + report["not_measured"] for report in case.reports.values()]
        print(f"{case.title:<32}not measured{reasons[0] if reasons else ''}", flush=True)
        return
    print(case.title)
    ours = min(case.measured(True).values(), default=None)
    for name, report in case.reports.items():
        label = name if name.startswith("ours") else f"PyTorch {name}"
        if "seconds" not in report:
            print(f"  {label:<30}not measured: {report['not_measured']}")
            continue
        time, spread = typical(case.device, report), report["seconds"]
        ratio = f"{time / ours:.2f} times ours" if ours and not name.startswith("ours") else ""
        cells = [f"{seconds(time):>12}", f"{seconds(spread['p10']):>12}", f"{seconds(spread['p90']):>12}",
                 f"{report['psnr']:.2f} dB" if "psnr" in report else "", f"{memory(case.device, report) / 2**20:.0f} MiB",
                 f"{report['difference']:.1e}" if "difference" in report else "",
                 f"{report['percent_of_peak']:.0f} % of peak" if "percent_of_peak" in report else ratio]
        print(f"  {label:<30}" + "".join(f"{cell:>12}" for cell in cells[:-1]) + f"  {cells[-1]}", flush=True)


def result(case):
    """The entry for bench/results."""
    ours, peers = case.measured(True), case.measured(False)
    fastest = [min(times, key=times.get) if times else None for times in (ours, peers)]
    document = {**case.key, "device": case.device, "programs": case.reports, "fastest_ours": fastest[0],
                "fastest_peer": fastest[1]}
    if all(fastest):
        times = [ours[fastest[0]], peers[fastest[1]]]
        bytes_held = [memory(case.device, case.reports[name]) for name in fastest]
        document["comparison"] = {"seconds": times, "speedup": times[1] / times[0],
                                  "memory_mib": [size / 2**20 for size in bytes_held],
                                  "memory_ratio": bytes_held[1] / bytes_held[0]}
    differences = [report["difference"] for report in case.reports.values() if "difference" in report]
    document["largest_difference"] = max(differences, default=None)
    return document
