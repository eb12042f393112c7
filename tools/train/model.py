"""The YOCO decoder-decoder in PyTorch: what train.py trains, and the second reference of the C++ engine.

Shapes: B videos, N rows a video (padded on the left, so that every video ends at N), Q questions a video, L rows a
question, A sampled rows a question, D = dim. YOCO: arXiv 2405.05254; scalable softmax: arXiv 2501.19399.

The video goes through the self-decoder once; each question starts from a copy of its state; the cross-decoder runs
only on sampled rows (the row of <a> and the answer's).
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from . import layout
from .config import Config


EMBEDDING_RMS = 3.0


def rms_norm(x, weight=None, eps=1e-6):
    y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return y if weight is None else y * weight


def rope(x, pos, inverse_period):
    """x [..., rows, heads, head_dim], pos [rows]: rotates interleaved pairs by pos * inverse_period."""
    angle = pos[:, None].double() * inverse_period.double()
    cos, sin = angle.cos().to(x.dtype)[:, None], angle.sin().to(x.dtype)[:, None]
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Rows:
    """Rows of S sequences, packed [M, D] without their padding; the mixers need them as [S, T, D]."""

    def __init__(self, keep):
        """keep [S, T], true where there is a row."""
        self.keep, self.shape = keep, tuple(keep.shape)
        self.index = keep.flatten().nonzero().squeeze(1)

    def pack(self, x):
        return x.flatten(0, 1)[self.index]

    def pad(self, x):
        """[M, ...] -> [S, T, ...], zero where there is no row."""
        out = x.new_zeros(self.shape[0] * self.shape[1], *x.shape[1:])
        return out.index_copy(0, self.index, x).view(*self.shape, *x.shape[1:])


class Linear(nn.Module):
    """y = x W with W [in, out], as the file stores it."""

    def __init__(self, n_in, n_out, std=None):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) * (std or n_in**-0.5))

    def forward(self, x):
        return x @ self.weight


class FeedForward(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate, self.up = Linear(c.dim, c.hidden_dim), Linear(c.dim, c.hidden_dim)
        self.down = Linear(c.hidden_dim, c.dim, std=c.hidden_dim**-0.5 * 0.5)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Retention(nn.Module):
    """Gated retention: S_t = exp(log_decay_t) S_{t-1} + k_t^T v_t, o_t = q_t S_t."""

    CHUNK = 256

    def __init__(self, c):
        super().__init__()
        self.heads, self.head_dim = c.n_self_heads, c.dim // c.n_self_heads
        self.eps = c.norm_eps
        for name in "qkvg":
            setattr(self, name, Linear(c.dim, c.dim))
        self.o = Linear(c.dim, c.dim, std=c.dim**-0.5 * 0.5)
        self.decay = Linear(c.dim, self.heads, std=0.02)
        self.decay_bias = nn.Parameter(torch.linspace(0.0, 7.0, self.heads))
        exponent = torch.linspace(0, 1, self.head_dim // 2, dtype=torch.float64)
        self.register_buffer("inverse_period", c.rope_theta**-exponent, persistent=False)

    def forward(self, x, rows, pos, state=None):
        """x [M, D] packed; state [S or S/Q, H, hd, hd] or None. Padding writes nothing and does not decay."""
        s, t = rows.shape
        split = lambda y: rows.pad(y).view(s, t, self.heads, self.head_dim)
        q = rope(split(self.q(x)), pos, self.inverse_period)
        k = rope(split(self.k(x)), pos, self.inverse_period) * self.head_dim**-0.5
        v = split(self.v(x))
        log_decay = rows.pad(F.logsigmoid(self.decay(x) + self.decay_bias) / 16)
        q, k, v, log_decay = (y.transpose(1, 2) for y in (q, k, v, log_decay))  # [S, H, T, ...]
        outputs = []
        for first in range(0, t, self.CHUNK):
            part = slice(first, min(first + self.CHUNK, t))
            qc, kc, vc = q[:, :, part], k[:, :, part], v[:, :, part]
            total = log_decay[:, :, part].cumsum(-1)  # [S, H, C]
            weight = (total[..., :, None] - total[..., None, :]).tril().exp().tril()
            out = (qc @ kc.transpose(-1, -2) * weight.to(qc.dtype)) @ vc
            if state is not None:
                copies = s // state.shape[0]
                qd = (qc * total.exp()[..., None].to(qc.dtype)).view(state.shape[0], copies, *qc.shape[1:])
                out = out + (qd @ state[:, None].to(qc.dtype)).reshape(out.shape)
            outputs.append(out)
            kd = kc * (total[..., -1:] - total).exp()[..., None].to(kc.dtype)
            grown = kd.transpose(-1, -2) @ vc
            if state is None:
                state = grown
            elif copies == 1:
                state = state * total[..., -1].exp()[..., None, None].to(grown.dtype) + grown
        out = rms_norm(rows.pack(torch.cat(outputs, 2).transpose(1, 2)), eps=self.eps).flatten(1)
        return self.o(F.silu(self.g(x)) * out), state


class Attention(nn.Module):
    """Rope attention over a window of the last `window` rows (the row itself counted); all rows where it is 0."""

    CHUNK = 256  # queries at once, where a window is all they see

    def __init__(self, c, window):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim, self.window = c.n_attn_heads, c.n_attn_kv_heads, c.attn_head_dim, window
        self.q = Linear(c.dim, self.heads * self.head_dim)
        self.k = Linear(c.dim, self.kv_heads * self.head_dim)
        self.v = Linear(c.dim, self.kv_heads * self.head_dim)
        self.o = Linear(self.heads * self.head_dim, c.dim, std=(self.heads * self.head_dim) ** -0.5 * 0.5)
        exponent = torch.arange(0, self.head_dim, 2, dtype=torch.float64) / self.head_dim
        self.register_buffer("inverse_period", c.rope_theta**-exponent, persistent=False)

    def forward(self, x, rows, pos, past=None):
        """x [M, D] packed; past: (k, v, keep) [P, rows, kv, hd] of the rows before; P divides S. Returns the output and
        the new past."""
        s, t = rows.shape
        q = rope(rows.pad(self.q(x)).view(s, t, self.heads, self.head_dim), pos, self.inverse_period)
        k = rope(rows.pad(self.k(x)).view(s, t, self.kv_heads, self.head_dim), pos, self.inverse_period)
        v = rows.pad(self.v(x)).view(s, t, self.kv_heads, self.head_dim)
        seen = rows.keep
        k_pos = pos
        if past is not None:
            copies = s // past[0].shape[0]
            k = torch.cat((past[0].repeat_interleave(copies, 0), k), 1)
            v = torch.cat((past[1].repeat_interleave(copies, 0), v), 1)
            seen = torch.cat((past[2].repeat_interleave(copies, 0), seen), 1)
            k_pos = torch.cat((torch.arange(pos[0] - past[0].shape[1], pos[0]), pos))
        past_rows, parts = k.shape[1] - t, []
        for first in range(0, t, self.CHUNK if self.window else t):
            last = min(first + self.CHUNK, t) if self.window else t
            near = slice(max(0, past_rows + first - self.window + 1) if self.window else 0, past_rows + last)
            part = self.attend(q[:, first:last], k[:, near], v[:, near], seen[:, near], pos[first:last], k_pos[near])
            parts.append(part)
        out = rows.pack(torch.cat(parts, 1)).flatten(1)
        kept = self.window - 1 if self.window else k.shape[1]
        return self.o(out), (k[:, -kept:], v[:, -kept:], seen[:, -kept:])

    def attend(self, q, k, v, seen, pos, k_pos):
        """q [S, T, heads, hd], k and v [S, U, kv, hd], seen [S, U], positions [T] and [U] -> [S, T, kv, group, hd]."""
        far = pos[:, None] - k_pos[None, :]
        mask = (far >= 0) & ((far < self.window) if self.window else True)
        mask = mask[None] & seen[:, None, :]
        q = q.unflatten(2, (self.kv_heads, self.heads // self.kv_heads))
        logits = torch.einsum("stkgd,sukd->skgtu", q, k) * self.head_dim**-0.5
        # A padding row sees nothing; what it yields is never read, but it must not be NaN.
        weight = logits.masked_fill(~mask[:, None, None], -1e9).softmax(-1)
        return torch.einsum("skgtu,sukd->stkgd", weight, v)


class Cross(nn.Module):
    """Attention of sampled rows over the one cache: the video's rows, and a sink to rest on when nothing fits.

    The sink is a logit a head with no value (as in arXiv 2508.10925): out = sum exp(l_i) v_i / (exp(sink) + sum exp(l_i)).
    Text rows are not in the cache (config cross_text false): the window and the retention of the self-decoder carry
    them. With text in it, measured, 99 % of the attention had settled on the text by step 100 and never left.
    """

    LONG = 4096  # rows from which attention is computed again going back, instead of kept

    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = c.n_attn_heads, c.n_attn_kv_heads, c.attn_head_dim
        self.q = Linear(c.dim, self.heads * self.head_dim)
        self.o = Linear(self.heads * self.head_dim, c.dim, std=(self.heads * self.head_dim) ** -0.5 * 0.5)
        self.logit_scale = nn.Parameter(torch.full((self.heads,), 0.4))
        self.sink = nn.Parameter(torch.zeros(self.heads))

    def forward(self, x, rows, video, hidden, log_n, keep_weights=False):
        """x [M, D] packed from rows [B, A]; video k, v [B, N, kv, hd]; hidden [B, N] true where not to look; log_n [B]."""
        b, n = hidden.shape
        group = self.heads // self.kv_heads
        q = rows.pad(self.q(x)) * self.head_dim**-0.5  # [B, A, heads * hd]
        per_video = q.shape[1]
        q = q.view(b, per_video, self.kv_heads, group, self.head_dim)
        q = q * (log_n[:, None] * self.logit_scale).view(b, 1, self.kv_heads, group, 1)
        q = q.permute(2, 0, 1, 3, 4).reshape(self.kv_heads, b, per_video * group, self.head_dim)
        sink = self.sink.view(self.kv_heads, 1, group).expand(-1, per_video, -1).reshape(self.kv_heads, -1, 1)
        attend = self.attend
        if torch.is_grad_enabled() and n > self.LONG:
            attend = partial(checkpoint, self.attend, use_reentrant=False)
        outs, maps = zip(*(attend(q[h], video[0][:, :, h], video[1][:, :, h], sink[h], hidden, group if keep_weights else 0)
                           for h in range(self.kv_heads)))
        out = torch.stack([y.view(b, per_video, group, self.head_dim) for y in outs], 2)
        out = self.o(rows.pack(out.reshape(*rows.shape, -1)))
        return out, (sum(maps) / self.kv_heads if keep_weights else None)

    @staticmethod
    def attend(q, k, v, sink, hidden, kept):
        """Of one key/value head: q [B, A * group, hd], k and v [B, N, hd], sink [A * group, 1] -> [B, A * group, hd] and the
        attention [B, A, N], mean over each `kept` rows of q; none where that is 0."""
        logits = (q @ k.transpose(1, 2)).masked_fill(hidden[:, None], -1e9)
        logits = torch.cat((logits, sink.expand(len(q), -1, -1).to(logits.dtype)), -1)
        weight = logits.softmax(-1)[..., :-1]
        return weight @ v, weight.unflatten(1, (-1, kept)).mean(2) if kept else None


class Layer(nn.Module):
    def __init__(self, c, kind):
        super().__init__()
        self.kind, self.eps = kind, c.norm_eps
        self.mix_norm, self.ffn_norm = nn.Parameter(torch.ones(c.dim)), nn.Parameter(torch.ones(c.dim))
        if kind == "retention":
            self.mix = Retention(c)
        elif kind == "cross":
            self.mix = Cross(c)
        else:
            self.mix = Attention(c, c.sliding_window if kind == "sliding" else 0)
        self.ffn = FeedForward(c)

    def feed(self, x):
        return x + self.ffn(rms_norm(x, self.ffn_norm, self.eps))


class Bridge(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm = nn.Parameter(torch.ones(c.dim))
        self.k, self.v = (Linear(c.dim, c.n_attn_kv_heads * c.attn_head_dim) for _ in "kv")


class Yoco(nn.Module):
    def __init__(self, c, two_digits=range(7, 107)):
        """two_digits: the ids of the pieces "00".."99"."""
        super().__init__()
        self.config = c
        # Text rows start three times as large as what a layer adds, so that a word outlives the self-decoder: with 1,
        # measured, 6 % of its row was left at the bridge, and a class asked for no longer found the class seen.
        self.embedding = nn.Parameter(torch.randn(c.vocab_size, c.dim) * EMBEDDING_RMS * c.dim**-0.5)
        self.projector = nn.Module()
        self.projector.weight = nn.Parameter(torch.randn(c.feature_dim, c.dim) * 0.5)
        self.projector.bias = nn.Parameter(torch.zeros(c.dim))
        # Which pieces name a class [classes, vocab], rows summing to 1: a class seen is, as a vector, the class named
        # plus a column of its own. Folded into the projector on export.
        self.register_buffer("class_pieces", torch.zeros(layout.CLASSES, c.vocab_size))
        self.time_proj = Linear(3 * c.dim, c.dim, std=0.6 / EMBEDDING_RMS)
        self.layers = nn.ModuleList(Layer(c, kind) for kind in c.layers)
        self.has_cross = "cross" in c.layers
        if self.has_cross:
            self.bridge = Bridge(c)
        self.start_as_copies()
        self.final_norm = nn.Parameter(torch.ones(c.dim))
        if not c.tied_output:
            self.output = Linear(c.dim, c.vocab_size)
            with torch.no_grad():
                self.output.weight.copy_(self.embedding.t() / EMBEDDING_RMS)
        self.register_buffer("two_digits", torch.tensor(list(two_digits)), persistent=False)
        period = layout.FOURIER_FIRST_PERIOD_S * layout.FOURIER_RATIO ** torch.arange(
            layout.FOURIER_COUNT, dtype=torch.float64)
        self.register_buffer("period_s", period, persistent=False)

    @torch.no_grad()
    def start_as_copies(self):
        """Attention starts out looking for rows like the one that asks, and adding what it finds as it is."""
        c = self.config
        group = c.n_attn_heads // c.n_attn_kv_heads
        per_head = lambda w: w.view(c.dim, c.n_attn_kv_heads, 1, -1).expand(-1, -1, group, -1).reshape(c.dim, -1)
        for layer in self.layers:
            mix = layer.mix
            if layer.kind == "retention":
                mix.o.weight.copy_(0.7 * mix.v.weight.t() + 0.3 * mix.o.weight)
                continue
            source = self.bridge if layer.kind == "cross" else mix
            if layer.kind == "cross":
                mix.q.weight.copy_(per_head(source.k.weight) + 0.3 * mix.q.weight)
            mix.o.weight.copy_(per_head(source.v.weight).t() / group + 0.3 * mix.o.weight)

    # -- rows

    def time_part(self, time_s):
        """time_s [...] float64 -> what a row's time adds to its vector."""
        whole = time_s.clamp(min=0).floor().long()
        hms = torch.stack(((whole // 3600).clamp(max=99), whole // 60 % 60, whole % 60), -1)
        digits = self.embedding[self.two_digits[hms]].flatten(-2)
        angle = time_s[..., None].double() / self.period_s * (2 * math.pi)
        wave = torch.stack((angle.sin(), angle.cos()), -1).flatten(-2).to(digits.dtype)
        return self.time_proj(digits) + wave @ self.projector.weight[layout.FOURIER : layout.SCENE]

    def folded_projector(self):
        """[feature_dim, D], as the file holds it."""
        named = 2 / EMBEDDING_RMS * self.config.dim**0.5 * (self.class_pieces @ self.embedding)
        before, after = layout.CLASS, layout.FEATURE_DIM - layout.CLASS - layout.CLASSES
        return self.projector.weight + F.pad(named, (0, 0, before, after))

    def video_rows(self, dense, time_s, scene_index=None, scene_value=None):
        """dense [..., DENSE], time_s [...]; scene_index, scene_value [..., 5] (value 0 where the row is no scene)."""
        w = self.folded_projector()
        order = w[layout.ORDER :]
        x = dense @ torch.cat((w[: layout.PLAIN], order)) + self.projector.bias + self.time_part(time_s)
        if scene_index is not None:
            x = x + (w[layout.SCENE :][scene_index] * scene_value[..., None]).sum(-2)
        return x

    def question_rows(self, ids, time_s, future=None):
        """ids [..., L], -1 where the row is a time row; time_s [..., L], -1 where the row has no time; future [..., L],
        true where a time row lies beyond the video. The rows of an answer, from <a> on, carry the last time that was
        spoken of (text.py says which), as every row of a video carries its own."""
        text = self.embedding[ids.clamp(min=0)] * self.config.dim**0.5
        timed = time_s >= 0
        time = torch.zeros_like(text)
        time[timed] = self.time_part(time_s[timed]).to(text.dtype)
        kind = self.projector.weight[layout.IS_TIME] + self.projector.bias
        if future is not None:
            kind = kind + future[..., None] * self.projector.weight[layout.FUTURE]
        return torch.where((ids < 0)[..., None], kind, text) + time

    # -- decoders

    def self_decode(self, x, rows, pos, past=None):
        """x [M, D], packed as rows says, through all layers below the bridge. Returns x and what the next rows need."""
        present = []
        for index, layer in enumerate(self.layers):
            if layer.kind == "cross":
                break
            mixed, new = layer.mix(rms_norm(x, layer.mix_norm, layer.eps), rows, pos, past[index] if past else None)
            x = layer.feed(x + mixed)
            present.append(new)
        return x, present

    def cache(self, x):
        """x [..., D] of the self-decoder -> k, v [..., kv, hd]."""
        c = self.config
        y = rms_norm(x, self.bridge.norm, c.norm_eps)
        shape = (*x.shape[:-1], c.n_attn_kv_heads, c.attn_head_dim)
        return self.bridge.k(y).view(shape), self.bridge.v(y).view(shape)

    def logits(self, x):
        x = rms_norm(x, self.final_norm, self.config.norm_eps)
        return x @ self.embedding.t() if self.config.tied_output else self.output(x)

    def watch(self, x, keep):
        """x [B, N, D], keep [B, N]. What a video becomes: (k, v), keep, state."""
        rows = Rows(keep.bool())
        x, state = self.self_decode(rows.pack(x), rows, torch.arange(keep.shape[1]))
        k, v = self.cache(x)
        return (rows.pad(k), rows.pad(v)), rows.keep, state

    def answer(self, memory, x, lengths, sampled, is_sampled, keep_weights=False):
        """x [B, Q, L, D]; lengths [B, Q]: rows beyond are padding; sampled [B, Q, A] indices of the rows to sample,
        is_sampled [B, Q, A] where that is one. -> x [M, D] of the sampled rows, in order, before the logits, and the
        attention of a video's sampled rows, averaged over heads, one [B, most, N] a cross layer."""
        video, keep, state = memory
        b, n_q, length, dim = x.shape
        n = keep.shape[1]
        rows = Rows((torch.arange(length) < lengths[..., None]).flatten(0, 1))
        x, _ = self.self_decode(rows.pack(x.flatten(0, 1)), rows, torch.arange(n, n + length), past=state)
        first = torch.arange(b * n_q).view(b, n_q, 1) * length
        x = rows.pad(x).flatten(0, 1)[(first + sampled)[is_sampled]]
        # All questions of a video look at the same rows: side by side, without the padding of each.
        count = is_sampled.flatten(1).sum(-1)
        picked = Rows(torch.arange(int(count.max())) < count[:, None])
        log_n = keep.sum(-1).clamp(min=2).to(x.dtype).log()
        maps = []
        for layer in self.layers:
            if layer.kind != "cross":
                continue
            mixed, weight = layer.mix(rms_norm(x, layer.mix_norm, layer.eps), picked, video, ~keep, log_n, keep_weights)
            x = layer.feed(x + mixed)
            maps.append(weight)
        return x, maps
