// SPDX-License-Identifier: GPL-3.0-or-later
// Times the loops of CZoneSums on one thread and prints rows of a Markdown table: function, case, ns,
// per what. The first argument is the number of runs, whose median counts.
import CZoneSums

let runs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 5
/// As many stars as the zone sums pass at a time.
let stars = 512
let blocks = stars / Int(ZONE_BLOCK)

/// Values that stay where they are.
func kept<T>(_ values: [T]) -> UnsafeMutablePointer<T> {
  let p = UnsafeMutablePointer<T>.allocate(capacity: values.count)
  p.initialize(from: values, count: values.count)
  return p
}

func kept(_ values: Int32...) -> UnsafeMutablePointer<Int32> { kept(values) }

/// `count` numbers that fill a range evenly, in an order that `ratio` decides.
func spread(_ count: Int, _ low: Double, _ high: Double, ratio: Double = 0.6180339887) -> [Double] {
  (1...count).map { low + (high - low) * (Double($0) * ratio).truncatingRemainder(dividingBy: 1) }
}

func zeros(_ count: Int) -> UnsafeMutablePointer<Double> {
  kept([Double](repeating: 0, count: count))
}

func measure(_ function: String, _ name: String, per: String, count: Int, _ body: () -> Void) {
  let clock = ContinuousClock()
  let once = clock.measure(body)
  let repeats = max(1, Int(Duration.milliseconds(200) / once))
  let times = (0..<runs).map { _ in
    clock.measure { for _ in 0..<repeats { body() } } / .nanoseconds(repeats * count)
  }.sorted()
  print("| `\(function)` | \(name) | \((10 * times[runs / 2]).rounded() / 10) | \(per) |")
}

/// The conductivity of the square lattice: one loop of two currents, of whose four pairs of bands
/// three matter on the contour of one band; four images of each star.
func measureTraces() {
  let imaginary = spread(stars, -0.02, 0.02, ratio: 0.7548776662)
  let f = kept(
    spread(stars, 0, 0.5) + imaginary + spread(stars, 0, 0.5, ratio: 0.5698402910) + imaginary)
  let weights = kept([Double](repeating: 1, count: 2 * stars))
  let (slots, hopping, gap) = (zeros(stars * 3 * 3), zeros(2 * stars), zeros(2 * stars))
  let exponents: [Int32] = [0, 0, 0, -1, -1, 0, 0, -1, 0, -1, 0, 0, 1, 0, 0, 0, 1, 0]
  var program = ZoneTraces(
    dimension: 2, exchange: 0.5, inter_count: 4, intra_count: 2, operation_count: 4,
    largest_exponent: 1, exponents: kept(exponents + exponents + exponents + exponents),
    hops: kept([1, 1, 0, 1, -1, 0, 1, 0, 1, 1, 0, -1, 0.2, 1, 1, 0.2, 1, -1]),
    operation_weight: kept([1.0, 1, 1, 1]), vertex_count: 2,
    vertex_matrix: kept([ZONE_CURRENT_I, ZONE_CURRENT_J].map { Int32($0.rawValue) }),
    vertex_flips: kept(0, 0), vertex_factor: kept([1.0, 1]), loop_count: 1, loop_size: kept(2),
    loop_vertices: kept(0, 1, 0), loop_parity: kept(1),
    // For each spin the bands 0 to 2 of 8.
    entry_start: kept(0, 1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 6, 6, 6, 6, 6, 6),
    entry_slot: kept(0, 1, 2, 0, 1, 2), entry_over_gap: kept(0, 0, 0, 0, 0, 0),
    entry_factor: kept([1.0, 1, 1, 1, 1, 1]), slot_count: 3)
  measure("zone_traces", "sigma, square", per: "point", count: 4 * stars) {
    zone_traces(&program, blocks, f, weights, slots, hopping, gap)
  }
}

/// l(p) at temperature T, without the small terms that `MatsubaraPoles` adds.
func logarithm(temperature: Double, poles: Int) -> ZoneLogarithm {
  let spacing = 2 * Double.pi * temperature
  return ZoneLogarithm(
    shift_re: 0, shift_im: -spacing * Double(poles), count: Int32(poles), offset_re: zeros(poles),
    offset_im: kept((0..<poles).map { -spacing * (Double($0) + 0.5) }), weight_re: zeros(poles),
    weight_im: kept([Double](repeating: -spacing, count: poles)))
}

