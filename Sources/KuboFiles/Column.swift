// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboOrbitals

/// What a column of a table holds: tables name their columns by it, and whoever reads one asks it.
///
///     [LIFETIME.]QUANTITY[_LEVEL[_N]][.LIFETIME][.ROUTE][.SHARE][.UNIT][.PART]
///
///     Y.bare.re  sigma.bare.bonding.S.im  scba.X_na.ladder.static  Y.sum.err  P_m.corrected.product
///     tau_n.constant.bare.re  dos_bonding  E_up_3  Sigma_0.re  scba.bare.continuity  omega  err
///
/// A lifetime stands before a response, in comparisons, and behind a torque.
package struct Column: Hashable, Sendable {
  /// The kind of lifetime where one table has several.
  package enum LifetimeKind: String, Sendable, CaseIterable {
    case constant, scba, site

    init(_ impurities: Impurities) { self.init(rawValue: impurities.rawValue)! }
  }

  /// The band, or the component on the sublattices.
  package enum Level: String, Sendable, CaseIterable {
    case bonding, antibonding, up, down
    case scalar = "0"
    case staggered = "3"
    case aUp = "A_up"
    case bUp = "B_up"

    init(_ kind: LevelKind) { self.init(rawValue: kind.rawValue)! }
  }

  /// How the number is reached: the dressings, the two sides of a Matsubara sum, the versions of a coefficient.
  package enum Route: String, Sendable, CaseIterable {
    case bare, ladder, closed
    case closedPrinted = "closed_printed"
    case sum, spectral, corrected, printed

    /// That of a response.
    init(_ dressing: Dressing) { self.init(rawValue: dressing.rawValue)! }
  }

  /// The SI unit of a conductivity, by the dimension less one.
  package enum SIUnit: String, Sendable, CaseIterable {
    case chain = "S_m"
    case layer = "S"
    case bulk = "S_per_m"

    /// As in a label.
    var symbol: String { self == .chain ? "S m" : self == .layer ? "S" : "S/m" }

    init(dimension: Int) { self = SIUnit.allCases[dimension - 1] }
  }

  /// Which number of it.
  package enum Part: String, Sendable, CaseIterable {
    case real = "re"
    case imaginary = "im"
    /// A bound on the error of both, and of the values below.
    case error = "err"
    /// K(0), real or of a single diagram complex.
    case fixed = "static"
    case fixedImaginary = "static_im"
    /// P sigma_c/tau.
    case product
    case productError = "product.err"
    case continuity, residual, mean, spread

    /// As before a symbol; nil unless it is one of two that are drawn together.
    var symbol: String? { self == .real ? "Re" : self == .imaginary ? "Im" : nil }
    /// Whether it is another quantity than the one whose name it carries.
    var isQuantity: Bool { symbol == nil && !isError }
    /// Whether it bounds an error.
    package var isError: Bool { self == .error || self == .productError }
  }

  package var lifetime: LifetimeKind?
  /// A response, a torque, a coefficient, an axis; empty for what concerns a whole table or lifetime.
  package var quantity: String
  package var level: Level?
  /// Which of several levels, from 1.
  package var number: Int?
  package var route: Route?
  /// The bands of the propagators (``BandShare``), or the diagram, if not all.
  package var share: String?
  package var unit: SIUnit?
  package var part: Part?

  /// A column.
  package init(
    _ quantity: String = "", _ level: Level? = nil, number: Int? = nil,
    lifetime: LifetimeKind? = nil, route: Route? = nil, share: String? = nil, part: Part? = nil
  ) {
    (self.lifetime, self.quantity, self.level, self.number) = (lifetime, quantity, level, number)
    (self.route, self.share, self.part) = (route, share, part)
  }

  /// A response, of impurities of a comparison.
  init(_ request: SpectrumRequest.Column, _ impurities: Impurities? = nil) {
    self.init(
      request.response.name, lifetime: impurities.map(LifetimeKind.init),
      route: Route(request.dressing), share: request.diagram ?? request.share?.rawValue)
  }

  /// Another number of the same.
  func with(_ part: Part?) -> Column {
    var column = self
    column.part = part
    return column
  }

  // MARK: Names

  /// The name in a table.
  package var name: String {
    let own = [quantity, level?.rawValue ?? "", number.map(String.init) ?? ""]
      .filter { !$0.isEmpty }.joined(separator: "_")
    let parts = [
      isTorque ? own : lifetime?.rawValue, isTorque ? lifetime?.rawValue : own, route?.rawValue,
      share, unit?.rawValue, part?.rawValue,
    ]
    return parts.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ".")
  }

  /// Reads a name; one that this program does not give is a quantity.
  package init(parsing name: String) {
    self.init()
    var rest = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    for part in Part.allCases.reversed() {
      let words = part.rawValue.split(separator: ".").map(String.init)
      if rest.suffix(words.count) == words[...] {
        self.part = part
        rest.removeLast(words.count)
        break
      }
    }
    if rest.count > 1, let kind = LifetimeKind(rawValue: rest[0]) {
      lifetime = kind
      rest.removeFirst()
    }
    let route = rest.firstIndex { Route(rawValue: $0) != nil }
    // Only of a lifetime there are numbers without a quantity.
    let count = Column.count(rest) ?? (route == 0 && lifetime == nil ? nil : route) ?? rest.count
    quantity = rest.prefix(count).joined(separator: ".")
    rest.removeFirst(count)
    let words = quantity.split(separator: "_", maxSplits: 1)
    if words.count == 2, Column.levelled.contains(String(words[0])) {
      let ends = words[1].split(separator: "_")
      if let level = Level(rawValue: String(words[1])) {
        (quantity, self.level) = (String(words[0]), level)
      } else if ends.count == 2, let level = Level(rawValue: String(ends[0])) {
        (quantity, self.level, number) = (String(words[0]), level, Int(ends[1]))
      }
    }
    if isTorque, let kind = rest.first.flatMap(LifetimeKind.init) {
      lifetime = kind
      rest.removeFirst()
    }
    if let route = rest.first.flatMap(Route.init) {
      self.route = route
      rest.removeFirst()
    }
    if let unit = rest.last.flatMap(SIUnit.init) {
      self.unit = unit
      rest.removeLast()
    }
    if !rest.isEmpty { share = rest.joined(separator: ".") }
    // Another program's.
    if self.name != name { self = Column(name) }
  }

  /// How many words the name of a response or torque has; nil of anything else.
  private static func count(_ words: [String]) -> Int? {
    guard let first = words.first else { return nil }
    if Column(first).isTorque { return 1 }
    // Two words are a spin's.
    return [2, 1, 3].first {
      guard $0 <= words.count else { return false }
      let name = words[..<$0].joined(separator: ".")
      return Response(name) != nil || CollinearResponse.isName(name)
    }
  }

  /// What has a band or component in its name.
  private static let levelled = ["dos", "states", "Sigma", "E"]

  // MARK: Meaning

  /// The torque, if it is one.
  private var torque: TorqueKind? { TorqueKind.allCases.first { $0.quantity == quantity } }
  private var isTorque: Bool { torque != nil }

  /// Whether it is a conductivity, or at Matsubara frequencies and at omega = 0 its Pi.
  var isConductivity: Bool {
    Response(quantity)?.isConductivity == true || ["sigma.up", "sigma.down"].contains(quantity)
  }
  /// Whether it is the Pi of a conductivity.
  var isPolarisation: Bool {
    isConductivity
      && (route == .sum || route == .spectral || part == .fixed || part == .fixedImaginary)
  }

  /// Whether it is a closed form with a pole at omega = 2 J.
  var hasPole: Bool {
    (route == .closed || route == .closedPrinted)
      && (torque?.closedForm ?? Response(quantity)?.closedForm)?.isNonadiabatic == true
  }

  /// What stands in one panel of a picture: the quantity without its route.
  package var content: Column {
    Column(
      quantity, lifetime: isTorque ? nil : lifetime, part: part?.isQuantity == true ? part : nil)
  }

  /// How it is reached: what tells curves of a panel apart.
  var variant: Column {
    var column = self
    (column.quantity, column.unit, column.part) = ("", nil, nil)
    if !isTorque { column.lifetime = nil }
    return column
  }

  /// Whether it is drawn unless another choice is made: no copy in other units, and no value that belongs to others.
  var isMain: Bool {
    unit == nil && part?.isQuantity != true && !Column.secondary.contains(quantity)
  }
  private static let secondary: Set<String> = [
    "k_x", "k_y", "k_z", "omega_THz", "omega_l_THz", "temperature_K", "interpolated",
  ]

  /// The part whose error it bounds, where it does.
  var bounded: Part? { part == .productError ? .product : nil }

  /// Which of the columns bounds its error; none that of bounds and residuals.
  package func bound(in columns: [String]) -> Int? {
    if part?.isError == true || part == .residual { return nil }
    let own = with(part == .product ? .productError : .error)
    var whole = own
    (whole.level, whole.number) = (nil, nil)
    let places = [own, whole] + (quantity == "Sigma" ? [Column(part: .error)] : [])
    return places.lazy.compactMap { columns.firstIndex(of: $0.name) }.first
  }
}

extension TorqueKind {
  /// Its name in tables.
  var quantity: String { "tau_\(rawValue)" }
}
