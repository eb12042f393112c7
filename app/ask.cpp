#include <unistd.h>

#include "app/asking.h"
#include "app/chat.h"
#include "app/commands.h"
#include "app/line_reader.h"
#include "app/model_path.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

// One question after another, none of which knows of the others.
void ask_each(Asking& asking, const AskOptions& options, const Interrupt& interrupt) {
    for (const std::string& question : options.questions)
        if (interrupt.happened() || !asking.answer(question, false)) return;
    if (options.json && !options.questions.empty()) asking.print_object(options.ask_from_stdin);
    if (!options.ask_from_stdin) return;
    LineReader lines(STDIN_FILENO, interrupt.token());
    while (const std::optional<std::string> line = lines.next()) {
        if (line->find_first_not_of(" \t") == std::string::npos) continue;
        if (!asking.answer(*line, true)) return;
    }
}

}  // namespace

int run_ask(const AskOptions& options, const Interrupt& interrupt) {
    Progress progress(options.quiet);
    const Context context(static_cast<size_t>(options.model.threads));
    const std::shared_ptr<const LoadedModel> model = load_model(find_model(options.model.dir));
    // Before hours of video are watched for a question that cannot be asked.
    for (const std::string& question : options.questions) question_prompt(model->language->tokenizer(), question, 0);

    Session session(model, context);
    Asking asking(options, *model, session, progress);
    session.watch({options.video, options.sampling, options.model.threads});
    if (options.chat) {
        chat(asking, options, session, progress, interrupt);
    } else {
        const std::stop_callback stop_session(interrupt.token(), [&] { session.stop(); });
        if (asking.watch()) ask_each(asking, options, interrupt);
    }
    return interrupt.happened() ? exit_interrupted : asking.status();
}

}  // namespace lv
