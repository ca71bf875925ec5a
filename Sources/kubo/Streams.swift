// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles

/// Makes an error to be reported of what the system would end the program for, and sees to it that an
/// interruption leaves nothing half-written.
func prepareProcess() {
  // A closed pipe and the limit of a file's size are errors of the write: unfinished files are removed first.
  signal(SIGPIPE, SIG_IGN)
  signal(SIGXFSZ, SIG_IGN)
  // A closed standard stream must not become the number of the next file that is opened; writing
  // to it still fails.
  for descriptor in 0...2 where fcntl(CInt(descriptor), F_GETFD) < 0 {
    _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
  }
  Interruption.arm()
}

/// Writes to standard output.
func standardOutput(_ text: String) throws {
  // On a terminal both would share a line, and results come last.
  Console.shared.endProgress()
  if let code = writeAll(Array(text.utf8)[...], to: STDOUT_FILENO) {
    if code == EPIPE { endWithoutReader() }
    throw OutputError.writeFailed(
      path: OutputError.standardOutput, reason: systemReason(code))
  }
}

/// Ends the program as the system ends any filter whose reader has gone, without a word: 141 to a shell.
private func endWithoutReader() -> Never {
  Unfinished.abandon {
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
    // Where the signal is blocked.
    _exit(128 + SIGPIPE)
  }
}

/// `text` on one line, control characters of arguments and paths escaped: a terminal would obey them.
package func shown(_ text: String) -> String {
  text.replacingScalars { $0.isInvisible ? $0.escaped(asASCII: true) : nil }
}
