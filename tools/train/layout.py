"""Columns of a feature row: the contract between vision/row_layout.h, the trainer and the engine.

A row is float[FEATURE_DIM]. The columns 160.. (time as a Fourier code) are made by the model code from the row's
time, the columns 192.. (scene probabilities) travel as a few (index, value) pairs. What is dense here is [0, PLAIN) and,
behind it, the columns from ORDER on.
"""

IS_SCENE, IS_OBJECT, IS_TIME, LAST_OF_FRAME = 0, 1, 2, 3
CLASS = 4  # 80: object row 1.0 at its class; scene row min(count, 8) / 2 of every class present
CLASSES = 80
COUNT = 84  # 9: one-hot 0..7, 8+ of the row's class; scene row: number of object rows with a count
APPEARED, GONE, MORE, FEWER, FIRST_EVER, RECORD = 93, 94, 95, 96, 97, 98
ORDINAL = 99  # 8: how often the class has appeared so far, one-hot 1..7, 8+
FIRST_RANK = 107  # 12: the class is the k-th kind ever seen, one-hot 1..11, 12+
RANK = 119  # 8: k-th object row of the frame
LEFT, MIDDLE, RIGHT = 127, 128, 129
TOP, CENTRE, BOTTOM = 130, 131, 132
BOX = 133  # cx cy w h of the largest box
SCORE, SIZE = 137, 138
MOTION = 139  # left, right, up, down, closer, still
CUT = 145
ROLL = 146  # object row: read again at a question (timeline.with_roll_call)
FIRST_RANK_PART = 147  # object row: the k-th kind ever seen, k / FIRST_RANK_UNIT
MOST = 148  # 9: object row: the most of the class at once so far, one-hot 0..7, 8+
PLAIN = 160
FOURIER = 160
FOURIER_COUNT = 16
FOURIER_FIRST_PERIOD_S = 2.0
FOURIER_RATIO = 1.8
SCENE = 192
SCENE_CLASSES = 1000
SCENE_KEPT = 5
ORDER = 1192
PREVIOUS = 1192  # 80: row of a kind seen for the first time ever: the kind that was new before it
NO_PREVIOUS = 1272  # and where there was none
FUTURE = 1273  # time row: beyond the last frame
# Events (a kind comes or goes) counted modulo 7, 8, 9, one-hot each, 24 columns: of a scene row those up to its frame, of
# an event's row those before it. What comes next has the same code in the same columns: it is found by likeness.
EVENTS_BEFORE = 1274
EVENTS_WITH = 1298  # 24: of an event's row, with itself: what the next event has in EVENTS_BEFORE
EVENT_MODULI = (7, 8, 9)
NEIGHBOUR = 1322  # 80: object row: the kind just left of it in its frame, of which it is the next in a list
FEATURE_DIM = 1402
DENSE = PLAIN + FEATURE_DIM - ORDER
MAX_OBJECT_ROWS = 8

MOTION_THRESHOLD = 0.12
CLOSER_RATIO = 1.4
FIRST_RANK_UNIT = 24


def dense(column):
    """Where a column of ORDER.. stands among the dense ones."""
    return column - ORDER + PLAIN
