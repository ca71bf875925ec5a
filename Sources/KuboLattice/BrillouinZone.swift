// SPDX-License-Identifier: GPL-3.0-or-later
import KuboWork
import RealModule

/// The first Brillouin zone: all k that are nearer to 0 than to any other reciprocal lattice vector,
///
///     k.G <= G^2/2    for all G,
///
/// with its centre and the centres of its faces, the middles of its edges and its corners; in two
/// dimensions the faces are the edges, in one the ends.
///
/// A face belongs to each G whose half is nearer to 0 and G than to all others (Voronoi). Lengths are
/// compared within 1e-9. Wave vectors are Cartesian, in inverse units of length; G_a.a_b = 2 pi delta_ab
/// with the lattice vectors a_b (docs/lattices.md).
public struct BrillouinZone: Sendable {
  /// What a point of high symmetry is.
  public enum Kind: Sendable {
    /// k = 0.
    case centre
    /// G/2 on a face.
    case face
    /// The middle of an edge; three dimensions.
    case edge
    /// A corner; two and three dimensions.
    case corner
  }

  /// A point of high symmetry.
  public struct Point: Sendable {
    /// The usual letter in the zones that have one, as K of a hexagon; otherwise F, E, V for face,
    /// edge, corner. Points that no symmetry of the energies joins are numbered.
    public internal(set) var name: String
    /// Cartesian components, in inverse lengths.
    public let k: [Double]
    /// What it is.
    public let kind: Kind
    /// The faces it lies on.
    let faces: Set<Int>
    /// Points of one class have equal energies.
    var symmetryClass = 0
  }

  /// All points, the centre k = 0 first: k = G/2 on faces, and corners where k.G = G^2/2 for as many G as
  /// there are dimensions.
  public private(set) var points: [Point]
  /// The G of each face.
  let normals: [[Double]]

  /// The lattice vectors, and the symmetries of the energies.
  private let lattice: [[Double]]
  private let operations: [[[Int]]]

  /// The zone of the model's magnetic cell, bounded by the planes k.G = G^2/2.
  public init(_ model: Model) {
    self.init(model.latticeVectors, model.reciprocalVectors, model.energySymmetries())
  }

  /// The zone of a cell with orbitals.
  public init(_ model: OrbitalModel) {
    self.init(model.latticeVectors, model.reciprocalVectors, model.energySymmetries())
  }

  private init(
    _ lattice: [[Double]], _ reciprocal: [[Double]], _ operations: [ReciprocalOperation]
  ) {
    (self.lattice, self.operations) = (lattice, operations.map(\.rows))
    let d = lattice.count
    let vectors = BrillouinZone.latticePoints(reciprocal)
    func square(_ v: [Double]) -> Double { dot(v, v) }
    let size = vectors.map(square).min()!
    // G is a face's if no lattice point is as near to G/2 as 0 and G.
    let normals = vectors.filter { g in
      vectors.allSatisfy { other in
        zip(other, g).allSatisfy { abs($0 - $1) < 1e-9 * size.squareRoot() }
          || square(zip(other, g).map { $0 - $1 / 2 }) > square(g) / 4 + 1e-9 * size
      }
    }.sorted { square($0) < square($1) * (1 - 1e-9) }
    self.normals = normals
    func faces(_ k: [Double]) -> Set<Int> {
      Set(
        normals.indices.filter { abs(dot(k, normals[$0]) - square(normals[$0]) / 2) < 1e-8 * size })
    }
    func isInside(_ k: [Double]) -> Bool {
      normals.allSatisfy { dot(k, $0) <= square($0) / 2 + 1e-8 * size }
    }
    var points = [Point(name: "Γ", k: Array(repeating: 0, count: d), kind: .centre, faces: [])]
    for g in normals {
      let k = g.map { $0 / 2 }
      points.append(Point(name: "", k: k, kind: .face, faces: faces(k)))
    }
    var corners: [Point] = []
    if d > 1 {
      for chosen in BrillouinZone.subsets(of: d, normals.count) {
        let rows = chosen.map { normals[$0] }
        guard let k = solution(rows, rows.map { square($0) / 2 }, tolerance: 1e-9), isInside(k),
          !corners.contains(where: { isNear($0.k, k, size) })
        else { continue }
        corners.append(Point(name: "", k: k, kind: .corner, faces: faces(k)))
      }
    }
    if d == 3 {
      for (n, a) in corners.enumerated() {
        for b in corners[(n + 1)...] where a.faces.intersection(b.faces).count > 1 {
          let k = zip(a.k, b.k).map { ($0 + $1) / 2 }
          points.append(Point(name: "", k: k, kind: .edge, faces: faces(k)))
        }
      }
    }
    self.points = points + corners
    classify()
    name()
  }

