// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboFiles
import KuboMPI
import KuboSweeps

/// Sweeps on the ranks of MPI: the first reads the command line, hands out the points one by one, computes some itself and alone
/// writes; the others compute what they are told.
enum Launch {
  /// The ranks of this run, of the first of them.
  @TaskLocal static var ranks: Ranks?

  /// A point for another rank: the command line of its single run.
  private struct Task: Codable {
    let number: Int
    let words: [String]
    let threads: Int?
  }

  /// Joins the other ranks, if a launcher has started several for a command that takes axes.
  static func ranks(_ words: [String]) -> Ranks? {
    guard let count = Ranks.launched?.count, count > 1, let name = words.first,
      Kubo.configuration.subcommands.contains(where: {
        $0.configuration.commandName == name
          && ($0 is any SweepableCommand.Type || $0 is SweepCommand.Type)
      })
    else { return nil }
    return Ranks.start()
  }

  /// Refuses a sweep of several processes that do not know of each other: each would compute the whole.
  static func check(isPart: Bool) throws {
    guard let launched = Ranks.launched, ranks == nil, !isPart else { return }
    // Once, not by all of them.
    guard launched.rank == 0 else { throw ExitStatus.unavailable }
    let found = "found \(launched.count) processes of a launcher"
    if let library = Ranks.library {
      throw SweepFault(
        text:
          "mpirun: \(found), of which \(library) knows one; expected the launcher of this library, or --shard",
        status: ExitStatus.unavailable)
    }
    throw SweepFault(
      text:
        "mpirun: \(found) in a build without MPI; expected --shard, or a build with 'swift build --traits MPI'",
      status: ExitStatus.unavailable)
  }

  /// Computes what the first rank tells until it says no more.
  static func work(_ ranks: Ranks) async {
    await Installation.$held.withValue(HeldFiles()) {
      while true {
        let bytes = ranks.next().bytes
        if bytes.isEmpty { return ranks.end() }
        let task = decoded(Task.self, bytes)
        var (outcome, table) = await PointOutcome.of(task.number) {
          guard var command = try Kubo.parseAsRoot(task.words) as? any SweepableCommand else {
            preconditionFailure("a command with axes")
          }
          command.arguments.work.threads = task.threads ?? ranks.threads
          return try await command.result(Verbosity.quiet.log)
        }
        outcome.table = table?.text
        ranks.send(encoded(outcome), to: 0)
      }
    }
  }

  /// Lets the other ranks go.
  static func end(_ ranks: Ranks) {
    for rank in 1..<ranks.count { ranks.send([], to: rank) }
    ranks.end()
  }

  /// Gives the other ranks points until there are none.
  /// - Parameter words: the command line of a point.
  static func serve(
    _ ranks: Ranks, _ desk: PointDesk, threads: Int?, words: @escaping @Sendable (Int) -> [String]
  ) async {
    @Sendable func hand(to rank: Int) -> Bool {
      guard let number = desk.next() else { return false }
      ranks.send(encoded(Task(number: number, words: words(number), threads: threads)), to: rank)
      return true
    }
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      // A thread of its own: those of tasks compute.
      Thread {
        var busy = (1..<ranks.count).count { hand(to: $0) }
        while busy > 0 {
          let (rank, bytes) = ranks.next()
          // It computes while its last point is read and kept.
          if !hand(to: rank) { busy -= 1 }
          let outcome = decoded(PointOutcome.self, bytes)
          // What this program has written.
          let table = outcome.table.map { try! CSVFile.read(Array($0.utf8), path: "rank \(rank)") }
          desk.finish(outcome, table)
        }
        done.resume()
      }.start()
    }
  }

  private static func encoded(_ message: some Encodable) -> [UInt8] {
    // Numbers and texts have one form.
    Array(try! JSONEncoder().encode(message))
  }

  private static func decoded<Message: Decodable>(_ type: Message.Type, _ bytes: [UInt8]) -> Message
  {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      fatalError("a message of another version of kubo: \(error)")
    }
  }
}
