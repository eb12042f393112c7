"""The shape of a model, as its config.json tells it."""

from dataclasses import asdict, dataclass, field

from . import layout


@dataclass
class Config:
    """Names as in config.json (engine/config.h says what each means)."""

    vocab_size: int
    name: str = "mini"
    dim: int = 192
    hidden_dim: int = 384
    layers: list = field(default_factory=lambda: ["sliding", "retention", "retention", "cross", "cross", "cross"])
    n_self_heads: int = 3
    n_attn_heads: int = 12
    n_attn_kv_heads: int = 4
    attn_head_dim: int = 64
    rope_theta: float = 10000.0
    norm_eps: float = 1e-6
    sliding_window: int = 64
    cross_rope: bool = False
    cross_text: bool = False
    scalable_softmax: bool = True
    attention_sink: bool = True
    tied_output: bool = False
    feature_dim: int = layout.FEATURE_DIM

    def to_json(self):
        out = {"format": 1, **asdict(self), "n_layers": len(self.layers)}
        del out["feature_dim"]
        out["rows"] = {
            "feature_dim": self.feature_dim,
            "is_time": layout.IS_TIME,
            **({"is_future": layout.FUTURE} if self.feature_dim > layout.FUTURE else {}),
            "fourier": {
                "first": layout.FOURIER,
                "count": layout.FOURIER_COUNT,
                "first_period_s": layout.FOURIER_FIRST_PERIOD_S,
                "ratio": layout.FOURIER_RATIO,
            },
            "roll_call": {"mark": layout.ROLL, "is_object": layout.IS_OBJECT, "kind": layout.CLASS, "kinds": layout.CLASSES},
        }
        return out

    @staticmethod
    def from_json(data):
        names = Config.__dataclass_fields__
        return Config(**{k: v for k, v in data.items() if k in names}, feature_dim=data["rows"]["feature_dim"])
