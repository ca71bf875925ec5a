// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import RealModule
import Testing

/// States whose bounds were false once, found by random Hamiltonians: each value is within its bound of a
/// reference by uniform grids, or refused within a second with a reason.
@Suite("Bounds that were false once") struct HuntTests {
  struct Specimen: Sendable, CustomStringConvertible {
    let description: String
    let state: CertificateState
    /// Right values of the first column by another program: at the last frequency, and the static part.
    let right: (dynamic: ComplexDouble?, statics: Double?)
  }

  private static func state(
    cell: Double, inter: [(Double, Double)], intra: [(Double, Double)], exchange: Double,
    mu: Double, temperature: Double, gamma: Double, omegas: [Double], names: [String],
    tolerance: Double, work: Double = 2e5
  ) -> CertificateState {
    func hops(_ list: [(Double, Double)]) -> [Hop] {
      list.map { Hop(vector: [$0.0], amplitude: $0.1) }
    }
    var state = CertificateState(
      model: try! Model(
        name: "specimen", latticeVectors: [[cell]], interSublattice: hops(inter),
        intraSublattice: hops(intra), exchange: exchange), mu: mu, temperature: temperature,
      gamma: gamma, omegas: omegas, columns: bareColumns(names), tolerance: tolerance)
    state.work = work
    return state
  }

