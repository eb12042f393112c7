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
from .export import file_name
from .config import Config
from .model import Rows, Yoco, rms_norm

OUT = pathlib.Path(__file__).parents[2] / "tests" / "golden"
ROWS, SAMPLED = 21, 4
FEATURES = 200  # 192 columns and 8 scene classes are enough here
VOCAB = 112
MIXES = {
    # The default model's mix: text is not in the cache, cross layers have a sink.
    "mini": dict(dim=16, layers=["sliding", "retention", "cross", "cross"], n_self_heads=2, tied_output=False,
                 cross_text=False, attention_sink=True),
    # The paper's, with every kind of layer below the bridge.
    "yoco": dict(dim=24, layers=["sliding", "retention", "full", "retention", "cross", "cross"], n_self_heads=2,
                 tied_output=True, cross_text=True, attention_sink=False),
    "transformer": dict(dim=16, layers=["full", "full"], n_self_heads=1, tied_output=False, cross_text=True,
                        scalable_softmax=False, attention_sink=False),
}
NO_SINK = -60.0  # a logit that adds nothing


def perturb(model, generator):
    """Parameters large enough to matter: no norm weight is 1, no bias 0, eps = 0.1 in the config. Matrices of models
    with a bridge are f16 numbers, as in a model directory."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p.copy_(0.5 + torch.rand(p.shape, generator=generator))
            elif "bias" in name or "logit_scale" in name or "sink" in name:
                p.add_(0.3 * torch.randn(p.shape, generator=generator))
            elif model.has_cross:
                p.copy_(p.half().float())
            if name.endswith("sink") and not model.config.attention_sink:
                p.fill_(NO_SINK)


def tensors_of(model):
    """Under the names of a model directory."""
    out = {}
    for name, p in model.named_parameters():
        if name.endswith("sink") and not model.config.attention_sink:
            continue
        out[file_name(name)] = (p.half() if model.has_cross and p.dim() == 2 else p).detach().clone().contiguous()
    return out


def sample(generator):
    features = torch.zeros(ROWS, FEATURES)
    times = torch.cumsum(torch.randint(0, 90, (ROWS,), generator=generator), 0).double() + 0.25
    for row in range(ROWS):
        some = torch.randperm(layout.PLAIN, generator=generator)[:12]
        features[row, some] = torch.rand(12, generator=generator)
        if row % 4 == 0:
            scene = layout.SCENE + torch.randperm(FEATURES - layout.SCENE, generator=generator)[:5]
            features[row, scene] = torch.rand(5, generator=generator)
    ids = torch.randint(4, VOCAB, (11,), generator=generator)
    ids[0] = ids[6] = -1
    seconds = torch.full((11,), -1.0, dtype=torch.float64)
    seconds[0], seconds[6] = times[-1], 3725.0
    seconds[8:] = seconds[6]  # text that carries the time asked about
    return features, times, ids, seconds


def model_rows(model, every):
    """Rows [N, D] of one sequence through the self-decoder."""
    x, _ = model.self_decode(every, Rows(torch.ones(1, len(every), dtype=torch.bool)), torch.arange(len(every)))
    return x


def run(model, features, times, ids, seconds):
    """Logits [SAMPLED, vocab] of the question's last rows and their attention [SAMPLED, cache rows], a cross layer
    each."""
    scene = torch.arange(FEATURES - layout.SCENE)
    rows = model.video_rows(features[:, : layout.PLAIN], times, scene.expand(ROWS, -1), features[:, layout.SCENE :])
    asked = model.question_rows(ids, seconds)
    length = ids.shape[0]
    last = torch.arange(length - SAMPLED, length)
    every = torch.cat((rows, asked))
    if model.has_cross and not model.config.cross_text:
        memory = model.watch(rows[None], torch.ones(1, ROWS))
        x, maps = model.answer(memory, asked[None, None], torch.tensor([[length]]), last[None, None],
                               torch.ones(1, 1, SAMPLED, dtype=torch.bool), keep_weights=True)
        return model.logits(x), [m[0] for m in maps]
    x = model_rows(model, every)
    # With text in the cache each sampled row sees one row more: it is a video of its own to Cross.
    store = [y.expand(SAMPLED, -1, -1, -1) for y in model.cache(x)] if model.has_cross else None
    x, maps = x[-SAMPLED:], []
    hidden = torch.arange(len(every)) > (ROWS + last)[:, None]
    picked = Rows(torch.ones(SAMPLED, 1, dtype=torch.bool))
    for layer in model.layers:
        if layer.kind != "cross":
            continue
        mixed, weight = layer.mix(rms_norm(x, layer.mix_norm, layer.eps), picked, store, hidden,
                                  (ROWS + last + 1).float().log(), True)
        x = layer.feed(x + mixed)
        maps.append(weight[:, 0])
    return model.logits(x), maps


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
        config = Config(vocab_size=VOCAB, name=f"golden-{name}", hidden_dim=24, n_attn_heads=4,
                        n_attn_kv_heads=2, attn_head_dim=8, norm_eps=0.1, sliding_window=7, feature_dim=FEATURES, **mix)
        model = Yoco(config).eval()
        model.folded_projector = lambda: model.projector.weight  # no class names here to fold in
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
            golden["mass"] = torch.stack([m.sum(0) for m in maps])
        save_file(golden, OUT / f"engine_{name}_golden.safetensors")
        (OUT / f"engine_{name}.json").write_text(json.dumps(config.to_json()) + "\n")
        for path in OUT.glob(f"engine_{name}*"):
            path.chmod(0o644)
        print(name, {k: tuple(v.shape) for k, v in golden.items()}, float(logits.abs().max()))


if __name__ == "__main__":
    main()
