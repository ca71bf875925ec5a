// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals

/// A response of a collinear magnet with orbitals; p are weights of its orbitals, 1 for those that count.
///
/// Its name in options and columns is `sigma`, `sigma.up`, `sigma.down`, `P`, or, with the components of what is measured
/// and of the field, `s.xx.full`, `T.xy.full`, `moment.xx.full`, `Sigma.xy.full`; behind s, T and moment there may be
/// orbitals or groups of them, as in `s[A].xx.full` and `T[Ni1+O].xy.full`.
public enum CollinearResponse: Hashable, Sendable {
  /// The spin density, O = p: K^xx with the field's component x, K^xy with y.
  case spin(SpinComponent, [Double])
  /// The exchange torque i[H_ex, s] without its z x: O = {p, Delta_k}/2.
  case torque(SpinComponent, [Double])
  /// The torque on the moments, with the gauge field of exchange that sits on bonds:
  ///
  ///     K^xx[{p, Delta}/2] + (1/2) sum_u Pi_u[{p, d_i Delta}/2]
  ///     K^xy[{p, Delta}/2] + (1/4) sum_u u Pi_u[i [p, d_i Delta]]
  case moment(SpinComponent, [Double])
  /// Pi_u[w_i]: the current of one spin along i, with the velocity that both spins share.
  case current(Spin)
  /// Pi_u[v^u_i], whose conductivity is sigma_u = (i/omega) [Pi(omega) - Pi(0)]; nil for the sum of both spins.
  case conduction(Spin?)
  /// The polarisation of the current, P = (sigma_up - sigma_down)/(sigma_up + sigma_down).
  case polarisation

  /// The density of electrons of one spin in orbitals, levels of the width Gamma with their Lorentzian tails; static.
  case electrons(Spin, [Double])

  /// The weights of orbitals, if there are.
  var weights: [Double]? {
    switch self {
    case .spin(_, let p), .torque(_, let p), .moment(_, let p), .electrons(_, let p): p
    case .current, .conduction, .polarisation: nil
    }
  }

  /// As in `T.xy of [1.0, 0.0]` or `sigma.up`, for messages.
  var label: String {
    func label(_ name: String, _ component: SpinComponent, _ p: [Double]) -> String {
      "\(name).x\(component.rawValue) of \(p)"
    }
    return switch self {
    case .spin(let component, let p): label("s", component, p)
    case .torque(let component, let p): label("T", component, p)
    case .moment(let component, let p): label("moment", component, p)
    case .current(let u): "current.\(u)"
    case .conduction(let u): "sigma" + (u.map { ".\($0)" } ?? "")
    case .electrons(let u, let p): "electrons.\(u) of \(p)"
    case .polarisation: "P"
    }
  }

  /// Whether it joins both spins of an orbital.
  var isTransverse: Bool {
    switch self {
    case .spin, .torque, .moment: true
    case .current, .conduction, .polarisation, .electrons: false
    }
  }

  /// The sign that its terms at k take at the image of k under a symmetry, nil if they are not those of the same response;
  /// `sign` is that of its weights.
  func parity(_ operation: MagneticOperation, weights sign: Int) -> Int? {
    func exchanged(_ own: Int) -> Int {
      operation.sign * sign * (operation.isExchanging ? own : 1)
    }
    switch self {
    // Exchanging the spins exchanges K_+ and K_-, and Delta changes its sign.
    case .spin(let component, _): return exchanged(component == .x ? 1 : -1)
    case .torque(let component, _), .moment(let component, _):
      return exchanged(component == .x ? -1 : 1)
    case .conduction(nil): return operation.sign
    case .conduction, .current: return operation.isExchanging ? nil : operation.sign
    case .electrons: return operation.isExchanging ? nil : sign
    case .polarisation: return nil
    }
  }

  /// Whether H(-k) = H(k)* makes its terms at k and -k the same: tr v_i G+ v_j G read backwards is itself with i and j exchanged.
  func isSameReversed(_ directions: Directions) -> Bool {
    switch self {
    case .conduction: directions.i == directions.j
    case .electrons: true
    case .spin, .torque, .moment, .current, .polarisation: false
    }
  }

  /// Whether the number reported is (i/omega) [K(omega) - K(0)], a conductivity.
  public var isConductivity: Bool { if case .conduction = self { true } else { false } }

  /// The energy that is among the factors of its unit, which has the unit of length to the power 2 - d besides.
  public var isEnergy: Bool {
    switch self {
    case .torque, .moment, .current: true
    case .spin, .conduction, .polarisation, .electrons: false
    }
  }

  /// The responses it is computed from, itself unless it is a ratio.
  var parts: [CollinearResponse] {
    self == .polarisation ? [.conduction(.up), .conduction(.down)] : [self]
  }