  static let specimens: [Specimen] = {
    // Levels 1e-5 wide, of which a coarse grid tells no size: rounding of K(0) = 0 was above its bound. Half a minute.
    let narrow = Specimen(
      description: "narrow levels",
      state: state(
        cell: 2,
        inter: [
          (1, 1), (5, 0.8910495742572788), (-3, 0.05380886412959307), (13, -0.0664146776329978),
        ]
        .flatMap { [$0, (-$0.0, $0.1)] },
        intra: [(-4, -0.21273711748123134), (2, 0.20881181015182035), (32, 0.04544276951407741)],
        exchange: 1.7708063470936074e-05, mu: -3.6400002530642785, temperature: 0,
        gamma: 1.7228455417448983e-05, omegas: [4.34782584851015, 0], names: ["s_full"],
        tolerance: 1e-2), right: (nil, nil))
    // Small hops of up to 51 cells, which grow on the way to the contours: Pi(0) = -0.03868 +- 5e-5.
    let (half, cell) = (0.4641755786119644, 0.9283511572239288)
    let near = [(half, 1.0), (-half, 1.0)]
    let next = [(3 * half, 0.1223656501078341), (-3 * half, 0.1223656501078341)]
    let cubic = (1...51).map { (n: Int) -> (Double, Double) in
      (Double(n) * cell, 0.09037236672081705 / Double(n * n * n))
    }
    let growing = Specimen(
      description: "growing",
      state: state(
        cell: cell, inter: near + next, intra: cubic, exchange: 88.30021029377667,
        mu: -88.54595218152716, temperature: 0, gamma: 0.1375607605714042,
        omegas: [0.0007806184020951505], names: ["sigma"], tolerance: 1e-2),
      right: (ComplexDouble(0.16565043652365, 0.00043266271539595), -0.0402421910924))
    // Levels 1e-5 wide, two for each period of a hop of 82 cells: after nested integrals that asked for less than rounding
    // leaves came grids of 1e7 points, minutes.
    let shells = [(1.0, 1.0), (5.0, 0.12085828703441903), (3.0, -0.5006037966653616)]
    let many = Specimen(
      description: "many narrow levels",
      state: state(
        cell: 2, inter: (shells + [(163.0, -0.17160790912824486)]).flatMap { [$0, (-$0.0, $0.1)] },
        intra: [(-4, -0.2739947397685505)], exchange: 0.0008311700044870604,
        mu: -2.4377373670952993, temperature: 0, gamma: 1.0600769074531234e-05,
        omegas: [0.0016117431904367398], names: ["sigma", "s_full"], tolerance: 1e-6),
      right: (nil, nil))
    // Levels 1e-5 wide at mu, a thousandth of the way from a gap of 1e-5 to the next one, were between the nodes of an interval
    // that was spread about that gap: sigma = 184425 + 109889i +- 4.
    let beside = Specimen(
      description: "beside a gap",
      state: state(
        cell: 1.493593505702705,
        inter: [
          (0.7467967528513525, 1), (3.7339837642567626, 1), (2.2403902585540574, 1),
          (6.721170775662173, 0.1493025724590421),
        ]
        .flatMap { [$0, (-$0.0, $0.1)] }, intra: [(-2.98718701140541, -0.09781200973552942)],
        exchange: 1.8567942807717727e-05, mu: -0.0978305776783371, temperature: 0,
        gamma: 1.4276592544739294e-05, omegas: [3.2739270213237974e-05], names: ["sigma"],
        tolerance: 1e-3),
      right: (ComplexDouble(290796.4733545, 231855.415549407), -19.9527035734763))
    // T above all bands: a grid of 24^2 points was right by accident, so that the one of 36^2 was taken to be, as the poles
    // between the bands had been left out of how fast sums converge.
    var hot = state(
      cell: 1, inter: [(0.5, 1), (-0.5, 1)], intra: [], exchange: 0.177298684790988,
      mu: -2.0487468144141, temperature: 9.927334704036461, gamma: 0.032870583488430936,
      omegas: [-0.017122292912526645], names: ["sigma"], tolerance: 1e-4)
    func hop(_ x: Double, _ y: Double, _ amplitude: Double) -> Hop {
      Hop(vector: [x, y], amplitude: amplitude)
    }
    hot.model = try! Model(
      name: "specimen",
      latticeVectors: [
        [1.7358632358000758, -0.3104970642344988], [-0.21557171556008564, 1.1514005740747484],
      ],
      interSublattice: [
        hop(0.7601457601199951, 0.42045175492012477, 1),
        hop(-0.7601457601199951, -0.42045175492012477, 1),
        hop(-1.1912891912401664, 1.882349393229372, 0.05),
        hop(1.1912891912401664, -1.882349393229372, 0.05),
      ],
      intraSublattice: [
        hop(1.7358632358000758, -0.3104970642344988, -0.05168215942634165),
        hop(-0.21557171556008564, 1.1514005740747484, 0.00020369693370933195),
      ], exchange: 0.177298684790988)
    hot.directions = Directions(i: 0, j: 1)
    let accident = Specimen(
      description: "hot", state: hot,
      right: (ComplexDouble(0.384343729621854, -0.0993537409801353), -0.0321170232425161))
    let neighbours = [(1.0, 1.0), (-1.0, 1.0)]
    var slow = neighbours
    for n in 2...100 {
      for sign in [1.0, -1] { slow.append((sign * Double(2 * n - 1), 0.1 / Double(n * n))) }
    }
    return [
      // One hop of 14 cells: a grid that does not resolve it gave sigma(0) = -0.72.
      Specimen(
        description: "far14",
        state: state(
          cell: 2, inter: neighbours, intra: [(2, 0.2), (28, 0.017)], exchange: 1.97, mu: 3.33,
          temperature: 0.02, gamma: 0.017, omegas: [1.5, 0], names: ["sigma"], tolerance: 1e-3),
        right: (ComplexDouble(7.2108e-5), -0.0068775)),
      // One of 72 cells.
      Specimen(
        description: "far",
        state: state(
          cell: 2, inter: neighbours, intra: [(2, 0.2), (144, 0.04)], exchange: 1.9, mu: 3.6,
          temperature: 0.3, gamma: 0.1, omegas: [0, 3.94, 1.5], names: ["sigma"], tolerance: 1e-6),
        right: (ComplexDouble(1.2476246, 2.9684183), -5.0247818)),
      // Hops as 1/r^2 to 100 cells.
      Specimen(
        description: "lr14",
        state: state(
          cell: 2,
          inter: slow, intra: [(2, 0.2)], exchange: 0.694497, mu: -0.294497, temperature: 0.0429823,
          gamma: 0.0181886, omegas: [0.0083282, 1.4863686281122994, 0],
          names: ["sigma", "Y", "X_na_all"], tolerance: 0.01),
        right: (ComplexDouble(6.92446), nil)),
      Specimen(
        description: "lr6",
        state: state(
          cell: 2, inter: neighbours,
          intra: [(2, 0.2), (244, -0.0788049), (166, -0.0204371), (254, -0.0254534)],
          exchange: 2.32198, mu: -3.21518, temperature: 0.0166148, gamma: 0.406971,
          omegas: [0, 0.10439386724172739], names: ["sigma", "Sigma.xy.adiabatic", "Y_na"],
          tolerance: 0.01), right: (nil, -318.92)),
      // J far below the level width.
      Specimen(
        description: "sj2_46",
        state: state(
          cell: 2.74447, inter: [(-2.55861, 1), (0.18586, 1), (2.93033, 1)], intra: [],
          exchange: 0.000218336, mu: 1.0000000238353042, temperature: 0, gamma: 0.171773,
          omegas: [2.44156],
          names: ["X_na_all"], tolerance: 1e-4, work: 1e6),
        right: (ComplexDouble(3.93397e-4, 8.25212e-4), nil)),
      Specimen(
        description: "m5254",
        state: state(
          cell: 1, inter: [(-0.165172, 1), (0.834828, 1), (1.834828, 1), (2.834828, 1)],
          intra: [(1, 0.266269)], exchange: 0.112791, mu: -3.41031184881202, temperature: 0,
          gamma: 0.182876, omegas: [0], names: ["sigma"], tolerance: 0.001),
        right: (ComplexDouble(5.50331), nil)),
      // The rounding of energies over the width of a resonance, 1e-12 in a sum of 3.
      Specimen(
        description: "rounding",
        state: state(
          cell: 0.978186763975738,
          inter: (0..<5).flatMap { n in
            let x = (Double(n) + 0.5) * 0.978186763975738
            let amplitude = [1, 0.18225836896960906, 0.0625, 1.0 / 36, 1.0 / 64][n]
            return [(x, amplitude), (-x, amplitude)]
          },
          intra: (1...4).map {
            (Double($0) * 0.978186763975738, -0.07329926724377323 / Double($0 * $0))
          }, exchange: 55.04147847545576, mu: 55.31971102316968, temperature: 0.030384994276860904,
          gamma: 0.0004832899380737264, omegas: [-110.08295695091152], names: ["sigma"],
          tolerance: 1e-8),
        right: (ComplexDouble(2.08910030474e-5, 0.00308365689130), -0.0495256606950)
      ),
      // T >> Gamma where the bands are in resonance.
      Specimen(
        description: "warm",
        state: state(
          cell: 1.775039684482814,
          inter: [
            (1.4252986435035526, 1), (4.975378012469181, 1),
            (-10.999979147876145, 0.024391437304550515),
            (-9.224939463393332, -0.027668000299159213),
          ], intra: [(3.550079368965628, -0.3390462182217762)], exchange: 0.0008808858848406215,
          mu: -16.696205697750738, temperature: 1.72542658588841, gamma: 0.09029543636129539,
          omegas: [-0.001761771769681243], names: ["sigma"], tolerance: 1e-4),
        right: (ComplexDouble(0.00337391633158, -3.17114653487e-5), -0.00984049017831)),
      // A gap of 1e-5 of the bands, which a uniform grid does not see.
      Specimen(
        description: "narrow gap",
        state: state(
          cell: 1.0307643913994544,
          inter: [
            (0.5153821956997272, 1), (-0.5153821956997272, 1),
            (1.5461465870991815, -0.8505850846476533), (-1.5461465870991815, -0.8505850846476533),
          ], intra: [(44.32286883017654, -0.0056271280462467516)], exchange: 2.765934014183927e-5,
          mu: -0.8548901388380272, temperature: 0, gamma: 0.24443325230992954,
          omegas: [-0.0007857617951713831], names: ["Y"], tolerance: 1e-6),
        right: (nil, -5.496266e-6)),
      // mu in a gap far below Gamma: the levels' V was between two nodes, K(0) = -1.64 +- 0.001.
      Specimen(
        description: "crossing",
        state: state(
          cell: 1.9412224218085994,
          inter: [1, -1].flatMap {
            [($0 * 0.9706112109042997, 1), ($0 * 2.911833632712899, 0.7608743573845171)]
          }, intra: [], exchange: 3.18427013134663e-05, mu: 0, temperature: 0,
          gamma: 0.00017517505356670992, omegas: [7.0434974298259805], names: ["sigma"],
          tolerance: 1e-3),
        right: (ComplexDouble(1.2087873e-5, 0.909625853), -6.40683931)),
      // Grids of 180, 360 and 720 points alias a hop of 48 cells alike: Pi(0) = -1.0263032 +- 5e-6.
      Specimen(
        description: "commensurate",
        state: state(
          cell: 2,
          inter: [
            (-1.6536442728543324, 1), (-5.653644272854333, 1),
            (0.34635572714566765, 0.2637503805666692),
          ],
          intra: [(-96, 0.19525074394787034)], exchange: 1.6620336462991303,
          mu: -6.315264946478117, temperature: 0, gamma: 0.05975122434049501,
          omegas: [5.60666986017182, 5.347788874441456], names: ["sigma"], tolerance: 1e-3),
        right: (ComplexDouble(0.2727681174875972, 0.09341379847872983), -1.0262674622277)),
      growing, beside, accident,
    ] + (areTestsLong ? [narrow, many] : [])
  }()

  @Test(arguments: specimens) func bounds(_ specimen: Specimen) async throws {
    let state = specimen.state
    // The reference is right to the digits known.
    let reference = UniformGridReference(
      state, state.columns, goals: state.omegas.map { _ in state.columns.map { _ in 1e-9 } },
      limit: 1e6)
    if let right = specimen.right.dynamic {
      let found = reference.dynamics.last![0].value
      #expect((found - right).length <= 1e-5 * right.length, "\(found)")
    }
    if let right = specimen.right.statics {
      let found = reference.statics[0].value
      #expect((found - ComplexDouble(right)).length <= 2e-5 * abs(right), "\(found)")
    }
    let clock = ContinuousClock()
    let start = clock.now
    let tally = await CertificateTally(
      state, specimen.description, seconds: 600, isVerbose: false)
    #expect(tally.violations.isEmpty, "\(tally.violations.joined(separator: "\n"))")
    #expect(tally.unended.isEmpty && tally.undecided.isEmpty, "\(tally.undecided)")
    #expect(tally.refused.isEmpty || clock.now - start < .seconds(5))
    #expect(tally.refused.allSatisfy { $0.count > 40 })
  }
}
