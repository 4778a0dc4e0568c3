//===- CrashHandler.h - A defect ends with a message and exit code 70 ----------------===//
#ifndef TAMIS_TOOLS_CRASHHANDLER_H
#define TAMIS_TOOLS_CRASHHANDLER_H

namespace tamis::tools {

/// What to do about an internal error; ends with a newline.
inline constexpr const char howToReport[] =
    "This is a defect of Tamis. Please report it with the command line, what 'tamis --version' prints,\n"
    "and, if you may share it, the model; README.md says where.\n";

/// Ends the process with ExitCode::Internal and `howToReport` on a fatal signal. Does nothing in builds
/// with AddressSanitizer, which reports such signals itself.
void installCrashHandler();

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CRASHHANDLER_H
