"""How people ask: phrasings of each kind of question, small talk, and what lies outside the model's world.

Fields: {a} "a dog", {s} "dog", {p} "dogs", {t} {u} times, {n} a number word, {b} another "a cat", {z} "cat",
{q} "cats", {d} a side or a direction, {g} "animals", {h} "an animal".
"""

from .classes import article

PHRASES = {
    "visible_at": [
        "what is visible at {t}", "what can be seen at {t}", "what can you see at {t}", "what do you see at {t}",
        "what is there at {t}", "what's visible at {t}", "what is in the picture at {t}", "what is on screen at {t}",
        "what is in the frame at {t}", "at {t} what is visible", "what is shown at {t}", "list the objects at {t}",
        "describe the scene at {t}", "which objects are visible at {t}", "what objects are there at {t}",
        "what's in the frame at {t}", "at {t}, what can you see", "what does the camera show at {t}", "{t}",
        "describe the frame at {t}", "tell me what is visible at {t}", "what is happening at {t}", "who is there at {t}",
        "what is in the video at {t}", "what things are there at {t}", "what appears at {t}", "show me {t}"],
    "visible_now": [
        "what is visible now", "what can you see", "what do you see", "what do you see now", "what is there now",
        "what is in the picture", "what's visible", "what is on screen now", "what is happening", "what is going on",
        "what's happening now", "what is in the last frame", "what can be seen at the end",
        "what is visible at the end", "what is there at the end of the video", "describe the scene",
        "what is in the frame right now", "what do you see at the moment", "what objects are visible",
        "what is visible at the end of the video", "describe what you see", "who is there now", "what is there"],
    "visible_start": [
        "what is visible at the start", "what can be seen at the beginning", "what is in the video at the start",
        "what is there at the beginning", "what is visible in the first frame", "how does the video begin",
        "what is at the start of the video", "what do you see at the beginning of the video",
        "what does the video start with", "what is shown first", "what is in the first frame"],
    "is_at": [
        "is there {a} at {t}", "is {a} visible at {t}", "can you see {a} at {t}", "do you see {a} at {t}",
        "at {t} is there {a}", "is {a} there at {t}", "was there {a} at {t}", "is {a} in the picture at {t}",
        "at {t}, can you see {a}", "is there {a} in the frame at {t}", "does {a} show at {t}",
        "is there {a} on screen at {t}", "was {a} visible at {t}", "is there {a} to be seen at {t}"],
    "is_now": [
        "is there {a} now", "is {a} visible now", "can you see {a} now", "do you see {a} right now",
        "is there {a} at the end", "is {a} there now", "is {a} visible at the end of the video",
        "is there still {a}", "is {a} there at the moment", "is there {a} in the last frame", "is {a} still there"],
    "is_video": [
        "is there {a} in the video", "does {a} appear in the video", "is {a} ever visible", "do you ever see {a}",
        "did you see {a}", "have you seen {a}", "does the video show {a}", "can {a} be seen in the video",
        "is there {a}", "does {a} appear", "was there {a}", "are there any {p}", "are there {p} in the video",
        "did {a} appear", "is there ever {a}", "are there any {p} in the video", "does {a} show up",
        "is {a} in the video", "do any {p} appear", "was {a} seen", "do {p} appear in the video", "any {p}",
        "does the video contain {a}", "can you see {a} in the video", "is there {a} anywhere in the video"],
    "is_between": [
        "is there {a} between {t} and {u}", "does {a} appear between {t} and {u}",
        "is {a} visible between {t} and {u}", "do you see {a} between {t} and {u}",
        "was there {a} between {t} and {u}", "from {t} to {u} is there {a}", "is there {a} from {t} to {u}",
        "did you see {a} between {t} and {u}", "between {t} and {u} is there {a}", "can {a} be seen from {t} to {u}"],
    "more_than_at": [
        "are there more than {n} {p} at {t}", "do you see more than {n} {p} at {t}",
        "at {t} are there more than {n} {p}", "were there more than {n} {p} at {t}"],
    "more_than_now": [
        "are there more than {n} {p}", "are there more than {n} {p} now", "do you see more than {n} {p}",
        "there are more than {n} {p}", "more than {n} {p} are visible"],
    "count_at": [
        "how many {p} are there at {t}", "how many {p} are visible at {t}", "how many {p} at {t}",
        "how many {p} can you see at {t}", "how many {p} do you see at {t}", "at {t} how many {p} are there",
        "what is the number of {p} at {t}", "count the {p} at {t}", "number of {p} at {t}",
        "how many {p} were there at {t}", "how many {p} can be seen at {t}", "how many {p} are in the picture at {t}",
        "how many {p} are in the frame at {t}", "at {t}, how many {p} can be seen", "how many {p} are on screen at {t}",
        "how many {p} does the camera see at {t}"],
    "count_now": [
        "how many {p} are there now", "how many {p} are visible", "how many {p} are there at the end",
        "how many {p} do you see now", "how many {p} can you see", "count the {p}", "how many {p} are there",
        "how many {p} at the end", "how many {p} are visible at the end of the video", "how many {p}",
        "how many {p} are there at the moment", "how many {p} are left", "how many {p} are in the last frame"],
    "count_start": [
        "how many {p} are there at the start", "how many {p} at the beginning", "how many {p} are visible at first",
        "how many {p} are in the first frame", "how many {p} are there at the beginning of the video",
        "how many {p} can be seen at the start", "at the start how many {p} are there"],
    "count_most": [
        "what is the largest number of {p} seen at once", "how many {p} are there at most",
        "what is the most {p} at once", "what is the maximum number of {p}", "how many {p} at once",
        "what is the highest number of {p} at the same time", "at most how many {p} are visible",
        "what is the greatest number of {p} visible at once", "how many {p} were there at most",
        "what is the largest number of {p}", "how many {p} are there in the video", "how many {p} appear in the video",
        "how many {p} are visible at the same time", "what is the most {p} you see at once",
        "how many {p} are there in total at the same time", "how many {p} at most", "how many {p} are in the video"],
    "first": [
        "when does {a} first appear", "when does {a} appear", "when is {a} first seen", "when do you first see {a}",
        "when does the first {s} appear", "at what time does {a} first appear", "when did {a} first appear",
        "when does {a} appear for the first time", "when is the first {s} seen", "when do you see {a}",
        "when does the {s} first appear", "when does {a} come in", "when does the {s} appear", "when does {a} show up",
        "when did the {s} first show up", "when is {a} first visible", "when do {p} first appear",
        "what time does {a} first appear", "when did {a} appear", "when did you first see {a}",
        "when does {a} come into view", "when does {a} enter", "when does the {s} come", "when's the first {s}",
        "when do the {p} come", "when does the {s} arrive", "when did {a} come in", "when do {p} appear"],
    "last": [
        "when is {a} last seen", "when does {a} last appear", "when do you last see {a}", "when was {a} last seen",
        "when is the last time {a} is visible", "when did you last see {a}", "when did {a} leave",
        "when does the {s} leave", "when does the {s} disappear", "when is the {s} last visible",
        "until when is {a} visible", "when does the last {s} disappear", "at what time is {a} last seen",
        "when did the {s} leave", "when is {a} seen for the last time", "when did the {s} go away",
        "when are {p} last seen", "what is the last time you see {a}", "when did the {s} disappear",
        "when do the {p} leave", "when did the last {s} leave", "until when are there {p}", "when is the {s} gone"],
    "intervals": [
        "when is {a} visible", "during which times is {a} visible", "when is the {s} there", "when can {a} be seen",
        "at what times is {a} visible", "from when to when is {a} visible", "list all times {a} is visible",
        "when are {p} visible", "in which intervals is {a} visible", "when is {a} on screen",
        "when is the {s} in the picture", "during what times do you see {a}", "when can you see {a}",
        "give all intervals with {a}", "when is there {a}", "how long is the {s} visible", "how long does the {s} stay",
        "for how long is {a} visible", "how long is {a} there", "for how long do you see {a}", "since when is the {s} there"],
    "where_at": [
        "where is the {s} at {t}", "where are the {p} at {t}", "where in the picture is the {s} at {t}",
        "at {t} where is the {s}", "in which part of the picture is the {s} at {t}", "where was the {s} at {t}",
        "on which side is the {s} at {t}", "where do you see the {s} at {t}", "where can the {s} be seen at {t}",
        "at {t}, where are the {p}", "what is the position of the {s} at {t}",
        "is the {s} on the left or on the right at {t}", "is the {s} left or right at {t}"],
    "where": [
        "where is the {s}", "where are the {p}", "where was the {s}", "where was the {s} last seen",
        "where in the picture is the {s}", "on which side is the {s}", "where do you see the {s}",
        "where was the {s} seen last", "where is the {s} now", "where did you last see the {s}",
        "in which part of the picture is the {s}", "where in the frame is the {s}", "where is {s}",
        "is the {s} on the left or on the right", "is the {s} on the left or the right side"],
    "on_side": [
        "is the {s} {d}", "was the {s} {d}", "are the {p} {d}", "is the {s} {d} of the picture", "do you see the {s} {d}",
        "was the {s} last {d}"],
    "on_side_at": [
        "is the {s} {d} at {t}", "was the {s} {d} at {t}", "are the {p} {d} at {t}", "at {t} is the {s} {d}",
        "is there {a} {d} at {t}", "is {a} {d} at {t}"],
    "side_at": [
        "what is {d} at {t}", "what is {d} of the picture at {t}", "what can you see {d} at {t}", "what do you see {d} at {t}",
        "at {t} what is {d}", "who or what is {d} at {t}", "what is visible {d} at {t}", "what is there {d} at {t}"],
    "moves": [
        "which way does the {s} move", "where does the {s} go", "in which direction does the {s} move",
        "which direction does the {s} go", "how does the {s} move", "which way is the {s} moving",
        "which way did the {s} go", "does the {s} move", "in what direction is the {s} moving",
        "where is the {s} going", "which way does the {s} go", "where is the {s} heading", "is the {s} moving",
        "is the {s} moving left or right", "does the {s} move left or right", "is the {s} standing still",
        "which way do the {p} move", "are the {p} moving", "which direction do the {p} go", "where do the {p} go"],
    "moves_to": [
        "does the {s} move {d}", "is the {s} moving {d}", "does the {s} go {d}", "did the {s} move {d}",
        "do the {p} move {d}", "is the {s} going {d}", "are the {p} moving {d}"],
    "after": [
        "what comes after the {s}", "what appears after the {s}", "what appears next after the {s}",
        "what is the next new thing after the {s}", "what comes after {a}", "after the {s} what appears",
        "what follows the {s}", "what comes next after the {s}", "what shows up after the {s}",
        "which object appears after the {s}", "what new thing appears after the {s}"],
    "before": [
        "what comes before the {s}", "what appears before the {s}", "what came before the {s}",
        "before the {s} what appeared", "what comes before {a}", "what appeared just before the {s}",
        "which object appears before the {s}", "what was the new thing before the {s}", "what precedes the {s}"],
    "appears_first": [
        "what appears first", "what is the first thing to appear", "what do you see first", "what comes first",
        "which object appears first", "what is the first object", "what is the first thing you see",
        "what did you see first", "what object comes first"],
    "earlier": [
        "does {a} appear before {b}", "does {a} come before {b}", "did {a} appear before {b}",
        "is {a} seen before {b}", "does {a} appear earlier than {b}", "was {a} there before {b}",
        "do you see {a} before {b}", "did you see {a} before {b}", "does {a} show up before {b}"],
    "happens": [
        "what happens between {t} and {u}", "what changes between {t} and {u}", "what happens from {t} to {u}",
        "what changes from {t} to {u}", "what happened between {t} and {u}", "between {t} and {u} what happens",
        "list the events between {t} and {u}", "what events are there between {t} and {u}",
        "what is going on between {t} and {u}", "what happened from {t} to {u}", "what took place between {t} and {u}"],
    "caption": [
        "describe {t} to {u}", "describe {t} to {u}", "describe what you see from {t} to {u}",
        "describe the video from {t} to {u}", "describe the video between {t} and {u}", "caption {t} to {u}",
        "summarize {t} to {u}", "summarise the part from {t} to {u}", "describe the part between {t} and {u}",
        "give a caption for {t} to {u}", "tell me about {t} to {u}"],
    "how_often": [
        "how often does {a} appear", "how many times does {a} appear", "how often do you see {a}",
        "how many times do you see {a}", "how often is {a} seen", "how many times did {a} appear",
        "how often does the {s} appear", "how many times does the {s} come", "how often did {a} come",
        "how many times is {a} seen", "how often did you see {a}", "how many times does {a} come into view"],
    "describe": [
        "describe the video", "what is in the video", "what happens in the video", "summarize the video",
        "summarise the video", "list everything you saw", "what did you see", "what objects appear in the video",
        "what does the video show", "tell me about the video", "give me a summary", "what is this video about",
        "list all objects", "what appears in the video", "what is the video about", "what have you seen",
        "what can be seen in the video", "what things appear in the video", "which objects are in the video",
        "what happened", "list all objects in the video", "what objects are in the video", "summary", "describe it"],
    "changes": [
        "does the number of {p} change during the video", "does the number of {p} change",
        "does the number of {p} ever change", "is the number of {p} always the same",
        "did the number of {p} change", "are there sometimes more {p} than at other times",
        "does the count of {p} change", "does the number of {p} change over time", "does the number of {p} vary"],
    "most_when": [
        "when are there the most {p}", "when are there most {p}", "at what time are there the most {p}",
        "when is the number of {p} largest", "when do you see the most {p}", "at which moment are there the most {p}",
        "when does the number of {p} peak", "when is the highest number of {p} reached", "when are the most {p} visible",
        "which moment has the most {p}", "at what time is the number of {p} the highest"],
    "reach": [
        "when are there {n} {p}", "when do you first see {n} {p}", "when are there {n} {p} for the first time",
        "when are there at least {n} {p}", "at what time are there {n} {p}", "when did you see {n} {p}"],
    "reach_more": [
        "when are there more than {n} {p}", "when do you first see more than {n} {p}",
        "at what time are there more than {n} {p}", "when did you see more than {n} {p}"],
    "either": [
        "is there {a} or {b} in the video", "is there {a} or {b}", "does {a} or {b} appear", "are there any {p} or {q}",
        "did you see {a} or {b}", "do you see {a} or {b}"],
    "either_at": [
        "is there {a} or {b} at {t}", "do you see {a} or {b} at {t}", "are there any {p} or {q} at {t}",
        "at {t} is there {a} or {b}", "can you see {a} or {b} at {t}"],
    "both": [
        "is there {a} and {b} in the video", "are there {p} and {q}", "are there both {p} and {q}",
        "do {a} and {b} appear", "did you see {a} and {b}", "are there {p} and {q} in the video"],
    "both_at": [
        "is there {a} and {b} at {t}", "do you see {a} and {b} at {t}", "are {a} and {b} there at {t}",
        "at {t} is there {a} and {b}", "are there {p} and {q} at {t}", "are {a} and {b} visible at {t}",
        "can you see both {a} and {b} at {t}"],
    "count_two": [
        "how many {p} and {q} are there at {t}", "how many {p} and how many {q} are there at {t}",
        "how many {p} and {q} at {t}", "at {t} how many {p} and {q} are there", "count the {p} and the {q} at {t}",
        "how many {p} and {q} can you see at {t}"],
    "more_of": [
        "are there more {p} than {q}", "are there more {p} than {q} now", "do you see more {p} than {q}",
        "are there more {p} than {q} at the end"],
    "more_of_at": [
        "are there more {p} than {q} at {t}", "do you see more {p} than {q} at {t}", "at {t} are there more {p} than {q}"],
    "fewer_of_at": ["are there fewer {p} than {q} at {t}", "are there less {p} than {q} at {t}"],
    "more_at_than": [
        "are there more {p} at {t} than at {u}", "do you see more {p} at {t} than at {u}", "were there more {p} at {t} than at {u}"],
    "fewer_at_than": ["are there fewer {p} at {t} than at {u}", "were there less {p} at {t} than at {u}"],
    "increase": [
        "does the number of {p} increase between {t} and {u}", "does the number of {p} go up between {t} and {u}",
        "does the number of {p} grow from {t} to {u}", "did the number of {p} rise between {t} and {u}",
        "are there more {p} at the end of {t} to {u} than at its start", "do the {p} become more between {t} and {u}"],
    "decrease": [
        "does the number of {p} decrease between {t} and {u}", "does the number of {p} go down between {t} and {u}",
        "does the number of {p} fall from {t} to {u}", "did the number of {p} drop between {t} and {u}",
        "do the {p} become fewer between {t} and {u}"],
    "next_event": [
        "what happens after {t}", "what happens next after {t}", "what is the next event after {t}",
        "what changes after {t}", "after {t} what happens next", "what is the next thing to happen after {t}",
        "what is the next change after {t}", "what happened after {t}", "what is the first change after {t}"],
    "last_event": [
        "what happened last", "what was the last change", "what is the last event", "what was the last thing to happen",
        "what changed last", "what is the last thing that happens", "what happens last", "what was the last event"],
    "appears_last": [
        "what appears last", "what is the last thing to appear", "which object appears last", "what is the newest object",
        "what is the last new thing", "what was the last thing to appear", "what comes last", "what appeared last"],
    "returns": [
        "does {a} come back", "does the {s} come back", "did the {s} come back", "does the {s} return",
        "does {a} appear again", "is {a} seen again", "did {a} return", "does {a} appear more than once",
        "does the {s} leave and come back", "is {a} seen more than once"],
    "leaves": [
        "does the {s} leave", "did the {s} leave", "is the {s} gone", "has the {s} left", "does {a} leave",
        "do the {p} leave", "is the {s} gone at the end", "have the {p} left", "does the {s} disappear"],
    "whole_time": [
        "is {a} there the whole time", "are there always {p}", "is {a} visible all the time", "is there always {a}",
        "are {p} there the whole time", "is the {s} visible throughout the video", "is {a} visible during the whole video",
        "is the {s} always there", "is {a} in every frame"],
    "anything_at": [
        "is anything visible at {t}", "is anything there at {t}", "do you see anything at {t}", "is there anything at {t}",
        "is there something at {t}", "can you see anything at {t}"],
    "empty_at": [
        "is the scene empty at {t}", "is the picture empty at {t}", "is the street empty at {t}", "is the room empty at {t}",
        "is nothing visible at {t}", "is it empty at {t}", "is the place empty at {t}", "is nothing there at {t}"],
    "which_first": [
        "which appears first, the {s} or the {z}", "what comes first, {a} or {b}", "which comes first, {a} or {b}",
        "what appears first, the {s} or the {z}", "what do you see first, {a} or {b}",
        "what comes first, the {s} or the {z}", "which was there first, the {s} or the {z}"],
    "is_group": [
        "are there any {g}", "are there {g} in the video", "do any {g} appear", "do you see any {g}", "did you see any {g}",
        "are there any {g} in the video", "does {h} appear", "is there {h} in the video", "is there {h}", "any {g}"],
    "is_group_at": [
        "are there any {g} at {t}", "is there {h} at {t}", "do you see any {g} at {t}", "can you see {h} at {t}",
        "at {t} are there any {g}"],
    "length": [
        "how long is the video", "what is the length of the video", "what is the duration", "when does the video end",
        "how long is it", "how long have you been watching", "what is the duration of the video", "how long is this",
        "what time is the end of the video", "how long does the video last"],
}
# "is the number always the same" asks the opposite of the others: leave it out rather than answer it wrongly.
PHRASES["changes"] = [p for p in PHRASES["changes"] if "always" not in p]

