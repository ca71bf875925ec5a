// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import KuboFiles
import Testing

/// Names of columns say what the columns hold, and are read by what gives them.
@Suite struct ColumnTests {
  /// One of each kind, as a writer has it.
  static let columns: [(name: String, column: Column)] = [
    ("omega", Column("omega")), ("omega_l_THz", Column("omega_l_THz")), ("k_x", Column("k_x")),
    ("err", Column(part: .error)), ("residual", Column(part: .residual)),
    ("Y.bare.re", Column("Y", route: .bare, part: .real)),
    ("X_na_all.ladder.err", Column("X_na_all", route: .ladder, part: .error)),
    ("Sigma_full.bare.static", Column("Sigma_full", route: .bare, part: .fixed)),
    ("sigma.bare.bonding.im", Column("sigma", route: .bare, share: "bonding", part: .imaginary)),
    ("s.xy.full.bare.re", Column("s.xy.full", route: .bare, part: .real)),
    // A projection, and diagrams, may have any name.
    ("s.xy.bare.bare.re", Column("s.xy.bare", route: .bare, part: .real)),
    ("Y.bare.static.re", Column("Y", route: .bare, share: "static", part: .real)),
    (
      "Y.bare.a.closed.static_im",
      Column("Y", route: .bare, share: "a.closed", part: .fixedImaginary)
    ),
    ("scba.X_na.ladder.re", Column("X_na", lifetime: .scba, route: .ladder, part: .real)),
    ("site.bare.continuity", Column(lifetime: .site, route: .bare, part: .continuity)),
    ("j.conductivity.sum.err", Column("j.conductivity", route: .sum, part: .error)),
    ("Y.spectral", Column("Y", route: .spectral)),
    ("P_m_na.corrected", Column("P_m_na", route: .corrected)),
    ("P_n.printed.product.err", Column("P_n", route: .printed, part: .productError)),
    ("Delta_over_J.spread", Column("Delta_over_J", part: .spread)),
    ("sigma_c_over_tau.err", Column("sigma_c_over_tau", part: .error)),
    ("Sigma_0.re", Column("Sigma", .scalar, part: .real)),
    ("Sigma_antibonding.im", Column("Sigma", .antibonding, part: .imaginary)),
    ("dos_A_up", Column("dos", .aUp)), ("dos.err", Column("dos", part: .error)),
    ("E_bonding", Column("E", .bonding)),
    (
      "tau_m_na.constant.bare.re",
      Column("tau_m_na", lifetime: .constant, route: .bare, part: .real)
    ),
    ("tau_n.closed_printed.im", Column("tau_n", route: .closedPrinted, part: .imaginary)),
    // Another program's.
    ("my_own^2", Column("my_own^2")), ("a..b", Column("a..b")), ("bare", Column("bare")),
  ]

  @Test(arguments: columns) func readAndWritten(_ name: String, _ column: Column) {
    #expect(column.name == name)
    #expect(Column(parsing: name) == column)
  }

  @Test(arguments: [Column.SIUnit.chain, .layer, .bulk]) func units(_ unit: Column.SIUnit) {
    var column = Column("sigma", route: .bare, share: "interband", part: .error)
    column.unit = unit
    #expect(column.name == "sigma.bare.interband.\(unit.rawValue).err")
    #expect(Column(parsing: column.name) == column)
  }

  /// All tables that the program writes: a command, and the option that names the file.
  static let tables = [
    "spectrum chain --omega 0.1,0.5 --tolerance 1e-2 --per-diagram --per-band --units eV=1,nm=1",
    "spectrum chain --lifetime site=0.3 --omega 0.5 --tolerance 0.1 --responses sigma,s.xx.full",
    "spectrum narrow --lifetime scba=0.3 --omega 0.5 --tolerance 0.1 --responses X_na,Y_na_all",
    "compare chain --gamma 0.4 --omega 0.5 --tolerance 0.1",
    "coefficients chain --temperature 0.05",
    "matsubara chain --count 2 --responses sigma,Y,s.xx.full --temperature 0.1 --units eV=1,nm=1",
    "selfenergy chain --lifetime scba=0.3 --energy 0",
    "selfenergy chain --lifetime site=0.3 --energy 0",
    "torque chain --gamma 0.4 --tolerance 0.1 --spin 1 --current-density 1e11 --lattice-constant 1 --cross-section 1",
    "bands square --points 5", "bands square --points 5 --tolerance 0.1 --density FILE",
    "bands square --points 5 --contours FILE",
  ]

  /// Each column of each table is one that the program knows, whose bound is found and whose label is no identifier.
  @Test(arguments: tables) func everyTable(_ command: String) throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/t.csv"
    var words = command.split(separator: " ").map { $0 == "FILE" ? path : String($0) }
    if !words.contains(path) { words += ["--output", path] }
    let run = try ProgramTests.run(words)
    try #require(run.status == 0, "\(run.errors)")
    let table = try CSVFile.read(path: path)
    let plain: Set<String> = [
      "omega", "omega_THz", "l", "omega_l", "omega_l_THz", "mu", "energy", "distance", "contour",
      "s",
      "k_x", "k_y", "spin_x", "spin_y", "spin_z", "sigma_c_over_tau", "Delta_over_J", "dos",
      "states",
      "Sigma", "E", "",
    ]
    let coefficients = ClosedForm.allCases.map(\.coefficientName)
    let torques = TorqueKind.allCases.map { "tau_\($0.rawValue)" }
    // What has no symbol.
    let plainWords = ["l", "contour", "residual", "continuity", "spin_x", "spin_y", "spin_z"]
    for name in table.columns {
      let column = Column(parsing: name)
      #expect(column.name == name)
      #expect(
        plain.contains(column.quantity) || Response(column.quantity) != nil
          || coefficients.contains(column.quantity) || torques.contains(column.quantity), "\(name)")
      // What is measured is measured in some way.
      if Response(column.quantity) != nil { #expect(column.route != nil || name == "s", "\(name)") }
      if column.part == .real || column.part == .imaginary || column.part == .product {
        let bound = try #require(column.bound(in: table.columns), "\(name)")
        #expect(Column(parsing: table.columns[bound]).part?.isError == true, "\(name)")
      }
      let label = table.symbol(column)
      #expect(
        !label.contains("\\_") || plainWords.contains(column.content.name), "\(name): \(label)")
    }
  }
}
