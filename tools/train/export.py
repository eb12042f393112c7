"""Writes a trained checkpoint as a model directory: config.json, model.safetensors (and what is there already).

    python -m tools.train.export --checkpoint tools/train/runs/mini/last.pt --out assets/models/mini

Matrices are stored as f16, vectors as f32, [in, out] as in y = x W. `vision.json` of the directory, if there is one,
becomes the "vision" part of config.json.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from . import text as text_module
from .config import Config
from .model import Yoco


def file_name(name):
    """Name of a parameter of Yoco in the file."""
    if name.startswith(("projector.", "time_proj.")):
        return name
    return name.replace(".mix.", ".").removesuffix(".weight")


def grown(name, old, new):
    """`old` at the size of `new`. Twice the heads: each a second time, a little turned so that the two can part (Net2Net,
    arXiv 1511.05641; heads that start small and random get no gradient beside trained ones). More columns of a feature
    row come behind."""
    if old.shape == new.shape:
        return old
    if name.endswith("projector.weight"):
        return torch.cat((old, new.detach()[len(old) :].to(old)))
    turned = old + 0.2 * old.std() * torch.randn_like(old) if old.ndim == 2 else old
    if name.endswith("o.weight"):
        return torch.cat((old, turned)) / 2
    return torch.cat((old, turned), -1)


def load_weights(model, directory):
    """Puts the weights of a model directory into `model`; class names are folded into the file's projector, so
    class_pieces becomes zero. A model with twice the heads, or more columns, is grown. Returns the steps they were
    trained for."""
    path = Path(directory) / "model.safetensors"
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        steps = int((file.metadata() or {}).get("steps", 0))
    state = {name: grown(name, tensors[file_name(name)].float(), p) for name, p in model.named_parameters()}
    model.load_state_dict(state, strict=False)
    model.class_pieces.zero_()
    return steps


def load_model(directory):
    """-> (model, text) of a model directory."""
    directory = Path(directory)
    config = Config.from_json(json.loads((directory / "config.json").read_text()))
    text = text_module.Text((directory / "tokenizer.model").read_bytes())
    model = Yoco(config, text_module.TWO_DIGITS)
    load_weights(model, directory)
    return model.eval(), text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("tools/train/runs/mini/last.pt"))
    parser.add_argument("--out", type=Path, default=Path("assets/models/mini"))
    parser.add_argument("--mean-with", type=Path, metavar="DIR", help="write the mean of these weights and those of a model")
    args = parser.parse_args()
    text = text_module.Text((args.out / "tokenizer.model").read_bytes())
    state = torch.load(args.checkpoint, weights_only=True)
    model = Yoco(Config(vocab_size=len(text)), text_module.TWO_DIGITS)
    model.load_state_dict(state["model"])
    weights = {file_name(name): p.detach() for name, p in model.named_parameters()}
    weights["projector.weight"] = model.folded_projector().detach()
    if args.mean_with:  # of two ends of one road: often better than either, at no cost (arXiv 2203.05482)
        other = load_file(args.mean_with / "model.safetensors")
        weights = {name: (p + grown(name, other[name].float(), p)) / 2 for name, p in weights.items()}
    tensors = {name: (p.half() if p.ndim == 2 else p.float()).contiguous() for name, p in weights.items()}
    aside = args.out / "model.safetensors.part"
    save_file(tensors, aside, {"steps": str(state["step"])})
    aside.rename(args.out / "model.safetensors")
    config = model.config.to_json()
    if (args.out / "vision.json").exists():
        config["vision"] = json.loads((args.out / "vision.json").read_text())
    (args.out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(f"step {state['step']}: {sum(t.numel() for t in tensors.values())} values to {args.out}")


if __name__ == "__main__":
    main()
