// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// How the numbers of a map become colours.
public struct ColorScale: Sendable {
  /// Whether equal ratios are equal steps of colour; around zero, where numbers have both signs, equal differences.
  public var isLogarithmic: Bool
  /// Whether lines are drawn where the numbers are those at the bar.
  public var hasContours: Bool
  /// From where to where; what is beyond has the colour of the end. By the data if nil.
  public var range: ClosedRange<Double>?

  /// A scale.
  public init(
    isLogarithmic: Bool = false, hasContours: Bool = false, range: ClosedRange<Double>? = nil
  ) {
    (self.isLogarithmic, self.hasContours, self.range) = (isLogarithmic, hasContours, range)
  }

  /// The bar of numbers from `low` to `high`, whose smallest magnitude above 0 is `smallest`.
  func bar(_ low: Double, _ high: Double, smallest: Double?) -> Bar {
    let isSigned = range.map { $0.lowerBound < 0 && $0.upperBound > 0 } ?? (low < 0 && high > 0)
    let reach = max(abs(low), abs(high))
    var (from, to) =
      range.map { ($0.lowerBound, $0.upperBound) }
      ?? (isSigned ? (-reach, reach) : low < high ? (low, high) : (low - 1, high + 1))
    guard isLogarithmic, let smallest, from != to else {
      return Bar(kind: .linear, low: from, high: to, isSigned: isSigned)
    }
    let end = max(abs(from), abs(to))
    if isSigned {
      let floor = max(smallest, end * ColorScale.leastOfSigned)
      return Bar(kind: .symmetric(floor), low: from, high: to, isSigned: true)
    }
    // What is zero has the colour of the end too.
    let floor = max(smallest, end * ColorScale.least)
    if from >= 0 {
      from = max(from, min(floor, to / 10))
    } else {
      to = min(to, -min(floor, -from / 10))
    }
    return Bar(kind: from > 0 ? .positive : .negative, low: from, high: to, isSigned: false)
  }

  /// The smallest magnitude with a colour of its own, as a part of the largest.
  private static let least = 1e-6
  /// The magnitude up to which the colour is linear, where there are both signs.
  private static let leastOfSigned = 1e-3

  /// The bar beside a map.
  struct Bar {
    enum Kind {
      case linear, positive, negative
      /// Linear below a magnitude, logarithmic above.
      case symmetric(Double)
    }

    let kind: Kind
    let low, high: Double
    let isSigned: Bool
    /// Whether it is without colours.
    var isGrey = false

    /// What can be told from all colours.
    var contourInk: String { isSigned || isGrey ? Ink.black.rawValue : "#ffffff" }

    /// The numbers at the bar.
    var ticks: [Double] {
      switch kind {
      case .linear:
        let step = Picture.step((high - low) / 6)
        return Picture.places(from: low, to: high, by: step)
      case .positive: return ColorScale.decades(low, high)
      case .negative: return ColorScale.decades(-high, -low).map { -$0 }
      case .symmetric(let floor):
        let own = ColorScale.decades(floor, max(-low, high), atLeast: 1)
        return own.reversed().map { -$0 }.filter { $0 >= low } + [0] + own.filter { $0 <= high }
      }
    }

    /// Sets palette, scale and numbers; gnuplot calls the number of a colour z.
    func draw(in script: inout Script) {
      script.add("set palette defined (\(isGrey ? Palette.greys : Palette.stops(isSigned)))")
      switch kind {
      case .linear: break
      case .positive: script.add("set logscale cb")
      case .negative: script.add("set nonlinear cb via -log10(-z) inverse -10**(-z)")
      case .symmetric(let floor):
        script.add("set nonlinear cb via asinh(z/\(floor)) inverse \(floor)*sinh(z)")
      }
      script.range("cb", low, high)
      guard !isLinear else { return script.add("set cbtics \(Picture.step((high - low) / 6))") }
      let labels = ticks.map { "'\(Bar.label($0))' \($0)" }
      script.add("set cbtics (\(labels.joined(separator: ", ")))", "unset mcbtics")
    }

    func drawContours(in script: inout Script) {
      // Where the sign changes lines of small numbers would lie on each other.
      let least = isSigned && !isLinear ? max(-low, high) / 50 : -1
      let levels = ticks.filter { $0 > low && $0 < high && abs($0) > least }.map { "\($0)" }.joined(
        separator: ",")
      script.add(
        "set contour base", "set cntrlabel onecolor", "set cntrparam levels discrete \(levels)")
    }

    private var isLinear: Bool { if case .linear = kind { true } else { false } }

    /// As in −5·10^{−3}, 0.2 or 10.
    private static func label(_ value: Double) -> String {
      let size = abs(value)
      if size == 0 || size >= 0.01 && size < 1000 {
        return String(format: "%g", value).replacing("-", with: "\u{2212}")
      }
      let power = Int((log10(size) + 1e-9).rounded(.down))
      let factor = (size / pow(10, Double(power))).rounded()
      let text = (factor == 1 ? "" : "\(Int(factor))\u{b7}") + "10^{\(power)}"
      return ((value < 0 ? "-" : "") + text).replacing("-", with: "\u{2212}")
    }
  }

  /// Powers of ten between two numbers above 0, of few also their two- and fivefold.
  static func decades(_ low: Double, _ high: Double, atLeast few: Int = 3) -> [Double] {
    let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    var all: [Double] = []
    for power in powers {
      for factor in [1.0, 2, 5] {
        let value = factor * pow(10, Double(power))
        if value >= low * (1 - 1e-9), value <= high * (1 + 1e-9) { all.append(value) }
      }
    }
    let tens = all.filter { abs(log10($0) - log10($0).rounded()) < 1e-9 }
    return tens.count >= few ? tens : all
  }
}
