// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Synchronization

#if MPI
  import COpenMPI
#endif

/// The processes of a run that a launcher has started together, by MPI.
///
/// Messages are bytes; whoever waits for one looks for it and sleeps, since MPI's own waiting takes a whole processor.
public final class Ranks: Sendable {
  /// Which of them this is, from 0, and how many there are.
  public let rank, count: Int
  /// How many of them share this machine.
  public let neighbours: Int
  /// MPI takes one call at a time.
  private let calls = Mutex(())

  /// What a launcher says in the environment: this process and how many there are, as `mpirun` of Open MPI, the launchers of
  /// MPICH and Intel, and `srun` do; nil without one.
  public static let launched: (rank: Int, count: Int)? = {
    let environment = ProcessInfo.processInfo.environment
    for (rank, count) in [
      ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
      ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ] {
      if let count = environment[count].flatMap(Int.init), count > 1 {
        return (environment[rank].flatMap(Int.init) ?? 0, count)
      }
    }
    return nil
  }()

  private init(rank: Int, count: Int, neighbours: Int) {
    (self.rank, self.count, self.neighbours) = (rank, count, neighbours)
  }

  /// How many threads a rank has: its own processors, where the launcher has bound it to some, or a share of all.
  public var threads: Int {
    let own = ProcessInfo.processInfo.activeProcessorCount
    let all = ProcessInfo.processInfo.processorCount
    return own < all ? own : max(1, own / neighbours)
  }

  #if MPI
    /// Joins the others; nil where MPI knows of none. Called once.
    public static func start() -> Ranks? {
      var (rank, count): (CInt, CInt) = (0, 1)
      guard kubo_mpi_start(&rank, &count) == 0, count > 1 else { return nil }
      return Ranks(rank: Int(rank), count: Int(count), neighbours: Int(kubo_mpi_neighbours()))
    }

    /// The name of the library, for messages.
    public static var library: String? {
      var text = [CChar](repeating: 0, count: 8192)
      var length: CInt = 0
      kubo_mpi_version(&text, &length)
      let name = String(decoding: text.prefix(Int(length)).map(UInt8.init), as: UTF8.self)
      return String(name.prefix { $0 != "," && $0 != "\n" })
    }

    /// Sends a message.
    public func send(_ bytes: [UInt8], to rank: Int) {
      // A failure ends the program: MPI's own handler of errors is the default.
      calls.withLock { _ in
        _ = bytes.withUnsafeBytes { kubo_mpi_send($0.baseAddress, CInt($0.count), CInt(rank)) }
      }
    }

    /// A message that has come; nil if there is none.
    public func received() -> (rank: Int, bytes: [UInt8])? {
      calls.withLock { _ in
        var (waits, rank, count): (CInt, CInt, CInt) = (0, 0, 0)
        _ = kubo_mpi_probe(&waits, &rank, &count)
        guard waits != 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        _ = bytes.withUnsafeMutableBytes { kubo_mpi_receive($0.baseAddress, count, rank) }
        return (Int(rank), bytes)
      }
    }

    /// Leaves the others; each has to.
    public func end() { calls.withLock { _ in _ = kubo_mpi_end() } }
  #else
    /// Nil: this build has no MPI.
    public static func start() -> Ranks? { nil }
    /// Nil: this build has no MPI.
    public static var library: String? { nil }
    /// Never called.
    public func send(_ bytes: [UInt8], to rank: Int) {}
    /// Never called.
    public func received() -> (rank: Int, bytes: [UInt8])? { nil }
    /// Never called.
    public func end() {}
  #endif

  /// Waits for a message, at most half a millisecond too long.
  public func next() -> (rank: Int, bytes: [UInt8]) {
    var pause: UInt32 = 20
    while true {
      if let message = received() { return message }
      usleep(pause)
      pause = min(500, 2 * pause)
    }
  }
}