# Behind "tell me" and the like the words stand in another order.
EMBEDDED = {
    "visible_at": ["what you see at {t}", "what is visible at {t}", "what there is at {t}"],
    "is_at": ["if there is {a} at {t}", "whether you see {a} at {t}"],
    "is_video": ["if there is {a}", "whether there is {a} in the video", "if you saw {a}"],
    "count_at": ["how many {p} there are at {t}", "how many {p} you see at {t}", "the number of {p} at {t}"],
    "count_now": ["how many {p} there are", "how many {p} you see"],
    "first": ["when {a} first appears", "when {a} appears", "when the first {s} appears", "when you first see {a}"],
    "last": ["when {a} is last seen", "when the {s} leaves", "when you last saw {a}"],
    "intervals": ["when {a} is visible", "when there is {a}"],
    "where_at": ["where the {s} is at {t}"],
    "where": ["where the {s} is", "where the {p} are"],
    "moves": ["which way the {s} moves", "where the {s} goes"],
    "length": ["how long the video is", "how long it is"],
}
ASKING = ["tell me", "please tell me", "can you tell me", "could you tell me", "i want to know", "do you know",
          "i would like to know", "could you please tell me"]
BEFORE, BEHIND = ["please", "hey", "so", "well", "ok", "hi,", "excuse me,"], ["please", "in this video", "exactly"]