  /// What it is made of; nothing for a ratio.
  package var terms: [(factor: ComplexDouble, loop: CollinearLoop)] {
    func both(_ component: SpinComponent, _ measured: CollinearLoop.Measured) -> [(
      ComplexDouble, CollinearLoop
    )] {
      // K^xx = (K_+ + K_-)/2, K^xy = i (K_+ - K_-)/2.
      Spin.allCases.map { u in
        (
          component == .x ? ComplexDouble(0.5) : ComplexDouble(0, u.sign / 2),
          .transverse(u, measured)
        )
      }
    }
    switch self {
    case .spin(let component, let p): return both(component, .spin(p))
    case .torque(let component, let p): return both(component, .torque(p))
    case .moment(let component, let p):
      let own: [(ComplexDouble, CollinearLoop)] = Spin.allCases.map { u in
        component == .x
          ? (ComplexDouble(0.5), .longitudinal(u, .torque(p)))
          : (ComplexDouble(u.sign / 4), .longitudinal(u, .precession(p)))
      }
      return both(component, .torque(p)) + own
    case .current(let u): return [(1, .longitudinal(u, .gauge))]
    case .conduction(let u):
      return (u.map { [$0] } ?? Spin.allCases).map { (1, .longitudinal($0, .velocity)) }
    case .polarisation: return []
    case .electrons(let u, let p): return [(1, .density(u, p))]
    }
  }
}

extension CollinearResponse {
  /// What the name says, apart from the model: the quantity, orbitals or groups behind it, components.
  private struct Name {
    let quantity: String
    let members: [String]?
    let component: SpinComponent?
  }

  /// Quantities that have components, and what they are.
  private static let transverse: [(quantity: String, meaning: String)] = [
    ("s", "spin"), ("T", "exchange torque, without its z x"),
    ("moment", "torque on the moments, exchange on bonds included"),
    ("Sigma", "spin with the signs of the staggered order"),
  ]
  private static let longitudinal: [(name: String, response: CollinearResponse, meaning: String)] =
    [
      (
        "sigma", .conduction(nil),
        "charge conductivity (i/omega)[Pi(omega) - Pi(0)]; static: Pi(0) with its diamagnetic part"
      ),
      ("sigma.up", .conduction(.up), "conductivity of spin up"),
      ("sigma.down", .conduction(.down), "conductivity of spin down"),
      ("P", .polarisation, "polarisation (sigma.up - sigma.down)/(sigma.up + sigma.down)"),
    ]

  /// The names and what they mean, for help and refusals.
  public static let names: [(name: String, meaning: String)] =
    longitudinal.map { ($0.name, $0.meaning) }
    + transverse.flatMap { t in ["xx", "xy"].map { ("\(t.quantity).\($0).full", t.meaning) } }

  /// Whether a name has the form of one.
  public static func isName(_ name: String) -> Bool { parsed(name) != nil }

  /// Whether a name is that of a response which joins both spins of an orbital.
  public static func isTransverse(_ name: String) -> Bool { parsed(name)?.component != nil }

  private static func parsed(_ name: String) -> Name? {
    if longitudinal.contains(where: { $0.name == name }) {
      return Name(quantity: name, members: nil, component: nil)
    }
    var rest = name
    var members: [String]?
    if let open = name.firstIndex(of: "["), let close = name.firstIndex(of: "]"), open < close {
      let list = name[name.index(after: open)..<close]
      members = list.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
      rest.removeSubrange(open...close)
    }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, transverse.contains(where: { $0.quantity == parts[0] }),
      members == nil || parts[0] != "Sigma" && name.hasPrefix("\(parts[0])["),
      ["xx", "xy"].contains(parts[1]), parts[2] == "full"
    else { return nil }
    return Name(
      quantity: String(parts[0]), members: members,
      component: SpinComponent(rawValue: String(parts[1].last!)))
  }

  /// The response of a name, for a model.
  /// - Throws: `RequestError` for what is no name, for orbitals that the model does not have, and for `Sigma` where it has no
  ///   staggered order.
  public init(_ name: String, _ model: OrbitalModel) throws(RequestError) {
    guard let parsed = CollinearResponse.parsed(name) else {
      throw RequestError(
        "responses", found: "'\(name)'",
        expected: CollinearResponse.names.map(\.name).joined(separator: ", ")
          + ", or orbitals as in s[A].xx.full")
    }
    guard let component = parsed.component else {
      self = CollinearResponse.longitudinal.first { $0.name == parsed.quantity }!.response
      return
    }
    var p = [Double](repeating: parsed.members == nil ? 1 : 0, count: model.orbitals.count)
    for member in parsed.members ?? [] {
      let own = model.orbitals.indices.filter {
        model.orbitals[$0].name == member || model.orbitals[$0].group == member
      }
      guard !own.isEmpty else {
        let groups = Set(model.orbitals.compactMap(\.group)).sorted()
        throw RequestError(
          "responses", found: "'\(member)' in '\(name)'",
          expected: "orbitals or groups of the model: "
            + (model.orbitals.map(\.name) + groups).joined(separator: ", "))
      }
      for a in own { p[a] = 1 }
    }
    switch parsed.quantity {
    case "s": self = .spin(component, p)
    case "T": self = .torque(component, p)
    case "moment": self = .moment(component, p)
    default:
      let signs = model.orbitals.map { $0.staggered ?? 0 }
      try require(
        signs.contains(where: { $0 != 0 }), "responses", "'\(name)'",
        "a model whose orbitals have signs of a staggered order, staggered: 1 or -1")
      self = .spin(component, signs)
    }
  }

  /// One line on what the column of a name holds.
  public static func meaning(_ name: String) -> String {
    guard let parsed = parsed(name) else { return "" }
    if parsed.component == nil { return longitudinal.first { $0.name == name }!.meaning }
    let what = transverse.first { $0.quantity == parsed.quantity }!.meaning
    return what + (parsed.members.map { " of \($0.joined(separator: ", "))" } ?? "")
  }
}
