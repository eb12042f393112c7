"""The teacher, YOLOX-nano in onnxruntime: picture -> boxes with their 80 soft scores."""
from pathlib import Path

import numpy as np

from .boxes import suppress
from .pictures import PAD, resize, scaled_size

SIDE = 416
SCORE_FLOOR = 0.05    # softer than the usual 0.3: weak boxes become weak targets
IOU_SAME_CLASS = 0.45


class Teacher:
    def __init__(self, path, threads=1):
        import onnxruntime
        if not Path(path).is_file():
            raise SystemExit(f"reading the teacher {path}: no such file; expected yolox_nano.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        cells = [(x, y, s) for s in (8, 16, 32) for y in range(SIDE // s) for x in range(SIDE // s)]
        self.cells = np.array(cells, np.float32)

    def look(self, picture):
        """RGB uint8 -> (boxes [N, 4] in 0..1 of the picture, soft scores [N, 80] f32), best first."""
        height, width = scaled_size(*picture.shape[:2], SIDE)
        canvas = np.full((SIDE, SIDE, 3), PAD, np.uint8)
        canvas[:height, :width] = resize(picture, height, width)
        image = np.ascontiguousarray(canvas[None, :, :, ::-1].transpose(0, 3, 1, 2), np.float32)
        rows = self.session.run(None, {"images": image})[0][0]
        soft = rows[:, 4:5] * rows[:, 5:]
        best = soft.max(1)
        chosen = best >= SCORE_FLOOR
        rows, soft, best, cells = rows[chosen], soft[chosen], best[chosen], self.cells[chosen]
        stride = cells[:, 2:]
        centre = (rows[:, :2] + cells[:, :2]) * stride
        half = np.exp(rows[:, 2:4]) * stride / 2
        boxes = np.concatenate([centre - half, centre + half], 1) / np.array([width, height] * 2, np.float32)
        boxes = np.clip(boxes, 0, 1)
        kept = suppress(boxes, best, soft.argmax(1), IOU_SAME_CLASS)
        return boxes[kept], soft[kept]
