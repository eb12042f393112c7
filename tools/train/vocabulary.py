"""Learns the sentencepiece vocabulary from the questions and answers that training asks.

    python -m tools.train.vocabulary --out assets/models/mini/tokenizer.model

A new vocabulary needs a new model: ids change.
"""

import argparse
from pathlib import Path

from . import text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("assets/models/mini/tokenizer.model"))
    parser.add_argument("--size", type=int, default=1664)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    args.out.write_bytes(text.train_vocabulary(text.corpus(args.seed, 30000), args.size))
    print(f"{args.size} pieces to {args.out}")


if __name__ == "__main__":
    main()
