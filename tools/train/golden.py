"""Golden files of the C++ engine: small seeded models of all kinds of layers, and what PyTorch says they answer.

    python -m tools.train.golden            # writes tests/golden/engine_*.safetensors (and .json, .model)

Each file holds the model's tensors under the names of a model directory, and beside them `golden.*`: feature rows with
times of a short video, the ids of a question with its time rows, the logits of the question's last rows, and the
attention over the cache that those rows paid. Regenerate only when the mathematics changes, and say why in the commit.
"""

import json
import pathlib

import sentencepiece
import torch
from safetensors.torch import save_file

from . import layout
from .model import Config, Rows, Yoco

OUT = pathlib.Path(__file__).parents[2] / "tests" / "golden"
ROWS, SAMPLED = 37, 4
FEATURES = 200  # 192 columns and 8 scene classes are enough here
VOCAB = 128
MIXES = {
    "yoco": dict(dim=32, layers=["sliding", "retention", "full", "retention", "cross", "cross"], n_self_heads=2),
    "transformer": dict(dim=24, layers=["full", "full"], n_self_heads=1, tied_output=False, scalable_softmax=False),
}


def perturb(model, generator):
    """Parameters large enough to matter: no norm weight is 1, no bias 0, eps = 0.1 in the config. The yoco's matrices
    are f16 numbers, as in a model directory."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p.copy_(0.5 + torch.rand(p.shape, generator=generator))
            elif "bias" in name or "logit_scale" in name:
                p.add_(0.3 * torch.randn(p.shape, generator=generator))
            elif model.has_cross:
                p.copy_(p.half().float())


def tensors_of(model):
    """Under the names of a model directory (engine/load.cpp)."""
    out = {}
    for name, p in model.state_dict().items():
        name = name.replace(".mix.", ".")
        if name.startswith("layers.") or name.startswith("bridge.") or name == "output.weight":
            name = name.removesuffix(".weight")
        out[name] = (p.half() if model.has_cross and p.dim() == 2 else p).clone().contiguous()
    return out


def sample(generator):
    features = torch.zeros(ROWS, FEATURES)
    times = torch.cumsum(torch.randint(0, 90, (ROWS,), generator=generator), 0).double() + 0.25
    for row in range(ROWS):
        some = torch.randperm(layout.DENSE, generator=generator)[:12]
        features[row, some] = torch.rand(12, generator=generator)
        if row % 4 == 0:
            scene = layout.SCENE + torch.randperm(FEATURES - layout.SCENE, generator=generator)[:5]
            features[row, scene] = torch.rand(5, generator=generator)
    ids = torch.randint(4, VOCAB, (11,), generator=generator)
    ids[0] = ids[6] = -1
    seconds = torch.zeros(11, dtype=torch.float64)
    seconds[0], seconds[6] = times[-1], 3725.0
    return features, times, ids, seconds


def run(model, features, times, ids, seconds):
    """Logits [SAMPLED, vocab] of the question's last rows and their attention [1, 1, SAMPLED, rows], a cross layer each."""
    scene = torch.arange(FEATURES - layout.SCENE)
    rows = model.video_rows(features[:, : layout.DENSE], times, scene.expand(ROWS, -1), features[:, layout.SCENE :])
    asked = model.question_rows(ids, seconds)
    first = ids.shape[0] - SAMPLED
    if model.has_cross:
        memory = model.watch(rows[None], torch.ones(1, ROWS))
        sampled = torch.arange(first, ids.shape[0])[None, None]
        x, maps = model.answer(memory, asked[None, None], torch.tensor([[ids.shape[0]]]), sampled,
                               torch.ones_like(sampled, dtype=torch.bool), keep_weights=True)
        return model.logits(x), maps
    x = torch.cat((rows, asked))
    x, _ = model.self_decode(x, Rows(torch.ones(1, x.shape[0], dtype=torch.bool)), torch.arange(x.shape[0]))
    return model.logits(x[-SAMPLED:]), []


def write_vocabulary():
    """A tiny vocabulary with the special pieces of the real one (text.py), for the tests of prompts and answers."""
    words = ["what is visible at", "how many bottles are there", "a person and a dog", "between", "from to", "never",
             "when does a cat first appear", "on the left", "in the middle", "yes no"]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words * 20), model_prefix=str(OUT / "engine_tokenizer"), model_type="bpe",
        vocab_size=480, user_defined_symbols=["<time>", "<q>", "<a>"] + [f"{n:02d}" for n in range(100)] + [".", ","],
        pad_id=0, unk_id=1, bos_id=2, eos_id=3, pad_piece="<pad>", byte_fallback=True, hard_vocab_limit=False,
        normalization_rule_name="identity", num_threads=1, minloglevel=2)
    (OUT / "engine_tokenizer.vocab").unlink()


def main():
    OUT.mkdir(exist_ok=True)
    write_vocabulary()
    for name, mix in MIXES.items():
        generator = torch.Generator().manual_seed(20)
        torch.manual_seed(20)
        config = Config(vocab_size=VOCAB, name=f"golden-{name}", hidden_dim=40, n_attn_heads=4,
                        n_attn_kv_heads=2, attn_head_dim=8, norm_eps=0.1, sliding_window=7, feature_dim=FEATURES, **mix)
        model = Yoco(config).eval()
        perturb(model, generator)
        features, times, ids, seconds = sample(generator)
        # The engine reads the Fourier columns from the row; PyTorch makes them from the time.
        angle = times[:, None] / model.period_s * (2 * torch.pi)
        features[:, layout.FOURIER : layout.SCENE] = torch.stack((angle.sin(), angle.cos()), -1).flatten(-2).float()
        with torch.no_grad():
            logits, maps = run(model, features, times, ids, seconds)
        tensors = tensors_of(model)
        save_file(tensors, OUT / f"engine_{name}.safetensors")
        golden = {"features": features, "times_us": (times * 1e6).round().long(), "ids": ids.int(),
                  "seconds": seconds, "logits": logits}
        if maps:
            golden["mass"] = torch.stack([m[0, 0].sum(0) for m in maps])
        save_file(golden, OUT / f"engine_{name}_golden.safetensors")
        (OUT / f"engine_{name}.json").write_text(json.dumps(config.to_json()) + "\n")
        for path in OUT.glob(f"engine_{name}*"):
            path.chmod(0o644)
        print(name, {k: tuple(v.shape) for k, v in golden.items()}, float(logits.abs().max()))


if __name__ == "__main__":
    main()
