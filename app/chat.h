// `longview ask --chat`: a conversation on the terminal, or line by line from a pipe, while the video may still be
// watched.
#pragma once

#include "app/asking.h"
#include "app/interrupt.h"

namespace lv {

// Reads turns from standard input until its end, /quit or Ctrl-C, and answers each; the session watches on meanwhile.
// From a pipe the first turn waits for the end of a video that has one, so that the same lines always get the same
// answers. Ctrl-C stops the answer at hand; when there is none, the conversation. Failures of watching are thrown when
// nothing was seen, else told. Uses `asking` in a thread of its own until it returns.
void chat(Asking& asking, const AskOptions& options, Session& session, Progress& progress, const Interrupt& interrupt);

}  // namespace lv
