"""The 80 object classes (COCO's names and order), their plurals, and the everyday words people use for them."""

NAMES = """person bicycle car motorcycle airplane bus train truck boat|traffic light|fire hydrant|stop sign|parking meter|
bench bird cat dog horse sheep cow elephant bear zebra giraffe backpack umbrella handbag tie suitcase frisbee skis
snowboard|sports ball|kite|baseball bat|baseball glove|skateboard surfboard|tennis racket|bottle|wine glass|cup fork
knife spoon bowl banana apple sandwich orange broccoli carrot|hot dog|pizza donut cake chair couch|potted plant|bed|
dining table|toilet tv laptop mouse remote keyboard|cell phone|microwave oven toaster sink refrigerator book clock vase
scissors|teddy bear|hair drier|toothbrush"""


def _split(text):
    two_words = ("traffic light", "fire hydrant", "stop sign", "parking meter", "sports ball", "baseball bat",
                 "baseball glove", "tennis racket", "wine glass", "hot dog", "potted plant", "dining table",
                 "cell phone", "teddy bear", "hair drier")
    names = []
    for part in text.replace("\n", " ").split("|"):
        part = " ".join(part.split())
        names += [part] if part in two_words else part.split()
    return names


NAMES = _split(NAMES)
assert len(NAMES) == 80 and NAMES[0] == "person" and NAMES[79] == "toothbrush" and NAMES[62] == "tv"

_IRREGULAR = {"person": "people", "knife": "knives", "mouse": "mice", "sheep": "sheep", "skis": "skis",
              "scissors": "scissors", "broccoli": "broccoli", "cup": "cups"}


def _plural(name):
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    return name + ("es" if name.endswith(("s", "sh", "ch", "x")) else "s")


PLURALS = [_plural(name) for name in NAMES]


def article(name):
    if name in ("skis", "scissors", "broccoli"):
        return name
    return ("an " if name[0] in "aeiou" else "a ") + name


# Singular, plural; "" where a form is not used.
_SYNONYMS = {
    "person": [("man", "men"), ("woman", "women"), ("human", "humans"), ("pedestrian", "pedestrians"), ("guy", "guys"),
               ("child", "children"), ("walker", "walkers"), ("boy", "boys"), ("girl", "girls"), ("", "persons")],
    "bicycle": [("bike", "bikes"), ("cycle", "cycles"), ("push bike", "push bikes")],
    "car": [("automobile", "automobiles"), ("taxi", "taxis"), ("cab", "cabs")],
    "motorcycle": [("motorbike", "motorbikes"), ("scooter", "scooters"), ("moped", "mopeds")],
    "airplane": [("plane", "planes"), ("aeroplane", "aeroplanes"), ("aircraft", "aircraft")],
    "bus": [("coach", "coaches")],
    "train": [("locomotive", "locomotives"), ("tram", "trams")],
    "truck": [("lorry", "lorries"), ("van", "vans")],
    "boat": [("ship", "ships")],
    "traffic light": [("stoplight", "stoplights")],
    "fire hydrant": [("hydrant", "hydrants")],
    "cat": [("kitten", "kittens")],
    "dog": [("puppy", "puppies")],
    "horse": [("pony", "ponies")],
    "sheep": [("lamb", "lambs")],
    "cow": [("bull", "bulls"), ("", "cattle")],
    "backpack": [("rucksack", "rucksacks")],
    "handbag": [("purse", "purses"), ("bag", "bags")],
    "tie": [("necktie", "neckties")],
    "suitcase": [("luggage", "luggage"), ("trolley case", "trolley cases")],
    "sports ball": [("ball", "balls"), ("football", "footballs")],
    "cup": [("mug", "mugs")],
    "wine glass": [("glass", "glasses")],
    "donut": [("doughnut", "doughnuts")],
    "couch": [("sofa", "sofas"), ("settee", "settees")],
    "chair": [("seat", "seats"), ("armchair", "armchairs")],
    "potted plant": [("plant", "plants"), ("houseplant", "houseplants")],
    "dining table": [("table", "tables"), ("desk", "desks")],
    "tv": [("television", "televisions"), ("telly", "tellies"), ("monitor", "monitors"), ("screen", "screens")],
    "laptop": [("notebook computer", "notebook computers"), ("computer", "computers")],
    "remote": [("remote control", "remote controls")],
    "cell phone": [("phone", "phones"), ("mobile phone", "mobile phones"), ("smartphone", "smartphones"),
                   ("mobile", "mobiles")],
    "refrigerator": [("fridge", "fridges")],
    "teddy bear": [("teddy", "teddies"), ("stuffed animal", "stuffed animals")],
    "hair drier": [("hair dryer", "hair dryers"), ("hairdryer", "hairdryers")],
    "clock": [("wall clock", "wall clocks")],
}
SINGULAR_WORDS = [[name] + [s for s, _ in _SYNONYMS.get(name, []) if s] for name in NAMES]
PLURAL_WORDS = [[plural] + [p for _, p in _SYNONYMS.get(name, []) if p] for name, plural in zip(NAMES, PLURALS)]

# How often a class is drawn, roughly as often as it is seen in street, home and film footage.
_COMMON = {"person": 30, "car": 12, "bicycle": 4, "motorcycle": 3, "bus": 4, "truck": 4, "dog": 4, "cat": 4, "chair": 6,
           "couch": 3, "tv": 3, "bottle": 4, "cup": 3, "dining table": 3, "potted plant": 3, "bed": 2, "laptop": 2,
           "cell phone": 2, "book": 2, "bird": 2, "horse": 2, "boat": 2, "handbag": 2, "backpack": 2, "umbrella": 2,
           "traffic light": 2, "train": 2}
WEIGHTS = [_COMMON.get(name, 1.0) for name in NAMES]
