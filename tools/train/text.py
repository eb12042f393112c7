"""Text of the model: the sentencepiece vocabulary, questions and answers as ids, typing mistakes.

Special pieces: <pad> 0, <unk> 1, <s> 2, </s> 3, <time> 4, <q> 5, <a> 6, then "00".."99" from 7. An answer's time is
`<time> hh mm ss`; a question's time is a time row (id -1 and its seconds).
"""

import io
import re
from functools import lru_cache

import numpy as np
import sentencepiece

PAD, UNK, BEGIN, END, TIME, QUESTION, ANSWER = range(7)
TWO_DIGITS = list(range(7, 107))
TIME_ROW = -1
_TIME = re.compile(r"\{(\d+)\}")


def train_vocabulary(texts, size=1664):
    """Returns the serialized sentencepiece model."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, model_type="bpe", vocab_size=size,
        user_defined_symbols=["<time>", "<q>", "<a>"] + [f"{n:02d}" for n in range(100)] + [".", ","],
        pad_id=PAD, unk_id=UNK, bos_id=BEGIN, eos_id=END, pad_piece="<pad>", byte_fallback=True,
        normalization_rule_name="nfkc", max_sentence_length=10000, num_threads=1, minloglevel=1)
    return model.getvalue()


class Text:
    def __init__(self, serialized):
        self.pieces = sentencepiece.SentencePieceProcessor(model_proto=serialized)
        assert self.pieces.piece_to_id("<a>") == ANSWER and self.pieces.piece_to_id("00") == TWO_DIGITS[0]
        self._space = self.pieces.piece_to_id("▁")
        self._marks = {self.pieces.piece_to_id(mark) for mark in (",", ".", "▁and", "and", "▁to")} - {UNK}
        self._encode = lru_cache(maxsize=200000)(self._encode_now)

    def __len__(self):
        return self.pieces.get_piece_size()

    def _encode_now(self, text):
        return tuple(self.pieces.encode(text))

    def rows(self, text):
        """-> ids with TIME_ROW where a time stands, seconds of each row (-1 for text)."""
        ids, seconds = [], []
        for index, part in enumerate(_TIME.split(text)):
            if index % 2:
                ids.append(TIME_ROW)
                seconds.append(float(part))
            elif part.strip():
                new = self._encode(part.strip())
                ids += new
                seconds += [-1.0] * len(new)
        return ids, seconds

    def question(self, text, now_s, about=None):
        """Rows of a whole question: now, <q>, the question, <a>; without the first where it follows another, and `about`
        is then the last time spoken of. <a> carries the question's first time, or `about`, or now."""
        ids, seconds = self.rows(text)
        first = next((s for s in seconds if s >= 0), float(now_s) if about is None else about)
        ids, seconds = [QUESTION] + ids + [ANSWER], [-1.0] + seconds + [first]
        return (ids, seconds) if about is not None else ([TIME_ROW] + ids, [float(now_s)] + seconds)

    @staticmethod
    def carried(pieces, about):
        """The time that each row of an answer carries: `about`, until the answer itself has written a time."""
        seconds = []
        for k, piece in enumerate(pieces):
            if k >= 3 and pieces[k - 3] == TIME:
                hour, minute, second = (p - TWO_DIGITS[0] for p in pieces[k - 2 : k + 1])
                about = float(hour * 3600 + minute * 60 + second)
            seconds.append(about)
        return seconds

    def parts(self, pieces):
        """Which part of an answer each piece belongs to: a new one begins with a comma, "and", "to" and a full stop."""
        part, out = 0, []
        for piece in pieces:
            part += piece in self._marks
            out.append(part)
        return out

    def answer(self, text):
        """Ids of an answer with its end. Marks after a time carry no space piece."""
        ids = []
        for index, part in enumerate(_TIME.split(text)):
            if index % 2:
                s = int(part)
                ids += [TIME] + [TWO_DIGITS[n] for n in (min(s // 3600, 99), s // 60 % 60, s % 60)]
            elif part.strip():
                new = self._encode(part.strip())
                ids += new[1:] if new[0] == self._space else new
        return ids + [END]

    def decode(self, ids):
        """Inverse of answer(): times come back as {seconds}; None where a time is broken."""
        out, run, ids = [], [], [i for i in ids if i != END]
        k = 0
        while k < len(ids):
            if ids[k] == TIME:
                hms = [i - TWO_DIGITS[0] for i in ids[k + 1 : k + 4]]
                if len(hms) < 3 or min(hms) < 0 or max(hms) > 99:
                    return None
                out += [self.pieces.decode(run), "{%d}" % (hms[0] * 3600 + hms[1] * 60 + hms[2])]
                run = []
                k += 4
            else:
                run.append(int(ids[k]))
                k += 1
        out.append(self.pieces.decode(run))
        text = " ".join(part.strip() for part in out if part.strip())
        return re.sub(r" ([.,])", r"\1", text)


def mistyped(text, rng):
    """One typing mistake in a word of four letters or more, outside the times."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 3 and "{" not in word]
    if not long:
        return text
    i = long[int(rng.integers(len(long)))]
    word = words[i]
    k = int(rng.integers(1, len(word) - 1))
    kind = int(rng.integers(4))
    letter = "abcdefghijklmnopqrstuvwxyz"[int(rng.integers(26))]
    words[i] = (word[:k] + word[k + 1 :], word[:k] + word[k + 1] + word[k] + word[k + 2 :],
                word[:k] + letter + word[k:], word[:k] + word[k] + word[k:])[kind]
    return " ".join(words)


def corpus(seed=7, size=60000):
    """Questions and answers to learn the vocabulary from, times left out."""
    from . import batches, classes, phrases, timeline, world as worlds

    rng = np.random.default_rng(seed)
    kinds = list(batches.KINDS.values())
    lines = ["each is in the video", "each count at", "each most", "each where", "each first", "each next"] * 50
    while len(lines) < size:
        world = worlds.World(timeline.simulate(rng, int(rng.integers(4, 24))))
        for _ in range(12):
            made = kinds[int(rng.integers(len(kinds)))](world, rng)
            if made:
                lines += [_TIME.sub(" ", text) for text in made[:2]]
    for words in classes.SINGULAR_WORDS + classes.PLURAL_WORDS:
        lines += [word for word in words for _ in range(60)]
    for names in (classes.NAMES, classes.PLURALS):
        lines += [name for name in names for _ in range(200)]
    lines += phrases.STRANGE_WORDS * 20
    return [part.strip() for line in lines for part in line.split("\n") if part.strip()]
