// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboTestSupport
import KuboDiagrams
import RealModule
import Testing

@Suite struct BubbleTests {
  /// The sums over poles by C against the obvious ones, at random energies and at the awkward places: equal
  /// and nearly equal bands, omega = 0, tiny, at the interband resonance and next to it. Both state what rounding
  /// leaves.
  @Test(arguments: [(0.0, 0.05), (0.02, 0.05), (0.0, 1e-4), (0.2, 1e-5), (0.01, 0.5)])
  func fastEqualsObvious(_ temperature: Double, _ broadening: Double) {
    let poles = MatsubaraPoles(temperature: temperature, broadening: broadening, reach: 30)
    let exact = ClosedFormBubble(
      line: FermiLogarithm(temperature: temperature, broadening: broadening, reach: 30))
    var generator = SeededGenerator(2)
    for n in 0..<600 {
      let middle = Double.random(in: -3...3, using: &generator)
      let half =
        n % 7 == 0
        ? Double.pow(10, Double.random(in: -12 ... -1, using: &generator))
        : Double.random(in: 0.05...3, using: &generator)
      let x = BandPair(bonding: middle - half, antibonding: middle + half)
      let sign = Bool.random(using: &generator) ? 1.0 : -1.0
      let omega =
        switch n % 5 {
        case 0: sign * 2 * half
        case 1:
          sign * 2 * half * (1 + Double.pow(10, Double.random(in: -14 ... -1, using: &generator)))
        case 2:
          n % 2 == 0 ? 0 : sign * Double.pow(10, Double.random(in: -12...0, using: &generator))
        default: Double.random(in: -6...6, using: &generator)
        }
      let fast = PoleBubbles(x, omega: omega, poles, broadening: broadening)
      // A pole x - omega, rounded, moves by eps |x| over the width of a level.
      let energies = 2e-16 * (abs(x.bonding) + abs(x.antibonding) + abs(omega)) / broadening
      for (b, bubble) in Bubble.known.enumerated() {
        let quotient = exact.dynamicQuotient(bubble, x, omega: omega)
        #expect(
          (fast.quotients[b] - quotient).length
            <= (5e-14 + energies) * fast.moduli[b] + exact.rounding(bubble, x, omega: omega),
          "\(bubble) x = \(x) omega = \(omega)")
        #expect(
          abs(fast.statics[b] - exact.staticPart(bubble, x))
            <= (5e-14 + energies) * fast.staticModuli[b] + exact.rounding(bubble, x, omega: nil),
          "\(bubble) x = \(x)")
      }
    }
  }

  /// What rounding leaves of the obvious form, four propagators included: in another unit of energy, in which all
  /// inputs are exact too, it leaves something else.
  @Test(arguments: [0, 0x1p-6], [0x1p-3, 0x1p-7, 0x1p-11])
  func rounding(_ temperature: Double, _ broadening: Double) {
    let unit = 1.25
    let bubbles = [1, unit].map {
      ClosedFormBubble(
        line: FermiLogarithm(
          temperature: temperature * $0, broadening: broadening * $0, reach: 30 * $0))
    }
    let pairs: [[Band]] = [[.bonding, .bonding], [.bonding, .antibonding]]
    let loops =
      Bubble.known + pairs.flatMap { a in pairs.map { Bubble(plus: a, inner: $0) } }
      + Band.allCases.flatMap { s in
        pairs.map { Bubble(plus: [s], inner: [.antibonding] + $0) }
      }
    var generator = SeededGenerator(5)
    var largest = 0.0
    for n in 0..<400 {
      func number(_ range: ClosedRange<Double>) -> Double {
        (Double.random(in: range, using: &generator) * 0x1p20).rounded() * 0x1p-20
      }
      let (lower, gap) = (number(-3...3), n % 3 == 0 ? 0x1p-20 : number(0...3))
      let omega = [gap, -gap, gap + 0x1p-20, 0, number(-4...4), number(-0.01...0.01)][n % 6]
      for bubble in loops {
        let power = Double(bubble.plus.count + bubble.inner.count)
        for omega in [nil, omega] {
          var values: [ComplexDouble] = []
          var bound = 0.0
          for (closed, unit) in zip(bubbles, [1, unit]) {
            let x = BandPair(bonding: lower * unit, antibonding: (lower + gap) * unit)
            let scale = Double.pow(unit, omega == nil ? power - 1 : power)
            let value =
              omega.map { closed.dynamicQuotient(bubble, x, omega: $0 * unit) }
              ?? ComplexDouble(closed.staticPart(bubble, x))
            values.append(value.multiplied(by: scale))
            bound += scale * closed.rounding(bubble, x, omega: omega.map { $0 * unit })
          }
          largest = max(largest, (values[0] - values[1]).length / bound)
          #expect(
            (values[0] - values[1]).length <= bound,
            "\(bubble) x = \(lower), \(lower + gap) omega = \(omega ?? .nan)")
        }
      }
    }
    // The bound says something.
    #expect(largest > 0.01)
  }

  /// What `zone_bubbles` makes of one star with weight 1 for each bubble.
  private struct PoleBubbles {
    let statics, staticModuli, moduli: [Double]
    let quotients: [ComplexDouble]

    init(_ x: BandPair, omega: Double, _ poles: MatsubaraPoles, broadening: Double) {
      let (count, block) = (Bubble.known.count, Int(ZONE_BLOCK))
      func first(_ value: Double) -> [Double] { [value] + Array(repeating: 0, count: block - 1) }
      let energies = first(x.bonding) + first(x.antibonding - x.bonding)
      let input = energies + (0..<count).flatMap { _ in first(1) + first(0) + first(1) }
      let numbers = (0..<count).map(Int32.init)
      var logarithm = poles.logarithm
      var output = [Double](repeating: 0, count: 5 * count)
      output.withUnsafeMutableBufferPointer { output in
        input.withUnsafeBufferPointer { input in
          numbers.withUnsafeBufferPointer { numbers in
            let (from, to) = (input.baseAddress!, output.baseAddress!)
            var contour = ZoneContour(
              blocks: 1, energy: from, difference: from + block, slots: from + 2 * block,
              slot_count: Int32(count), channel_count: Int32(count),
              slot_channel: numbers.baseAddress, slot_function: numbers.baseAddress)
            var target = ZoneBubbleSums(
              statics: to, sums: to + 3 * count, static_sizes: nil, sizes: nil,
              static_rounding: to + count, rounding: to + 2 * count)
            zone_bubbles(&contour, 1, &logarithm, broadening, 1, [omega], 0, &target)
          }
        }
      }
      statics = Array(output[..<count])
      staticModuli = Array(output[count..<(2 * count)])
      moduli = Array(output[(2 * count)..<(3 * count)])
      quotients = (0..<count).map {
        ComplexDouble(output[3 * count + 2 * $0], output[3 * count + 2 * $0 + 1])
      }
    }
  }

  /// K(-omega) for a bubble is K(omega)* of the bubble with g+ and g exchanged.
  @Test func exchangeOfFrequencies() {
    let exact = ClosedFormBubble(
      line: FermiLogarithm(temperature: 0.03, broadening: 0.07, reach: 20))
    let x = BandPair(bonding: -0.7, antibonding: 0.4)
    for bubble in Bubble.known {
      let exchanged = Bubble(plus: bubble.inner, inner: bubble.plus)
      for omega in [0.0, 1e-6, 0.2, 1.1, 2.5] {
        // The quotients change sign with omega.
        let a = exact.dynamicQuotient(bubble, x, omega: omega)
        let b = exact.dynamicQuotient(exchanged, x, omega: -omega)
        #expect((a + b.conjugate).length <= 1e-12 * (1 + a.length))
      }
    }
  }
}