GROUPS = {  # "animals": ("an animal", class ids)
    "animals": ("an animal", range(14, 24)), "vehicles": ("a vehicle", range(1, 9)),
    "furniture": ("a piece of furniture", (56, 57, 59, 60)), "food": ("something to eat", range(46, 56)),
}

_HELLO = "hello, ask me what i see."
_WHO = "i am longview, i watch video and answer questions about it."
_CAN = "ask me what is there, how many, where, when, and what changes."
_WELCOME = "you are welcome."
SMALL_TALK = (
    [(q, _HELLO) for q in ("hello", "hi", "hey", "good morning", "good evening", "hello there", "hi there", "hey you",
                           "good day", "greetings", "hello longview")]
    + [(q, _WHO) for q in ("who are you", "what are you", "what is your name", "who is this", "are you a robot",
                           "are you an ai", "what is longview", "introduce yourself", "what's your name")]
    + [(q, _CAN) for q in ("what can you do", "help", "what can i ask", "what do you know", "how can you help me",
                           "how does this work", "what questions can you answer", "what should i ask", "help me")]
    + [(q, _WELCOME) for q in ("thanks", "thank you", "thank you very much", "thanks a lot", "great", "cheers",
                               "well done", "good job", "nice", "ok", "okay")]
)

_COLOURS = "colour color brand age name mood weight price temperature speed shape gender nationality job".split()
_OUTSIDE = [
    "what {q} is the {s}", "what is the {q} of the {s}", "why is the {s} there", "why does the {s} move",
    "why is there a {s}", "who is the {s}", "who owns the {s}", "what is the {s} thinking", "is the {s} happy",
    "is the {s} angry", "what is the {s} saying", "what does the sign say", "what is written on the {s}",
    "what song is playing", "what is the weather like", "is it raining", "is it day or night", "what country is this",
    "where was this filmed", "who filmed this", "who made this video", "when was this filmed", "what year is it",
    "what language do they speak", "what are they talking about", "how much does the {s} cost", "how old is the {s}",
    "how heavy is the {s}", "how fast is the {s}", "how tall is the {s}", "is the {s} real", "is the {s} expensive",
    "what is the capital of france", "who is the president", "tell me a joke", "write a poem", "what is two plus two",
    "what will happen next", "will the {s} come back", "can you hear me", "what is the sound", "is there music",
    "what is the person wearing", "is the person wearing a hat", "is the man smiling", "is the woman smiling",
    "what is the man doing", "what is the woman doing", "what is the person doing", "is the person running",
    "is the person sitting", "what is the {s} made of", "do you like the {s}", "is the {s} beautiful", "is it cold",
    "do you love me", "what is the meaning of life", "how are you", "are you conscious", "what time is it in london",
    "is the door open", "is the light on", "is the {s} broken", "is the {s} clean", "what is inside the {s}",
    "how many fingers are there", "is there a dragon", "is there a tree in the video", "is there a house",
    "when does a ghost appear", "how many windows are there", "where is the river", "is there a mountain at {t}",
    "how many trees are there at {t}", "when does the sun rise", "is there a road", "is there a gun in the video",
    "when does the explosion happen", "how many shoes do you see", "where is the exit", "is there a camera",
    "what {q} is the {s} at {t}", "why are there {p}", "are the {p} {q}", "which {s} is better", "what breed is the {s}",
    "translate this", "play the video", "stop", "delete the video", "open the file", "what is the best {s}",
    "what kind of {s} is it", "is the {s} dangerous", "what is the {s} called", "who is he", "who is she",
    "how many animals are there", "how many vehicles are there at {t}", "how many objects are there", "is the {s} parked",
    "how many different {p} are there", "how many different {p} appear", "is it the same {s}", "is it the same {s} at {t}",
    "how far away is the {s}", "how big is the {s}", "when is the scene empty", "when are there no {p}", "is it dark",
    "what is the person holding", "what is the woman carrying", "what does the man do", "what are the {p} doing",
]
# What things do to each other is not in the rows either: that both are there says nothing.
_DEEDS = [
    "is the man riding {b}", "is somebody riding {b}", "is someone carrying {b}", "is the person holding {b}",
    "who is holding the {z}", "is the {s} next to the {z}", "is the {s} behind the {z}", "is the {s} in front of the {z}",
    "is the {s} bigger than the {z}", "what is next to the {s}", "what is behind the {s}", "did anybody walk {b}",
    "does the {s} hit the {z}", "does the person sit on the {z}", "is {a} pushing {b}", "does anyone pick up the {z}",
    "is the {s} chasing the {z}", "is the {s} eating the {z}", "who puts down the {z}", "who takes the {z}",
    "is anyone using {b}", "is someone looking at {b}", "does the {s} look at the {z}", "is the {s} on the {z}",
    "is {a} carrying {b} at {t}", "is {a} riding {b} at {t}", "does somebody take the {z}", "did somebody steal the {z}",
    "is the woman walking the {z}", "is the {s} under the {z}", "does {a} touch {b}", "is {a} holding {b}",
    "did the {s} bite the {z}", "is the child playing with the {z}", "does the {s} follow the {z}", "who drives the {z}",
    "is anybody driving the {z}", "is the {s} inside the {z}", "is {a} sitting on {b}", "does {a} cross the street",
]
_STRANGE = """tree house road window door wall floor river mountain cloud sun moon star lamp hat shoe glove ring flag
bridge tower castle robot dragon ghost alien rocket tank gun sword drum piano guitar violin fish shark whale frog snake
spider ant bee rose grass rock sand fire smoke snow rain water milk coffee tea soup rice bread cheese egg pencil paper
map key lock box bin broom ladder hammer nail rope chain coin ticket stamp letter candle mirror carpet curtain pillow
blanket towel soap brush comb belt sock shirt dress coat jacket helmet mask tent boot basket barrel wheel engine crane
tractor helicopter balloon submarine escalator elevator statue fountain tunnel lighthouse lobster penguin camel monkey
tiger lion wolf fox rabbit squirrel deer goat pig chicken duck goose owl eagle parrot turtle crab butterfly""".split()
_STRANGE_ASKED = [
    "is there a {x} in the video", "is there a {x}", "when does a {x} first appear", "how many {x}s are there",
    "where is the {x}", "is there a {x} at {t}", "do you see a {x}", "which way does the {x} move",
    "how many {x}s are there at {t}", "what comes after the {x}", "when is the {x} last seen", "did you see the {x}",
    "what {q} is the {x}", "are there any {x}s", "where is the {x} at {t}", "does the number of {x}s change"]


def outside(rng, single, plural, kinds=None):
    """A question that the model cannot know the answer of. kinds: the two that it is about."""
    which = rng.random()
    options = _STRANGE_ASKED if which < 0.25 else _DEEDS if which < 0.55 else _OUTSIDE
    c, d = kinds or (int(k) for k in rng.integers(80, size=2))
    one, other = single(c, rng), single(d, rng)
    return options[int(rng.integers(len(options)))].format(
        q=_COLOURS[int(rng.integers(len(_COLOURS)))], s=one, p=plural(c, rng), t="{%d}" % rng.integers(600), z=other,
        a=article(one), b=article(other), x=_STRANGE[int(rng.integers(len(_STRANGE)))])


STRANGE_WORDS = _STRANGE
OUTSIDE_TEXTS = _OUTSIDE
