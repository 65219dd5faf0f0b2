"""The modes in which PyTorch runs, and their requirements.

On the CPU, in fp32: `eager`, `channels_last`, and `traced` (traced, frozen and optimised).
On a GPU: `eager`, fp32 without TF32; `tf32`, with TF32 and channels_last; and in fp16 with channels_last: `fp16`,
`graph`, captured as a CUDA graph, and `compile`, torch.compile in the mode max-autotune.
"""
import contextlib

import torch

MODES = {"cpu": ("eager", "channels_last", "traced"), "cuda": ("eager", "tf32", "fp16", "graph", "compile")}
COMPILED = ("traced", "compile")  # compiled in the first run, which may take minutes
WARMUPS = 3  # on a GPU: cuDNN autotunes in the first run, and compiled code captures graphs in the next two


def add_options(parser, training=False):
    names = dict.fromkeys(name for names in MODES.values() for name in names if not (training and name == "traced"))
    parser.add_argument("--device", choices=MODES, default="cpu")
    parser.add_argument("--mode", choices=names, default="channels_last")
    parser.add_argument("--threads", type=int, default=1)


class Mode:
    """A mode on a device; exits with a message if PyTorch or the machine does not support it."""

    def __init__(self, options):
        self.device, self.name = options.device, options.mode
        if self.name not in MODES[self.device]:
            raise SystemExit(f"the mode {self.name} is not available with --device {self.device}")
        if self.cuda and not torch.cuda.is_available():
            raise SystemExit(f"PyTorch {torch.__version__} finds no GPU here")
        if self.name == "compile" and not hasattr(torch, "compile"):
            raise SystemExit(f"PyTorch {torch.__version__} has no torch.compile")
        torch.set_num_threads(options.threads)
        torch.manual_seed(0)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = self.name == "tf32"

    @property
    def cuda(self):
        return self.device == "cuda"

    @property
    def half(self):
        return self.name in ("fp16", "graph", "compile")

    @property
    def layout(self):
        return torch.contiguous_format if self.name in ("eager", "traced") else torch.channels_last

    def moved(self, network):
        """Moves a network to the device in the mode's layout; on a GPU with fused gates."""
        if self.cuda and hasattr(network, "fuse_gates"):
            network.fuse_gates()
        return network.to(self.device, memory_format=self.layout)

    def maps(self, images):
        """Converts (n, h, w, 3) to maps in the mode's layout."""
        return images.permute(0, 3, 1, 2).to(self.device).contiguous(memory_format=self.layout)

    def compiled(self, function):
        return torch.compile(function, mode="max-autotune") if self.name == "compile" else function

    def inference(self):
        """Saves nothing for a backward pass. Compiled code is less tested under inference_mode."""
        return torch.no_grad() if self.name == "compile" else torch.inference_mode()

    def autocast(self):
        """For training. A graph must not use weights that were cast outside it."""
        if not self.half:
            return contextlib.nullcontext()
        return torch.autocast("cuda", dtype=torch.float16, cache_enabled=self.name != "graph")

    def ready(self, function, whole=None):
        """Warms up the function, or the `whole` that it is part of, and captures it in the mode `graph`. Resets the
        peak memory afterwards, except for `compile`, which keeps its own pools."""
        warm = whole or function
        if self.name == "graph":
            return captured(function, warm)
        for _ in range(self.warmups):
            warm()
        if self.cuda and self.name != "compile":
            torch.cuda.reset_peak_memory_stats()
        return function

    @property
    def warmups(self):
        return WARMUPS if self.cuda else 2 if self.name == "traced" else 1  # traced compiles in the first


def captured(function, warm):
    """Captures the function as a CUDA graph with a fixed result buffer. Warm-up runs on a side stream initialise
    libraries, as capture requires."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARMUPS):
            warm()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.reset_peak_memory_stats()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()

    def replay():
        graph.replay()
        return result

    return replay