  /// The vectors of the lattice, not 0, up to twice those of a reduced basis.
  private static func latticePoints(_ vectors: [[Double]]) -> [[Double]] {
    let basis = shortBasis(vectors)
    let count = basis.reduce(1) { n, _ in 5 * n }
    return (0..<count).map { code in
      combination(basis.indices.map { (code / [1, 5, 25][$0]) % 5 - 2 }, basis)
    }.filter { $0.contains { $0 != 0 } }
  }

  private static func subsets(of d: Int, _ count: Int) -> [[Int]] {
    let larger = (0..<count).map { a in (0..<count).filter { $0 > a } }
    let pairs = larger.enumerated().flatMap { a, others in others.map { [a, $0] } }
    return d == 2 ? pairs : pairs.flatMap { pair in larger[pair[1]].map { pair + [$0] } }
  }

  /// Points that a symmetry of the energies joins, up to reciprocal lattice vectors, share a class.
  private mutating func classify() {
    func reduced(_ k: [Double]) -> [Double] { lattice.map { dot($0, k) / (2 * .pi) } }
    var representatives: [[Double]] = []
    for n in points.indices {
      let f = reduced(points[n].k)
      let images = operations.map { rows in
        rows.map { row in zip(row, f).reduce(0) { $0 + Double($1.0) * $1.1 } }
      }
      let known = representatives.firstIndex { r in
        images.contains { image in
          zip(image, r).allSatisfy { abs(($0 - $1) - ($0 - $1).rounded()) < 1e-7 }
        }
      }
      points[n].symmetryClass = known ?? representatives.count
      if known == nil { representatives.append(f) }
    }
  }

  private mutating func name() {
    for n in points.indices.dropFirst() { points[n].name = letter(points[n]) }
    var classes: [String: [Int]] = [:]
    for point in points where !(classes[point.name] ?? []).contains(point.symmetryClass) {
      classes[point.name, default: []].append(point.symmetryClass)
    }
    for n in points.indices {
      let own = classes[points[n].name]!
      if own.count > 1 { points[n].name += "\(own.firstIndex(of: points[n].symmetryClass)! + 1)" }
    }
  }

  /// The letter of a point in the zones of the most symmetric lattices, by their shape.
  private func letter(_ point: Point) -> String {
    let lengths = normals.map { dot($0, $0).squareRoot() }
    func areEqual(_ range: Range<Int>) -> Bool {
      range.allSatisfy { abs(lengths[$0] / lengths[range.lowerBound] - 1) < 1e-9 }
    }
    let other = [Kind.face: "F", .edge: "E", .corner: "V"][point.kind] ?? "Γ"
    switch (normals[0].count, normals.count) {
    case (1, _): return "X"
    case (2, 4):
      return areEqual(0..<4)
        ? (point.kind == .face ? "X" : "M")
        : (point.kind == .face ? (point.faces.contains { $0 < 2 } ? "X" : "Y") : "S")
    case (2, 6) where areEqual(0..<6): return point.kind == .face ? "M" : "K"
    case (3, 6) where areEqual(0..<6):
      return point.kind == .face ? "X" : point.kind == .edge ? "M" : "R"
    case (3, 12) where areEqual(0..<12):
      return point.kind == .face
        ? "N" : point.kind == .edge ? other : point.faces.count == 4 ? "H" : "P"
    case (3, 14)
    where areEqual(0..<8) && areEqual(8..<14)
      && abs(lengths[8] / lengths[0] - 2 / 3.0.squareRoot()) < 1e-9:
      let hasSquare = point.faces.contains { $0 >= 8 }
      return switch point.kind {
      case .face: hasSquare ? "X" : "L"
      case .edge: hasSquare ? "U" : "K"
      default: "W"
      }
    default: return other
    }
  }