/// Stars of a lower band, or of the upper one, with slots for some functions in each channel.
func contour(functions: [Int32], channels: Int, isUpper: Bool) -> ZoneContour {
  let sign = isUpper ? 1.0 : -1.0
  let slots = functions.count * channels
  return ZoneContour(
    blocks: blocks,
    energy: kept(spread(stars, -3, 3) + spread(stars, -0.5, 0, ratio: 0.7548776662)),
    difference: kept(spread(stars, sign, 5 * sign) + spread(stars, -0.2, 0.2, ratio: 0.5698402910)),
    slots: kept(spread(3 * stars * slots, 0, 1)), slot_count: Int32(slots),
    channel_count: Int32(channels),
    slot_channel: kept((0..<slots).map { Int32($0 / functions.count) }),
    slot_function: kept((0..<slots).map { functions[$0 % functions.count] }))
}

func measureContour() {
  let omegas = (1...100).map { 0.03 * Double($0) }
  let count = stars * omegas.count
  let per = "star and omega"
  let sigma = contour(functions: [0, 3, 6], channels: 1, isUpper: true)
  let many = contour(functions: Array(0..<9), channels: 8, isUpper: true)
  let (sums, statics) = (zeros(omegas.count * 2 * 8), zeros(2 * 8))
  func run(_ name: String, _ stars: ZoneContour, _ poles: ZoneLogarithm, _ split: ZoneSplit) {
    let splits = [ZoneSplit](repeating: split, count: omegas.count)
    var (stars, poles) = (stars, poles)
    measure("zone_contour", name, per: per, count: count) {
      zone_contour(
        &stars, &poles, 0.05, 1, Int32(omegas.count), omegas, splits, sums, statics, nil, nil,
        nil, nil)
    }
  }
  let cold = logarithm(temperature: 0, poles: 0)
  let warm = logarithm(temperature: 0.02, poles: 15)
  let whole = ZoneSplit(kind: ZONE_LEAVES_NOTHING, width: 0)
  let strip = ZoneSplit(kind: ZONE_LEAVES_STRIP, width: 0.3)
  run("T = 0, 3 slots", sigma, cold, whole)
  run("T = 0, 3 slots, strip", sigma, cold, strip)
  run("T = 0, 72 slots", many, cold, whole)
  run("15 poles, 3 slots", sigma, warm, whole)

  var lower = contour(functions: [0], channels: 1, isUpper: false)
  var poles = cold
  let splits = [ZoneSplit](repeating: strip, count: omegas.count)
  measure("zone_resonance", "T = 0, 1 slot", per: per, count: count) {
    zone_resonance(
      &lower, &poles, 0.05, Int32(omegas.count), omegas, splits, ZONE_BOTH, sums, nil, nil)
  }
}

/// 4 and 40 sums of eight slots: for scba dealt over the products of a propagator at z1 and one at z2,
/// for site all with 1/D_1 D_2.
func measureLoopSums() {
  let table = ZoneStars(
    weight: kept([Double](repeating: 1, count: stars)), first: kept(spread(stars, -3, 0)),
    second: kept(spread(stars, 0.3, 3)), blocks: blocks)
  let slots = spread(8 * stars, 0, 1)
  let pairs = (0..<8).map { n in
    let z = ZoneComplex(re: 0.1 * Double(n), im: 0.05)
    return ZonePair(first1: z, second1: z, first2: z, second2: z)
  }
  var values = [ZoneComplex](repeating: ZoneComplex(re: 0, im: 0), count: 40 * pairs.count)
  func run(_ name: String, _ kind: ZoneKind, products: Int32, sums: Int) {
    let plan = (0..<sums).flatMap { [Int32($0 % 8), 4 + Int32($0) % products] }
    measure("zone_loop_sums", name, per: "star and pair", count: stars * pairs.count) {
      zone_loop_sums(
        kind, table, pairs, Int32(pairs.count), [0, 0, 1, 1], [2, 3, 2, 3], products, slots, 8,
        plan, Int32(sums), &values, nil)
    }
  }
  for sums in [4, 40] {
    run("scba, \(sums) sums", ZONE_SCBA, products: 4, sums: sums)
    run("site, \(sums) sums", ZONE_SITE, products: 1, sums: sums)
  }
}

measureTraces()
measureContour()
measureLoopSums()