  /// A path through points of every class: from the centre k = 0 to a face, an edge of it, a corner of that,
  /// and again for each face of another class, edges and corners of classes not yet seen first.
  public var path: [Point] {
    // The largest components first: what one would write down.
    func before(_ a: Point, _ b: Point) -> Bool {
      for (x, y) in zip(a.k, b.k) where abs(x - y) > 1e-9 * (abs(x) + abs(y)) { return x > y }
      return false
    }
    let sorted = points.sorted(by: before)
    var path = [points[0]]
    var seen: Set<Int> = []
    for face in normals.indices.compactMap({ n in
      sorted.first { $0.kind == .face && $0.faces == [n] }
    }).sorted(by: before)
    where seen.insert(face.symmetryClass).inserted {
      if path.count > 1 { path.append(points[0]) }
      path.append(face)
      for kind in [Kind.edge, .corner] {
        let near = sorted.filter { $0.kind == kind && $0.faces.isSuperset(of: path.last!.faces) }
        let names = path.map(\.name)
        guard
          let next = near.first(where: { !seen.contains($0.symmetryClass) })
            ?? near.first(where: { !names.contains($0.name) }) ?? near.first
        else { continue }
        seen.insert(next.symmetryClass)
        path.append(next)
      }
    }
    return normals[0].count == 1 ? path : path + [points[0]]
  }

  /// The name of the wave vector with reduced coordinates `f`, that of a point of high symmetry if it is
  /// one up to symmetries and reciprocal vectors.
  public func name(reduced f: [Double]) -> String {
    let images = operations.map { rows in
      rows.map { row in zip(row, f).reduce(0) { $0 + Double($1.0) * $1.1 } }
    }
    let point = points.first { point in
      let own = lattice.map { dot($0, point.k) / (2 * .pi) }
      return images.contains { image in
        zip(image, own).allSatisfy { abs(($0 - $1) - ($0 - $1).rounded()) < 1e-7 }
      }
    }
    return point?.name ?? "(\(f.map { significant($0) }.joined(separator: ",")))"
  }

  /// The equivalent k' = k + G of `k` in the zone.
  public func folded(_ k: [Double]) -> [Double] {
    var k = k
    var isInside = false
    while !isInside {
      isInside = true
      for g in normals {
        let n = (dot(k, g) / dot(g, g)).rounded()
        if n != 0, abs(dot(k, g) / dot(g, g)) > 0.5 + 1e-9 {
          k = zip(k, g).map { $0 - n * $1 }
          isInside = false
        }
      }
    }
    return k
  }

  /// In two dimensions the corners in order, around the centre; neighbours share one line k.G = G^2/2.
  public var outline: [[Double]] {
    points.filter { $0.kind == .corner }.map(\.k).sorted {
      Double.atan2(y: $0[1], x: $0[0]) < Double.atan2(y: $1[1], x: $1[0])
    }
  }
}

/// The same lattice in vectors that are short.
func shortBasis(_ vectors: [[Double]]) -> [[Double]] {
  var basis = vectors
  // Shorten each by the others as long as that does something: by whole multiples, then by sums.
  var isReduced = false
  while !isReduced {
    isReduced = true
    for (a, c) in (0..<basis.count).flatMap({ a in (0..<basis.count).map { (a, $0) } })
    where a != c {
      let n = (dot(basis[a], basis[c]) / dot(basis[c], basis[c])).rounded()
      guard abs(n) > 1 else { continue }
      basis[a] = zip(basis[a], basis[c]).map { $0 - n * $1 }
      isReduced = false
    }
    for (a, code) in (0..<basis.count).flatMap({ a in (0..<27).map { (a, $0) } }) {
      let n = (0..<basis.count).map { $0 == a ? 1 : [0, 1, -1][(code / [1, 3, 9][$0]) % 3] }
      let sum = combination(n, basis)
      if dot(sum, sum) < dot(basis[a], basis[a]) * (1 - 1e-9) {
        basis[a] = sum
        isReduced = false
      }
    }
  }
  return basis
}

private func combination(_ n: [Int], _ basis: [[Double]]) -> [Double] {
  basis[0].indices.map { i in n.indices.reduce(0) { $0 + Double(n[$1]) * basis[$1][i] } }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

private func isNear(_ a: [Double], _ b: [Double], _ square: Double) -> Bool {
  zip(a, b).allSatisfy { abs($0 - $1) < 1e-7 * square.squareRoot() }
}
